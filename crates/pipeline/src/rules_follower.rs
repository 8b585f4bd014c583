//! Follows the rules topic: decodes, compiles off the hot path, swaps in, and reports what became of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kilat_codec::{Encoder, Topic};
use kilat_domain::{RuleSetRecord, RuleSetStatus, Str};
use kilat_log::{Clock, LogError, PartitionedLog, Record, Start, Transaction, Writer};
use kilat_rules::RuleSet;
use kilat_telemetry::metrics::{self, Counter, Gauge, Histogram};
use tracing::{error, info, warn};

use crate::registry::Registry;

const POLL: Duration = Duration::from_millis(100);

/// Follows the rules topic for the lifetime of a service.
pub(crate) struct RulesFollower {
    log: Arc<dyn PartitionedLog>,
    registry: Arc<Registry>,
    instance: String,
    clock: Arc<dyn Clock>,
    encoder: Encoder,
    live: Gauge,
    refused: Counter,
    compile_seconds: Histogram,
}

/// A rule set that was published: live, or refused with the reasons.
struct Verdict {
    workspace: String,
    hash: String,
    refusal: Option<String>,
}

impl RulesFollower {
    pub(crate) fn new(
        log: Arc<dyn PartitionedLog>,
        registry: Arc<Registry>,
        instance: String,
        clock: Arc<dyn Clock>,
    ) -> RulesFollower {
        RulesFollower {
            log,
            registry,
            instance,
            clock,
            encoder: Encoder::new(),
            live: metrics::RULE_SETS_LIVE.with([]),
            refused: metrics::RULE_SETS_REFUSED.with([]),
            compile_seconds: metrics::RULE_SET_COMPILE_SECONDS.with([]),
        }
    }

    /// Takes in rule sets until `stop`; `ready` is called once everything published before is live.
    pub(crate) fn run(mut self, stop: &AtomicBool, ready: &dyn Fn()) -> Result<(), LogError> {
        // The rules topic has one partition, so that an epoch is one offset.
        let mut follower = self.log.follow(Topic::Rules.name(), Some(&[0]), Start::Earliest)?;
        let mut status =
            self.log.writer(&format!("kilat-rule-status-{}", self.instance), &[Topic::RuleStatus.name().to_owned()])?;
        let mut told = false;
        while !stop.load(Ordering::Relaxed) {
            let mut verdicts = Vec::new();
            let followed = follower.poll(POLL, &mut |record| verdicts.extend(self.take(&record)))?;
            self.report(&verdicts, &mut *status)?;
            if followed.caught_up && !told {
                told = true;
                ready();
            }
        }
        Ok(())
    }

    /// Deals with one record: publishes what compiles, keeps the old version of what does not.
    fn take(&mut self, record: &Record<'_>) -> Option<Verdict> {
        let workspace = std::str::from_utf8(record.key.unwrap_or_default()).unwrap_or_default();
        let Some(value) = record.value else {
            info!(workspace, "rule set withdrawn");
            self.registry.publish(workspace, None, record.offset);
            return None;
        };
        let verdict = match kilat_codec::decode_rule_set(value) {
            Err(error) => {
                Verdict { workspace: workspace.to_owned(), hash: String::new(), refusal: Some(error.to_string()) }
            }
            Ok(published) => self.compile(&published, record.offset),
        };
        if let Some(refusal) = &verdict.refusal {
            error!(workspace, hash = verdict.hash, error = %refusal, "rule set refused, the old one stays live");
            self.refused.increment(1);
            self.registry.reach(record.offset + 1);
        }
        self.live.set(self.registry.len() as f64);
        Some(verdict)
    }

    fn compile(&self, published: &RuleSetRecord<'_>, offset: i64) -> Verdict {
        let begun = self.clock.monotonic();
        let compiled = compile(published);
        self.compile_seconds.record((self.clock.monotonic() - begun).as_secs_f64());
        let refusal = match compiled {
            Ok(rules) => {
                info!(workspace = %published.workspace, hash = %published.hash, rules = rules.rules().len(), "rule set live");
                self.registry.publish(&published.workspace, Some(Arc::new(rules)), offset);
                None
            }
            Err(refusal) => Some(refusal),
        };
        Verdict { workspace: published.workspace.to_string(), hash: published.hash.to_string(), refusal }
    }

    /// Writes down what became of each rule set.
    fn report(&mut self, verdicts: &[Verdict], status: &mut dyn Writer) -> Result<(), LogError> {
        if verdicts.is_empty() {
            return Ok(());
        }
        let mut transaction = Transaction::default();
        for verdict in verdicts {
            let live = self.registry.live(&verdict.workspace);
            let record = RuleSetStatus {
                workspace: Str::from(&*verdict.workspace),
                hash: Str::from(&*verdict.hash),
                live: verdict.refusal.is_none(),
                error: verdict.refusal.as_deref().map(Str::from),
                live_hash: live.as_deref().map(|rules| Str::from(rules.hash())),
                at: self.clock.wall(),
            };
            let key = verdict.workspace.as_bytes();
            let encoder = &mut self.encoder;
            if let Err(error) = transaction.append(0, None, key, &[], |bytes| encoder.rule_status(&record, bytes)) {
                warn!(%error, workspace = verdict.workspace, "rule set status not written");
            }
        }
        status.commit(&transaction)
    }
}

/// Compiles a published rule set; the errors are one a line.
fn compile(published: &RuleSetRecord<'_>) -> Result<RuleSet, String> {
    let loaded = kilat_rules::load(&published.workspace, &published.source);
    let errors = |diagnostics: &[kilat_rules::Diagnostic]| {
        let errors: Vec<String> =
            diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).map(ToString::to_string).collect();
        errors.join("\n")
    };
    let found = errors(&loaded.diagnostics);
    if !found.is_empty() {
        return Err(found);
    }
    match &*loaded.documents {
        [document] if document.workspace() == published.workspace.as_str() => {
            kilat_rules::compile(document).map_err(|diagnostics| errors(&diagnostics))
        }
        documents => Err(format!(
            "a record of the rules topic holds the one document of its workspace `{}`, this one holds {}",
            published.workspace,
            documents.len()
        )),
    }
}
