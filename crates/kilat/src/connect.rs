//! Opens the log that the configuration names.
//!
//! Input: [`Config`]. Output: the log, its topics created where asked for. Secrets are read here, from where the
//! configuration points. Absent: retries; a log that cannot be reached is told with its address and the remedy.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kilat_log::{Embedded, EmbeddedOptions, Kafka, KafkaConfig, PartitionedLog};
use kilat_pipeline::{CheckpointConfig, Queues, StoreProperties};

use crate::config::{Config, LogConfig, LogKind, Security};
use crate::failure::Failure;
use crate::topics;

/// Opens the log; creates the topics that do not exist yet where `create_topics` says so.
pub(crate) fn open(config: &Config, create_topics: bool) -> Result<Arc<dyn PartitionedLog>, Failure> {
    let log: Arc<dyn PartitionedLog> = match config.log.kind {
        LogKind::Embedded => embedded(&config.log.dir)?,
        LogKind::Kafka => Arc::new(Kafka::connect(kafka_config(&config.log, config.engine.queues())?)?),
    };
    if create_topics {
        log.create_topics(&topics::layout(config.log.partitions, config.log.replication))?;
    }
    Ok(log)
}

/// Where the engine's checkpoints are: beside the embedded log where nothing is said. Credentials of buckets come from the
/// variables that their own tools read; what the configuration says goes over them.
pub(crate) fn checkpoints(config: &Config) -> CheckpointConfig {
    let mut checkpoints = config.engine.checkpoints.clone();
    if checkpoints.place.is_empty() && config.log.kind == LogKind::Embedded {
        checkpoints.place = config.log.dir.join("checkpoints").display().to_string();
    }
    let of_a_bucket = |name: &str| ["AWS_", "GOOGLE_", "AZURE_"].iter().any(|prefix| name.starts_with(prefix));
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| of_a_bucket(name))
        .map(|(name, value)| (name.to_ascii_lowercase(), value));
    let properties = variables.chain(checkpoints.properties.0).collect();
    CheckpointConfig { properties: StoreProperties(properties), ..checkpoints }
}

/// Opens the embedded log in `dir`.
pub(crate) fn embedded(dir: &Path) -> Result<Arc<dyn PartitionedLog>, Failure> {
    Ok(Arc::new(Embedded::open(dir, EmbeddedOptions::default())?))
}

/// Opens the embedded log that is in `dir`, and makes none where there is none.
pub(crate) fn embedded_at(dir: &Path) -> Result<Arc<dyn PartitionedLog>, Failure> {
    if !dir.join("FORMAT").exists() {
        let help = "name the directory of an embedded log; that of a kept demo is DIR/log";
        return Err(Failure::new(format!("`{}` holds no log", dir.display()), help));
    }
    embedded(dir)
}

fn kafka_config(config: &LogConfig, queues: Queues) -> Result<KafkaConfig, Failure> {
    let mut properties = BTreeMap::new();
    let protocol = match config.security {
        Security::Plaintext => "plaintext",
        Security::Ssl => "ssl",
        Security::SaslPlaintext => "sasl_plaintext",
        Security::SaslSsl => "sasl_ssl",
    };
    properties.insert("security.protocol".to_owned(), protocol.to_owned());
    if matches!(config.security, Security::Ssl | Security::SaslSsl) && !config.ca_file.is_empty() {
        properties.insert("ssl.ca.location".to_owned(), config.ca_file.clone());
    }
    if matches!(config.security, Security::SaslPlaintext | Security::SaslSsl) {
        properties.insert("sasl.mechanism".to_owned(), config.sasl_mechanism.clone());
        properties.insert("sasl.username".to_owned(), config.sasl_username.clone());
        properties.insert("sasl.password".to_owned(), secret("log.sasl_password", &config.sasl_password)?);
    }
    properties.extend(config.properties.iter().map(|(key, value)| (key.clone(), value.clone())));
    Ok(KafkaConfig {
        brokers: config.brokers.clone(),
        client_id: config.client_id.clone(),
        transaction_timeout: Duration::from_millis(config.transaction_timeout_ms),
        session_timeout: Duration::from_millis(config.session_timeout_ms),
        fetched_bytes_max: queues.fetched_bytes,
        unsent_bytes_max: queues.unsent_bytes,
        properties,
    })
}

/// The secret that `reference` points to: `env:NAME` or `file:PATH`.
fn secret(setting: &str, reference: &str) -> Result<String, Failure> {
    if let Some(name) = reference.strip_prefix("env:") {
        return std::env::var(name).map_err(|error| {
            Failure::because(format!("`{setting}` points to the variable {name}"), error, format!("set {name}"))
        });
    }
    if let Some(path) = reference.strip_prefix("file:") {
        let text = std::fs::read_to_string(Path::new(path)).map_err(|error| {
            Failure::because(
                format!("`{setting}` points to the file {path}"),
                error,
                "make it readable for this process",
            )
        })?;
        return Ok(text.trim_end_matches(['\r', '\n']).to_owned());
    }
    let help = "write env:NAME or file:PATH; secrets do not stand in the configuration";
    Err(Failure::new(format!("`{setting}` is not a reference to a secret"), help))
}
