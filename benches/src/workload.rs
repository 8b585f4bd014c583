//! A seeded workload: messages nobody has seen before, and rules to match them.
//!
//! Words come from a vocabulary of 200,000 (Zipf, s = 1). Messages are log-normal in length, 20 to 290 bytes with a mean
//! near 80; about 19 % hold something that is not ASCII; some hold amounts, phone numbers, codes and links. Rules: 60 %
//! any-of with 1 to 8 keywords, 8 % starts/ends/equals, 12 % regex, 20 % attribute-only, each with 0 to 8 further
//! predicates. The same seed gives the same workload on every machine.

use std::fmt::Write as _;

use kilat_domain::{
    Channel, Chat, ChatKind, ConversationFacts, Event, EventKind, LeadFacts, Message, MessageType, Sender, SenderKind,
    Str, Timestamp,
};

const VOCABULARY: u64 = 200_000;
const WORKSPACES: u64 = 500;
const CONVERSATIONS: u64 = 200_000;
/// 2026-11-20T00:00:00Z.
const START_MS: i64 = 1_795_132_800_000;

/// SplitMix64 (Steele, Lea, Flood 2014): small, seedable, good enough to draw workloads from.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A generator for this seed.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in [0, 1).
    fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform in [0, n).
    fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(n)) >> 64) as u64
    }

    fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    fn pick<'t>(&mut self, from: &[&'t str]) -> &'t str {
        from[self.below(from.len() as u64) as usize]
    }

    /// A rank in [0, n), Zipf with s = 1 (by the inverse of the continuous distribution).
    fn zipf(&mut self, n: u64) -> u64 {
        ((n as f64 + 1.0).powf(self.unit()) as u64).clamp(1, n) - 1
    }

    fn normal(&mut self) -> f64 {
        let (u, v) = (self.unit().max(f64::MIN_POSITIVE), self.unit());
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }
}

/// The word of this rank: two to four syllables, frequent words the shorter ones.
fn word(rank: u64, out: &mut String) {
    const ONSETS: [&str; 16] = ["k", "b", "t", "m", "s", "p", "d", "l", "r", "n", "g", "h", "j", "c", "ny", "ng"];
    const RIMES: [&str; 12] = ["a", "i", "u", "e", "o", "an", "ar", "in", "uk", "ah", "er", "at"];
    let mut mixed = rank.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5851_F42D_4C95_7F2D;
    let syllables = if rank < 300 { 2 } else { 3 + u64::from(rank > 20_000) };
    for _ in 0..syllables {
        let draw = mixed % 192;
        mixed /= 192;
        out.push_str(ONSETS[(draw / 12) as usize]);
        out.push_str(RIMES[(draw % 12) as usize]);
    }
}

/// Draws one message text.
pub fn text(random: &mut Random, out: &mut String) {
    const SPICE: [&str; 10] = ["😊", "🙏", "👍🏽", "👩‍👧", "ＯＫ", "é", "—", "“ya”", "★", "kak\u{200d}"];
    out.clear();
    let target = (random.normal() * 0.55 + 4.22).exp().clamp(20.0, 290.0) as usize;
    while out.len() < target {
        if !out.is_empty() {
            out.push(' ');
        }
        word(random.zipf(VOCABULARY), out);
    }
    if random.chance(0.06) {
        let _ = write!(out, " Rp {}.{:03}.000", random.below(9) + 1, random.below(1000));
    }
    if random.chance(0.03) {
        let _ = write!(out, " 0812{:08}", random.below(100_000_000));
    }
    if random.chance(0.03) {
        let _ = write!(out, " K-{:05X}", random.below(1 << 20));
    }
    if random.chance(0.02) {
        let _ = write!(out, " https://toko.example/p/{}", random.below(100_000));
    }
    if random.chance(0.19) {
        let _ = write!(out, " {}", random.pick(&SPICE));
    }
}

