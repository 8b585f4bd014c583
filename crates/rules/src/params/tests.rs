//! Params: what is put in, where, and what is refused.

use crate::{Loaded, load};

fn codes(loaded: &Loaded) -> Vec<(&str, usize, String)> {
    loaded.diagnostics.iter().map(|found| (found.code, found.line, found.message.clone())).collect()
}

/// The canonical form of a rule of a document with these params and this rule.
fn rule(params: &str, rule: &str) -> serde_json::Value {
    let text = format!("workspace: a\nparams: {params}\nrules: [{{id: r, trigger: message.created, {rule}}}]\n");
    let mut loaded = load("t", &text);
    assert!(loaded.diagnostics.is_empty(), "{:#?}", loaded.diagnostics);
    let canonical = loaded.documents.remove(0).canonical_json();
    let mut root: serde_json::Value = serde_json::from_str(&canonical).expect("JSON");
    root["rules"][0].take()
}

#[test]
fn a_whole_value_keeps_its_type_and_a_part_is_spelled() {
    let rule = rule(
        "{words: {type: keywords, default: [a b, 'c,d']}, n: {type: number, default: 3}, on: {type: flag, default: yes}}",
        "priority: '${n}', enabled: '${on}', name: 'Rule ${n}: ${words}', description: 'first ${words.first}', conditions: [{field: message.text, op: contains, \
         value: '${words}'}], actions: [{type: set_field, field: lead.notes, value: '$${n} is ${n}, {{lead.name}}'}]",
    );
    assert_eq!(rule["priority"], 3);
    assert_eq!(rule["enabled"], true);
    assert_eq!(rule["name"], "Rule 3: a b, \"c,d\"");
    assert_eq!(rule["description"], "first a b");
    assert_eq!(rule["conditions"][0]["value"], serde_json::json!(["a b", "c,d"]));
    assert_eq!(rule["actions"][0]["value"], "${n} is 3, {{lead.name}}");
}

#[test]
fn a_value_is_never_looked_at_again() {
    let rule = rule(
        "{a: {default: '${b}'}, b: {default: secret}}",
        "name: '${a}', actions: [{type: set_field, field: lead.notes, value: 'x ${a} y'}]",
    );
    assert_eq!((&rule["name"], &rule["actions"][0]["value"]), (&"${b}".into(), &"x ${b} y".into()));
}

#[test]
fn a_document_without_params_may_write_what_looks_like_one() {
    let text = "workspace: a\nrules: [{id: r, trigger: new_lead, actions: [{type: set_field, field: lead.notes, value: 'costs ${n}'}]}]\n";
    let loaded = load("t", text);
    assert!(loaded.diagnostics.is_empty(), "{:#?}", loaded.diagnostics);
    assert!(loaded.documents[0].canonical_json().contains("costs ${n}"));
}

#[test]
fn findings_stand_where_the_author_wrote() {
    let text = "workspace: a\nparams:\n  n: {type: number, default: many}\n  m: {type: numbr, default: 1}\n  B: {default: x}\n";
    let loaded = load("t", text);
    assert_eq!(
        codes(&loaded),
        [
            ("K0217", 3, "the default of the param `n` is `many`, which is no number".to_owned()),
            ("K0206", 4, "`numbr` is no type".to_owned()),
            ("K0217", 5, "`B` is no name of a param".to_owned()),
        ]
    );
    let text = "workspace: a\nparams: {n: {default: x}}\nrules:\n  - id: r\n    name: ${m}\n    trigger: ${n}\n    actions: \
        [{type: block}]\n";
    assert_eq!(codes(&load("t", text)), [("K0218", 5, "`${m}` names no param and no text".to_owned())]);
    let text = text.replace("${m}", "${n}");
    assert_eq!(codes(&load("t", &text)), [("K0201", 6, "there is no trigger `x`".to_owned())]);
}

#[test]
fn values_cannot_blow_a_document_up() {
    let words = vec!["kata"; 9_000].join(",");
    let conditions = "- {field: message.text, op: contains, value: '${w}'}\n".repeat(300);
    let text = format!("workspace: a\nparams: {{w: {{type: keywords, default: [{words}]}}}}\nrules:\n{conditions}");
    let loaded = load("t", &text);
    assert!(loaded.documents.is_empty());
    assert_eq!(loaded.diagnostics[0].code, "K0003", "{:#?}", loaded.diagnostics.first());
}

#[test]
fn what_holds_for_defaults_only_is_left_out_elsewhere() {
    let template = "params: {n: {type: number, default: 3}}\nworkspace: a\nrules: [{id: r, trigger: new_lead, actions: [{type: \
        block}]}]\ntests:\n  - {name: any, events: [], expect: []}\n  - {name: 'for ${n}', with_default: n, events: [], \
        expect: []}\n";
    let names = |set: &[(&str, &str)]| {
        let text = crate::templates::install("t", template, set, crate::Language::English, None).expect("fits").text;
        let cases: Vec<String> = load("t", &text).documents[0].tests().iter().map(|case| case.name.clone()).collect();
        (cases, text.contains("with_default"))
    };
    assert_eq!(names(&[]), (vec!["any".to_owned(), "for 3".to_owned()], false));
    assert_eq!(names(&[("n", "3")]), (vec!["any".to_owned(), "for 3".to_owned()], false));
    assert_eq!(names(&[("n", "4")]), (vec!["any".to_owned()], false));
}
