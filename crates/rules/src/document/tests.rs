//! Loading: compatibility, versions, canonical form, and all findings at once.

use kilat_domain::Timestamp;

use crate::{Document, Loaded, Severity, load};

/// AskVault's request body, as its API takes it (F-199).
const ASKVAULT: &str = r##"{
  "name": "VIP routing",
  "trigger": "conversation_created",
  "conditions": [{"field": "customer.tags", "op": "contains", "value": "vip"}],
  "actions": [
    {"type": "set_priority", "value": "high"},
    {"type": "assign_agent", "value": "senior-pool"},
    {"type": "apply_tag", "value": "vip"},
    {"type": "notify_slack", "value": "#vip"},
    {"type": "fire_webhook", "value": "https://hooks.example/vip"},
    {"type": "change_status", "value": "resolve"},
    {"type": "trigger_skill", "value": "escalate_to_human"},
    {"type": "send_canned_response", "value": "Halo"},
    {"type": "set_audience_tag", "value": "paid_users"}
  ],
  "enabled": true
}"##;

fn one(loaded: Loaded) -> Document {
    let Loaded { mut documents, diagnostics } = loaded;
    assert_eq!(documents.len(), 1, "{diagnostics:#?}");
    documents.remove(0)
}

fn codes(loaded: &Loaded) -> Vec<&'static str> {
    loaded.diagnostics.iter().map(|found| found.code).collect()
}

/// Proves F-199 and D-46.
#[test]
fn askvaults_own_form_loads_unchanged() {
    let loaded = load("askvault.json", ASKVAULT);
    assert!(loaded.diagnostics.iter().all(|found| found.severity == Severity::Warning), "{:#?}", loaded.diagnostics);
    assert!(codes(&loaded).contains(&"K0601"), "the derived id is reported");
    let document = one(loaded);
    assert_eq!(document.workspace(), "*");
    let rule = &document.rules()[0];
    assert_eq!((rule.id(), rule.name()), ("vip-routing", "VIP routing"));
    let types: Vec<&str> = rule.actions().iter().map(crate::RuleAction::type_name).collect();
    assert_eq!(
        types,
        [
            "set_priority",
            "assign",
            "add_tag",
            "notify_slack",
            "send_webhook",
            "set_conversation_status",
            "run_skill",
            "send_message",
            "set_audience"
        ]
    );
    let canonical = load("canonical.json", &document.canonical_json());
    let again = one(canonical);
    assert_eq!(again.canonical_json(), document.canonical_json());
}

#[test]
fn rules_that_stand_alone_are_one_document() {
    let rule = |name: &str| {
        format!("name: {name}\ntrigger: new_lead\nconditions: []\nactions: [{{type: apply_tag, value: a}}]\n")
    };
    let document = one(load("f", &format!("{}---\n{}---\n{}", rule("Same name"), rule("Same name"), rule("Ünïcode!"))));
    let ids: Vec<&str> = document.rules().iter().map(|rule| rule.id()).collect();
    assert_eq!(ids, ["same-name", "same-name-2", "n-code"]);
}

#[test]
fn every_error_of_a_file_is_reported_at_once() {
    let text = "\
workspace: acme
rules:
  - id: a
    trigger: message.craeted
    conditions:
      - {field: lead.scor, op: gte, value: 80}
      - {field: lead.score, op: gte, value: high}
    actions:
      - {type: set_status, value: hott}
      - {type: send_webhook, to: crm}
  - id: A!
    triger: message.created
    actions: []
";
    let loaded = load("rules.yaml", text);
    assert!(loaded.documents.is_empty());
    let places: Vec<_> = loaded.diagnostics.iter().map(|found| (found.code, found.line, found.column)).collect();
    assert_eq!(
        places,
        [
            ("K0201", 4, 14),
            ("K0202", 6, 17),
            ("K0205", 7, 45),
            ("K0208", 9, 35),
            ("K0401", 10, 34),
            ("K0102", 11, 5),
            ("K0104", 11, 9),
            ("K0101", 12, 5),
        ]
    );
    assert_eq!(
        loaded.diagnostics[0].to_string(),
        "rules.yaml:4:14: error[K0201]: there is no trigger `message.craeted`. help: did you mean `message.created`?"
    );
    assert_eq!(loaded.diagnostics[1].help, "did you mean `lead.score`?");
}

#[test]
fn a_broken_document_does_not_take_its_neighbours_with_it() {
    let good = "workspace: a\nrules: [{id: r, trigger: new_lead, actions: [{type: block}]}]\n";
    let loaded =
        load("f", &format!("{good}---\nworkspace: b\nrules: [{{id: r}}]\n---\n{}", good.replace(": a", ": c")));
    let names: Vec<&str> = loaded.documents.iter().map(Document::workspace).collect();
    assert_eq!(names, ["a", "c"]);
}

