//! Lines as the contract writes them.

use kilat_codec::json::{self, LineError};
use kilat_domain::*;

use crate::{bare_event, contract_event};

const EVENT: &str = r#"{"id":"e1","workspace":"acme","type":"message.created","occurred_at":"2026-11-20T03:00:00.000Z",
 "conversation":{"id":"wa:6281110001:628123456789"},"lead":{"id":"wa:628123456789"},
 "channel":{"kind":"whatsapp","account":"6281110001","source":"wa_api"},"chat":{"kind":"direct"},
 "sender":{"kind":"customer","id":"628123456789@s.whatsapp.net","name":"Budi"},
 "message":{"id":"wamid.X","type":"text","text":"mau order dong","reply_to":null,"history":false}}"#;

#[test]
fn the_contracts_event_line_is_read() {
    assert_eq!(json::event_from_line(EVENT).unwrap(), contract_event());
}

#[test]
fn an_event_line_is_written_without_what_is_not_known() {
    let expected = EVENT.replace("\n ", "").replace(r#""reply_to":null,"#, "");
    assert_eq!(json::event_to_line(&contract_event()), expected);
}

#[test]
fn the_contracts_decision_line_is_written_key_by_key() {
    let line = concat!(
        r#"{"event_id":"e7","workspace":"acme","conversation":"wa:6281110001:628123456789","lead":"wa:628123456789","#,
        r#""at":"2026-11-20T03:00:00.000Z","type":"message.created","rule_set":"sha256:…","#,
        r#""fired":[{"rule":"hot-lead","version":3,"actions":["#,
        r#"{"index":0,"type":"set_status","result":"applied","from":"responded","to":"hot"},"#,
        r#"{"index":1,"type":"send_webhook","result":"queued","id":"01J…"}]}],"#,
        r#""refused":[{"rule":"promo","reason":"loop"}],"stopped_by":null,"causation_id":null,"root_id":"e7","depth":0}"#,
    );
    let effect = |index, action: &'static str, result| ActionEffect {
        index,
        action: action.into(),
        result,
        from: None,
        to: None,
        until: None,
        id: None,
        reason: None,
    };
    let decision = Decision {
        event_id: "e7".into(),
        workspace: "acme".into(),
        conversation: Some("wa:6281110001:628123456789".into()),
        lead: Some("wa:628123456789".into()),
        at: Timestamp(1_795_143_600_000),
        kind: EventKind::MessageCreated,
        rule_set: "sha256:…".into(),
        fired: vec![Fired {
            rule: "hot-lead".into(),
            version: 3,
            actions: vec![
                ActionEffect {
                    from: Some("responded".into()),
                    to: Some("hot".into()),
                    ..effect(0, "set_status", Effect::Applied)
                },
                ActionEffect { id: Some("01J…".into()), ..effect(1, "send_webhook", Effect::Queued) },
            ],
        }],
        refused: vec![Refused { rule: "promo".into(), reason: "loop".into() }],
        stopped_by: None,
        causation_id: None,
        root_id: "e7".into(),
        depth: 0,
        scanned_bytes: None,
    };
    assert_eq!(json::decision_to_line(&decision), line);
    assert_eq!(json::decision_from_line(line).unwrap(), decision);

    let scanned = Decision { scanned_bytes: Some(65_536), ..decision };
    let line = line.replace(r#""depth":0}"#, r#""depth":0,"scanned_bytes":65536}"#);
    assert_eq!(json::decision_to_line(&scanned), line);
    assert_eq!(json::decision_from_line(&line).unwrap(), scanned);
}

#[test]
fn free_form_values_are_plain_json() {
    let line = r#"{"id":"e2","workspace":"acme","type":"webhook.received","occurred_at":"1970-01-01T00:00:00.000Z","webhook":{"a":null,"b":[1,2.5,"x",{"c":true}]}}"#;
    let number = |n| Value::Number(Number::Int(n));
    let webhook = Object(vec![
        ("a".into(), Value::Null),
        (
            "b".into(),
            Value::List(vec![
                number(1),
                Value::Number(Number::Float(2.5)),
                Value::Text("x".into()),
                Value::Object(vec![("c".into(), Value::Bool(true))]),
            ]),
        ),
    ]);
    let event = Event { webhook: Some(webhook), ..bare_event("e2", EventKind::WebhookReceived, 0) };
    assert_eq!(json::event_from_line(line).unwrap(), event);
    assert_eq!(json::event_to_line(&event), line);
}

#[test]
fn a_score_is_written_as_it_was_meant() {
    let with = |score| Event {
        lead: Some(LeadFacts { score: Some(score), ..LeadFacts::default() }),
        ..bare_event("e", EventKind::LeadUpdated, 0)
    };
    assert!(json::event_to_line(&with(Number::Int(80))).contains(r#""lead":{"score":80}"#));
    assert!(json::event_to_line(&with(Number::Float(79.9))).contains(r#""lead":{"score":79.9}"#));
}

fn read_with(kind: &str, facts: &str) -> Event<'static> {
    let line =
        format!(r#"{{"id":"e","workspace":"acme","type":"{kind}","occurred_at":"1970-01-01T00:00:00Z",{facts}}}"#);
    json::event_from_line(&line).unwrap()
}

fn change(field: &'static str, from: Option<&'static str>, to: Option<&'static str>) -> Option<Change<'static>> {
    Some(Change { field: Some(field.into()), from: from.map(Into::into), to: to.map(Into::into) })
}

#[test]
fn a_change_may_stand_in_the_object_that_changed() {
    let check = |kind, facts, expected| assert_eq!(read_with(kind, facts).change, expected, "{kind} {facts}");
    let hot = change("lead.status", Some("new"), Some("hot"));
    check("lead.status_changed", r#""lead":{"id":"l1","from":"new","to":"hot"}"#, hot.clone());
    check("lead.status_changed", r#""change":{"from":"new","to":"hot"}"#, hot.clone());
    check("lead.status_changed", r#""change":{"field":"lead.status","from":"new","to":"hot"}"#, hot);
    check(
        "lead.updated",
        r#""lead":{"id":"l1","field":"lead.city","to":"Bandung"}"#,
        change("lead.city", None, Some("Bandung")),
    );
    check("lead.updated", r#""lead":{"id":"l1","city":"Bandung"}"#, None);
    check(
        "lead.value_changed",
        r#""lead":{"to":{"minor":150000000,"currency":"IDR"}}"#,
        change("lead.value.actual", None, Some("150000000 IDR")),
    );
    check(
        "conversation.assigned",
        r#""conversation":{"to":"ani"}"#,
        change("conversation.assignee", None, Some("ani")),
    );
    check("ticket.status_changed", r#""ticket":{"from":1,"to":2}"#, change("ticket.status", Some("1"), Some("2")));
    check("message.created", r#""message":{"from":"a","to":"b"}"#, None);
}

#[test]
fn shop_facts_are_those_of_the_order() {
    let expected = Some(Object(vec![("total".into(), Value::Number(Number::Int(5)))]));
    assert_eq!(read_with("shop.order_paid", r#""shop":{"total":5}"#).order, expected);
    assert_eq!(read_with("shop.order_paid", r#""order":{"total":5}"#).order, expected);
    assert_eq!(read_with("shop.order_paid", r#""order":{"total":5},"shop":{"total":6}"#).order, expected);
}

#[test]
fn keys_of_newer_producers_are_passed_over() {
    let event = read_with("message.created", r#""mood":"good","message":{"text":"hi","colour":{"deep":[1]}}"#);
    assert_eq!(event.message.unwrap().text.unwrap(), "hi");
}

#[track_caller]
fn refused(line: &str, code: &str, path: &str, problem: &str, remedy: &str) {
    let LineError { code: c, path: p, problem: what, remedy: help } = json::event_from_line(line).unwrap_err();
    assert_eq!((c, p.as_str()), (code, path), "{what}. help: {help}");
    assert!(what.contains(problem), "{what}");
    assert!(help.contains(remedy), "{help}");
}

#[test]
fn every_error_names_its_field_and_the_remedy() {
    let with = |facts: &str| {
        format!(
            r#"{{"id":"e","workspace":"acme","type":"message.created","occurred_at":"2026-11-20T03:00:00Z"{facts}}}"#
        )
    };
    refused("", "K2101", "", "not JSON", "one complete JSON object");
    refused("[1]", "K2103", "", "the line is a list, not an object", "write an object");
    refused("{}", "K2102", "id", "is missing", "Unique per workspace");
    refused(&with("").replace(r#""workspace":"acme","#, ""), "K2102", "workspace", "is missing", "add it");
    refused(&with(r#","channel":{"account":"1"}"#), "K2102", "channel.kind", "is missing", "whatsapp");
    refused(&with("").replace("\"e\"", "7"), "K2103", "id", "is 7, not a text", "put it in quotes: \"7\"");
    refused(&with(r#","lead":{"tags":["a",2]}"#), "K2103", "lead.tags[1]", "is 2, not a text", "quotes");
    refused(&with(r#","lead":{"tags":"vip"}"#), "K2103", "lead.tags", "not a list", r#"["vip"]"#);
    refused(&with(r#","lead":{"score":"80"}"#), "K2103", "lead.score", "not a number", "without quotes");
    refused(
        &with(r#","message":{"history":1}"#),
        "K2103",
        "message.history",
        "is 1, not true or false",
        "write true or false",
    );
    refused(
        &with("").replace("2026-11-20T03:00:00Z", "yesterday"),
        "K2103",
        "occurred_at",
        "not an instant",
        "2026-11-20T03:00:00.000Z",
    );
    refused(
        &with("").replace("\"2026-11-20T03:00:00Z\"", "1795143600"),
        "K2103",
        "occurred_at",
        "not an instant",
        "2026-11-20",
    );
    refused(&with(r#","depth":-1"#), "K2105", "depth", "is -1, which does not fit", "from 0 to 65535");
    refused(&with(r#","depth":3000000000"#), "K2105", "depth", "does not fit", "whole number");
    refused(&with("").replace("\"e\"", "\"\""), "K2105", "id", "is empty", "");
    refused(&with("").replace("2026", "1926"), "K2105", "occurred_at", "before 1970", "");
    let deep = format!(r#","webhook":{{"a":{}1{}}}"#, "[".repeat(17), "]".repeat(17));
    refused(&with(&deep), "K2105", "webhook", "more than 16 deep", "");
    let long = format!(r#","message":{{"text":"{}"}}"#, "x".repeat(1 << 20));
    refused(&with(&long), "K2105", "", "more than the 1048576", "shorten");
}

#[test]
fn a_word_that_no_set_knows_is_kept_as_unknown_and_told_with_the_one_that_may_have_been_meant() {
    let with = |kind: &str, facts: &str| {
        format!(r#"{{"id":"e","workspace":"acme","type":"{kind}","occurred_at":"2026-11-20T03:00:00Z"{facts}}}"#)
    };
    let told = |line: &str| -> Vec<String> {
        let event = json::event_from_line(line).unwrap();
        let told: Vec<String> = json::unknown_words(line).iter().map(ToString::to_string).collect();
        assert_eq!(event.has_unknown_words(), !told.is_empty(), "{line}");
        told
    };
    for (line, expected) in [
        (
            with("message.craeted", ""),
            "`type` is \"message.craeted\", which is no event type that is known: it is read as unknown. help: did you mean \"message.created\"?",
        ),
        (
            with("order_paid", ""),
            "`type` is \"order_paid\", which is no event type that is known: it is read as unknown. help: did you mean \"shop.order_paid\"?",
        ),
        (
            with("message.created", r#","sender":{"kind":"Customer"}"#),
            "`sender.kind` is \"Customer\", which is no sender kind that is known: it is read as unknown. help: did you mean \"customer\"?",
        ),
        (
            with("message.created", r#","lead":{"consent":"double opt-in"}"#),
            "`lead.consent` is \"double opt-in\", which is no consent that is known: it is read as unknown. help: use one of given, withdrawn",
        ),
    ] {
        assert_eq!(told(&line), [expected]);
    }
    let event =
        json::event_from_line(&with("poll.closed", r#","chat":{"kind":"forum"},"sender":{"kind":"oracle"}"#)).unwrap();
    assert_eq!((event.kind, event.chat_kind()), (EventKind::Unknown, Some(ChatKind::Unknown)));
    assert_eq!(event.sender.unwrap().kind, SenderKind::Unknown);
    assert_eq!(told(&with("message.created", r#","sender":{"kind":"customer"},"message":{"type":"text"}"#)), [""; 0]);
}

#[test]
fn nesting_without_end_is_an_error_and_no_overflow() {
    let line = format!(r#"{{"webhook":{}"#, "[".repeat(1_000_000));
    assert_eq!(json::event_from_line(&line).unwrap_err().code, "K2101");
}

#[test]
fn an_action_line_names_its_command() {
    let action = Action {
        id: "5N8ZKQ2V7T1M4XW9R6YH3JD0CB".into(),
        workspace: "acme".into(),
        conversation: "c".into(),
        lead: None,
        event_id: "e1".into(),
        rule: "hot".into(),
        rule_version: 1,
        index: 0,
        created_at: Timestamp(0),
        expires_at: Some(Timestamp(60_000)),
        parallel: None,
        on_unknown: OnUnknown::Hold,
        gate: Gate { blocked: false, window_closes_at: None },
        destination: None,
        command: Command::SendWebhook {
            event: "lead.hot".into(),
            payload: Object(vec![("score".into(), Value::Number(Number::Int(80)))]),
        },
    };
    let line = concat!(
        r#"{"id":"5N8ZKQ2V7T1M4XW9R6YH3JD0CB","workspace":"acme","conversation":"c","event_id":"e1","rule":"hot","#,
        r#""rule_version":1,"index":0,"created_at":"1970-01-01T00:00:00.000Z","expires_at":"1970-01-01T00:01:00.000Z","#,
        r#""on_unknown":"hold","gate":{"blocked":false},"#,
        r#""command":{"SendWebhook":{"event":"lead.hot","payload":{"score":80}}}}"#,
    );
    assert_eq!(json::action_to_line(&action), line);
    assert_eq!(json::action_from_line(line).unwrap(), action);
}
