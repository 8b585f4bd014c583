//! The table of topics is that of the architecture.

use kilat_codec::{Key, Schema, Topic, dlq_name};
use kilat_domain::Lane;

#[test]
fn topics_are_named_keyed_and_kept_as_the_architecture_says() {
    let expected = [
        (Topic::Messages, "kilat.messages.v1", Schema::Event, Key::Workspace, false),
        (Topic::LeadChanges, "kilat.lead-changes.v1", Schema::Event, Key::Workspace, false),
        (Topic::Rules, "kilat.rules.v1", Schema::RuleSet, Key::Workspace, true),
        (Topic::RuleStatus, "kilat.rule-status.v1", Schema::RuleStatus, Key::Workspace, true),
        (Topic::Decisions, "kilat.decisions.v1", Schema::Decision, Key::Workspace, false),
        (Topic::Explain, "kilat.explain.v1", Schema::Explanation, Key::Workspace, false),
        (Topic::ActionsPartner, "kilat.actions.partner.v1", Schema::Action, Key::Conversation, false),
        (Topic::ActionsMeta, "kilat.actions.meta.v1", Schema::Action, Key::Conversation, false),
        (Topic::ActionsWebhook, "kilat.actions.webhook.v1", Schema::Action, Key::Conversation, false),
        (Topic::ActionResults, "kilat.action-results.v1", Schema::ActionResult, Key::ActionId, true),
        (Topic::Leads, "kilat.leads.v1", Schema::Lead, Key::Lead, true),
        (Topic::State, "kilat.state.v1", Schema::StateBlock, Key::Partition, false),
        (Topic::Spread, "kilat.spread.v1", Schema::SpreadStep, Key::Workspace, false),
    ];
    assert_eq!(expected.map(|(topic, ..)| topic), Topic::ALL);
    for (topic, name, schema, key, compacted) in expected {
        assert_eq!((topic.name(), topic.schema(), topic.key(), topic.is_compacted()), (name, schema, key, compacted));
        assert_eq!(topic.subject(), format!("{name}-value"));
        assert_eq!(topic.dlq_name(), dlq_name(name));
        assert_eq!(name.parse(), Ok(topic));
    }
    assert_eq!("kilat.messages".parse::<Topic>().unwrap_err().name, "kilat.messages");
}

#[test]
fn every_lane_has_its_topic() {
    assert_eq!(Lane::ALL.map(Topic::of_lane), [Topic::ActionsPartner, Topic::ActionsMeta, Topic::ActionsWebhook]);
}
