//! Rules that may not be saved, and what their author is told.

use crate::support::rule_file;

/// The findings of a rule with these parts, as `line:column code message. help`.
fn findings(parts: &str) -> Vec<String> {
    let text = rule_file(parts);
    let found = kilat_rules::load("rules.yaml", &text).diagnostics;
    found.iter().map(|d| format!("{}:{} {} {}. {}", d.line, d.column, d.code, d.message, d.help)).collect()
}

/// One finding, at this place, with this code, that holds these words.
#[track_caller]
fn refused(parts: &str, place: &str, words: &[&str]) {
    let found = findings(parts);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].starts_with(place), "{}", found[0]);
    for word in words {
        assert!(found[0].contains(word), "`{word}` is not in: {}", found[0]);
    }
}

/// Proves F-44, D-8 and D-9.
#[test]
fn a_status_is_its_id_or_an_alias_and_no_label() {
    let with = |status: &str| format!("conditions: [{{field: lead.status, op: equals, value: {status}}}]");
    for known in ["new", "responded", "hot", "won", "purchase"] {
        assert_eq!(findings(&with(known)), [""; 0], "{known}");
    }
    refused(&with("respnded"), "6:58 K0208", &["`respnded`", "did you mean `responded`?"]);
    refused(&with("Merespons"), "6:58 K0208", &["`Merespons`"]);
    refused(&with("New"), "6:58 K0208", &["`New`", "`new`"]);
}

/// Proves F-51.
#[test]
fn a_country_is_a_code() {
    refused(
        "conditions: [{field: lead.country, op: equals, value: Indonesiaa}]",
        "6:59 K0209",
        &["`Indonesiaa`", "ID"],
    );
    assert_eq!(findings("conditions: [{field: lead.country, op: equals, value: id}]"), [""; 0]);
}

/// Proves F-73 and D-6.
#[test]
fn a_pattern_that_extracts_has_a_group() {
    let with = |pattern: &str| format!("actions: [{{type: update_value, pattern: '{pattern}'}}]");
    refused(&with("Rp[0-9.]+"), "6:", &["K0502"]);
    refused(&with("(?:Rp)[0-9.]+"), "6:", &["K0502"]);
    assert_eq!(findings(&with("Rp([0-9.]+)")), [""; 0]);
    assert_eq!(findings(&with("Rp(?<value>[0-9.]+)")), [""; 0]);
}

/// Proves D-6.
#[test]
fn the_dialect_of_patterns_has_no_look_around_no_back_references_and_a_limit() {
    let with = |pattern: &str| format!("conditions: [{{field: message.text, op: matches, value: '{pattern}'}}]");
    for pattern in ["(?=x)y", "(?<!x)y", r"(a)\1", "(", "[z-a]", r"\p{Nonsense}"] {
        refused(&with(pattern), "6:", &["K0501", "Rust's regex syntax"]);
    }
    assert_eq!(findings(&with(&"x".repeat(512))), [""; 0]);
    refused(&with(&"x".repeat(513)), "6:", &["K0501", "512", "shorter ones"]);
    refused(&with("(((x{100}){100}){100}){100}"), "6:", &["K0501", "repetition counts"]);
}

/// Proves D-1.
#[test]
fn the_preset_as_it_was_printed_is_refused() {
    let printed = r"(?:Rp\s*)?(0-9{1,3}(?:.0-9{3})+0-9+)";
    refused(&format!("actions: [{{type: update_value, pattern: '{printed}'}}]"), "6:", &["K0504"]);
}

/// Proves F-24, F-184, F-224 and F-225.
#[test]
fn what_a_rule_lacks_or_has_too_much_of_is_named() {
    let bare = |rule: &str| -> Vec<String> {
        let text = format!("workspace: acme\nrules:\n  - {rule}\n");
        let found = kilat_rules::load("rules.yaml", &text).diagnostics;
        found.iter().map(|found| format!("{} {}", found.code, found.message)).collect()
    };
    assert_eq!(bare("{id: r, name: R, actions: [{type: block}]}"), ["K0102 a rule needs `trigger`"]);
    assert_eq!(bare("{id: r, name: R, trigger: lead.created}"), ["K0102 a rule needs `actions`"]);
    assert_eq!(bare("{trigger: lead.created, actions: [{type: block}]}"), ["K0102 a rule needs `id`"]);
    for priority in ["0", "101", "-5"] {
        refused(&format!("priority: {priority}"), "6:15 K0215", &["from 1 to 100"]);
    }
    let conditions = |count: usize| {
        let one = "{field: lead.city, op: equals, value: x}";
        format!("conditions: [{}]", vec![one; count].join(", "))
    };
    assert!(findings(&conditions(10)).iter().all(|found| !found.contains("K0301")));
    refused(&conditions(11), "6:", &["K0301", "11", "10"]);
    let actions = |count: usize| format!("actions: [{}]", vec!["{type: block}"; count].join(", "));
    assert!(findings(&actions(10)).iter().all(|found| !found.contains("K0302")));
    refused(&actions(11), "6:", &["K0302", "11", "10"]);
}

/// Proves F-72.
#[test]
fn an_answer_to_both_sides_is_warned_of() {
    let parts = "conditions: [{field: sender.kind, op: equals, value: all}]\n    actions: [{type: send_message, value: x, to: wa}]";
    let found = kilat_rules::check("rules.yaml", &rule_file(parts)).diagnostics;
    assert!(found.iter().any(|found| found.code == "K0602"), "{found:?}");
}

/// Proves F-216.
#[test]
fn an_unknown_field_is_told_with_the_nearest() {
    refused(
        "conditions: [{field: mesage.text, op: contains, value: x}]",
        "6:26 K0202",
        &["`mesage.text`", "`message.text`"],
    );
    refused("conditions: [{field: message.text, op: contians, value: x}]", "6:44 K0203", &["`contians`", "`contains`"]);
}
