//! What ends a command: what happened and what to do about it.
//!
//! Every failure carries its remedy, because whoever reads it has only the terminal. Absent: backtraces, error codes of
//! libraries, and a way to build a failure without a remedy.

use std::error::Error;
use std::fmt;

use kilat_domain::Class;
use kilat_log::LogError;

/// Why a command ended early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Nobody reads standard output any more (`kilat tap … | head`): the end of the work, not an error.
    StdoutClosed,
    /// Something failed.
    Failed {
        /// What.
        what: String,
        /// Why, where something below knows more.
        because: Option<Box<dyn Error + Send + Sync>>,
        /// What to do about it.
        help: String,
    },
    /// The log failed; its errors name the place and the remedy themselves.
    Log(LogError),
}

impl Failure {
    /// A failure that stands for itself.
    pub(crate) fn new(what: impl Into<String>, help: impl Into<String>) -> Failure {
        Failure::Failed { what: what.into(), because: None, help: help.into() }
    }

    /// Whether waiting and trying again may cure it.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Failure::Log(error) => matches!(error.class(), Class::Transient | Class::Throttled),
            Failure::StdoutClosed | Failure::Failed { .. } => false,
        }
    }

    /// A failure with a cause.
    pub(crate) fn because(
        what: impl Into<String>,
        because: impl Into<Box<dyn Error + Send + Sync>>,
        help: impl Into<String>,
    ) -> Failure {
        Failure::Failed { what: what.into(), because: Some(because.into()), help: help.into() }
    }
}

impl From<LogError> for Failure {
    fn from(error: LogError) -> Failure {
        Failure::Log(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::StdoutClosed => f.write_str("standard output was closed"),
            Failure::Failed { what, because, help } => {
                f.write_str(what)?;
                if let Some(because) = because {
                    write!(f, ": {}", told(because.as_ref()))?;
                }
                write!(f, ". help: {help}")
            }
            Failure::Log(error) => f.write_str(&told(error)),
        }
    }
}

impl Error for Failure {}

/// An error and everything below it, as one line.
pub(crate) fn told(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(error) = below {
        let cause = error.to_string();
        // Some libraries repeat their cause in their own text.
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
        below = error.source();
    }
    text.replace('\n', " ").trim_end().to_owned()
}
