//! What decoding and encoding cost, per record; every answer is checked before it is timed.

#![allow(clippy::unwrap_used, reason = "a benchmark whose input is wrong should stop")]

use std::hint::black_box;

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{Criterion, criterion_group, criterion_main};
use kilat_codec::cloudevents::{Attributes, Headers, Kind};
use kilat_codec::{Encoder, Schema, decode_action, decode_decision, decode_event, json};
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
            roles: None,
            attrs: None,
        }),
        message: Some(Message {
            id: Some("wamid.HBgMNjI4MTIzNDU2".into()),
            kind: Some(MessageType::Text),
            text: Some("kak mau order dong yang hitam dua, bisa kirim ke Bandung?".into()),
            ..Message::default()
        }),
        ..Event::new("e-000001", "acme", EventKind::MessageCreated, Timestamp(1_795_143_600_000))
    }
}

fn decision() -> Decision<'static> {
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
        scanned_bytes: None,
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
        parallel: None,
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
        command: Command::SendMessage(OutboundMessage::text(
            Recipient { channel: "whatsapp".into(), account: Some("6281110001".into()), id: "628123456789".into() },
            "Siap kak Budi, pesanannya kami proses ya!",
        )),
    }
}

/// Events that differ in everything a chat's messages differ in, so that no branch is learned by heart.
fn many_events() -> Vec<Vec<u8>> {
    const EVENTS: usize = 4096;
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below as u64) as usize
    };
    let words = ["mau", "order", "dong", "kak", "harga", "berapa", "ready", "ukuran", "XL", "kirim", "Bandung", "🙏"];
    let encoder = Encoder::new();
    (0..EVENTS)
        .map(|at| {
            let text: Vec<&str> = (0..2 + random(24)).map(|_| words[random(words.len())]).collect();
            let (text, id, name) = (text.join(" "), format!("e-{at:0$}", 2 + random(20)), words[random(words.len())]);
            let mut event = Event { id: id.into(), ..message_event() };
            if let Some(message) = &mut event.message {
                message.text = Some(text.into());
                message.reply_to = (random(8) == 0).then(|| "wamid.Y".into());
                message.history = (random(4) == 0).then_some(false);
            }
            if let Some(sender) = &mut event.sender {
                sender.kind = SenderKind::ALL[random(3)];
                sender.name = (random(4) > 0).then(|| name.into());
            }
            event.chat = (random(3) > 0).then_some(Chat { kind: ChatKind::ALL[random(2)] });
            let mut bytes = Vec::new();
            encoder.event(&event, &mut bytes).unwrap();
            assert_eq!(decode_event(&bytes).unwrap(), event);
            bytes
        })
        .collect()
}

fn decode_many(c: &mut Criterion<ThreadTime>) {
    let events = many_events();
    let mean = events.iter().map(Vec::len).sum::<usize>() / events.len();
    let mut next = 0;
    c.bench_function(&format!("codec/decode_unseen_event/{mean}"), |b| {
        b.iter(|| {
            next = (next + 1) % events.len();
            black_box(decode_event(black_box(&events[next])).unwrap());
        })
    });
}

fn lines(c: &mut Criterion<ThreadTime>) {
    let line = json::event_to_line(&message_event());
    assert_eq!(json::event_from_line(&line).unwrap(), message_event());
    c.bench_function(&format!("codec/event_from_line/{}", line.len()), |b| {
        b.iter(|| json::event_from_line(black_box(&line)).unwrap())
    });
    let line = json::decision_to_line(&decision());
    assert_eq!(json::decision_from_line(&line).unwrap(), decision());
    c.bench_function(&format!("codec/decision_to_line/{}", line.len()), |b| {
        b.iter(|| json::decision_to_line(black_box(&decision())))
    });
}

fn headers(c: &mut Criterion<ThreadTime>) {
    let mut headers = Headers::new();
    let attributes = Attributes {
        kind: Kind::Record(Schema::Decision),
        id: "e-000001",
        workspace: "acme",
        at: Timestamp(1_795_143_600_000),
        traceparent: None,
    };
    assert_eq!(headers.of(&attributes).len(), 6);
    c.bench_function("codec/cloudevents_headers/6", |b| {
        b.iter(|| {
            black_box(headers.of(black_box(&attributes)));
        })
    });
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
    targets = decode, decode_many, encode, headers, lines
}
criterion_main!(benches);
