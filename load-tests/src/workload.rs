//! What goes in: rules under which every event decides something that depends on all events before it, and the events.

use std::fmt::Write as _;

use serde_json::json;

/// Conversations and workspaces of one phase.
const CONVERSATIONS: u64 = 300;
const WORKSPACES: u64 = 12;

/// Rules for every workspace, each spread over this many partitions. The first fires for every event and asks for an action; the others make the outcome depend on
/// the conversation's past, so that an event applied twice, not at all or out of turn shows.
pub(crate) fn rules(spread: u64) -> String {
    format!("workspace: \"*\"\nsettings: {{spread: {spread}}}{RULES}")
}

const RULES: &str = r#"
endpoints:
  hook: {url: "https://hooks.example.com/kilat", secret: "env:HOOK_SECRET"}
rules:
  - {id: every, name: Every message, trigger: message.created, actions: [{type: send_webhook, to: hook}]}
  - {id: active, name: Active, trigger: message.created, conditions: [{field: chat_count, op: gt, value: 2}, {field: lead.status, op: equals, value: new}], actions: [{type: set_status, value: responded}]}
  - {id: hot, name: Hot, trigger: message.created, conditions: [{field: message.text, op: contains, value: [order, beli]}, {field: lead.status, op: equals, value: responded}], actions: [{type: set_status, value: hot}]}
  - {id: on-hot, name: On hot, trigger: lead.status_changed, conditions: [{field: change.to, op: equals, value: hot}], actions: [{type: add_tag, value: hot, on: lead}]}
  - {id: paid, name: Paid, trigger: message.created, conditions: [{field: message.text, op: contains, value: payment received}], actions: [{type: update_value, target: actual, preset: flexible_rupiah}, {type: set_status, value: won}]}
  - {id: again, name: Again, trigger: message.created, conditions: [{field: lead.status, op: equals, value: won}, {field: message.text, op: contains, value: halo}], actions: [{type: set_status, value: responded}]}
"#;

const TEXTS: [&str; 8] =
    ["halo", "harga berapa?", "mau order dong", "oke", "kirim ke Bandung ya", "beli 2", "terima kasih", "ada stok?"];

/// SplitMix64 (Steele, Lea, Flood 2014): what a seed decides, it decides again.
#[derive(Clone)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// A number below `n`.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % n
    }
}

/// Event lines of a phase; its workspaces and ids are its own.
pub(crate) fn events(phase: &str, count: u64, seed: u64) -> String {
    let mut random = Random(seed);
    let mut lines = String::new();
    for number in 0..count {
        let conversation = random.below(CONVERSATIONS);
        let paid = random.below(20) == 0;
        let text = if paid {
            format!("Payment received Rp {}.000", 50 + random.below(900))
        } else {
            TEXTS[random.below(TEXTS.len() as u64) as usize].to_owned()
        };
        let event = json!({
            "id": format!("{phase}-{number}"), "workspace": format!("{phase}-{}", conversation % WORKSPACES),
            "type": "message.created",
            "occurred_at": format!("2026-11-20T{:02}:{:02}:{:02}.000Z", number / 3_600 % 24, number / 60 % 60, number % 60),
            "conversation": {"id": format!("c{conversation}")}, "lead": {"id": format!("l{conversation}")},
            "channel": {"kind": "whatsapp", "account": "6281110001", "source": "wa_api"},
            "sender": {"kind": "customer", "id": format!("62812{conversation:08}")},
            "message": {"id": format!("wamid.{phase}.{number}"), "text": text},
        });
        let _ = writeln!(lines, "{event}");
    }
    lines
}
