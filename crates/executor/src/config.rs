//! Settings of the executor role.
//!
//! Every key has a default; [`Config::check`] names every setting that cannot work, at once.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

/// The longest time any setting may name.
const SPAN_MAX_S: u64 = 366 * 24 * 3_600;

/// Settings of the executor role. The bounds hold for each of the three lanes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Consumer groups are named after this, a hyphen and the lane.
    pub group: String,
    /// Names this process in the groups across restarts; unique within them.
    pub instance: String,
    /// HTTP requests under way at once.
    pub concurrency: usize,
    /// HTTP requests of one workspace under way at once.
    pub per_workspace: usize,
    /// HTTP requests to one endpoint under way at once.
    pub per_destination: usize,
    /// Actions held in memory: waiting, under way or waiting for a retry. At this many, intake pauses.
    pub held_max: usize,
    /// Offsets between the oldest unfinished action of a partition and the newest: what a restart reads again.
    pub span_max: usize,
    /// Time for one whole exchange: name lookup, connection, request, answer.
    pub deadline_ms: u64,
    /// Of that, time for name lookup and connection.
    pub connect_timeout_ms: u64,
    /// The longest a partner's own `Retry-After` counts for.
    pub retry_after_max_s: u64,
    /// An action older than this is not retried any more.
    pub age_max_s: u64,
    /// Replaces every partner's own retry schedule: the most to wait before the second try, the third …
    pub retry_steps_ms: Option<Vec<u64>>,
    /// Failures in a row after which an endpoint is left alone for a while.
    pub breaker_failures: u32,
    /// How long it is left alone the first time; doubled each time …
    pub breaker_pause_ms: u64,
    /// … up to this.
    pub breaker_pause_max_ms: u64,
    /// How long an endpoint that answered 410 twice gets nothing more.
    pub endpoint_disabled_s: u64,
    /// How long a transaction gathers results.
    pub transaction_interval_ms: u64,
    /// A transaction is committed early once it holds this many bytes.
    pub transaction_bytes_max: usize,
    /// Records taken from the log at a time.
    pub poll_records_max: usize,
    /// How long requests under way may finish when their partition is taken away.
    pub revoke_grace_ms: u64,
    /// How long requests under way may finish when the process stops.
    pub stop_grace_ms: u64,
    /// How long the ledger remembers what became of an action.
    pub ledger_window_s: u64,
    /// Actions of one partition the ledger remembers; at least twice `span_max`.
    pub ledger_entries_max: usize,
    /// Allows requests to loopback addresses, over plain HTTP, too, and to any port there. For demos and tests.
    pub allow_loopback: bool,
    /// Ports that may be addressed.
    pub ports: Vec<u16>,
    /// Where secrets may come from.
    pub secrets: SecretsConfig,
}

/// Where secrets may come from. A rule set names secrets by reference; only references allowed here are followed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SecretsConfig {
    /// Environment variables, as `env:NAME` where `*` stands for anything.
    pub allow: Vec<String>,
    /// Directories under which `file:PATH` may lie.
    pub dirs: Vec<PathBuf>,
    /// How long a secret is kept before it is read again.
    pub cache_s: u64,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            group: "kilat-executor".to_owned(),
            instance: "1".to_owned(),
            concurrency: 64,
            per_workspace: 32,
            per_destination: 8,
            held_max: 10_000,
            span_max: 50_000,
            deadline_ms: 15_000,
            connect_timeout_ms: 5_000,
            retry_after_max_s: 3_600,
            age_max_s: 24 * 3_600,
            retry_steps_ms: None,
            breaker_failures: 5,
            breaker_pause_ms: 5_000,
            breaker_pause_max_ms: 300_000,
            endpoint_disabled_s: 24 * 3_600,
            transaction_interval_ms: 25,
            transaction_bytes_max: 1 << 20,
            poll_records_max: 1_000,
            revoke_grace_ms: 2_000,
            stop_grace_ms: 10_000,
            ledger_window_s: 7 * 24 * 3_600,
            ledger_entries_max: 100_000,
            allow_loopback: false,
            ports: vec![443, 8443],
            secrets: SecretsConfig::default(),
        }
    }
}

impl Default for SecretsConfig {
    fn default() -> Self {
        let allow = ["env:*_SECRET", "env:*_TOKEN"].map(str::to_owned).to_vec();
        SecretsConfig { allow, dirs: Vec::new(), cache_s: 30 }
    }
}

impl Config {
    /// Every setting that cannot work, with the remedy; empty where all can.
    pub fn check(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let positive = [
            ("concurrency", self.concurrency),
            ("per_workspace", self.per_workspace),
            ("per_destination", self.per_destination),
            ("held_max", self.held_max),
            ("span_max", self.span_max),
            ("transaction_bytes_max", self.transaction_bytes_max),
            ("poll_records_max", self.poll_records_max),
            ("breaker_failures", self.breaker_failures as usize),
            ("deadline_ms", usize::try_from(self.deadline_ms).unwrap_or(usize::MAX)),
        ];
        for (key, value) in positive {
            if value == 0 {
                problems.push(format!("`{key}` is 0: it must be at least 1"));
            }
        }
        for (key, seconds) in [
            ("deadline_ms", self.deadline_ms / 1_000),
            ("retry_after_max_s", self.retry_after_max_s),
            ("age_max_s", self.age_max_s),
            ("breaker_pause_max_ms", self.breaker_pause_max_ms / 1_000),
            ("endpoint_disabled_s", self.endpoint_disabled_s),
            ("ledger_window_s", self.ledger_window_s),
        ] {
            if seconds > SPAN_MAX_S {
                problems.push(format!("`{key}` is longer than a year: lower it"));
            }
        }
        if self.ledger_entries_max < self.span_max.saturating_mul(2) {
            let least = self.span_max.saturating_mul(2);
            problems.push(format!("`ledger_entries_max` is less than twice `span_max`: raise it to {least} or more"));
        }
        if self.ledger_window_s < self.age_max_s {
            problems
                .push(format!("`ledger_window_s` is less than `age_max_s`: raise it to {} or more", self.age_max_s));
        }
        if self.connect_timeout_ms >= self.deadline_ms {
            problems.push("`connect_timeout_ms` is not less than `deadline_ms`: lower it".to_owned());
        }
        for pattern in &self.secrets.allow {
            if !pattern.starts_with("env:") {
                problems
                    .push(format!("`secrets.allow` has `{pattern}`: write `env:NAME`; files are allowed by `dirs`"));
            }
        }
        problems
    }

    pub(crate) fn transaction_interval(&self) -> Duration {
        Duration::from_millis(self.transaction_interval_ms)
    }

    pub(crate) fn age_max(&self) -> Duration {
        Duration::from_secs(self.age_max_s)
    }

    pub(crate) fn limits(&self) -> kilat_delivery::Limits {
        kilat_delivery::Limits {
            in_flight_max: self.concurrency,
            per_workspace_max: self.per_workspace,
            per_destination_max: self.per_destination,
            held_max: self.held_max,
            span_max: self.span_max,
            breaker: kilat_delivery::BreakerPolicy {
                failures_max: self.breaker_failures,
                pause: Duration::from_millis(self.breaker_pause_ms),
                pause_max: Duration::from_millis(self.breaker_pause_max_ms),
            },
            disabled_for: Duration::from_secs(self.endpoint_disabled_s),
        }
    }
}

#[cfg(test)]
mod tests;
