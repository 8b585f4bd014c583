//! Rule sets, states and events made of what is known to hurt.
//!
//! In: random numbers. Out: a rule file, earlier messages of the conversation, and the event that is measured.
//! Every number decides one thing, so that a mutation changes one thing.

use kilat_domain::Timestamp;
use serde_json::{Map, Value, json};

const PATTERNS: &[&str] = &[
    "[0-9]{4,}",
    "(a*)*b",
    "(a|aa)+$",
    "(?:a?){30}a{30}",
    "[a-z]{1,200}[0-9]",
    "(?:.{0,60}x){3}",
    "\\w{1,10}\\d",
    "(\\w+\\s*)+!",
    "\\b\\w+\\b.*\\b\\d",
    "[^a]{1,100}[^b]{1,100}[^c]",
    "(x+x+)+y",
    "\\p{L}{1,6}\\p{N}",
    "(a)(?:.*zz)?",
    "kata.*[0-9]{9}",
    "aa[a-z ]*!",
    "(.)(?:[a-z ]{1,300}!)?",
    "(?:x|ab |kata )(?:.{1,90}q){2}",
    "(?:[ab]{1,3}[ax]{1,3}){12}z",
];
const PIECES: &[&str] = &[
    "a",
    "aaaaaaaa",
    "x",
    "ab ",
    "é",
    "e\u{301}",
    "\u{200b}",
    "ﬁ",
    "ＡＢ",
    "1",
    "😀",
    "\n ",
    "ß",
    "가",
    "kata ",
    "🇮🇩",
    "\u{1f1e6}",
    "a\u{301}\u{301}\u{301}\u{327}",
    "\u{fdfa}",
    "\u{202e}שלום",
    "ก",
    "👨\u{200d}👩\u{200d}👧",
    "Rp 1.000.000 ",
    "1.",
    "rp",
    "total: 1,5jt ",
    "q!",
    "\u{345}",
    "ΐ",
    "'",
];
const PRESETS: &[&str] = &["flexible_rupiah", "rp_with_dots", "rp_without_dots", "total", "numbers_only"];
const POLICIES: &[&str] = &["only", "first", "last", "max", "sum"];
const GENES: usize = 24;
/// Messages that a conversation remembers at most, each up to so many bytes.
const PAST_MAX: usize = 50;
const PAST_BYTES: usize = 512;
/// Start of the conversation: a Saturday in November 2026, 10:00 in Jakarta.
const NOW: i64 = 1_795_143_600_000;

/// SplitMix64 (Steele, Lea, Flood 2014).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        (self.bits() % sides as u64) as usize
    }
}

/// What a rule set, a state and an event are made from.
#[derive(Clone, Debug)]
pub(crate) struct Genome([u64; GENES]);

impl Genome {
    pub(crate) fn random(dice: &mut Dice) -> Genome {
        Genome(std::array::from_fn(|_| dice.bits()))
    }

    /// Reads the numbers that [`Genome::numbers`] wrote.
    pub(crate) fn parse(numbers: &str) -> Option<Genome> {
        let genes: Vec<u64> = numbers.split(',').map(|gene| gene.trim().parse().ok()).collect::<Option<_>>()?;
        genes.try_into().ok().map(Genome)
    }

    pub(crate) fn numbers(&self) -> String {
        self.0.map(|gene| gene.to_string()).join(",")
    }

    pub(crate) fn mutated(&self, dice: &mut Dice) -> Genome {
        let mut genome = self.clone();
        for _ in 0..=dice.roll(3) {
            genome.0[dice.roll(GENES)] = dice.bits();
        }
        genome
    }

    /// A number up to `n`, spread over magnitudes.
    fn size(&self, gene: usize, n: f64) -> usize {
        n.powf((self.0[gene] % 1_000) as f64 / 1_000.0) as usize
    }

