//! What lints find, and what they pass over.

use std::path::Path;

use crate::check;

/// The codes found in a document of these rules, each with its line.
fn found(rules: &str) -> Vec<String> {
    found_in("", rules)
}

fn found_in(settings: &str, rules: &str) -> Vec<String> {
    let loaded = check("rules.yaml", &format!("workspace: acme\n{settings}rules:\n{rules}"));
    assert!(!loaded.diagnostics.iter().any(crate::Diagnostic::is_error), "{:#?}", loaded.diagnostics);
    loaded.diagnostics.into_iter().map(|found| found.code.to_owned()).collect()
}

/// A rule on messages with these conditions.
fn with_conditions(conditions: &str) -> String {
    format!(
        "  - {{id: r, trigger: message.created, conditions: [{conditions}], actions: [{{type: add_tag, value: seen}}]}}\n"
    )
}

const HOURS: &str = "settings: {business_hours: {mon: [['09:00', '17:00']], tue: [['09:00', '17:00']]}}\n";

#[test]
fn conditions_that_exclude_each_other_are_found_on_every_type_of_field() {
    for conditions in [
        "{field: lead.status, op: equals, value: hot}, {field: lead.status, op: in, value: [won, lost]}",
        "{field: lead.score, op: gt, value: 5}, {field: lead.score, op: lte, value: 5}",
        "{field: lead.score, op: between, value: [10, 20]}, {field: lead.score, op: gt, value: 20}",
        "{field: chat_count, op: gt, value: 2}, {field: chat_count, op: lt, value: 3}",
        "{field: lead.value.actual, op: gte, value: 500000}, {field: lead.value.actual, op: lt, value: 100000}",
        "{field: lead.city, op: equals, value: Bogor}, {field: lead.city, op: equals, value: depok}",
        "{field: lead.city, op: is_missing}, {field: lead.city, op: equals, value: depok}",
        "{field: lead.city, op: is_missing}, {field: lead.city, op: is_present}",
        "{field: message.text, op: equals, value: halo}, {field: message.text, op: contains, value: order}",
        "{field: message.text, op: contains, value: [ORDER now, order besok]}, {field: message.text, op: not_contains, value: order}",
        "{field: message.text, op: starts_with, value: mau}, {field: message.text, op: starts_with, value: saya}",
        "{field: message.text, op: contains_word, value: mau order}, {field: message.text, op: not_contains_word, value: order}",
        "{field: message.text, op: matches, value: 'a+'}, {field: message.text, op: not_matches, value: 'a+'}",
        "{field: lead.tags, op: contains, value: vip}, {field: lead.tags, op: not_contains, value: [VIP, gold]}",
        "{field: message.type, op: in, value: [image, video]}, {field: message.type, op: equals, value: text}",
        "{field: message.has_media, op: equals, value: true}, {field: message.has_media, op: equals, value: false}",
        "{field: conversation.priority, op: gt, value: high}, {field: conversation.priority, op: not_equals, value: urgent}",
        "{field: time.window, value: '09:00-12:00'}, {field: time.window, value: '12:00-15:00'}",
        "{field: time.window, value: '22:00-06:00', days: [mon]}, {field: time.day_of_week, op: equals, value: wed}",
        "{field: time.day_of_week, op: in, value: [sat, sun]}, {field: time.day_of_week, op: not_in, value: [sat, sun]}",
        "{field: lead.country, op: equals, value: ID}, {field: lead.country, op: not_in, value: [id, SG]}",
        "{field: lead.phone, op: equals, value: '0812 3456 789'}, {field: lead.phone, op: equals, value: '628129999999'}",
        "{field: lead.attrs.size, op: equals, value: XL}, {field: lead.attrs.size, op: not_equals, value: XL}",
        "{any: [{field: lead.score, op: gt, value: 9}, {field: lead.status, op: equals, value: hot}]}, {field: lead.score, op: lt, value: 9}, {field: lead.status, op: equals, value: won}",
        "{none: [{field: lead.status, op: equals, value: hot}]}, {field: lead.status, op: equals, value: hot}",
    ] {
        assert_eq!(found(&with_conditions(conditions)), ["K0610"], "{conditions}");
    }
    let outside = "{field: time.business_hours, value: inside}, {field: time.day_of_week, op: equals, value: sun}";
    assert_eq!(found_in(HOURS, &with_conditions(outside)), ["K0610"]);
    let inside = "{field: time.business_hours, value: inside}, {field: time.business_hours, value: outside}";
    assert_eq!(found_in(HOURS, &with_conditions(inside)), ["K0610"]);
}

