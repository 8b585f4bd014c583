//! What can go wrong with a log, by who has to act on it.

use kilat_domain::Class;

use crate::EmbeddedError;

/// What can go wrong with a log. Every message names the place and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The topic does not exist.
    #[error("topic `{topic}` does not exist at {at}: create it, or start with --create-topics")]
    MissingTopic {
        /// The topic.
        topic: String,
        /// The brokers or the directory.
        at: String,
    },
    /// The inputs of a member do not go together.
    #[error("the inputs of one member need equal partition counts, but there are {counts}: create them alike")]
    UnequalPartitions {
        /// Every input with its count.
        counts: String,
    },
    /// A group has members that are none of ours.
    #[error(
        "group `{group}` at {at} is used by another program, too: {reason}. \
         help: stop that program, or give Kilat a group of its own (`engine.group`, `executor.group`)"
    )]
    ForeignGroup {
        /// The group.
        group: String,
        /// The brokers.
        at: String,
        /// How that is known.
        reason: String,
    },
    /// A newer holder of the same name took over, or the group went on without this member. Nothing was committed, unless
    /// the answer to the commit itself was lost on its way.
    #[error("{name} has lost its place to a newer one ({reason})")]
    Fenced {
        /// The transactional id.
        name: String,
        /// In the log's words.
        reason: String,
    },
    /// A record is larger than the log takes.
    #[error("a record for topic `{topic}` is too large: {reason}; raise max.message.bytes of the topic, or send less")]
    TooLarge {
        /// The topic.
        topic: String,
        /// The limit, in the log's words.
        reason: String,
    },
    /// The transaction was given up; nothing of it was committed.
    #[error("a transaction of {name} was aborted: {reason}")]
    Aborted {
        /// The transactional id.
        name: String,
        /// In the log's words.
        reason: String,
    },
    /// Whether the transaction was committed is unknown until the name is opened again.
    #[error("the outcome of a transaction of {name} is unknown: {reason}")]
    Indefinite {
        /// The transactional id.
        name: String,
        /// In the log's words.
        reason: String,
    },
    /// No broker answers.
    #[error("no broker answers at {at}: {reason}; check the address, that the broker runs, and security.protocol")]
    Unreachable {
        /// The brokers.
        at: String,
        /// In the client library's words.
        reason: String,
    },
    /// The brokers refuse this client.
    #[error(
        "the broker at {at} refuses this client: {reason}; check sasl.* (user, password, mechanism), ssl.* (certificates) and its ACLs"
    )]
    Denied {
        /// The brokers.
        at: String,
        /// In the client library's words.
        reason: String,
    },
    /// A setting of the client is wrong.
    #[error("setting `{key}` of the Kafka client: {reason}")]
    Setting {
        /// The setting.
        key: String,
        /// What is wrong, and what to do instead.
        reason: String,
    },
    /// A topic cannot be created.
    #[error("topic `{topic}` cannot be created at {at}: {reason}")]
    NotCreated {
        /// The topic.
        topic: String,
        /// The brokers.
        at: String,
        /// In the broker's words.
        reason: String,
    },
    /// The embedded log failed.
    #[error(transparent)]
    Embedded(#[from] EmbeddedError),
    /// Any other failure of the Kafka client.
    #[error("cannot {doing} at {at}")]
    Kafka {
        /// What was tried.
        doing: &'static str,
        /// The brokers.
        at: String,
        /// What the client says.
        #[source]
        source: rdkafka::error::KafkaError,
    },
}

impl LogError {
    /// Who has to act.
    pub fn class(&self) -> Class {
        match self {
            LogError::Embedded(error) => error.class(),
            LogError::TooLarge { .. } => Class::Poison,
            LogError::MissingTopic { .. }
            | LogError::ForeignGroup { .. }
            | LogError::Aborted { .. }
            | LogError::Indefinite { .. }
            | LogError::Unreachable { .. }
            | LogError::Denied { .. }
            | LogError::NotCreated { .. }
            | LogError::Kafka { .. } => Class::Transient,
            LogError::UnequalPartitions { .. } | LogError::Fenced { .. } | LogError::Setting { .. } => Class::Fatal,
        }
    }
}