    fn pick<'t>(&self, gene: usize, nth: usize, from: &[&'t str]) -> &'t str {
        from[((self.0[gene] >> (nth * 5 % 50)) % from.len() as u64) as usize]
    }

    pub(crate) fn rule_count(&self) -> usize {
        1 + self.size(7, 3_000.0)
    }

    pub(crate) fn text_bytes(&self) -> usize {
        self.text(70_000.0).len()
    }

    fn text(&self, bytes_max: f64) -> String {
        let (pieces, bytes) = (1 + self.0[1] as usize % 3, self.size(0, bytes_max));
        let mut text = String::new();
        while text.len() < bytes {
            for nth in 0..pieces {
                text.push_str(self.pick(1, nth + 1, PIECES));
            }
        }
        text
    }

    fn names(&self, count: usize) -> Vec<String> {
        let start = if self.0[13].is_multiple_of(2) { "ｎame" } else { "n" };
        (0..count).map(|n| format!("{start} {n}")).collect()
    }

    /// A condition on a past message.
    fn past(&self, nth: usize) -> Value {
        match (self.0[14] >> (nth * 3)) % 4 {
            0 => json!({"field": "message.text", "op": "not_matches", "value": self.pick(3, nth, PATTERNS)}),
            1 => json!({"field": "message.text", "op": "not_contains", "value": self.names(1 + self.size(6, 300.0))}),
            2 => json!({"field": "message.text", "op": "not_equals", "value": self.pick(1, 1, PIECES)}),
            _ => json!({"any": [
                {"field": "message.text", "op": "ends_with", "value": "q1"},
                {"field": "message.text", "op": "contains_word", "value": self.pick(1, nth, PIECES).trim_matches('\u{200b}')},
            ]}),
        }
    }

    fn condition(&self, rule: usize, nth: usize) -> Value {
        let (piece, pattern) = (self.pick(1, 1, PIECES), self.pick(3, nth, PATTERNS));
        match (self.0[2] >> (nth * 4)) % 16 {
            0 => {
                let own: Vec<String> = (0..=self.size(4, 8.0)).map(|n| format!("{pattern}|{rule}q{n}\\d")).collect();
                json!({"field": "message.text", "op": "not_matches", "value": own})
            }
            1 => json!({"field": "message.text", "op": "matches", "value": format!("(?:{pattern})|{}", rule % 7)}),
            2 => {
                let words: Vec<String> = (0..=self.size(5, 2_000.0)).map(|n| format!("{piece}{}", n % 40)).collect();
                json!({"field": "message.text", "op": "not_contains", "value": words})
            }
            3 => json!({"field": "lead.tags", "op": "not_contains", "value": self.names(1 + self.size(6, 3_000.0))}),
            4 => {
                let words = self.names(1 + self.size(6, 1_000.0));
                json!({"field": "lead.notes", "op": "not_contains", "value": words, "case_sensitive": rule.is_multiple_of(2)})
            }
            5 => json!({"field": "lead.attrs.list", "op": "not_in", "value": self.names(1 + self.size(6, 1_000.0))}),
            6 => json!({"any": [
                {"field": "message.text", "op": "contains", "value": format!("{piece}1")},
                {"field": "lead.attrs.list", "op": "not_matches", "value": pattern},
            ]}),
            7 => {
                let word = format!("{piece}{rule}");
                json!({"field": "message.text", "op": "not_equals", "value": word, "case_sensitive": true})
            }
            8 => {
                // Each is in the next: all of them are found wherever the longest is.
                let words: Vec<String> = (1..=1 + self.size(5, 200.0)).map(|n| piece.trim().repeat(n)).collect();
                let op = if self.0[15].is_multiple_of(2) { "contains" } else { "not_contains_word" };
                json!({"field": "message.text", "op": op, "value": words})
            }
            9 => json!({"field": "lead.notes", "op": "not_contains_word",
                "value": [format!("{}{}", piece.trim(), rule % 3), piece.trim().repeat(1 + self.size(5, 60.0))]}),
            10 => json!({"none": [
                {"field": "lead.notes", "op": "exact_phrase", "value": self.names(1 + self.size(6, 1_000.0))},
            ]}),
            11 => {
                let conditions: Vec<Value> = (0..=self.0[15] as usize % 2).map(|nth| self.past(nth)).collect();
                match self.0[15] % 3 {
                    0 => json!({"history": {"last": 50, "sum": {"preset": self.pick(16, 0, PRESETS), "gte": 0}}}),
                    1 => json!({"history": {"within": "20d", "where": conditions, "count": {"gte": rule % 2}}}),
                    _ => {
                        json!({"history": {"last": 50, "sequence": [{"where": conditions}, {"within": "5d", "where": conditions}]}})
                    }
                }
            }
            12 => json!({"field": "lead.attrs.deep.deep.deep.deep", "op": "not_equals", "value": format!("{rule}")}),
            13 => {
                json!({"field": "lead.attrs.long", "op": "not_contains", "value": self.names(1 + self.size(6, 1_000.0))})
            }
            14 => json!({"none": [
                {"field": "message.text", "op": "ends_with", "value": self.names(1 + self.size(6, 300.0))},
            ]}),
            _ => json!({"field": "lead.tags", "op": "not_contains", "value": format!("t{rule}-1")}),
        }
    }

    fn action(&self, rule: usize, nth: usize) -> Value {
        let required = self.0[17] >> nth & 1 == 0;
        let tokens = "{{message.text}} {{lead.tags}} {{lead.attrs.list}}".repeat(1 + self.size(18, 60.0));
        let mut action = match (self.0[10] >> (4 * nth)) % 16 {
            0 => {
                let pattern = format!("({})", self.pick(3, nth, PATTERNS));
                let target = ["lead.notes", "actual", "lead.attrs.found", "lead.score"][self.0[16] as usize % 4];
                json!({"type": "update_value", "target": target, "pattern": pattern, "policy": self.pick(16, nth, POLICIES)})
            }
            1 => {
                json!({"type": "update_value", "preset": self.pick(16, nth, PRESETS), "policy": self.pick(19, nth, POLICIES)})
            }
            2 => json!({"type": "add_tag", "value": format!("t{rule}-{nth}"), "on": "lead"}),
            3 => json!({"type": "send_message", "value": "halo {{lead.name|kak}} {{message.text}}"}),
            4 => json!({"type": "set_field", "field": "lead.notes", "value": "{{message.text}}"}),
            5 => json!({"type": "send_webhook", "to": "https://hooks.example/x"}),
            6 => {
                let entry = |n: usize| {
                    (format!("k{n}"), json!(["{{lead.attrs.list}}", "{{message.text}}", "{{lead.tags}}"][n % 3]))
                };
                let payload: Map<String, Value> = (0..=self.size(18, 200.0)).map(entry).collect();
                json!({"type": "send_webhook", "to": "https://hooks.example/x", "payload": payload})
            }
            7 => {
                json!({"type": "add_note", "value": format!("{rule} {tokens}"), "on": if required { "lead" } else { "conversation" }})
            }
            8 => {
                json!({"type": "send_template", "value": "promo", "parameters": vec![tokens; 1 + self.size(20, 100.0)]})
            }
            9 => {
                json!({"type": "set_field", "field": format!("lead.attrs.a{}", rule % 50), "value": format!("{rule}{tokens}")})
            }
            10 => {
                json!({"type": "set_field", "field": "conversation.attrs.x.y.z", "value": self.names(1 + self.size(18, 300.0))})
            }
            11 => {
                json!({"type": "remove_tag", "value": format!("{} {rule}", if required { "ｔag" } else { "t" }), "on": "lead"})
            }
            12 => json!({"type": "add_to_list", "value": format!("l{rule}-{nth}")}),
            13 => json!({"type": "send_email", "to": "a@b.example", "subject": tokens, "text": tokens}),
            14 => json!({"type": "set_field", "field": "lead.score", "value": rule}),
            _ => json!({"type": "set_status", "value": if rule.is_multiple_of(2) { "hot" } else { "won" }}),
        };
        action["required"] = required.into();
        action
    }

    /// A file of so many of its rules.
    pub(crate) fn rules(&self, count: usize) -> String {
        let caused: &[&str] = match self.0[11] % 4 {
            0 => &[
                "message.created",
                "tag.added",
                "lead.status_changed",
                "lead.updated",
                "list.joined",
                "lead.value_changed",
            ],
            1 => &["message.created", "lead.created", "conversation.created"],
            _ => &["message.created"],
        };
        let rule = |rule: usize| {
            let conditions: Vec<Value> = (0..self.0[8] as usize % 5).map(|nth| self.condition(rule, nth)).collect();
            let actions: Vec<Value> = (0..=self.0[9] as usize % 8).map(|nth| self.action(rule, nth)).collect();
            let mut written =
                json!({"id": format!("r{rule}"), "trigger": caused, "conditions": conditions, "actions": actions});
            match self.0[21] % 6 {
                0 => written["once_per"] = "conversation".into(),
                1 => written["once_per"] = "lead".into(),
                2 => written["class"] = "fallback".into(),
                _ => {}
            }
            written
        };
        let rules: Vec<Value> = (0..count).map(rule).collect();
        let intervals: Vec<String> = (0..20).map(|n| format!("{n:02}:00-{n:02}:30")).collect();
        let mut settings = json!({"strict_loops": self.0[22].is_multiple_of(2)});
        if self.0[22] % 4 < 2 {
            settings["business_hours"] = json!({"mon": intervals, "tue": intervals, "wed": intervals});
        }
        json!({"workspace": "acme", "settings": settings, "rules": rules}).to_string()
    }

    /// The messages of the conversation before the one that is measured.
    pub(crate) fn earlier(&self, conversation: usize) -> Vec<String> {
        let text = self.text(PAST_BYTES as f64);
        (0..self.size(23, PAST_MAX as f64 + 1.0) - 1)
            .map(|number| {
                self.message(&format!("e{conversation}-{number}"), conversation, number as i64, &text, &json!({}))
            })
            .collect()
    }

    pub(crate) fn event(&self, conversation: usize) -> String {
        let tags: Vec<String> = (0..self.size(12, 8_000.0)).map(|n| format!("ｔag {n}")).collect();
        let list: Vec<String> = self.names(self.size(13, 6_000.0));
        let text = self.text(70_000.0);
        let mut deep = json!({"deep": text.chars().take(3_000).collect::<String>()});
        for n in 0..9 {
            deep = json!({"deep": deep, "k": n});
        }
        let mut attrs = json!({"list": list, "deep": deep, "long": text});
        for n in 0..self.size(19, 2_000.0) {
            attrs[format!("key {n}")] = n.into();
        }
        let lead = json!({"tags": tags, "notes": text, "attrs": attrs});
        self.message(&format!("e{conversation}"), conversation, 1_000, &text, &lead)
    }

    fn message(&self, id: &str, conversation: usize, minute: i64, text: &str, lead: &Value) -> String {
        json!({"id": id, "workspace": "acme", "type": "message.created", "occurred_at": Timestamp(NOW + 60_000 * minute).to_string(),
            "channel": {"kind": "whatsapp", "account": "6281110001"}, "chat": {"kind": "direct"},
            "sender": {"kind": "customer", "id": format!("62812{conversation:08}")}, "lead": lead,
            "message": {"id": format!("m{id}"), "text": text}})
        .to_string()
    }
}
