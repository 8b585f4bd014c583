//! Transactions that a member left open when it died: whoever takes its partitions over ends them.
//!
//! A broker aborts an open transaction after its timeout, which it looks at every 10 s by default, and until then hides from
//! readers what came behind it. A member leaves its transactional id with every offset it commits; who is given the
//! partition takes the ids of those over who are not in the group any more, which aborts what they left open.
//!
//! Input: a group, partitions just assigned. Output: nothing of these partitions waits for a dead member, as far as could be
//! found out; a failure is told and costs time only.
//!
//! - DP-1: taking an id over harms nobody: a holder that lives after all is fenced, and begins anew.
//!
//! Source: KIP-98 (an epoch per transactional id), KIP-345: the id of a static member begins with its instance id.

use std::collections::BTreeSet;

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::TopicPartitionList;

use super::closing::Closing;
use super::cluster::ANSWER_TIMEOUT;
use super::config::KafkaConfig;
use super::context::Context;
use super::transactions::Transactions;
use crate::MemberSpec;

/// Characters of what the coordinator adds to the instance id of a static member: a hyphen and a UUID.
const MEMBER_SUFFIX: usize = 37;

/// Ends what former owners of `partitions` left open. `id` is the transactional id of the new one.
pub(super) fn settle(config: &KafkaConfig, spec: &MemberSpec, id: &str, partitions: &[(String, i32)]) {
    let departed = match find(config, spec, id, partitions) {
        Ok(departed) => departed,
        Err(error) => {
            tracing::warn!(error = %error, "cannot find out who had these partitions: what they left open ends in its time");
            return;
        }
    };
    for name in departed {
        match Transactions::open(config, &name, &[]) {
            Ok(taken) => {
                drop(taken);
                tracing::info!(name, "ended what a former owner may have left open");
            }
            Err(error) => tracing::warn!(name, error = %error, "what a former owner left open ends in its time"),
        }
    }
}

fn find(
    config: &KafkaConfig,
    spec: &MemberSpec,
    id: &str,
    partitions: &[(String, i32)],
) -> Result<BTreeSet<String>, KafkaError> {
    let mut asker = config.member(&spec.group, "asker");
    // The offsets of open transactions are what this is about: they must not be waited for.
    asker.set("isolation.level", "read_uncommitted");
    let client: Closing<BaseConsumer<Context>> = Closing::new(asker.create_with_context(Context::new())?);
    let mut list = TopicPartitionList::with_capacity(partitions.len());
    for (topic, partition) in partitions {
        list.add_partition(topic, *partition);
    }
    let found = client.committed_offsets(list, ANSWER_TIMEOUT)?;
    let mut names: BTreeSet<String> = found.elements().iter().map(|element| element.metadata().to_owned()).collect();
    names.retain(|name| name != id && instance(&spec.group, name).is_some());
    if names.is_empty() {
        return Ok(names);
    }
    let groups = client.fetch_group_list(Some(&spec.group), ANSWER_TIMEOUT)?;
    let members: Vec<&str> =
        groups.groups().iter().flat_map(|group| group.members()).map(|member| member.id()).collect();
    names.retain(|name| !instance(&spec.group, name).is_some_and(|instance| is_among(&members, instance)));
    Ok(names)
}

/// The instance id of the member that has this transactional id; `None` for what is none of this group's.
fn instance<'n>(group: &str, name: &'n str) -> Option<&'n str> {
    name.strip_prefix(group)?.strip_prefix('-').filter(|instance| !instance.is_empty())
}

fn is_among(members: &[&str], instance: &str) -> bool {
    members.iter().any(|member| member.strip_prefix(instance).is_some_and(|rest| rest.len() == MEMBER_SUFFIX))
}

#[cfg(test)]
mod tests {
    use super::{instance, is_among};

    #[test]
    fn a_transactional_id_tells_the_instance_of_its_group_only() {
        assert_eq!(instance("kilat-engine", "kilat-engine-b-0"), Some("b-0"));
        assert_eq!(instance("kilat-engine", "kilat-engine-"), None);
        assert_eq!(instance("kilat-engine", "another-b-0"), None);
        assert_eq!(instance("kilat-engine", ""), None);
    }

    #[test]
    fn a_member_is_known_by_its_whole_instance_id() {
        let members = ["b-0-12345678-1234-1234-1234-123456789012", "b-10-12345678-1234-1234-1234-123456789012"];
        assert!(is_among(&members, "b-0") && is_among(&members, "b-10"));
        assert!(!is_among(&members, "b") && !is_among(&members, "b-1"));
    }
}
