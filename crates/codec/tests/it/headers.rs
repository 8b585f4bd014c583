//! CloudEvents headers and `traceparent`.

use kilat_codec::cloudevents::{Attributes, Headers, Kind};
use kilat_codec::{Schema, traceparent};
use kilat_domain::{EventKind, Timestamp};

fn shown(headers: &[(&str, &[u8])]) -> Vec<String> {
    headers.iter().map(|(name, value)| format!("{name}: {}", str::from_utf8(value).unwrap())).collect()
}

#[test]
fn an_event_carries_its_cloudevents_attributes() {
    let mut headers = Headers::new();
    let attributes = Attributes {
        kind: Kind::Event(EventKind::MessageCreated),
        id: "e1",
        workspace: "acme",
        at: Timestamp(1_795_143_600_000),
        traceparent: None,
    };
    assert_eq!(
        shown(&headers.of(&attributes)),
        [
            "ce_specversion: 1.0",
            "ce_id: e1",
            "ce_type: kilat.message.created",
            "ce_source: kilat/acme",
            "ce_time: 2026-11-20T03:00:00.000Z",
            "content-type: application/avro",
        ]
    );
}

#[test]
fn a_decision_has_an_id_of_its_own_and_passes_the_trace_through() {
    let mut headers = Headers::new();
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let attributes = Attributes {
        kind: Kind::Record(Schema::Decision),
        id: "e7",
        workspace: "acme",
        at: Timestamp(0),
        traceparent: Some(trace.as_bytes()),
    };
    let shown = shown(&headers.of(&attributes));
    assert!(shown.contains(&"ce_id: e7/decision".to_owned()), "{shown:?}");
    assert!(shown.contains(&"ce_type: kilat.decision.v1".to_owned()), "{shown:?}");
    assert!(shown.contains(&format!("traceparent: {trace}")), "{shown:?}");
}

#[test]
fn a_traceparent_is_read_and_printed_as_it_was() {
    // The example of W3C Trace Context, section 3.2.4.
    let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let parent = traceparent::parse(text.as_bytes()).unwrap();
    assert_eq!(parent.to_string(), text);
    assert_eq!(parent.to_string().len(), traceparent::BYTES);
    assert_eq!(parent.trace_id(), 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
    assert_eq!(parent.span_id(), 0x00f0_67aa_0ba9_02b7);
    assert!(parent.is_sampled());
}

#[test]
fn a_child_stays_in_the_trace() {
    let parent = traceparent::parse(b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00").unwrap();
    let child = traceparent::child(parent, 0xb7ad_6b71_6920_3331);
    assert_eq!(child.to_string(), "00-4bf92f3577b34da6a3ce929d0e0e4736-b7ad6b7169203331-00");
    assert_eq!(traceparent::child(parent, 0).span_id(), 1);
}

#[test]
fn what_the_format_forbids_is_refused() {
    let refused = [
        "",
        "00",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
    ];
    for text in refused {
        assert!(traceparent::parse(text.as_bytes()).is_err(), "{text}");
    }
}
