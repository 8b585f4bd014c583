//! Rules of the contract, evaluated.

use kilat_domain::{Conversation, Event, Lead, Patch, Timestamp};

use crate::{Facts, Planned, RuleSet, Scratch, compile, load};

const CONTRACT: &str = r#"
workspace: acme
settings:
  timezone: Asia/Jakarta
  statuses: [{id: new, label: {en: New, id: Baru}}, {id: responded}, {id: hot}, {id: won, aliases: [purchase]}]
  business_hours: {mon: [["09:00","12:00"],["13:00","17:00"]], sat: [["09:00","12:00"]], holidays: ["2026-12-25"]}
endpoints:
  crm: {url: "https://crm.example/hook", secret: "env:CRM_HOOK_SECRET"}
rules:
  - id: hot-lead
    name: Identify hot lead
    enabled: true
    priority: 50
    trigger: message.created
    scope: {channels: ["6281110001"], sources: [wa_api]}
    conditions:
      - {field: message.text, op: contains, value: [order, buy, booking]}
      - any:
          - {field: lead.status, op: equals, value: responded}
          - {field: lead.score, op: gte, value: 80}
    actions:
      - {type: set_status, value: hot}
      - {type: send_webhook, to: crm}
    stop: false
    class: normal
    once_per: null
    apply_to: all
    allow_group: false
"#;

fn rule_set(text: &str) -> RuleSet {
    let loaded = load("rules.yaml", text);
    assert!(loaded.diagnostics.is_empty(), "{:#?}", loaded.diagnostics);
    compile(&loaded.documents[0]).expect("compiles")
}

#[test]
fn the_contracts_example_fires_on_its_event() {
    let line = r#"{"id":"e1","workspace":"acme","type":"message.created","occurred_at":1763607600000,
        "channel":{"kind":"whatsapp","account":"6281110001","source":"wa_api"},"chat":{"kind":"direct"},
        "sender":{"kind":"customer","id":"628123456789@s.whatsapp.net","name":"Budi"},
        "message":{"id":"wamid.X","type":"text","text":"mau order dong","reply_to":null,"history":false}}"#;
    let event: Event<'_> = serde_json::from_str(line).expect("parses");
    let rules = rule_set(CONTRACT);
    let mut scratch = Scratch::new();
    let mut lead = Lead::new("responded");
    let conversation = Conversation::new(Timestamp(0));
    for (status, expected) in [("responded", Some("hot-lead")), ("new", None)] {
        lead.status = status.into();
        let facts = Facts {
            event: &event,
            lead: Some(&lead),
            conversation: Some(&conversation),
            first_contact: false,
            conversation_is_new: false,
        };
        let mut pass = rules.pass(&event, &mut scratch);
        let fired = pass.next(&facts);
        assert_eq!(fired.map(|rule| rule.id()), expected);
        if let Some(rule) = fired {
            assert_eq!(pass.plan(rule, &rule.actions()[0], &facts), Planned::Patch(Patch::LeadStatus("hot".into())));
            assert!(pass.next(&facts).is_none());
        }
    }
}

#[test]
fn canonical_json_loads_back_to_the_same_document() {
    let document = load("rules.yaml", CONTRACT).documents.remove(0);
    let json = document.canonical_json();
    let again = load("rules.json", &json);
    assert!(again.diagnostics.is_empty(), "{:#?}", again.diagnostics);
    assert_eq!(again.documents[0].canonical_json(), json);
    assert_eq!(again.documents[0].hash(), document.hash());
}
