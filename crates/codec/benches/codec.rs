//! What decoding and encoding cost, per record; every answer is checked before it is timed.

#![allow(clippy::unwrap_used, reason = "a benchmark whose input is wrong should stop")]

use std::hint::black_box;

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{Criterion, criterion_group, criterion_main};
use kilat_codec::{Encoder, decode_action, decode_decision, decode_event};
use kilat_domain::*;

/// CPU time of the measuring thread: the machines are shared, and wall time measures the neighbours.
struct ThreadTime;

impl Measurement for ThreadTime {
    type Intermediate = i128;
    type Value = i128;

    fn start(&self) -> i128 {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        i128::from(now.tv_sec) * 1_000_000_000 + i128::from(now.tv_nsec)
    }
    fn end(&self, start: i128) -> i128 {
        self.start() - start
    }
    fn add(&self, a: &i128, b: &i128) -> i128 {
        a + b
    }
    fn zero(&self) -> i128 {
        0
    }
    fn to_f64(&self, nanoseconds: &i128) -> f64 {
        *nanoseconds as f64
    }
    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

fn message_event() -> Event<'static> {
    Event {
        id: "e-000001".into(),
        workspace: "acme".into(),
        kind: EventKind::MessageCreated,
        occurred_at: Timestamp(1_795_143_600_000),
        conversation: Some(ConversationFacts {
            id: Some("wa:6281110001:628123456789".into()),
            ..ConversationFacts::default()
        }),
        lead: Some(LeadFacts { id: Some("wa:628123456789".into()), ..LeadFacts::default() }),
        channel: Some(Channel {
            kind: "whatsapp".into(),
            account: Some("6281110001".into()),
            source: Some("wa_api".into()),
        }),
        chat: Some(Chat { kind: ChatKind::Direct }),
        sender: Some(Sender {
            kind: SenderKind::Customer,
            id: Some("628123456789@s.whatsapp.net".into()),
            name: Some("Budi".into()),
        }),
        message: Some(Message {
            id: Some("wamid.HBgMNjI4MTIzNDU2".into()),
            kind: Some(MessageType::Text),
            text: Some("kak mau order dong yang hitam dua, bisa kirim ke Bandung?".into()),
            ..Message::default()
        }),
        change: None,
        tag: None,
        skill: None,
        list: None,
        utm: None,
        ctwa: None,
        geo: None,
        webhook: None,
        ticket: None,
        order: None,
        call: None,
        causation_id: None,
        root_id: None,
        depth: None,
    }
}

fn decision() -> Decision<'static> {
    let effect = |index, action: &'static str, result| ActionEffect {
        index,
        action: action.into(),
        result,
        from: None,
        to: None,
        id: None,
        reason: None,
    };
    Decision {
        event_id: "01JD3T5W9QH6Y2M4K8R7X1ZB0C".into(),
        workspace: "acme".into(),
        conversation: Some("wa:6281110001:628123456789".into()),
        lead: Some("wa:628123456789".into()),
        at: Timestamp(1_795_143_600_000),
        kind: EventKind::MessageCreated,
        rule_set: "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
        fired: vec![Fired {
            rule: "hot-lead".into(),
            version: 3,
            actions: vec![
                ActionEffect {
                    from: Some("responded".into()),
                    to: Some("hot".into()),
                    ..effect(0, "set_status", Effect::Applied)
                },
                ActionEffect {
                    id: Some("5N8ZKQ2V7T1M4XW9R6YH3JD0CB".into()),
                    ..effect(1, "send_webhook", Effect::Queued)
                },
            ],
        }],
        refused: vec![],
        stopped_by: None,
        causation_id: None,
        root_id: "01JD3T5W9QH6Y2M4K8R7X1ZB0C".into(),
        depth: 0,
    }
}

fn action() -> Action<'static> {
    Action {
        id: "5N8ZKQ2V7T1M4XW9R6YH3JD0CB".into(),
        workspace: "acme".into(),
        conversation: "wa:6281110001:628123456789".into(),
        lead: Some("wa:628123456789".into()),
        event_id: "01JD3T5W9QH6Y2M4K8R7X1ZB0C".into(),
        rule: "hot-lead".into(),
        rule_version: 3,
        index: 1,
        created_at: Timestamp(1_795_143_600_000),
        expires_at: None,
        on_unknown: OnUnknown::Resend,
        gate: Gate { blocked: false, window_closes_at: Some(Timestamp(1_795_229_940_000)) },
        destination: Some(Destination {
            name: "wa".into(),
            kind: DestinationKind::WhatsappCloud,
            url: "https://graph.facebook.com/v24.0".into(),
            secret: Some("env:WA_TOKEN".into()),
            previous_secret: None,
            account: Some("106540352242922".into()),
            waba: None,
        }),
        command: Command::SendMessage {
            to: Recipient { channel: "whatsapp".into(), account: Some("6281110001".into()), id: "628123456789".into() },
            text: "Siap kak Budi, pesanannya kami proses ya!".into(),
        },
    }
}

fn decode(c: &mut Criterion<ThreadTime>) {
    let encoder = Encoder::new();
    let mut bytes = Vec::new();
    encoder.event(&message_event(), &mut bytes).unwrap();
    assert_eq!(decode_event(&bytes).unwrap(), message_event());
    c.bench_function(&format!("codec/decode_event/{}", bytes.len()), |b| {
        b.iter(|| decode_event(black_box(&bytes)).unwrap())
    });

    bytes.clear();
    encoder.decision(&decision(), &mut bytes).unwrap();
    assert_eq!(decode_decision(&bytes).unwrap(), decision());
    c.bench_function(&format!("codec/decode_decision/{}", bytes.len()), |b| {
        b.iter(|| decode_decision(black_box(&bytes)).unwrap())
    });

    bytes.clear();
    encoder.action(&action(), &mut bytes).unwrap();
    assert_eq!(decode_action(&bytes).unwrap(), action());
    c.bench_function(&format!("codec/decode_action/{}", bytes.len()), |b| {
        b.iter(|| decode_action(black_box(&bytes)).unwrap())
    });
}

fn encode(c: &mut Criterion<ThreadTime>) {
    let encoder = Encoder::new();
    let mut out = Vec::with_capacity(4096);
    let (event, decision, action) = (message_event(), decision(), action());

    encoder.event(&event, &mut out).unwrap();
    c.bench_function(&format!("codec/encode_event/{}", out.len()), |b| {
        b.iter(|| {
            out.clear();
            encoder.event(black_box(&event), &mut out).unwrap();
        })
    });
    out.clear();
    encoder.decision(&decision, &mut out).unwrap();
    c.bench_function(&format!("codec/encode_decision/{}", out.len()), |b| {
        b.iter(|| {
            out.clear();
            encoder.decision(black_box(&decision), &mut out).unwrap();
        })
    });
    out.clear();
    encoder.action(&action, &mut out).unwrap();
    c.bench_function(&format!("codec/encode_action/{}", out.len()), |b| {
        b.iter(|| {
            out.clear();
            encoder.action(black_box(&action), &mut out).unwrap();
        })
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(ThreadTime);
    targets = decode, encode
}
criterion_main!(benches);
