//! Events nobody would send on purpose, and some that somebody would: the engine answers all of them, and panics on none.

use kilat_engine::{Applied, BatchHeader};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{Engine, block_of, message};

/// Rules that read every kind of field and do every kind of thing to the state.
const RULES: &str = r##"
workspace: acme
settings:
  timezone: America/New_York
  business_hours: {mon: [["09:00", "17:00"]], sat: [["22:00", "02:00"]], holidays: ["2026-12-25"]}
endpoints: {crm: {url: "https://crm.example/hook", secret: "env:S"}}
rules:
  - {id: words, name: Words, trigger: [message.created, message.edited], conditions: [{field: message.text, op: contains, value: [order, beli]}], actions: [{type: add_tag, value: words}]}
  - {id: whole, name: Whole, trigger: message.created, conditions: [{field: message.text, op: contains_word, value: order}], actions: [{type: add_tag, value: whole}]}
  - {id: phrase, name: Phrase, trigger: message.created, conditions: [{field: message.text, op: exact_phrase, value: order}], actions: [{type: set_field, field: lead.notes, value: "{{message.text}} {{lead.name|kak}}"}]}
  - {id: pattern, name: Pattern, trigger: message.created, conditions: [{field: message.text, op: matches, value: "o.{0,3}r\\w+"}], actions: [{type: add_tag, value: pattern}]}
  - {id: money, name: Money, trigger: message.created, actions: [{type: update_value, preset: flexible_rupiah, policy: sum, required: false}, {type: update_value, target: attrs.code, pattern: "#(\\w+)", required: false}]}
  - {id: sender, name: Sender, trigger: message.created, conditions: [{field: sender.id, op: equals, value: "628123456789"}], actions: [{type: add_tag, value: sender}]}
  - {id: hours, name: Hours, trigger: message.created, conditions: [{field: time.business_hours, op: equals, value: outside}, {field: time.window, op: in, value: "22:00-06:00", days: [sat]}, {field: time.day_of_week, op: in, value: [sat, sun]}], actions: [{type: add_tag, value: hours}]}
  - {id: closed, name: Closed, class: fallback, trigger: message.created, actions: [{type: send_webhook, to: crm, ttl: 8h}]}
  - {id: window, name: Window, trigger: message.created, once_per: {window: 24h}, actions: [{type: add_tag, value: window}]}
  - {id: score, name: Score, trigger: [lead.updated, message.created], conditions: [{field: lead.score, op: lt, value: 0}], actions: [{type: add_tag, value: negative, on: lead}]}
  - {id: count, name: Count, trigger: message.created, conditions: [{field: chat_count.session, op: gte, value: 2}], actions: [{type: add_tag, value: again}]}
  - {id: attribute, name: Attribute, trigger: [lead.updated, webhook.received], conditions: [{any: [{field: attrs.x.y, op: equals, value: deep}, {field: webhook.a, op: gt, value: 5}]}], actions: [{type: set_field, field: attrs.z, value: "{{attrs.x.y}}"}]}
  - {id: hot, name: Hot, trigger: message.created, conditions: [{field: lead.status, op: not_equals, value: hot}], actions: [{type: set_status, value: hot}, {type: set_priority, value: high, of: lead}]}
"##;

fn fired(engine: &mut Engine, event: Value) -> Vec<String> {
    let answers = engine.event(event);
    let rules =
        answers.decisions.iter().filter(|d| d["depth"] == 0).flat_map(|d| d["fired"].as_array().unwrap().clone());
    rules.map(|fired| fired["rule"].as_str().unwrap().to_owned()).collect()
}

fn says(text: &str) -> Vec<String> {
    fired(&mut Engine::new(RULES), message("e1", "customer", text))
}

/// Proves D-10.
#[test]
fn letters_that_are_not_seen_do_not_hide_a_word() {
    for text in [
        "or\u{200b}der",         // zero width space
        "o\u{200d}r\u{200c}der", // joiner, non-joiner
        "\u{202e}order\u{202c}", // right-to-left override
        "\u{2066}or\u{2069}der", // isolates
        "or\u{ad}der",           // soft hyphen
        "\u{feff}order",         // byte order mark
        "o\u{e0020}rder",        // a tag character
        "ｏｒｄｅｒ",
        "𝐨𝐫𝐝𝐞𝐫",
        "ⓞⓡⓓⓔⓡ",
    ] {
        let fired = says(text);
        assert!(fired.iter().any(|rule| rule == "words"), "{text:?}: {fired:?}");
        assert!(fired.iter().any(|rule| rule == "phrase"), "{text:?}: {fired:?}");
    }
    // What only looks alike is another letter, and what stands reversed is another word.
    for text in ["оrder", "redro", "0rder", "o r d e r"] {
        assert!(says(text).iter().all(|rule| rule != "words"), "{text:?}");
    }
}

