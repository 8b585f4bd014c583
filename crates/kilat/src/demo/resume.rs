//! What a demo directory remembers, so that a later run goes on with it.
//!
//! Input: the directory. Output: the [`Plan`] of its traffic, the same for every run in it, and the [`Backlog`] a run
//! finds. Absent: the engine's state; the engine restores that itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kilat_codec::Topic;
use kilat_domain::Timestamp;
use kilat_log::{MemberSpec, PartitionedLog, Polled, Start};
use serde::{Deserialize, Serialize};

use crate::clock;
use crate::failure::Failure;

/// The file in the directory.
const FILE: &str = "demo.json";
const POLL: Duration = Duration::from_millis(20);

/// What the traffic of a directory is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Plan {
    /// The seed of the generator and of the partners' moods.
    pub(super) seed: u64,
    /// When the first chat began, in milliseconds since the Unix epoch.
    pub(super) start_ms: i64,
    /// Milliseconds between two records.
    pub(super) step_ms: i64,
    /// Recorded conversations instead of generated ones.
    pub(super) messages: Option<PathBuf>,
    /// Where the stand-in partners listen: actions that an earlier run left go there.
    pub(super) partners_port: u16,
}

impl Plan {
    /// The plan of `dir`, if it has one, held against what is asked for now.
    ///
    /// *Errors:* the directory was begun with another seed or with other messages.
    pub(super) fn of_dir(dir: &Path, seed: Option<u64>, messages: Option<&Path>) -> Result<Option<Plan>, Failure> {
        let path = dir.join(FILE);
        if !path.exists() {
            return Ok(None);
        }
        let known = fs::read(&path).map_err(|error| error.to_string());
        let known: Plan =
            known.and_then(|text| serde_json::from_slice(&text).map_err(|error| error.to_string())).map_err(|why| {
                let help = "name an empty directory, or one that `kilat demo` made";
                Failure::new(format!("reading `{}`: {why}", path.display()), help)
            })?;
        if seed.is_some_and(|seed| seed != known.seed) || known.messages.as_deref() != messages {
            let what = format!("`{}` was begun with other traffic", dir.display());
            let help =
                format!("leave --seed and --messages as they were (seed {}), or name another directory", known.seed);
            return Err(Failure::new(what, help));
        }
        Ok(Some(known))
    }

    /// Writes the plan down in `dir`, for the next run.
    pub(super) fn keep(&self, dir: &Path) -> Result<(), Failure> {
        let path = dir.join(FILE);
        let text = serde_json::to_vec_pretty(self).expect("a plan is JSON");
        fs::write(&path, text).map_err(|error| {
            Failure::because(format!("writing `{}`", path.display()), error, "choose a directory you may write to")
        })
    }
}

/// What was written to the input topics before, and how much of it the engine has answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Backlog {
    /// Records written.
    pub(super) written: u64,
    /// Those of them that no transaction has answered yet.
    pub(super) unanswered: u64,
}

impl Backlog {
    /// Reads it off the log, before the engine has started: as a member of its group that takes nothing.
    pub(super) fn of(log: &Arc<dyn PartitionedLog>, group: &str) -> Result<Backlog, Failure> {
        let inputs = [Topic::Messages, Topic::LeadChanges];
        let mut backlog = Backlog::default();
        for topic in inputs {
            let mut follower = log.follow(topic.name(), None, Start::Earliest)?;
            let mut caught_up = false;
            while !caught_up {
                caught_up = follower.poll(POLL, &mut |_| backlog.written += 1)?.caught_up;
            }
        }
        let mut member = log.join(&MemberSpec {
            group: group.to_owned(),
            instance: "demo-backlog".to_owned(),
            inputs: inputs.map(|topic| topic.name().to_owned()).to_vec(),
            outputs: Vec::new(),
        })?;
        while !matches!(member.poll(POLL, 0, &mut |_| {})?, Polled::Assigned(_)) {}
        member.poll(Duration::ZERO, 0, &mut |_| {})?;
        backlog.unanswered = member.lag().iter().map(|lag| lag.records).sum();
        Ok(backlog)
    }
}

/// How much time the chats of a run take by their own clock: a working day and a night.
const SPAN_MS: i64 = 20 * 60 * 60 * 1000;

/// When generated chats begin and how fast their clock runs: the last of them is written about now.
pub(super) fn pace(events: Option<u64>, now: Timestamp) -> (Timestamp, i64) {
    const STEP_MS_MAX: i64 = 3600;
    let step_ms = events.map_or(STEP_MS_MAX, |events| SPAN_MS / i64::try_from(events.max(1)).unwrap_or(i64::MAX));
    (Timestamp(now.0 - SPAN_MS), step_ms.clamp(1, STEP_MS_MAX))
}

/// The time of day on the stage: when the chats that began at `start` are all written. Executors and partners live by it,
/// so that reply windows are open and signatures fresh, whenever the chats took place.
pub(super) fn stage_clock(start: Timestamp) -> Arc<dyn Fn() -> Timestamp + Send + Sync> {
    let raised = clock::instant();
    Arc::new(move || start.after(Duration::from_millis(SPAN_MS.unsigned_abs())).after(raised.elapsed()))
}
