//! Follows the rules topic: decodes, compiles off the hot path, swaps in, and reports what became of it.
//!
//! Workspaces are compiled beside each other, by a few threads. What they come to settles in the order of offsets
//! ([`Line`]), so that an epoch stands for the same rules as if one thread had compiled one version after the other.

mod line;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use kilat_codec::{Encoder, Topic};
use kilat_domain::{RuleSetRecord, RuleSetStatus, Str};
use kilat_log::{Clock, LogError, PartitionedLog, Record, Start, Transaction, Writer};
use kilat_rules::{Document, RuleSet};
use kilat_telemetry::metrics::{self, Counter, Gauge, Histogram};
use rustc_hash::FxHashMap;
use tracing::{error, info, warn};

use crate::registry::Registry;
use line::{Line, Outcome, Told};

/// How long a poll waits for what is published.
const POLL: Duration = Duration::from_millis(100);
/// How long it waits while rule sets are compiled, whose verdicts are to be told.
const BUSY_POLL: Duration = Duration::from_millis(5);
/// Most threads that compile.
const COMPILERS_MAX: usize = 4;
/// How far threads that compile stand behind the others where cores are short: a quarter of a worker's share. A set of 10,000 rules
/// takes a core for a third of a second, and events would wait for it.
#[cfg(target_os = "linux")]
const COMPILERS_NICENESS: i32 = 5;
/// Most versions that wait or are compiled before more are read.
const UNSETTLED_MAX: usize = 1_024;

/// Follows the rules topic for the lifetime of a service.
pub(crate) struct RulesFollower {
    log: Arc<dyn PartitionedLog>,
    instance: String,
    /// Threads that compile; where there are none the follower does it, between two polls.
    threads: usize,
    encoder: Encoder,
    compilers: Compilers,
}

/// What the follower and the threads that compile share.
struct Compilers {
    registry: Arc<Registry>,
    clock: Arc<dyn Clock>,
    board: Mutex<Board>,
    /// There is something to compile, or the end has come.
    work: Condvar,
    /// Something has settled.
    settled: Condvar,
    live: Gauge,
    refused: Counter,
    compile_seconds: Histogram,
}

struct Board {
    line: Line<Published, Option<Arc<RuleSet>>>,
    /// What settled and was not told yet.
    verdicts: Vec<Verdict>,
    has_ended: bool,
}

/// A record of the rules topic.
pub(crate) struct Published {
    pub(crate) workspace: String,
    pub(crate) hash: String,
    pub(crate) source: String,
}

/// A rule set that was published: live, or refused with the reasons.
struct Verdict {
    workspace: String,
    hash: String,
    refusal: Option<String>,
}

/// Ends the compiling when the follower ends, however it does.
struct Ending<'c>(&'c Compilers);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let mut board = self.0.board();
        board.has_ended = true;
        board.line.give_up();
        drop(board);
        self.0.work.notify_all();
    }
}

/// How many threads compile: workers need the cores too, so they take half of these at most.
pub(crate) fn compilers() -> usize {
    thread::available_parallelism().map_or(1, |cores| cores.get() / 2).clamp(1, COMPILERS_MAX)
}

/// Lets the other threads of the process go before this one. Source: setpriority(2), by which a niceness is a thread's on Linux;
/// elsewhere it is the whole process's.
fn stand_behind() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, COMPILERS_NICENESS) {
        info!(error = %error, "rule sets are compiled at the priority of the workers");
    }
}

impl RulesFollower {
    pub(crate) fn new(
        log: Arc<dyn PartitionedLog>,
        registry: Arc<Registry>,
        instance: String,
        threads: usize,
        clock: Arc<dyn Clock>,
    ) -> RulesFollower {
        RulesFollower { log, instance, threads, encoder: Encoder::new(), compilers: Compilers::new(registry, clock) }
    }

