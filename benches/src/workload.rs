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

/// Rules of a typical workspace: most teams run 5 to 12 (F-181).
pub const TYPICAL_RULES: usize = 12;

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

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
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
    let at = Timestamp(START_MS + i64::try_from(number).unwrap_or(0) * 10);
    Event {
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
        sender: Some(Sender { kind: sender, id: Some(text(phone)), name: None, roles: None, attrs: None }),
        message: Some(Message {
            id: Some(text(format!("wamid.{seed:x}.{number}"))),
            kind: Some(MessageType::Text),
            text: Some(text(body)),
            ..Message::default()
        }),
        ..Event::new(
            format!("evt-{seed:x}-{number}"),
            // Counted from 1: of eight partitions, by murmur2, either half then has half of the events (49.6 %), and neither of two
            // workers ends a drain alone. From 0 on it was 43.6 %.
            format!("workspace-{:03}", workspace + 1),
            EventKind::MessageCreated,
            at,
        )
    }
}

/// A condition of a generated rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The field's name.
    pub field: &'static str,
    /// The operator's name.
    pub op: &'static str,
    /// What the field is compared with.
    pub value: Value,
}

/// What a field is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A text.
    Text(String),
    /// One of these texts.
    Texts(Vec<String>),
    /// A number.
    Number(i64),
    /// Yes or no.
    Flag(bool),
}

impl std::fmt::Display for Value {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::Text(text) => write!(out, "{text:?}"),
            Value::Texts(texts) => write!(out, "{texts:?}"),
            Value::Number(number) => write!(out, "{number}"),
            Value::Flag(flag) => write!(out, "{flag}"),
        }
    }
}

/// A generated rule for `message.created`.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// All of these must hold.
    pub conditions: Vec<Condition>,
    /// Actions, in the rule language.
    actions: Vec<String>,
}

/// A rule document for every workspace with `count` rules, as YAML. At 100 rules about one event in ten fires a rule.
pub fn rules(seed: u64, count: usize) -> String {
    document("*", &mixed_rules(seed, count))
}

/// Rules as YAML; they are `r00000`, `r00001` … in their order.
pub fn document(workspace: &str, rules: &[Rule]) -> String {
    let mut yaml = format!("workspace: \"{workspace}\"\nrules:\n");
    for (number, rule) in rules.iter().enumerate() {
        let _ = writeln!(
            yaml,
            "  - id: r{number:05}\n    name: Rule {number}\n    trigger: message.created\n    conditions:"
        );
        for Condition { field, op, value } in &rule.conditions {
            let _ = writeln!(yaml, "      - {{field: {field}, op: {op}, value: {value}}}");
        }
        let _ = writeln!(yaml, "    actions:");
        for action in &rule.actions {
            let _ = writeln!(yaml, "      - {action}");
        }
    }
    yaml
}

/// The rules of [`rules`].
pub fn mixed_rules(seed: u64, count: usize) -> Vec<Rule> {
    let mut random = Random::new(seed);
    let random = &mut random;
    let rule = |number: usize| {
        let about_text = |op, value| Condition { field: "message.text", op, value };
        let first = match number * 100 / count.max(1) % 100 {
            share if share < 60 => {
                let keywords = (0..=random.below(8)).map(|_| keyword(random, count)).collect();
                about_text("contains", Value::Texts(keywords))
            }
            share if share < 68 => {
                let op = random.pick(&["starts_with", "ends_with", "equals"]);
                about_text(op, Value::Text(keyword(random, count)))
            }
            share if share < 80 => about_text("matches", Value::Text(pattern(random, count))),
            _ => number_condition("chat_count", "equals", 20 + random.below(60)),
        };
        finish_rule(random, first)
    };
    (0..count).map(rule).collect()
}

/// Rules that look at attributes only, each with one that selects and further predicates: the city, the campaign, the
/// score or the number of messages.
pub fn attribute_rules(seed: u64, count: usize) -> Vec<Rule> {
    let mut random = Random::new(seed);
    let random = &mut random;
    let rule = |_| {
        let equals = |field, text| Condition { field, op: "equals", value: Value::Text(text) };
        let first = match random.below(50) {
            0..20 => equals("lead.city", city(random.below(CITIES))),
            20..40 => equals("utm.campaign", campaign(random.below(CAMPAIGNS))),
            40..49 => number_condition("chat_count", "equals", random.below(CHATS)),
            _ => number_condition("lead.score", "gte", 90 + random.below(10)),
        };
        Rule { conditions: attribute_predicates(random, first), actions: vec!["{type: set_status, value: hot}".into()] }
    };
    (0..count).map(rule).collect()
}

/// Distinct keywords, in the order they were drawn: as the rules of [`rules`] have them, but one in five a phrase of two
/// such words, and one in fifty a short and frequent word.
pub fn keywords(seed: u64, count: usize) -> Vec<String> {
    let mut random = Random::new(seed);
    let mut seen = std::collections::BTreeSet::new();
    let mut keywords = Vec::new();
    while keywords.len() < count {
        let mut text = String::new();
        match random.below(50) {
            0 => word(100 + random.below(200), &mut text),
            1..=10 => text = format!("{} {}", keyword(&mut random, count), keyword(&mut random, count)),
            _ => text = keyword(&mut random, count),
        }
        if seen.insert(text.clone()) {
            keywords.push(text);
        }
    }
    keywords
}

