//! Random rule sets and events, of every kind of condition; the same for the same seed.

use serde_json::{Value, json};

/// SplitMix64 (Steele, Lea, Flood 2014).
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % sides as u64) as usize
    }

    fn once_in(&mut self, times: usize) -> bool {
        self.roll(times) == 0
    }

    fn pick<'a>(&mut self, items: &[&'a str]) -> &'a str {
        items[self.roll(items.len())]
    }

    fn some(&mut self, items: &[&str]) -> Value {
        (0..=self.roll(3)).map(|_| self.pick(items)).collect()
    }

    fn one_or_some(&mut self, items: &[&str]) -> Value {
        if self.once_in(2) { json!(self.pick(items)) } else { self.some(items) }
    }

    fn text(&mut self) -> String {
        let count = self.roll(4);
        (0..count).map(|_| self.pick(WORDS)).collect::<Vec<_>>().join(self.pick(&[" ", "  ", "", "\n", ", "]))
    }

    fn number(&mut self) -> Value {
        match self.roll(8) {
            0 => json!(0.5),
            1 => json!(-3),
            2 => json!(9_007_199_254_740_993_i64),
            3 => json!(1e300),
            _ => json!(self.roll(6)),
        }
    }

    fn scalar(&mut self) -> Value {
        match self.roll(4) {
            0 => self.number(),
            1 => json!(self.once_in(2)),
            _ => json!(self.pick(NAMES)),
        }
    }

    /// A custom attribute as partners send it.
    fn attribute(&mut self) -> Value {
        match self.roll(8) {
            0 => json!([]),
            1 => json!(""),
            2 => json!({"gold": 1}),
            3..=4 => (0..self.roll(4)).map(|_| self.scalar()).collect(),
            5 => json!([[1], {"a": 2}, null, "gold"]),
            _ => self.scalar(),
        }
    }

    fn condition(&mut self, depth: usize) -> Value {
        if depth < 4 && self.once_in(5) {
            let members: Vec<Value> = (0..=self.roll(1)).map(|_| self.condition(depth + 1)).collect();
            return json!({self.pick(&["any", "all", "none"]): members});
        }
        if depth < 3 && self.once_in(12) {
            return self.history_condition();
        }
        let mut condition = match self.roll(10) {
            0..=2 => self.text_condition(),
            3 => self.number_condition(),
            4..=5 => self.set_condition(),
            6 => self.closed_condition(),
            7..=8 => self.named_condition(),
            _ => self.clock_condition(),
        };
        if self.once_in(8) {
            condition["case_sensitive"] = json!(self.once_in(2));
        }
        if self.once_in(6) {
            condition["missing"] = json!(self.once_in(2));
        }
        condition
    }

    fn text_condition(&mut self) -> Value {
        if self.once_in(6) {
            let field = self.pick(&["message.text", "message.text", "lead.notes", "lead.attrs.note"]);
            let op = self.pick(&["matches", "not_matches"]);
            return json!({"field": field, "op": op, "value": self.one_or_some(PATTERNS)});
        }
        let fields =
            ["message.text", "message.text", "message.text", "lead.notes", "lead.attrs.note", "message.quoted_text"];
        let words: Vec<String> = (0..=self.roll(3)).map(|_| self.text()).collect();
        json!({"field": self.pick(&fields), "op": self.pick(TEXT_OPERATORS), "value": words})
    }

    fn number_condition(&mut self) -> Value {
        let op = self.pick(&["gte", "lt", "gt", "lte", "equals", "not_equals", "in", "not_in", "between"]);
        if self.once_in(6) {
            let field = self.pick(&["split.promo", "split.greeting"]);
            let value = match op {
                "between" => json!([self.roll(50), 50 + self.roll(50)]),
                _ => json!(self.roll(100)),
            };
            return json!({"field": field, "op": op, "value": value});
        }
        let field =
            self.pick(&["lead.score", "chat_count", "chat_count.session", "chat_count.window_7d", "lead.attrs.size"]);
        let value = match op {
            "between" => json!([self.roll(3), 2 + self.roll(4)]),
            "in" | "not_in" => (0..=self.roll(3)).map(|_| self.number()).collect(),
            _ => self.number(),
        };
        json!({"field": field, "op": op, "value": value})
    }

    fn set_condition(&mut self) -> Value {
        let op = self.pick(&["contains", "not_contains", "in", "not_in", "equals", "not_equals"]);
        if self.once_in(2) {
            let field = self.pick(&["lead.tags", "lead.tags", "conversation.tags", "lead.lists", "sender.roles"]);
            return json!({"field": field, "op": op, "value": self.one_or_some(NAMES)});
        }
        let field = self.pick(&["lead.attrs.size", "lead.attrs.note", "conversation.attrs.a.b", "sender.attrs.tier"]);
        let value: Value = (0..=self.roll(3)).map(|_| self.scalar()).collect();
        json!({"field": field, "op": op, "value": value})
    }

    fn closed_condition(&mut self) -> Value {
        let (field, words): (_, &[&str]) = match self.roll(8) {
            0 => ("lead.priority", &["low", "medium", "urgent"]),
            1 => ("conversation.priority", &["low", "high", "urgent"]),
            2 => ("sender.kind", &["customer", "team", "bot", "all", "unknown"]),
            3 => ("chat.kind", &["group", "direct", "broadcast", "unknown"]),
            4 => ("message.type", &["image", "text", "all"]),
            5 => ("conversation.status", &["open", "resolved"]),
            _ => {
                let field = self.pick(&[
                    "message.has_media",
                    "chat.is_group",
                    "first_contact",
                    "conversation.is_first_message",
                ]);
                return json!({"field": field, "op": self.pick(&["equals", "not_equals"]), "value": self.once_in(2)});
            }
        };
        if field.ends_with("priority") && self.once_in(2) {
            return json!({"field": field, "op": self.pick(&["gte", "lt", "gt", "lte"]), "value": self.pick(&words[1..2])});
        }
        json!({"field": field, "op": self.pick(EQUAL), "value": self.one_or_some(words)})
    }

    fn named_condition(&mut self) -> Value {
        let (field, names) = match self.roll(10) {
            0..=1 => ("lead.status", STATUSES),
            9 => (self.pick(&["change.to", "change.from"]), CHANGED),
            2 => ("lead.country", COUNTRIES),
            3 => ("sender.id", PHONES),
            _ => {
                (self.pick(&["lead.city", "lead.city", "channel.kind", "sender.name", "conversation.assignee"]), NAMES)
            }
        };
        json!({"field": field, "op": self.pick(EQUAL), "value": self.one_or_some(names)})
    }

    fn clock_condition(&mut self) -> Value {
        match self.roll(4) {
            0 => {
                json!({"field": "time.window", "op": "in", "value": self.one_or_some(&["09:00-12:00", "20:00-11:00"])})
            }
            1 => json!({"field": "time.day_of_week", "op": "in", "value": self.one_or_some(&["fri", "sat"])}),
            2 => json!({"field": "lead.value.actual", "op": self.pick(&["gte", "lt"]), "value": self.roll(3)}),
            _ => {
                let fields = ["lead.city", "lead.tags", "lead.score", "lead.attrs.size", "message.text", "lead.status"];
                json!({"field": self.pick(&fields), "op": self.pick(&["is_missing", "is_present"])})
            }
        }
    }

    /// What a condition on history compares a number with.
    fn bound(&mut self) -> Value {
        match self.roll(4) {
            0 => json!({"between": [self.roll(2), 1 + self.roll(3)]}),
            1 => json!({"equals": self.roll(3)}),
            _ => json!({self.pick(&["gt", "gte", "lt", "lte"]): self.roll(4)}),
        }
    }

    /// A condition on the past of the conversation.
    fn history_condition(&mut self) -> Value {
        let mut history = json!({});
        if self.once_in(2) {
            history["within"] = json!(self.pick(&["30m", "6h", "3d"]));
        }
        if history["within"].is_null() || self.once_in(3) {
            history["last"] = json!(1 + self.roll(6));
        }
        match self.roll(5) {
            0 => {
                let steps = 2 + self.roll(2);
                let step = |dice: &mut Dice, at: usize| {
                    let mut step = json!({"where": dice.past_conditions()});
                    if at > 0 && dice.once_in(3) {
                        step["within"] = json!(dice.pick(&["10m", "12h"]));
                    }
                    if dice.once_in(4) {
                        step["silence"] = json!(dice.pick(&["5m", "2h"]));
                    }
                    step
                };
                history["sequence"] = (0..steps).map(|at| step(self, at)).collect();
            }
            1 => {
                history["where"] = self.past_conditions();
                history["sum"] = self.bound();
            }
            _ => {
                history["where"] = self.past_conditions();
                history["count"] = self.bound();
            }
        }
        json!({"history": history})
    }

    fn past_conditions(&mut self) -> Value {
        (0..self.roll(3)).map(|_| self.past_condition(0)).collect()
    }

    /// A condition on one past message, or a group within so many others.
    fn past_condition(&mut self, depth: usize) -> Value {
        if depth < 4 && self.once_in(6) {
            let members: Vec<Value> = (0..=self.roll(1)).map(|_| self.past_condition(depth + 1)).collect();
            return json!({self.pick(&["any", "all", "none"]): members});
        }
        match self.roll(6) {
            0 => {
                json!({"field": "message.type", "op": self.pick(EQUAL), "value": self.pick(&["image", "text", "all"])})
            }
            1 => {
                json!({"field": "sender.kind", "op": self.pick(EQUAL), "value": self.pick(&["customer", "team", "bot", "all"])})
            }
            2 => {
                let field = self.pick(&["message.has_media", "message.is_reply"]);
                json!({"field": field, "op": "equals", "value": self.once_in(2)})
            }
            3 => json!({"field": "time.day_of_week", "op": "in", "value": self.one_or_some(&["fri", "sat"])}),
            4 => json!({"field": "message.text", "op": "matches", "value": self.one_or_some(PATTERNS)}),
            _ => {
                let words: Vec<String> = (0..=self.roll(2)).map(|_| self.text()).collect();
                json!({"field": "message.text", "op": self.pick(TEXT_OPERATORS), "value": words})
            }
        }
    }

    fn past_message(&mut self, minutes_ago: i64, now: kilat_domain::Timestamp) -> Value {
        let at = kilat_domain::Timestamp(now.0 - minutes_ago * 60_000);
        let mut message = json!({
            "at": at.to_string(),
            "sender": self.pick(&["customer", "customer", "team", "bot"]),
            "type": self.pick(&["text", "text", "image"]),
            "is_reply": self.once_in(4),
        });
        if !self.once_in(6) {
            let amount = self.pick(&["", " Rp 2", " Rp 1.500", " 3rb"]);
            message["text"] = json!(format!("{}{amount}", self.text()));
        }
        message
    }

    fn action(&mut self) -> Value {
        let on = self.pick(&["lead", "conversation"]);
        match self.roll(10) {
            0 => json!({"type": "set_status", "value": self.pick(STATUSES)}),
            1..=2 => json!({"type": "add_tag", "value": self.pick(NAMES), "on": on}),
            3 => json!({"type": "remove_tag", "value": self.pick(NAMES), "on": on}),
            4 => json!({"type": "set_field", "field": "lead.score", "value": self.number()}),
            5 => json!({"type": "set_field", "field": "lead.attrs.size", "value": self.scalar()}),
            6 => {
                json!({"type": "set_field", "field": self.pick(&["lead.city", "lead.notes"]), "value": self.pick(NAMES)})
            }
            7 => json!({"type": "set_priority", "value": "high", "of": on}),
            8 => json!({"type": "assign", "value": self.pick(NAMES)}),
            _ => json!({"type": "add_to_list", "value": self.pick(NAMES)}),
        }
    }

    fn rule(&mut self, n: usize) -> Value {
        let triggers = [
            "message.created",
            "message.created",
            "message.created",
            "message_added",
            "tag.added",
            "lead.status_changed",
        ];
        let mut rule = json!({
            "id": format!("r{n}"),
            "priority": 1 + self.roll(100),
            "trigger": self.some(&triggers),
            "conditions": (0..self.roll(4)).map(|_| self.condition(0)).collect::<Vec<_>>(),
            "actions": (0..=self.roll(2)).map(|_| self.action()).collect::<Vec<_>>(),
            "stop": self.once_in(40),
            "class": if self.once_in(12) { "fallback" } else { "normal" },
        });
        if self.once_in(12) {
            rule["scope"] = json!({"channels": self.some(PHONES)});
        }
        if self.once_in(6) {
            rule["dedupe_group"] = json!(self.pick(&["a", "b"]));
        }
        if self.once_in(6) {
            let window = json!({"window": "24h"});
            let limits = [json!("event"), json!("conversation"), json!("lead"), window];
            rule["once_per"] = limits[self.roll(limits.len())].clone();
        }
        rule
    }

    /// A rule document; sometimes of more rules than one word of an index holds. Rules that would be refused for more
    /// conditions than a rule may have are not among them.
    pub(super) fn document(&mut self) -> String {
        let count = if self.once_in(8) { 60 + self.roll(80) } else { self.roll(24) };
        let mut rules = Vec::new();
        while rules.len() < count {
            let rule = self.rule(rules.len());
            if rule["conditions"].to_string().matches("\"field\"").count() <= 10 {
                rules.push(rule);
            }
        }
        json!({"workspace": "acme", "rules": rules}).to_string()
    }

    /// An event, with `state` for what earlier events left behind.
    pub(super) fn event(&mut self) -> Value {
        let mut event = json!({
            "type": "message.created",
            "occurred_at": format!("2026-11-{:02}T{:02}:30:00Z", 20 + self.roll(3), self.roll(24)),
            "channel": {"kind": self.pick(NAMES), "account": self.pick(PHONES)},
            "sender": {"kind": self.pick(&["customer", "customer", "customer", "team", "bot", "franchise"]), "id": self.pick(PHONES)},
            "lead": {},
            "conversation": {},
            "message": {},
            "state": {
                "customer_messages": self.roll(5),
                "session_messages": self.roll(3),
                "first_contact": self.once_in(3),
                "conversation_is_new": self.once_in(3),
            },
        });
        if self.once_in(10) {
            event["type"] = json!("tag.added");
            event["tag"] = json!({"name": self.pick(NAMES)});
        } else if self.once_in(10) {
            event["type"] = json!("lead.status_changed");
            event["change"] = json!({"from": self.pick(CHANGED), "to": self.pick(CHANGED)});
        }
        if self.once_in(2) {
            let now: kilat_domain::Timestamp =
                event["occurred_at"].as_str().and_then(|at| at.parse().ok()).expect("an instant");
            // A message that is later by its own time may have come first.
            let mut ages: Vec<i64> = (0..self.roll(12)).map(|_| self.roll(5_000) as i64 - 60).collect();
            ages.sort_unstable_by(|a, b| b.cmp(a));
            event["state"]["history"] = ages.into_iter().map(|age| self.past_message(age, now)).collect();
            let hour = now.0.div_euclid(3_600_000);
            let mut hours: Vec<i64> = (0..self.roll(4)).map(|_| hour + 1 - self.roll(200) as i64).collect();
            hours.sort_unstable();
            event["state"]["week"] = hours.into_iter().map(|hour| json!([hour, 1 + self.roll(3)])).collect();
            event["lead"]["id"] = json!(self.pick(&["l1", "l2", "l3", "l4"]));
            event["sender"]["attrs"] = json!({"tier": self.attribute()});
        }
        if !self.once_in(8) {
            event["message"]["text"] = json!(self.text());
        }
        if self.once_in(4) {
            event["message"]["type"] = json!(self.pick(&["image", "text"]));
            event["message"]["quoted_text"] = json!(self.text());
            event["chat"] = json!({"kind": self.pick(&["direct", "group", "broadcast", "forum"])});
        }
        if self.once_in(2) {
            event["sender"]["name"] = json!(self.pick(NAMES));
            event["lead"]["notes"] = json!(self.text());
            event["lead"]["city"] = json!(self.pick(NAMES));
            event["lead"]["status"] = json!(self.pick(STATUSES));
            event["lead"]["country"] = json!(self.pick(&["ID", "id", " SG "]));
        }
        if self.once_in(2) {
            event["lead"]["score"] = self.number();
            event["lead"]["tags"] = self.some(NAMES);
            event["lead"]["attrs"] = json!({"note": self.attribute(), "size": self.attribute()});
            event["lead"]["priority"] = json!(self.pick(&["low", "medium", "urgent"]));
        }
        if self.once_in(2) {
            event["lead"]["lists"] = self.some(NAMES);
            event["conversation"]["tags"] = self.some(NAMES);
            event["sender"]["roles"] = self.some(NAMES);
            event["conversation"]["attrs"] = json!({"a": {"b": self.attribute()}});
        }
        if self.once_in(16) {
            event[self.pick(&["lead", "conversation", "message", "sender"])] = json!(null);
        }
        event
    }
}