#[test]
fn a_negative_score_is_a_number_like_any_other() {
    for score in [json!(-1), json!(-0.5), json!(-1e300), json!(i64::MIN), json!(-5e-324)] {
        let event = json!({"type": "lead.updated", "lead": {"id": "l1", "score": score}});
        assert_eq!(fired(&mut Engine::new(RULES), event), ["score"], "{score}");
    }
    for score in [json!(0), json!(-0.0), json!(1e300), json!(u64::MAX)] {
        let event = json!({"type": "lead.updated", "lead": {"id": "l1", "score": score}});
        assert_eq!(fired(&mut Engine::new(RULES), event), [""; 0], "{score}");
    }
}

#[test]
fn the_first_and_the_last_instant_are_instants() {
    for at in ["1970-01-01T00:00:00Z", "1970-01-01T00:00:00.001Z", "9999-12-30T21:59:59.999Z", "9999-12-30T22:00:00Z"] {
        let mut engine = Engine::new(RULES);
        let mut event = message("e1", "customer", "order");
        event["occurred_at"] = json!(at);
        let fired = fired(&mut engine, event);
        assert!(fired.contains(&"words".to_owned()) && fired.contains(&"closed".to_owned()), "{at}: {fired:?}");
        kilat_codec::decode_state_block(&block_of(&mut engine.partition)).unwrap();
    }
}

#[test]
fn what_rules_put_into_the_state_can_be_read_back() {
    for keys in [1, 10, 15, 16, 17, 40, 128] {
        let path = vec!["k"; keys].join(".");
        let rules = format!(
            "workspace: acme\nrules:\n  - {{id: deep, name: Deep, trigger: message.created, actions: [{{type: set_field, field: attrs.{path}, value: x}}]}}\n"
        );
        // What is too deep for a record is refused when it is saved.
        if !crate::support::codes_of(&rules).is_empty() {
            assert!(keys > 10, "{keys} keys are not many");
            continue;
        }
        let mut engine = Engine::new(&rules);
        engine.event(message("e1", "customer", "x"));
        let bytes = block_of(&mut engine.partition);
        assert!(kilat_codec::decode_state_block(&bytes).is_ok(), "{keys} keys");
        engine.partition.for_each_lead(|lead| {
            let mut bytes = Vec::new();
            kilat_codec::Encoder::new().lead(lead, &mut bytes).unwrap();
            assert!(kilat_codec::decode_lead(&bytes).is_ok(), "{keys} keys");
        });
    }
}

#[test]
fn time_that_runs_backwards_is_borne() {
    let mut engine = Engine::new(RULES);
    for (n, at) in ["9999-12-30T22:00:00Z", "1970-01-01T00:00:00Z", "2026-11-21T03:00:00Z"].into_iter().enumerate() {
        let mut event = message(&format!("e{n}"), "customer", "order");
        event["occurred_at"] = json!(at);
        assert!(fired(&mut engine, event).contains(&"words".to_owned()), "{at}");
    }
}

#[test]
fn a_text_of_a_record_s_size_is_searched_up_to_its_cap() {
    let long = |before: usize| format!("{} order", "x ".repeat(before));
    assert!(says(&long(1_000)).contains(&"words".to_owned()));
    // The cap is 4,096 characters (D-6).
    assert!(!says(&long(500_000)).contains(&"words".to_owned()));
    for text in ["\u{fdfa}".repeat(300_000), "\u{301}".repeat(400_000), "Rp 1.".repeat(200_000), "#".repeat(1 << 19)] {
        assert!(says(&text).contains(&"hot".to_owned()));
    }
}

#[test]
fn a_word_the_engine_does_not_know_is_kept_where_words_are_free() {
    let mut engine = Engine::new(RULES);
    let event =
        json!({"type": "lead.updated", "lead": {"id": "l1", "status": "galactic", "source": "mars", "audience": "x"}});
    engine.event(event);
    assert_eq!(engine.lead("l1").facts.status.unwrap(), "galactic");
    let mut poll = message("e2", "customer", "order");
    poll["message"]["type"] = json!("poll");
    poll["channel"]["kind"] = json!("carrier-pigeon");
    assert!(fired(&mut engine, poll).contains(&"words".to_owned()));
}

