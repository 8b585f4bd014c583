//! The configuration of the service.
//!
//! `config/default.toml` lists every key with its meaning and default; it is compiled in and is the only place where
//! defaults stand. A file goes over it, environment variables `KILAT__SECTION__KEY` over both ([`layers`]).
//! Absent: rules; they travel on the log.

mod layers;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

pub(crate) use layers::Problem;

use crate::failure::Failure;

/// Every key with its meaning and default.
pub(crate) const DEFAULTS: &str = include_str!("../config/default.toml");

/// The file that is read where none is named, if it is there.
const FILE: &str = "kilat.toml";

/// The whole configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Where events come from and everything goes to.
    pub(crate) log: LogConfig,
    /// The engine's workers.
    pub(crate) engine: kilat_pipeline::Config,
    /// The executors.
    pub(crate) executor: kilat_executor::Config,
    /// The page for probes and Prometheus.
    pub(crate) http: HttpConfig,
    /// Log lines on standard error.
    pub(crate) logging: LoggingConfig,
}

/// Which log, and how to reach it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogConfig {
    pub(crate) kind: LogKind,
    pub(crate) dir: PathBuf,
    pub(crate) brokers: String,
    pub(crate) security: Security,
    pub(crate) sasl_mechanism: String,
    pub(crate) sasl_username: String,
    pub(crate) sasl_password: String,
    pub(crate) ca_file: String,
    pub(crate) partitions: u32,
    pub(crate) replication: u16,
    pub(crate) client_id: String,
    pub(crate) session_timeout_ms: u64,
    pub(crate) transaction_timeout_ms: u64,
    pub(crate) properties: BTreeMap<String, String>,
}

/// The two logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogKind {
    Embedded,
    Kafka,
}

/// How brokers are spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Security {
    Plaintext,
    Ssl,
    SaslPlaintext,
    SaslSsl,
}

/// The page for probes and Prometheus.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HttpConfig {
    pub(crate) listen: std::net::SocketAddr,
}

/// Log lines on standard error.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoggingConfig {
    pub(crate) filter: String,
    pub(crate) format: LogFormat,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// Reads the configuration: defaults, then `file` (or `kilat.toml` in the current directory, if it is there), then the
/// environment.
pub(crate) fn load(file: Option<&Path>) -> Result<Config, Failure> {
    let text = match file {
        Some(path) => Some((path.display().to_string(), read(path)?)),
        None if Path::new(FILE).exists() => Some((FILE.to_owned(), read(Path::new(FILE))?)),
        None => None,
    };
    let file = text.as_ref().map(|(name, text)| (name.as_str(), text.as_str()));
    parse(
        file,
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
    )
    .map_err(|problems| {
        for problem in &problems {
            eprintln!("{problem}");
        }
        let s = if problems.len() == 1 { "" } else { "s" };
        Failure::new(
            format!("{} setting{s} cannot be used", problems.len()),
            "every key is explained in default.toml: `kilat schema config` prints it",
        )
    })
}

/// Reads the layers from texts; every problem at once.
pub(crate) fn parse(
    file: Option<(&str, &str)>,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<Config, Vec<Problem>> {
    let (config, places): (Config, _) = layers::read(DEFAULTS, file, environment)?;
    // The checks of the roles name the setting in backquotes and put the remedy after a colon.
    let told = [("engine", config.engine.check()), ("executor", config.executor.check())];
    let told = told.into_iter().flat_map(|(section, problems)| problems.into_iter().map(move |told| (section, told)));
    let problems = told.filter_map(|(section, problem)| {
        let setting = problem.split('`').nth(1).unwrap_or_default().to_owned();
        let (what, help) = problem.rsplit_once(": ").unwrap_or((&problem, "see the comment on it in default.toml"));
        places.problem(&format!("{section}.{setting}"), format!("[{section}] {what}"), help.to_owned())
    });
    let problems: Vec<Problem> = problems.collect();
    if problems.is_empty() { Ok(config) } else { Err(problems) }
}

fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| {
        Failure::because(format!("reading `{}`", path.display()), error, "name a configuration file in TOML and UTF-8")
    })
}