    /// Takes in rule sets until `stop`; `ready` is called once everything published before is live.
    pub(crate) fn run(mut self, stop: &AtomicBool, ready: &dyn Fn()) -> Result<(), LogError> {
        // The rules topic has one partition, so that an epoch is one offset.
        let mut follower = self.log.follow(Topic::Rules.name(), Some(&[0]), Start::Earliest)?;
        let mut status =
            self.log.writer(&format!("kilat-rule-status-{}", self.instance), &[Topic::RuleStatus.name().to_owned()])?;
        let compilers = &self.compilers;
        thread::scope(|scope| {
            let _ending = Ending(compilers);
            for _ in 0..self.threads {
                scope.spawn(|| {
                    stand_behind();
                    compilers.compile();
                });
            }
            let (mut awaited, mut told) = (None, false);
            let mut taken = 0;
            while !stop.load(Ordering::Relaxed) {
                let wait = if compilers.board().line.len() > 0 { BUSY_POLL } else { POLL };
                let followed = follower.poll(wait, &mut |record| {
                    taken = record.offset + 1;
                    compilers.take(&record);
                })?;
                if self.threads == 0 {
                    while compilers.compile_next() {}
                }
                if followed.caught_up && awaited.is_none() {
                    awaited = Some(taken);
                }
                // Until the rules of before are live there is nothing else to do; nor where too much waits already.
                while !stop.load(Ordering::Relaxed) && compilers.is_behind(awaited.filter(|_| !told)) {}
                report(&compilers.told(), compilers, &mut self.encoder, &mut *status)?;
                if awaited.is_some() && !told && !stop.load(Ordering::Relaxed) {
                    told = true;
                    ready();
                }
            }
            Ok(())
        })
    }
}

