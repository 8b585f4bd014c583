//! What does not add up, told so that the record can be found.

use std::fmt;

use serde::Serialize;

/// What must hold; each is counted on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Law {
    /// State blocks follow on each other without gap, and each on the content of the one before.
    Chain,
    /// The input ranges of the blocks cover every record once, and no record that is not there.
    Coverage,
    /// Events = evaluated + duplicates + dead-lettered, for every workspace and minute.
    Conservation,
    /// An event is evaluated once, and called a duplicate only where it was there before.
    Duplicates,
    /// What could not be read, and nothing else, is on the dead-letter topic.
    DeadLetters,
    /// An event that was decided has its decision, and every decision an event that was decided.
    Decisions,
    /// Every action a decision queued is there once, and every action is queued by a decision.
    Actions,
    /// Decisions and actions stand in the order of their events.
    Order,
    /// An event that was passed on to another partition arrives there, and nothing else does.
    PassedOn,
    /// Results are about actions there are, and an action has one last result.
    Results,
}

impl Law {
    /// Every law.
    pub const ALL: [Law; 10] = [
        Law::Chain,
        Law::Coverage,
        Law::Conservation,
        Law::Duplicates,
        Law::DeadLetters,
        Law::Decisions,
        Law::Actions,
        Law::Order,
        Law::PassedOn,
        Law::Results,
    ];

    /// A stable word, for metrics and lines of JSON.
    pub fn name(self) -> &'static str {
        match self {
            Law::Chain => "chain",
            Law::Coverage => "coverage",
            Law::Conservation => "conservation",
            Law::Duplicates => "duplicates",
            Law::DeadLetters => "dead_letters",
            Law::Decisions => "decisions",
            Law::Actions => "actions",
            Law::Order => "order",
            Law::PassedOn => "passed_on",
            Law::Results => "results",
        }
    }
}

/// Something that does not add up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What is broken.
    pub law: Law,
    /// The topic on which something is missing, too much or wrong.
    pub topic: &'static str,
    /// Its partition.
    pub partition: u32,
    /// The offset, where a record is there; of what is missing nobody knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<i64>,
    /// The workspace, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// The event, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// The action, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action_id: Option<String>,
    /// What was expected.
    pub expected: String,
    /// What is there.
    pub found: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}, partition {}", self.law.name(), self.topic, self.partition)?;
        if let Some(offset) = self.offset {
            write!(f, ", offset {offset}")?;
        }
        for (what, id) in [("workspace", &self.workspace), ("event", &self.event_id), ("action", &self.action_id)] {
            if let Some(id) = id {
                write!(f, ", {what} {id}")?;
            }
        }
        write!(f, ": expected {}, found {}", self.expected, self.found)
    }
}