#[test]
fn conditions_that_can_hold_together_are_passed_over() {
    for conditions in [
        "{field: lead.score, op: gte, value: 5}, {field: lead.score, op: lte, value: 5}",
        "{field: lead.score, op: gt, value: 2}, {field: lead.score, op: lt, value: 3}",
        "{field: message.text, op: contains, value: order}, {field: message.text, op: not_contains, value: order besok}",
        "{field: message.text, op: contains, value: [order, beli]}, {field: message.text, op: not_contains, value: order}",
        "{field: message.text, op: contains, value: order}, {field: message.text, op: not_contains_word, value: order}",
        "{field: message.text, op: starts_with, value: mau}, {field: message.text, op: ends_with, value: dong}",
        "{field: message.text, op: equals, value: [halo, mau order]}, {field: message.text, op: contains, value: order}",
        "{field: message.text, op: matches, value: 'a+'}, {field: message.text, op: not_matches, value: 'b+'}",
        "{field: lead.tags, op: contains, value: vip}, {field: lead.tags, op: contains, value: gold}",
        "{field: lead.tags, op: contains, value: vip}, {field: lead.tags, op: not_contains, value: gold}",
        "{field: lead.attrs.size, op: equals, value: XL}, {field: lead.attrs.size, op: equals, value: M}",
        "{field: lead.value.actual, op: not_equals, value: 5}, {field: lead.value.actual, op: not_equals, value: 6}",
        "{field: time.window, value: '22:00-06:00', days: [mon]}, {field: time.day_of_week, op: equals, value: tue}",
        "{field: lead.city, op: not_equals, value: bogor}, {field: lead.city, op: not_equals, value: depok}",
        "{any: [{field: lead.score, op: gt, value: 9}, {field: lead.status, op: equals, value: hot}]}, {field: lead.score, op: lt, value: 9}",
    ] {
        assert_eq!(found(&with_conditions(conditions)), [""; 0], "{conditions}");
    }
    let holiday = "settings: {business_hours: {mon: [['00:00', '24:00']], holidays: ['2026-12-25']}}\n";
    let closed = "{field: time.business_hours, value: outside}, {field: time.day_of_week, op: equals, value: mon}";
    assert_eq!(found_in(holiday, &with_conditions(closed)), [""; 0], "a holiday may be a Monday");
}

#[test]
fn a_condition_that_decides_nothing_is_found() {
    for conditions in [
        "{field: chat_count, op: gte, value: 0, missing: true}",
        "{any: [{field: lead.status, op: equals, value: hot}, {field: lead.status, op: not_equals, value: hot}]}",
        "{field: lead.score, op: gt, value: 80}, {field: lead.score, op: gt, value: 50}",
        "{field: message.text, op: contains, value: mau order}, {field: message.text, op: contains, value: [order, beli]}",
        "{field: lead.status, op: equals, value: hot}, {field: lead.status, op: equals, value: hot}",
        "{field: lead.city, op: equals, value: bogor}, {field: lead.city, op: is_present}",
    ] {
        assert_eq!(found(&with_conditions(conditions)), ["K0611"], "{conditions}");
    }
}

/// Two rules on messages, the first before the second.
fn two(first: &str, second: &str) -> Vec<String> {
    found(&format!(
        "  - {{id: first, priority: 90, trigger: message.created, {first}}}\n  - {{id: second, priority: 10, trigger: message.created, {second}}}\n"
    ))
}

