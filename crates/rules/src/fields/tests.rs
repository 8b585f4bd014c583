//! The field table.

use std::collections::BTreeSet;

use super::{ALL, FieldRef, names};

#[test]
fn a_name_stands_for_one_field() {
    let all: Vec<&str> = names().collect();
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    for field in ALL {
        for name in std::iter::once(&field.name).chain(field.compat) {
            let written = if name.ends_with('.') { format!("{name}a.b") } else { (*name).to_owned() };
            let found = FieldRef::parse(&written).expect("a field");
            assert_eq!(found.field.name, field.name, "{written}");
            assert_eq!(FieldRef::parse(&found.name()).as_ref(), Some(&found), "{written}");
        }
    }
}

#[test]
fn every_field_of_the_contract_is_there() {
    for name in "message.text message message.content message.type message.has_media message.is_reply message.quoted_text
        message.reply_to_from message.private sender.id sender.name sender.kind channel.kind channel channel.account
        channel.source chat.is_group chat.kind chat_count chat_count.customer chat_count.team chat_count.session
        chat_count.window_7d first_contact conversation.is_first_message conversation.status conversation.priority
        conversation.tags conversation.assignee conversation.started_by conversation.room_tags status priority tags
        lead.status lead.priority lead.score lead_score lead.source lead.notes lead.city lead.region lead.country lead.name
        lead.email lead.phone lead.tags customer.tags contact.tags lead.audience audience lead.plan customer.plan lead.lists
        lead.consent lead.value.actual lead.value.estimated utm.source utm.medium utm.campaign utm.term utm.content ctwa.clid
        ctwa.source_id lead.attrs.a conversation.attrs.a customer.attrs.a attrs.a geo.country country time.window
        time.business_hours time.day_of_week change.from change.to change.field tag.name skill.name webhook.a.b ticket.a
        order.a"
        .split_whitespace()
    {
        assert!(FieldRef::parse(name).is_some(), "{name}");
    }
}

#[test]
fn a_path_has_no_empty_keys() {
    for name in ["lead.attrs.", "lead.attrs..a", "lead.attrs.a.", "webhook.", "attrs", "lead.attrs"] {
        assert!(FieldRef::parse(name).is_none(), "{name}");
    }
}
