//! How the topics are laid out when Kilat creates them.
//!
//! The two inputs, the state and everything the engine writes have the same number of partitions: partition *p* of the
//! inputs and of the state belong to one worker. Rule sets and their status have one, so that they have one order.

use std::time::Duration;

use kilat_codec::Topic;
use kilat_log::{Retention, TopicSpec};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Inputs, actions and explanations: longer than a provider redelivers (7 days) and a weekend's outage.
const INPUT_RETENTION: Duration = DAY.saturating_mul(14);
/// Decisions and dead letters: what an audit or a repair asks for (D-42).
const RECORD_RETENTION: Duration = DAY.saturating_mul(90);

/// Every topic, with its dead letters.
pub(crate) fn layout(partitions: u32, replication: u16) -> Vec<TopicSpec> {
    let mut specs = Vec::new();
    for topic in Topic::ALL {
        let (partitions, retention) = match topic {
            Topic::Rules | Topic::RuleStatus => (1, Retention::Compacted),
            Topic::ActionResults | Topic::Leads => (partitions, Retention::Compacted),
            // Restoring reads the blocks from the first one on.
            Topic::State => (partitions, Retention::Unlimited),
            Topic::Decisions => (partitions, Retention::Time(RECORD_RETENTION)),
            Topic::Messages | Topic::LeadChanges | Topic::Spread | Topic::Explain => {
                (partitions, Retention::Time(INPUT_RETENTION))
            }
            Topic::ActionsPartner | Topic::ActionsMeta | Topic::ActionsWebhook => {
                (partitions, Retention::Time(INPUT_RETENTION))
            }
        };
        specs.push(TopicSpec { name: topic.name().to_owned(), partitions, retention, replication });
        let dead_letters = matches!(
            topic,
            Topic::Messages
                | Topic::LeadChanges
                | Topic::Spread
                | Topic::ActionsPartner
                | Topic::ActionsMeta
                | Topic::ActionsWebhook
        );
        if dead_letters {
            specs.push(TopicSpec {
                name: topic.dlq_name().to_owned(),
                partitions,
                retention: Retention::Time(RECORD_RETENTION),
                replication,
            });
        }
    }
    specs
}
