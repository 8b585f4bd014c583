//! Templates put values in and look at nothing twice.

use serde_json::{Value, json};

use super::Template;
use crate::diagnostic::{Position, Report};
use crate::settings::Settings;
use crate::tests::Staged;

fn render(source: &str, event: &Value) -> (String, Vec<&'static str>) {
    let mut report = Report::new("f");
    let template = Template::parse(source, Position::default(), &mut report);
    assert_eq!(template.source(), source);
    let staged = Staged::of(event, &Settings::default());
    let codes = report.finish().iter().map(|found| found.code).collect();
    (template.render(&staged.facts()), codes)
}

#[test]
fn fields_fallbacks_and_text_stand_side_by_side() {
    let event = json!({
        "lead": {"name": "Budi", "tags": ["a", "b"], "score": 7.5, "attrs": {"size": {"cm": 42}},
                 "value": {"actual": {"minor": 150_000_050, "currency": "IDR"}}},
        "message": {"text": "{{lead.name}} {{x}}"},
    });
    for (source, expected) in [
        ("Halo {{lead.name|kak}}!", "Halo Budi!"),
        ("Halo {{lead.city|kak}}!", "Halo kak!"),
        ("Halo {{ lead.city | kak | x }}!", "Halo kak | x!"),
        ("{{lead.city}}", ""),
        ("{{message.text}}", "{{lead.name}} {{x}}"),
        ("{{lead.tags}} {{lead.score}} {{attrs.size.cm}}", "a, b 7.5 42"),
        ("{{lead.value.actual}}", "1500000.50 IDR"),
        ("{{lead.status}} {{conversation.priority}}", "new normal"),
        ("no {{end", "no {{end"),
        ("{ {lead.name} }", "{ {lead.name} }"),
    ] {
        assert_eq!(render(source, &event), (expected.to_owned(), vec![]), "{source}");
    }
}

#[test]
fn a_token_that_names_no_field_is_its_fallback_and_a_warning() {
    assert_eq!(render("Halo {{nama|kak}}", &json!({})), ("Halo kak".to_owned(), vec!["K0606"]));
    assert_eq!(render("Halo {{nama}}", &json!({})), ("Halo ".to_owned(), vec!["K0606"]));
}

#[test]
fn what_is_rendered_is_bounded() {
    let event = json!({"message": {"text": "é".repeat(20_000)}});
    assert_eq!(render("{{message.text}}", &event).0.len(), super::RENDERED_BYTES_MAX);
}
