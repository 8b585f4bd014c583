//! WR-1: what is written reads back as the same tree; and it looks as a person would write it.

use super::write;
use crate::diagnostic::Report;
use crate::syntax::{self, Node};

fn read(text: &str) -> Node {
    let mut report = Report::new("t");
    let mut roots = syntax::read(text, &mut report);
    assert_eq!(report.finish(), [], "{text}");
    assert_eq!(roots.len(), 1, "{text}");
    roots.remove(0)
}

fn check(json: &serde_json::Value) {
    let root = read(&json.to_string());
    let written = write(&root, &["A header.".to_owned()], &|_, _| Vec::new());
    assert_eq!(read(&written).to_json(), *json, "{written}");
}

#[test]
fn texts_of_every_kind_read_back() {
    let texts = vec![
        "",
        " ",
        "a",
        "a b",
        "a: b",
        "a #b",
        "# a",
        "- a",
        "-",
        "yes",
        "No",
        "null",
        "~",
        "true",
        "1",
        "1.5",
        "1e5",
        "0812",
        "+62",
        "a,b",
        "[a]",
        "{a}",
        "*a",
        "&a",
        "!a",
        "|",
        ">",
        "'a'",
        "\"a\"",
        "a\nb",
        "a\tb",
        "a\\b",
        "a'b",
        "a\"b",
        "%a",
        "@a",
        "`a",
        "?",
        "? a",
        "=",
        "...",
        "---",
        "a ",
        "é",
        "中文",
        "🙏",
        "a:",
        "a\u{85}b",
        "a\u{2028}b",
        "\u{feff}",
        "\u{0}",
        "a\u{7f}b",
        "{{lead.name|kak}}",
        "https://a.example/b?c=d#e",
        "\\b(VCR-[A-Z]{6})\\b",
        "<<",
        "2026-11-20",
        "09:00",
        "1h",
        "12h30m",
        "0x1f",
        "1_000",
        "1e5d",
        "it's \"so\"",
        "'\\'",
        "\\'é",
    ];
    check(&serde_json::json!({"texts": texts, "a": {"b": texts}}));
    let keys: serde_json::Map<String, serde_json::Value> =
        texts.iter().filter(|text| !text.is_empty()).map(|text| ((*text).to_owned(), serde_json::json!(1))).collect();
    check(&serde_json::json!({"keys": keys}));
}

#[test]
fn trees_of_every_shape_read_back() {
    let long = "x".repeat(200);
    for json in [
        serde_json::json!({}),
        serde_json::json!([]),
        serde_json::json!({"a": [], "b": {}, "c": null, "d": [[], {}, [[]]], "e": [[{}]]}),
        serde_json::json!({"a": [{"b": [{"c": [{"d": long}]}]}], "e": {"f": {"g": {"h": long}}}}),
        serde_json::json!({"a": [[long, long], [long]], "b": [{"c": [long, {"d": long}]}]}),
        serde_json::json!({"a": [{"": 1, "b": {"c": [1, 2.5, -3, true]}}]}),
    ] {
        check(&json);
    }
}

#[test]
fn random_trees_read_back() {
    let mut state = 7_u64;
    for _ in 0..500 {
        let json = serde_json::json!({"a": tree(&mut state, 5), "b": tree(&mut state, 4)});
        check(&json);
    }
}

/// The next of a row of numbers below `sides`.
fn roll(state: &mut u64, sides: usize) -> usize {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) as usize % sides
}

fn tree(state: &mut u64, depth: usize) -> serde_json::Value {
    let text = |state: &mut u64| -> String {
        let marks: Vec<char> = "ab: #-,[]{}\"'\\\n&*!|>%@`0.~é🙏".chars().collect();
        (0..roll(state, 12)).map(|_| marks[roll(state, marks.len())]).collect()
    };
    match roll(state, if depth == 0 { 4 } else { 6 }) {
        0 => serde_json::Value::Null,
        1 => (roll(state, 2) == 1).into(),
        2 => (roll(state, 1_000) as i64 - 500).into(),
        3 => text(state).into(),
        4 => (0..roll(state, 5)).map(|_| tree(state, depth - 1)).collect(),
        _ => {
            let members = roll(state, 5);
            let mut object = serde_json::Map::new();
            for _ in 0..members {
                let key = text(state);
                object.insert(key, tree(state, depth - 1));
            }
            serde_json::Value::Object(object)
        }
    }
}

#[test]
fn a_rule_file_looks_as_a_person_would_write_it() {
    let text = r##"# A header that says what this is.
workspace: acme
settings:
  timezone: Asia/Jakarta
  business_hours: {mon: [["09:00", "17:00"]]}
rules:
  # differs: nothing
  - id: hot-lead
    trigger: message.created
    conditions:
      - {field: message.text, op: contains, value: [order, buy]}
      - any:
          - {field: lead.score, op: gt, value: 75}
          - field: lead.city
            op: equals
            value: a very long city name that makes the line too long for one line of text
      - {field: message.text, op: matches, value: '\b(VCR-[A-Z]{6}''s)\b'}
    actions:
      - {type: notify_slack, value: "#sales", text: "{{lead.name|Somebody}} wants to buy"}
    once_per: {window: 1h}
"##;
    let notes = |key: &str, place: usize| {
        if (key, place) == ("rules", 0) { vec!["differs: nothing".to_owned()] } else { Vec::new() }
    };
    let written = write(&read(text), &["A header that says what this is.".to_owned()], &notes);
    assert_eq!(written, text);
}