#[test]
fn a_rule_behind_a_stop_is_found_only_where_it_can_never_be_reached() {
    let (order, tag) =
        ("conditions: [{field: message.text, op: contains, value: order}]", "actions: [{type: add_tag, value: a}]");
    let later = "conditions: [{field: message.text, op: equals, value: order}], actions: [{type: add_tag, value: b}]";
    assert_eq!(two(&format!("stop: true, {order}, {tag}"), later), ["K0616"]);
    assert_eq!(two(&format!("stop: true, {tag}"), later), ["K0616"]);
    for first in [
        format!("{order}, {tag}"),
        format!("stop: true, once_per: lead, {order}, {tag}"),
        format!("stop: true, scope: {{channels: ['1']}}, {order}, {tag}"),
        format!("stop: true, conditions: [{{field: message.text, op: contains, value: orders}}], {tag}"),
    ] {
        assert_eq!(two(&first, later), [""; 0], "{first}");
    }
    let team = "conditions: [{field: sender.kind, op: equals, value: team}], actions: [{type: add_tag, value: b}]";
    assert_eq!(two(&format!("stop: true, {tag}"), team), [""; 0], "the first one sees customers only");
    // What stands between may make the later one hold where the first did not.
    let between = "  - {id: first, priority: 90, trigger: message.created, stop: true, conditions: [{field: lead.status, op: equals, value: hot}], actions: [{type: add_tag, value: a}]}
  - {id: between, priority: 50, trigger: message.created, conditions: [{field: message.text, op: contains, value: order}], actions: [{type: set_status, value: hot}]}
  - {id: second, priority: 10, trigger: message.created, conditions: [{field: lead.status, op: equals, value: hot}], actions: [{type: add_tag, value: b}]}
";
    assert_eq!(found(between), [""; 0]);
}

#[test]
fn actions_that_undo_each_other_are_found_where_one_event_can_fire_both() {
    let on = |conditions: &str| format!("conditions: [{conditions}], actions: [{{type: add_tag, value: vip}}]");
    let off = |conditions: &str| format!("conditions: [{conditions}], actions: [{{type: remove_tag, value: vip}}]");
    let text = |word: &str| format!("{{field: message.text, op: contains, value: {word}}}");
    let hot = "{field: lead.status, op: equals, value: hot}";
    assert_eq!(two(&on(""), &off(hot)), ["K0617"]);
    assert_eq!(two(&on(&text("promo")), &off(&text("stop promo"))), ["K0617"]);
    assert_eq!(two(&on(hot), &off("{field: lead.status, op: equals, value: lost}")), [""; 0]);
    assert_eq!(two(&on(&text("beli")), &off(&text("batal"))), [""; 0], "rarely in one message");
    assert_eq!(two(&format!("stop: true, {}", on(hot)), &off("")), [""; 0], "the first one stops the pass");
    let status = |conditions: &str, value: &str| {
        format!("conditions: [{conditions}], actions: [{{type: set_status, value: {value}}}]")
    };
    assert_eq!(two(&status(&text("mau order"), "hot"), &status(&text("order"), "contacted")), ["K0617"]);
    assert_eq!(
        two(&status(&text("order"), "contacted"), &status(&text("mau order"), "hot")),
        [""; 0],
        "a special case"
    );
    assert_eq!(two("actions: [{type: block}, {type: unblock}]", &off("")), ["K0617"]);
}

/// Proves F-185.
#[test]
fn a_circle_of_rules_is_found_only_where_it_keeps_going() {
    let rule = |id: &str, trigger: &str, more: &str, action: &str| {
        format!("  - {{id: {id}, trigger: {trigger}, {more}actions: [{action}]}}\n")
    };
    let (add, remove) = ("{type: add_tag, value: x}", "{type: remove_tag, value: x}");
    let circle = rule("a", "tag.added", "", remove) + &rule("b", "tag.removed", "", add);
    assert_eq!(found(&circle), ["K0618"]);
    // Adding what is there already is no event (D-39).
    let ends = rule("a", "tag.added", "", "{type: add_tag, value: y}")
        + &rule("b", "tag.added", "", "{type: add_tag, value: x}");
    assert_eq!(found(&ends), [""; 0]);
    assert_eq!(found(&rule("a", "lead.status_changed", "", "{type: set_status, value: hot}")), [""; 0]);
    let once = rule("a", "tag.added", "once_per: conversation, ", remove) + &rule("b", "tag.removed", "", add);
    assert_eq!(found(&once), [""; 0]);
    let other = rule("a", "tag.added", "conditions: [{field: tag.name, op: equals, value: other}], ", remove)
        + &rule("b", "tag.removed", "", add);
    assert_eq!(found(&other), [""; 0], "the tag that is added is not the one that is waited for");
    let apart = rule("a", "tag.added", "conditions: [{field: lead.score, op: gt, value: 80}], ", remove)
        + &rule("b", "tag.removed", "conditions: [{field: lead.score, op: lt, value: 50}], ", add);
    assert_eq!(found(&apart), [""; 0], "no lead has both scores");
    let by_text = rule(
        "a",
        "[tag.added, message.created]",
        "conditions: [{field: message.text, op: contains, value: promo}], ",
        remove,
    ) + &rule("b", "tag.removed", "", add);
    assert_eq!(found(&by_text), [""; 0], "an event of a rule has no text");
    let long = rule(
        "a",
        "tag.added",
        "conditions: [{field: tag.name, op: equals, value: x}], ",
        "{type: set_status, value: hot}, {type: remove_tag, value: x}",
    ) + &rule(
        "b",
        "lead.status_changed",
        "conditions: [{field: change.to, op: equals, value: hot}], ",
        "{type: add_to_list, value: l}, {type: set_status, value: won}",
    ) + &rule("c", "list.joined", "", "{type: remove_from_list, value: l}, {type: add_tag, value: x}");
    assert_eq!(found(&long), ["K0618"]);
}