impl Compilers {
    fn new(registry: Arc<Registry>, clock: Arc<dyn Clock>) -> Compilers {
        let board = Board { line: Line::new(), verdicts: Vec::new(), has_ended: false };
        Compilers {
            registry,
            clock,
            board: Mutex::new(board),
            work: Condvar::new(),
            settled: Condvar::new(),
            live: metrics::RULE_SETS_LIVE.with([]),
            refused: metrics::RULE_SETS_REFUSED.with([]),
            compile_seconds: metrics::RULE_SET_COMPILE_SECONDS.with([]),
        }
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one record: what has to be compiled waits for a thread.
    fn take(&self, record: &Record<'_>) {
        let workspace = std::str::from_utf8(record.key.unwrap_or_default()).unwrap_or_default();
        let mut board = self.board();
        match record.value.map(kilat_codec::decode_rule_set) {
            None => {
                info!(workspace, "rule set withdrawn");
                board.line.arrive_done(record.offset, workspace, "", Ok(None));
            }
            Some(Err(error)) => board.line.arrive_done(record.offset, workspace, "", Err(error.to_string())),
            Some(Ok(RuleSetRecord { workspace: named, hash, source, .. })) => {
                let (workspace_named, hash, source) = (named.to_string(), hash.to_string(), source.to_string());
                let published = Published { workspace: workspace_named, hash: hash.clone(), source };
                board.line.arrive(record.offset, workspace, &hash, published);
            }
        }
        self.settle(&mut board);
        self.work.notify_one();
    }

    /// What settled since it was asked last.
    fn told(&self) -> Vec<Verdict> {
        std::mem::take(&mut self.board().verdicts)
    }

    /// Waits a moment where the epoch `awaited` is not reached, or where too much is not settled; whether it is so still.
    fn is_behind(&self, awaited: Option<i64>) -> bool {
        let is_busy = |board: &mut Board| {
            awaited.is_some_and(|epoch| self.registry.epoch() < epoch) || board.line.len() >= UNSETTLED_MAX
        };
        let waited = self.settled.wait_timeout_while(self.board(), POLL, |board| is_busy(board));
        is_busy(&mut waited.unwrap_or_else(PoisonError::into_inner).0)
    }

    /// Compiles one version after the other until the end.
    fn compile(&self) {
        while !self.board().has_ended {
            if !self.compile_next() {
                let board = self.board();
                // Asked again under the lock, or what arrived meanwhile would wake nobody.
                if !board.has_ended && !board.line.has_next() {
                    drop(self.work.wait(board));
                }
            }
        }
    }

    /// Compiles the next version; whether there was one.
    fn compile_next(&self) -> bool {
        let Some(job) = self.board().line.next() else { return false };
        let begun = self.clock.monotonic();
        let outcome = compile(&job.version, &self.registry, &job.given_up);
        if outcome.is_some() {
            self.compile_seconds.record((self.clock.monotonic() - begun).as_secs_f64());
        }
        let mut board = self.board();
        board.line.finish(job.offset, outcome.map(|outcome| outcome.map(|rules| Some(Arc::new(rules)))));
        self.settle(&mut board);
        // What was given up for a version that is refused may be wanted again, and by another thread too.
        self.work.notify_all();
        true
    }

    /// Swaps in what settled, in order. Only the last version of a workspace is: no epoch is reached between two of them.
    fn settle(&self, board: &mut Board) {
        let Some(settled) = board.line.settle() else { return };
        let mut newest: FxHashMap<Arc<str>, (i64, Option<Arc<RuleSet>>)> = FxHashMap::default();
        for Told { offset, workspace, hash, outcome } in settled.outcomes {
            let mut verdict = Verdict { workspace: workspace.to_string(), hash: hash.to_string(), refusal: None };
            match outcome {
                Ok(rules) => {
                    let is_live = rules.is_some();
                    newest.insert(workspace, (offset, rules));
                    // A withdrawal is no rule set that could be live or refused.
                    board.verdicts.extend(is_live.then_some(verdict));
                }
                Err(refusal) => {
                    error!(%workspace, %hash, error = %refusal, "rule set refused, the old one stays live");
                    self.refused.increment(1);
                    verdict.refusal = Some(refusal);
                    board.verdicts.push(verdict);
                }
            }
        }
        for (workspace, (offset, rules)) in newest {
            if let Some(rules) = &rules {
                info!(%workspace, hash = rules.hash(), rules = rules.rules().len(), "rule set live");
            }
            self.registry.publish(&workspace, rules, offset);
        }
        self.registry.reach(settled.epoch);
        self.live.set(self.registry.len() as f64);
        self.settled.notify_all();
    }
}

/// Writes down what became of each rule set.
fn report(
    verdicts: &[Verdict],
    Compilers { registry, clock, .. }: &Compilers,
    encoder: &mut Encoder,
    status: &mut dyn Writer,
) -> Result<(), LogError> {
    if verdicts.is_empty() {
        return Ok(());
    }
    let mut transaction = Transaction::default();
    for verdict in verdicts {
        let live = registry.live(&verdict.workspace);
        let record = RuleSetStatus {
            workspace: Str::from(&*verdict.workspace),
            hash: Str::from(&*verdict.hash),
            live: verdict.refusal.is_none(),
            error: verdict.refusal.as_deref().map(Str::from),
            live_hash: live.as_deref().map(|rules| Str::from(rules.hash())),
            at: clock.wall(),
        };
        let key = verdict.workspace.as_bytes();
        if let Err(error) = transaction.append(0, None, key, &[], |bytes| encoder.rule_status(&record, bytes)) {
            warn!(%error, workspace = verdict.workspace, "rule set status not written");
        }
    }
    status.commit(&transaction)
}

/// Compiles a published rule set; the errors are one a line. `None` where it was given up.
pub(crate) fn compile(published: &Published, registry: &Registry, given_up: &AtomicBool) -> Option<Outcome<RuleSet>> {
    let given_up = || given_up.load(Ordering::Relaxed);
    let loaded = kilat_rules::load_unless(&published.workspace, &published.source, &given_up)?;
    let errors = |diagnostics: &[kilat_rules::Diagnostic]| {
        let errors: Vec<String> =
            diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).map(ToString::to_string).collect();
        errors.join("\n")
    };
    let found = errors(&loaded.diagnostics);
    if !found.is_empty() {
        return Some(Err(found));
    }
    match &*loaded.documents {
        [document] if document.workspace() == published.workspace => {
            let fingerprint = document.fingerprint();
            let compiled = match fingerprint.and_then(|fingerprint| registry.find_compiled(fingerprint)) {
                Some(compiled) => compiled,
                None => match kilat_rules::compile_unless(document, &given_up)? {
                    Err(diagnostics) => return Some(Err(errors(&diagnostics))),
                    Ok(compiled) => match fingerprint {
                        Some(fingerprint) => registry.share(fingerprint, compiled),
                        None => Arc::new(compiled),
                    },
                },
            };
            Some(Ok(RuleSet::new(compiled, &content_hash(published, document))))
        }
        documents => Some(Err(format!(
            "a record of the rules topic holds the one document of its workspace `{}`, this one holds {}",
            published.workspace,
            documents.len()
        ))),
    }
}

/// The hash of the document. What publishing wrote is its canonical JSON, whose hash costs little; any other text is written
/// out anew.
fn content_hash(published: &Published, document: &Document) -> String {
    let hash = kilat_rules::hash_of(&published.source);
    if hash == published.hash { hash } else { document.hash() }
}