/// Patterns as the rules of [`rules`] have them.
pub fn patterns(seed: u64, count: usize) -> Vec<String> {
    let mut random = Random::new(seed);
    (0..count).map(|_| pattern(&mut random, count)).collect()
}

/// What attribute rules look at.
#[derive(Clone, Debug)]
pub struct Attributes {
    /// The lead's city.
    pub city: String,
    /// The lead's status.
    pub status: &'static str,
    /// The lead's score, 0 to 99.
    pub score: i64,
    /// Customer messages of the conversation.
    pub chat_count: i64,
    /// The campaign it came by.
    pub campaign: String,
    /// The kind of channel.
    pub channel: &'static str,
    /// Who wrote.
    pub sender: SenderKind,
}

/// The attributes of the event of this number.
pub fn attributes(seed: u64, number: u64) -> Attributes {
    let mut random = Random::new(!seed ^ number.wrapping_mul(0xD6E8_FEB8_6659_FD93));
    Attributes {
        city: city(random.below(CITIES)),
        status: random.pick(&STATUSES),
        score: random.below(100) as i64,
        chat_count: random.below(CHATS) as i64,
        campaign: campaign(random.below(CAMPAIGNS)),
        channel: random.pick(&["whatsapp", "whatsapp", "instagram", "webchat"]),
        sender: if random.chance(0.9) { SenderKind::Customer } else { SenderKind::Team },
    }
}

const STATUSES: [&str; 6] = ["new", "contacted", "responded", "hot", "won", "lost"];
const CITIES: u64 = 300;
const CAMPAIGNS: u64 = 2_000;
const CHATS: u64 = 60;

fn city(number: u64) -> String {
    let mut city = "kota ".to_owned();
    word(number, &mut city);
    city
}

fn campaign(number: u64) -> String {
    format!("promo-{number:04}")
}

/// `first` with further predicates, and actions.
fn finish_rule(random: &mut Random, first: Condition) -> Rule {
    let mut conditions = vec![first];
    for _ in 0..predicates(random) {
        conditions.push(predicate(random));
    }
    let mut actions = vec![format!("{{type: set_status, value: {}}}", random.pick(&STATUSES))];
    if random.chance(0.3) {
        actions.push(format!("{{type: add_tag, value: tag{}}}", random.below(20)));
    }
    if random.chance(0.3) {
        actions.push(format!("{{type: run_skill, value: skill{}}}", random.below(5)));
    }
    Rule { conditions, actions }
}

/// A word whose rank is drawn so that the share of messages that hit any rule stays near one in ten.
fn keyword(random: &mut Random, count: usize) -> String {
    let rarest = (12.0 * count as f64).min((VOCABULARY - 301) as f64 / 1.2);
    let rank = 300.0 + rarest * (0.2 + random.unit());
    let mut keyword = String::new();
    word(rank as u64, &mut keyword);
    keyword
}

fn pattern(random: &mut Random, count: usize) -> String {
    match random.below(3) {
        0 => format!("{}\\s+[0-9]{{1,6}}", keyword(random, count)),
        1 => format!("({}|{})", keyword(random, count), keyword(random, count)),
        _ => format!("{}.{{0,20}}{}", keyword(random, count), keyword(random, count)),
    }
}

/// How many further predicates: 0 to 8, mean 2.7.
fn predicates(random: &mut Random) -> u64 {
    (0..8).filter(|_| random.chance(0.34)).count() as u64
}

fn predicate(random: &mut Random) -> Condition {
    let text = |field, op, value: &str| Condition { field, op, value: Value::Text(value.to_owned()) };
    match random.below(7) {
        0 => text("sender.kind", "equals", "customer"),
        1 => text("lead.status", "not_equals", random.pick(&STATUSES)),
        2 => Condition {
            field: "channel.kind",
            op: "in",
            value: Value::Texts(vec!["whatsapp".into(), "instagram".into()]),
        },
        3 => number_condition("chat_count", "gte", 1 + random.below(3)),
        4 => text("conversation.status", "equals", "open"),
        5 => text("lead.tags", "not_contains", &format!("tag{}", random.below(20))),
        _ => Condition { field: "message.has_media", op: "equals", value: Value::Flag(false) },
    }
}

/// `first` with further predicates that every engine of attribute rules can express: none on sets.
fn attribute_predicates(random: &mut Random, first: Condition) -> Vec<Condition> {
    let mut conditions = vec![first];
    for _ in 0..predicates(random) {
        let predicate = predicate(random);
        conditions.push(if predicate.field == "lead.tags" {
            number_condition("lead.score", "lt", 100 - random.below(20))
        } else {
            predicate
        });
    }
    conditions
}

fn number_condition(field: &'static str, op: &'static str, number: u64) -> Condition {
    Condition { field, op, value: Value::Number(number as i64) }
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

    /// Proves F-181.
    #[test]
    fn the_rules_are_right() {
        for count in [TYPICAL_RULES, 100] {
            let loaded = kilat_rules::load("workload.yaml", &rules(7, count));
            let errors: Vec<_> = loaded.diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).collect();
            assert!(errors.is_empty(), "{errors:?}");
            assert_eq!(kilat_rules::compile(&loaded.documents[0]).map(|rules| rules.rules().len()).ok(), Some(count));
        }
    }
}
