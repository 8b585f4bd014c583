//! Our requests and signatures against samples collected from the partners' documentation.

use std::fs;

use kilat_domain::{Action, CapiEvent, Command, Destination, DestinationKind, Gate, Money, OnUnknown, Timestamp};
use kilat_partners::{HttpResponse, Secrets, partner_for};
use serde_json::{Value, json};

use crate::shared;

const NINE: Timestamp = Timestamp(1_795_165_200_000);

fn action<'a>(id: &'a str, destination: Destination<'a>, command: Command<'a>) -> Action<'a> {
    Action {
        id: id.into(),
        workspace: "acme".into(),
        conversation: "c".into(),
        lead: None,
        event_id: "e".into(),
        rule: "r".into(),
        rule_version: 1,
        index: 0,
        created_at: NINE,
        expires_at: None,
        parallel: None,
        on_unknown: OnUnknown::Resend,
        gate: Gate::default(),
        destination: Some(destination),
        command,
    }
}

fn destination(kind: DestinationKind) -> Destination<'static> {
    Destination {
        name: "d".into(),
        kind,
        url: "https://graph.facebook.com/v26.0".into(),
        secret: Some("env:A_TOKEN".into()),
        previous_secret: None,
        account: Some("300000000000001".into()),
        waba: Some("200000000000001".into()),
    }
}

fn read(path: &str) -> Option<Value> {
    shared(path).map(|file| serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap())
}

#[test]
fn a_whatsapp_conversion_is_the_documented_request() {
    let cases = [
        ("LeadSubmitted", None, "act_01JFAKE0004", "request_whatsapp_leadsubmitted"),
        ("Purchase", Some(15_000_000), "act_01JFAKE0005", "request_whatsapp_purchase"),
    ];
    for (name, minor, id, file) in cases {
        let Some(mut expected) = read(&format!("partners/samples/meta_capi/{file}.json")) else { return };
        expected["access_token"] = json!("token-FAKE");
        let event = CapiEvent {
            name: name.into(),
            at: NINE,
            value: minor.map(|minor| Money { minor, currency: "IDR".into() }),
            ctwa_clid: Some("AfFAKEctwaclid000000000000000000000000000000001".into()),
            phone: Some("+6281200000001".into()),
            email: None,
            channel: Some("whatsapp".into()),
        };
        let action = action(id, destination(DestinationKind::MetaCapi), Command::SendCapiEvent(event));
        let secrets = Secrets { current: Some("token-FAKE"), previous: None };
        let request = partner_for(&action).unwrap().render(&action, &secrets, NINE).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&request.body).unwrap(), expected, "{file}");
        assert_eq!(request.url, "https://graph.facebook.com/v26.0/300000000000001/events");
    }
}

#[test]
fn documented_answers_get_their_verdicts() {
    let cases = [
        (DestinationKind::MetaCapi, "meta_capi/response_ok.json", 200, "delivered"),
        (DestinationKind::MetaCapi, "meta_capi/response_error_2804066.json", 400, "rejected"),
        (DestinationKind::MetaCapi, "meta_capi/response_error_event_time.json", 400, "rejected"),
        (DestinationKind::WhatsappCloud, "meta_whatsapp/api_send_ok.json", 200, "delivered"),
        (DestinationKind::WhatsappCloud, "meta_whatsapp/api_error_131056.json", 400, "throttled"),
        (DestinationKind::WhatsappCloud, "meta_whatsapp/api_error_190.json", 401, "auth_stopped"),
    ];
    for (kind, file, status, verdict) in cases {
        let Some(path) = shared(&format!("partners/samples/{file}")) else { return };
        let body = fs::read(path).unwrap();
        let partner = kilat_partners::ALL.iter().find(|partner| partner.kind() == kind).unwrap();
        let answer = partner.classify(&HttpResponse { status, headers: &[], body: &body });
        assert_eq!(answer.verdict.name(), verdict, "{file}");
    }
}