#[test]
fn versions_rise_with_edits_only() {
    let rules = |tag: &str, version: &str| {
        let rule = |id: &str, tag: &str| {
            format!("{{id: {id}, trigger: new_lead, actions: [{{type: add_tag, value: {tag}}}]{version}}}")
        };
        one(load("f", &format!("workspace: a\nrules: [{}, {}]\n", rule("same", "x"), rule("edited", tag))))
    };
    let versions = |document: &Document| document.rules().iter().map(|rule| rule.version()).collect::<Vec<_>>();
    let first = rules("x", "").published(None, Timestamp(1));
    assert_eq!(versions(&first), [1, 1]);
    let second = rules("y", "").published(Some(&first), Timestamp(2));
    assert_eq!(versions(&second), [1, 2]);
    let third = rules("y", "").published(Some(&second), Timestamp(3));
    assert_eq!(versions(&third), [1, 2]);
    let since = third.rules().iter().map(|rule| rule.live_since).collect::<Vec<_>>();
    assert_eq!(since, [Some(Timestamp(1)), Some(Timestamp(2))], "an edit goes live when it is published");
    assert_eq!(third.hash(), second.hash());
    assert_ne!(second.hash(), first.hash());
    let reread = one(load("canonical", &third.canonical_json()));
    assert_eq!(versions(&reread), [1, 2]);
}

#[test]
fn how_a_file_is_written_does_not_change_its_hash() {
    let a = "workspace: a\nrules: [{id: r, trigger: incoming_message, conditions: [{field: message, op: '==', value: Halo}], actions: [{type: apply_tag, value: x}]}]\n";
    let b = r#"{"rules": [{"actions": [{"value": "x", "type": "add_tag", "on": "conversation", "required": false}],
        "trigger": ["message.created"], "priority": 50, "enabled": true, "stop": false, "id": "r", "name": "r",
        "conditions": [{"op": "equals", "field": "message.text", "value": "Halo"}]}], "workspace": "a"}"#;
    assert_eq!(one(load("a", a)).hash(), one(load("b", b)).hash());
    assert!(one(load("a", a)).hash().starts_with("sha256:"));
}

#[test]
fn test_cases_keep_their_lines_and_stay_out_of_the_hash() {
    let rules = "workspace: a\nrules: [{id: r, trigger: new_lead, actions: [{type: block}]}]\n";
    let tests = "tests:\n  - name: blocks\n    events: [{type: lead.created}]\n    expect: []\n";
    let with = one(load("f", &format!("{rules}{tests}")));
    assert_eq!(with.hash(), one(load("f", rules)).hash());
    let case = &with.tests()[0];
    assert_eq!((case.name.as_str(), case.line, case.events.len(), case.expect.len()), ("blocks", 4, 1, 0));
    let loaded = load("f", tests);
    assert!(loaded.diagnostics.is_empty(), "cases may stand alone: {:#?}", loaded.diagnostics);
}

#[test]
fn a_literal_secret_is_never_repeated() {
    let loaded = load(
        "f",
        "workspace: a\nendpoints: {crm: {url: 'https://a.example', secret: hunter2, previous_secret: hunter3}}\n",
    );
    assert_eq!(codes(&loaded), ["K0404", "K0404"]);
    assert!(!format!("{loaded:?}").contains("hunter"));
}

#[test]
fn the_templates_are_clean() {
    let templates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules/templates");
    let mut rules = 0;
    for entry in std::fs::read_dir(templates).expect("the templates") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("readable");
        let loaded = load(&path.display().to_string(), &text);
        assert!(loaded.diagnostics.is_empty(), "{:#?}", loaded.diagnostics);
        for document in &loaded.documents {
            rules += document.rules().len();
            assert!(!document.tests().is_empty(), "{} has no cases", path.display());
            crate::compile(document).expect("compiles");
        }
    }
    assert!(rules >= 16, "{rules} rules");
}

#[test]
fn mutilated_files_are_answered_and_never_panic() {
    let seeds = [
        include_str!("../../../../rules/templates/after-hours-reply.yaml"),
        include_str!("../../../../rules/templates/lead-captured.yaml"),
        include_str!("../../golden/actions/update_value/cases.yaml"),
        ASKVAULT,
    ];
    let pieces = [
        "{", "}", "[", "]", ":", "- ", "\n", "  ", "\"", "'", "&a ", "*a", "---\n", "null", "~", "-1", "9e999", "é",
        "\u{0}", "%", "|", ">", "!!", "{{", "}}", "\t",
    ];
    let runs: u64 = std::env::var("KILAT_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(300);
    let mut state = 1_u64;
    let mut roll = |sides: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % sides
    };
    for run in 0..runs {
        let mut text: Vec<char> = seeds[roll(seeds.len())].chars().collect();
        for _ in 0..1 + roll(6) {
            let (at, length) = (roll(text.len()), roll(12));
            let end = (at + length).min(text.len());
            match roll(3) {
                0 => drop(text.drain(at..end)),
                1 => text.splice(at..end, pieces[roll(pieces.len())].chars()).for_each(drop),
                _ => {
                    let copy = text[at..end].to_vec();
                    let to = roll(text.len());
                    text.splice(to..to, copy).for_each(drop);
                }
            }
        }
        let text: String = text.into_iter().collect();
        for document in load(&format!("run {run}"), &text).documents {
            // What loads also compiles, and its canonical form loads.
            crate::compile(&document).expect("compiles");
            let canonical = document.canonical_json();
            let again = load("canonical", &canonical);
            assert_eq!(again.documents.len(), 1, "{canonical}: {:#?}", again.diagnostics);
            assert_eq!(again.documents[0].canonical_json(), canonical);
        }
    }
}