/// Proves D-30.
#[test]
fn message_rules_without_a_channel_are_found_where_the_settings_name_the_channels() {
    let rule = |scope: &str| {
        format!("  - {{id: r, trigger: message.created, {scope}actions: [{{type: add_tag, value: a}}]}}\n")
    };
    assert_eq!(found_in("settings: {channels: []}\n", &rule("")), ["K0620"]);
    assert_eq!(found_in("settings: {channels: ['1']}\n", &rule("scope: {channels: ['2']}, ")), ["K0620"]);
    assert_eq!(
        found_in("settings: {channels: ['+62 811-1000-1']}\n", &rule("scope: {channels: ['6281110001']}, ")),
        [""; 0]
    );
    assert_eq!(found(&rule("scope: {channels: ['2']}, ")), [""; 0], "nobody says what is connected");
    let by_data = "  - {id: r, trigger: lead.created, actions: [{type: add_tag, value: a}]}\n";
    assert_eq!(found_in("settings: {channels: []}\n", by_data), [""; 0], "data rules need no channel (D-30)");
}

#[test]
fn the_shipped_rules_have_no_findings() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut looked = 0;
    let mut folders = vec![root.join("rules"), root.join("crates/kilat/demo")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "yaml") {
                let text = std::fs::read_to_string(&path).expect("readable");
                let loaded = check(&path.display().to_string(), &text);
                assert!(loaded.diagnostics.is_empty(), "{:#?}", loaded.diagnostics);
                looked += 1;
            }
        }
    }
    assert!(looked > 10, "{looked}");
}

/// Conditions inside of one on history are about one past message, and looked at as those of a rule are.
#[test]
fn conditions_on_past_messages_are_linted_as_others_are() {
    let counted = |conditions: &str| format!("{{history: {{within: 1h, where: [{conditions}], count: {{gte: 2}}}}}}");
    for (conditions, expected) in [
        (counted("{field: message.text, op: contains, value: order}"), &[][..]),
        (counted("{field: sender.kind, op: equals, value: team}, {field: sender.kind, op: equals, value: bot}"), &["K0610"]),
        (counted("{field: message.text, op: contains, value: '\u{200b}'}"), &["K0603"]),
        (counted("{field: message.type, op: equals, value: image}, {field: message.type, op: in, value: [image, video]}"), &["K0611"]),
        (counted("{field: message.text, op: contains, value: [order, orders]}"), &["K0613"]),
        (counted("{field: message.text, op: contains, value: a}"), &["K0614"]),
        (
            "{history: {last: 9, sequence: [{where: [{field: message.text, op: contains, value: halo}]}, {where: [{field: message.text, op: equals, value: halo}, {field: message.text, op: contains, value: order}]}]}}".to_owned(),
            &["K0610"],
        ),
        // Two messages may differ where one cannot.
        (
            "{history: {last: 9, where: [{field: message.type, op: equals, value: image}]}}, {history: {last: 9, where: [{field: message.type, op: equals, value: text}]}}".to_owned(),
            &[],
        ),
    ] {
        assert_eq!(found(&with_conditions(&conditions)), expected, "{conditions}");
    }
}