/// The event of this number: the same for the same seed, different texts for different numbers.
pub fn event(seed: u64, number: u64) -> Event<'static> {
    let mut random = Random::new(seed ^ number.wrapping_mul(0xD6E8_FEB8_6659_FD93));
    let mut body = String::new();
    text(&mut random, &mut body);
    let conversation = random.below(CONVERSATIONS);
    // A conversation is at home in one workspace and on one channel account.
    let workspace = Random::new(conversation).zipf(WORKSPACES);
    let phone = format!("62812{conversation:08}");
    let sender = match random.unit() {
        draw if draw < 0.70 => SenderKind::Customer,
        draw if draw < 0.94 => SenderKind::Team,
        _ => SenderKind::Bot,
    };
    let status = random.chance(0.03).then(|| random.pick(&STATUSES));
    let text = |text: String| Str::from(text);
    Event {
        id: text(format!("evt-{seed:x}-{number}")),
        workspace: text(format!("workspace-{workspace:03}")),
        kind: EventKind::MessageCreated,
        occurred_at: Timestamp(START_MS + i64::try_from(number).unwrap_or(0) * 10),
        conversation: Some(ConversationFacts {
            id: Some(text(format!("wa:628111{:04}:{phone}", workspace * 7 % 1000))),
            ..ConversationFacts::default()
        }),
        lead: Some(LeadFacts {
            id: Some(text(format!("wa:{phone}"))),
            status: status.map(Str::from),
            ..LeadFacts::default()
        }),
        channel: Some(Channel {
            kind: Str::from(["whatsapp", "whatsapp", "instagram", "webchat"][(conversation % 4) as usize]),
            account: Some(text(format!("628111{:04}", workspace * 7 % 1000))),
            source: Some(Str::from("wa_api")),
        }),
        chat: Some(Chat { kind: ChatKind::Direct }),
        sender: Some(Sender { kind: sender, id: Some(text(phone)), name: None }),
        message: Some(Message {
            id: Some(text(format!("wamid.{seed:x}.{number}"))),
            kind: Some(MessageType::Text),
            text: Some(text(body)),
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

const STATUSES: [&str; 6] = ["new", "contacted", "responded", "hot", "won", "lost"];

/// A rule document for every workspace with `count` rules, as YAML. At 100 rules about one event in ten fires a rule.
pub fn rules(seed: u64, count: usize) -> String {
    let mut random = Random::new(seed);
    let mut yaml = String::from("workspace: \"*\"\nrules:\n");
    for number in 0..count {
        let _ = writeln!(yaml, "  - id: r{number:05}\n    name: Rule {number}\n    trigger: message.created");
        let mut conditions = Vec::new();
        match number * 100 / count.max(1) % 100 {
            share if share < 60 => {
                let keywords: Vec<String> =
                    (0..=random.below(8)).map(|_| format!("\"{}\"", keyword(&mut random, count))).collect();
                conditions.push(format!("{{field: message.text, op: contains, value: [{}]}}", keywords.join(", ")));
            }
            share if share < 68 => {
                let op = random.pick(&["starts_with", "ends_with", "equals"]);
                let word = keyword(&mut random, count);
                conditions.push(format!("{{field: message.text, op: {op}, value: \"{word}\"}}"));
            }
            share if share < 80 => {
                let pattern = match random.below(3) {
                    0 => format!("{}\\\\s+[0-9]{{1,6}}", keyword(&mut random, count)),
                    1 => format!("({}|{})", keyword(&mut random, count), keyword(&mut random, count)),
                    _ => format!("{}.{{0,20}}{}", keyword(&mut random, count), keyword(&mut random, count)),
                };
                conditions.push(format!("{{field: message.text, op: matches, value: \"{pattern}\"}}"));
            }
            _ => conditions.push(format!("{{field: chat_count, op: equals, value: {}}}", 20 + random.below(60))),
        }
        for _ in 0..predicates(&mut random) {
            conditions.push(predicate(&mut random));
        }
        let _ = writeln!(yaml, "    conditions:");
        for condition in conditions {
            let _ = writeln!(yaml, "      - {condition}");
        }
        let status = random.pick(&STATUSES);
        let _ = writeln!(yaml, "    actions:\n      - {{type: set_status, value: {status}}}");
        if random.chance(0.3) {
            let _ = writeln!(yaml, "      - {{type: add_tag, value: tag{}}}", random.below(20));
        }
        if random.chance(0.3) {
            let _ = writeln!(yaml, "      - {{type: run_skill, value: skill{}}}", random.below(5));
        }
    }
    yaml
}

/// A word whose rank is drawn so that the share of messages that hit any rule stays near one in ten.
fn keyword(random: &mut Random, count: usize) -> String {
    let rarest = 12.0 * count as f64;
    let rank = 300.0 + rarest * (0.2 + random.unit());
    let mut keyword = String::new();
    word((rank as u64).min(VOCABULARY - 1), &mut keyword);
    keyword
}

/// How many further predicates: 0 to 8, mean 2.7.
fn predicates(random: &mut Random) -> u64 {
    (0..8).filter(|_| random.chance(0.34)).count() as u64
}

fn predicate(random: &mut Random) -> String {
    match random.below(7) {
        0 => "{field: sender.kind, op: equals, value: customer}".to_owned(),
        1 => format!("{{field: lead.status, op: not_equals, value: {}}}", random.pick(&STATUSES)),
        2 => "{field: channel.kind, op: in, value: [whatsapp, instagram]}".to_owned(),
        3 => format!("{{field: chat_count, op: gte, value: {}}}", 1 + random.below(3)),
        4 => "{field: conversation.status, op: equals, value: open}".to_owned(),
        5 => format!("{{field: lead.tags, op: not_contains, value: tag{}}}", random.below(20)),
        _ => "{field: message.has_media, op: equals, value: false}".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_the_documented_shape() {
        let texts: Vec<String> = (0..20_000)
            .map(|number| event(1, number).message.and_then(|message| message.text).expect("a text").to_string())
            .collect();
        let mean = texts.iter().map(String::len).sum::<usize>() as f64 / texts.len() as f64;
        assert!((70.0..100.0).contains(&mean), "mean {mean} bytes");
        let other = texts.iter().filter(|text| !text.is_ascii()).count() as f64 / texts.len() as f64;
        assert!((0.15..0.25).contains(&other), "{other} not ASCII");
    }

    #[test]
    fn the_same_seed_gives_the_same_workload() {
        assert_eq!(event(7, 42), event(7, 42));
        assert_ne!(event(7, 42), event(7, 43));
        assert_eq!(rules(7, 100), rules(7, 100));
    }

    #[test]
    fn the_rules_are_right() {
        let loaded = kilat_rules::load("workload.yaml", &rules(7, 100));
        let errors: Vec<_> = loaded.diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).collect();
        assert!(errors.is_empty(), "{errors:?}");
        assert_eq!(kilat_rules::compile(&loaded.documents[0]).map(|rules| rules.rules().len()).ok(), Some(100));
    }
}
