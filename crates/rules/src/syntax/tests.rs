//! Places, numbers, and what hostile text may not do.

use kilat_domain::Number;
use serde_json::json;

use super::{Content, DEPTH_MAX, Node, read};
use crate::diagnostic::{Diagnostic, Report};

fn parse(text: &str) -> (Vec<Node>, Vec<Diagnostic>) {
    let mut report = Report::new("f");
    let roots = read(text, &mut report);
    (roots, report.finish())
}

/// The one code a text is answered with.
fn code(text: &str) -> &'static str {
    let (_, found) = parse(text);
    assert_eq!(found.len(), 1, "{found:#?}");
    found[0].code
}

#[test]
fn every_value_knows_its_place() {
    for text in ["a: 1\nb:\n  - x\n  - \"yé\": z\n", "{\"a\": 1,\n\"b\": [\"x\",\n    {\"yé\": \"z\"}]}"] {
        let (roots, found) = parse(text);
        assert!(found.is_empty(), "{found:#?}");
        assert_eq!(roots[0].to_json(), json!({"a": 1, "b": ["x", {"yé": "z"}]}));
        let Content::List(items) = &roots[0].get("b").expect("b").content else { panic!("a list") };
        let z = items[1].get("yé").expect("the key");
        let (line, column) = if text.starts_with('{') { (3, 12) } else { (4, 11) };
        assert_eq!((z.at.line, z.at.column), (line, column), "{text}");
    }
}

#[test]
fn json_is_read_with_its_escapes() {
    let (roots, found) = parse(r#"{"a": "\ud83d\ude00 \u0041 \/ \t", "b": [1, -2.5, 1e3, true, null]}"#);
    assert!(found.is_empty(), "{found:#?}");
    assert_eq!(roots[0].to_json(), json!({"a": "😀 A / \t", "b": [1, -2.5, 1000.0, true, null]}));
}

#[test]
fn a_number_that_is_none_stays_text() {
    for (text, expected) in [
        ("0812", Content::Text("0812".into())),
        ("+62812", Content::Text("+62812".into())),
        ("09:00", Content::Text("09:00".into())),
        ("1.2.3", Content::Text("1.2.3".into())),
        (".inf", Content::Text(".inf".into())),
        ("0x1f", Content::Text("0x1f".into())),
        ("yes", Content::Text("yes".into())),
        ("628123456789", Content::Number(Number::Int(628_123_456_789), "628123456789".into())),
        ("0", Content::Number(Number::Int(0), "0".into())),
        ("-0.5", Content::Number(Number::Float(-0.5), "-0.5".into())),
    ] {
        assert_eq!(parse(&format!("a: {text}")).0[0].get("a").map(|node| &node.content), Some(&expected), "{text}");
    }
}

#[test]
fn an_alias_is_a_copy_and_copies_are_counted() {
    let (roots, found) = parse("a: &x [1, 2]\nb: *x\n");
    assert!(found.is_empty(), "{found:#?}");
    assert_eq!(roots[0].to_json(), json!({"a": [1, 2], "b": [1, 2]}));
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..12 {
        let copies = vec![format!("*a{}", n - 1); 10].join(", ");
        bomb.push_str(&format!("a{n}: &a{n} [{copies}]\n"));
    }
    assert_eq!(code(&bomb), "K0003");
}

#[test]
fn hostile_text_is_answered_and_never_panics() {
    let deep = "[".repeat(100_000);
    assert!(!parse(&deep).1.is_empty());
    assert_eq!(code(&format!("a: {}{}", "[".repeat(DEPTH_MAX + 1), "]".repeat(DEPTH_MAX + 1))), "K0003");
    for text in [
        "\u{0}",
        "{\"a\": \"\\ud800\"}",
        "a: b: c",
        "\t- x",
        "? [a]: b",
        "!!binary x",
        "%YAML 3\n---\n",
        "&a",
        "- - - -",
    ] {
        let _ = parse(text);
    }
    let many_keys: String = (0..5_000).map(|n| format!("k{n}: 1\n")).collect();
    assert_eq!(code(&many_keys), "K0003");
}

#[test]
fn every_prefix_of_a_rule_file_is_answered() {
    let text = include_str!("../../golden/conditions/text/operators.yaml");
    for (end, _) in text.char_indices().step_by(7) {
        let _ = parse(&text[..end]);
        let _ = parse(&text[end..]);
    }
}
