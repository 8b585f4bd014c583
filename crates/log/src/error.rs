//! What can go wrong with a log, by who has to act on it.

use kilat_domain::Class;

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
}

impl LogError {
    /// Who has to act.
    pub fn class(&self) -> Class {
        match self {
            LogError::MissingTopic { .. } => Class::Transient,
        }
    }
}