/// Values of every type, some of them absurd.
fn any_value() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        "\\PC{0,40}",
        proptest::sample::select(vec![
            "order",
            "ORDER beli",
            "Rp 1.500.000",
            "Rp 1.50.000 dan 99999999999999999999",
            "628123456789",
            "+62 812",
            "a@b@c",
            "@lid",
            ":@s.whatsapp.net",
            "\u{202e}order",
            "\0",
            "hot",
            "2026-02-30",
            "{{lead.name}}",
            "#x",
            "-",
        ])
        .prop_map(str::to_owned),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec(("[a-z]{1,3}", inner), 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// A whole event with every fact, of which some are replaced.
fn any_event() -> impl Strategy<Value = Value> {
    let kinds = kilat_domain::EventKind::WORDS;
    let places = [
        "/lead/status",
        "/lead/score",
        "/lead/tags",
        "/lead/attrs",
        "/lead/value",
        "/lead/country",
        "/lead/id",
        "/conversation/status",
        "/conversation/tags",
        "/conversation/attrs",
        "/conversation/id",
        "/conversation/assignee",
        "/message/text",
        "/message/type",
        "/message/quoted_text",
        "/message/id",
        "/message/history",
        "/sender/id",
        "/sender/name",
        "/sender/kind",
        "/channel",
        "/channel/account",
        "/chat/kind",
        "/change/from",
        "/change/to",
        "/tag",
        "/tag/name",
        "/webhook",
        "/order",
        "/utm",
        "/geo/country",
        "/occurred_at",
        "/depth",
        "/root_id",
    ];
    let whole = json!({
        "lead": {"id": "l1", "status": "responded", "score": 5, "tags": ["vip"], "attrs": {"x": {"y": "deep"}},
            "value": {"actual": {"minor": 1, "currency": "IDR"}}, "country": "ID"},
        "conversation": {"id": "c1", "status": "open", "tags": ["a"], "attrs": {"b": 1}, "assignee": "ani"},
        "message": {"text": "mau order", "type": "text", "quoted_text": "apa", "id": "m", "history": false},
        "sender": {"kind": "customer", "id": "628123456789", "name": "Budi"},
        "channel": {"kind": "whatsapp", "account": "1", "source": "wa_api"}, "chat": {"kind": "direct"},
        "change": {"from": "new", "to": "hot"}, "tag": {"name": "vip"}, "skill": {"name": "s"}, "list": {"name": "n"},
        "webhook": {"a": 6}, "order": {"total": 5}, "utm": {"source": "x"}, "geo": {"country": "SG"}, "root_id": "e0",
    });
    let changes = proptest::collection::vec((proptest::sample::select(places.to_vec()), any_value()), 0..4);
    (proptest::sample::select(kinds), changes).prop_map(move |(kind, changes)| {
        let mut event = whole.clone();
        event["type"] = json!(kind);
        for (place, value) in changes {
            match event.pointer_mut(place) {
                Some(target) => *target = value,
                None => event[&place[1..].replace('/', "_")] = value,
            }
        }
        event
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    /// What a line is refused for is told; what is taken is decided, and what is decided can be written down.
    #[test]
    fn whatever_a_line_says_it_is_refused_or_decided(events in proptest::collection::vec(any_event(), 1..6)) {
        let mut engine = Engine::new(RULES);
        for (number, mut event) in events.into_iter().enumerate() {
            event["id"] = json!(format!("e{number}"));
            event["workspace"] = json!("acme");
            if event.get("occurred_at").is_none() {
                event["occurred_at"] = json!("2026-11-20T03:00:00Z");
            }
            match kilat_codec::json::event_from_line(&event.to_string()) {
                Err(error) => prop_assert!(!error.problem.is_empty() && !error.remedy.is_empty(), "{error}"),
                Ok(event) => {
                    engine.apply(&event);
                }
            }
        }
        for block in &engine.partition.blocks(BatchHeader::default()) {
            let mut bytes = Vec::new();
            kilat_codec::Encoder::new().state_block(block, &mut bytes).unwrap();
            prop_assert!(kilat_codec::decode_state_block(&bytes).is_ok());
        }
    }
}

/// An event whose type, or whose other words, are newer than Kilat: state is folded, and only rules that ask are triggered.
#[test]
fn an_event_of_a_type_that_is_not_known_is_folded_counted_and_triggers_nothing() {
    let mut engine = Engine::new(
        "workspace: acme\nrules:\n  - {id: any, name: Any, trigger: message.created, actions: [{type: add_tag, value: seen}]}\n",
    );
    let mut event = message("p1", "customer", "halo");
    event["type"] = json!("poll.closed");
    event["lead"] = json!({"id": "l1", "status": "hot", "priority": "escalated"});
    let (applied, answers) = engine.try_event(event.clone());
    assert_eq!(applied, Applied::Evaluated { caused: 0 });
    assert!(answers.decisions.is_empty(), "{:?}", answers.decisions);
    let lead = engine.lead("l1");
    assert_eq!(lead.facts.status.as_deref(), Some("hot"));
    assert_eq!(lead.facts.priority, Some(kilat_domain::LeadPriority::Unknown));
    assert_eq!(engine.try_event(event).0, Applied::Duplicate);

    let mut by_nobody_known = message("p2", "franchise", "halo");
    by_nobody_known["chat"]["kind"] = json!("forum");
    assert!(engine.event(by_nobody_known).decisions.is_empty(), "a rule that names no sender sees customers only");
    assert_eq!(engine.event(message("p3", "customer", "halo")).decisions[0]["fired"][0]["rule"], "any");
}