const EQUAL: &[&str] = &["equals", "not_equals", "in", "not_in"];
const STATUSES: &[&str] = &["new", "responded", "hot", "won", "lost"];
/// With an alias, and words that name no status.
const CHANGED: &[&str] = &["new", "hot", "won", "purchase", "Won", "gold"];
const COUNTRIES: &[&str] = &["ID", "sg"];
const PHONES: &[&str] =
    &["6281110001", "+62 811-1000-1", "0811100001", "628123@s.whatsapp.net", "628123:7@s.whatsapp.net"];
const NAMES: &[&str] =
    &["gold", "GOLD", "ｇｏｌｄ", "vip", "Vi\u{200d}p", "\u{212a}ate", "kate", "straße", "STRASSE", "a b", "a  b"];
const PATTERNS: &[&str] =
    &["or.er", "(?:buy|beli)", "^halo", "k", "stra(ss|ß)e", "\\d+", "order|", "[^a]", "e\u{301}?$"];
const TEXT_OPERATORS: &[&str] = &[
    "contains",
    "not_contains",
    "contains_word",
    "not_contains_word",
    "equals",
    "not_equals",
    "in",
    "not_in",
    "starts_with",
    "ends_with",
    "exact_phrase",
    "is_missing",
    "is_present",
];
const WORDS: &[&str] = &[
    "order",
    "Order",
    "ORDER",
    "ｏｒｄｅｒ",
    "border",
    "buy",
    "buyer",
    "mau beli",
    "mau  beli",
    "halo",
    "Halo!",
    "👋",
    "👩\u{200d}👧",
    "straße",
    "STRASSE",
    "e",
    "e\u{301}",
    "é",
    "or\u{200b}der",
    "or\u{301}der",
    "K",
    "\u{212a}",
    "Rp 1.500.000",
    "don't",
    "ﬁn",
    "FIN",
    "\u{202e}order",
    "\u{202b}שלום",
    "\u{feff}",
    "",
];
