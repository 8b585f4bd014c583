//! Conditions on the past of a conversation: how many of its messages, what they add up to, and in which order they came.
//!
//! `history: {within: 30m, where: [...], count: {gte: 3}}`, or `last: 20` for so many messages; `sum` adds up the amounts in
//! their texts, `sequence` asks for one message after the other. As everywhere, messages of the customer are looked at unless
//! `where` names the sender.
//! HI-1: "now" is the event's time: what came later, by event time, is not there yet, however late the event arrived. The
//! event's own message is part of the history.
//! HI-2: what is remembered is bounded: [`MESSAGES_MAX`] messages a conversation, [`TEXT_BYTES_MAX`] bytes of each text, and
//! only where the rule set of the workspace asks ([`Memory`](crate::Memory)). A full history is 27 KB of a conversation's
//! state, one of short chat messages about 3 KB; it is written with the conversation whenever that changes.
//! Absent: edits and deletions, which leave what was first written; silence that lasts, which is a timer's.

use std::sync::Arc;
use std::time::Duration;

use kilat_domain::{Event, EventKind, Message, Number, PastMessage, Sender, Str};
use serde_json::{Map, Value, json};

use super::number::{check_numbers, compare};
use super::{Condition, Cost, Kind, Leaf, Tree, senders};
use crate::codes;
use crate::cost;
use crate::diagnostic::{Position, Report};
use crate::facts::{Env, Facts};
use crate::fields::{self, FieldRef};
use crate::memory::Keep;
use crate::money::{self, Notation, Policy, Preset, preset};
use crate::object::{self, Object, print_duration};
use crate::operators::Op;
use crate::settings::Settings;
use crate::shape::{Key, Shape};
use crate::syntax::{Content, Node, json_number, number};

/// Most messages of a conversation that are remembered; the bits of a word hold them.
pub(crate) const MESSAGES_MAX: usize = 50;
/// How much of a message's text is remembered.
pub(crate) const TEXT_BYTES_MAX: usize = 512;
/// Longest time a condition can look back.
const WITHIN_MAX: Duration = Duration::from_secs(90 * 86_400);
/// Most conditions inside of one on history, those of all steps together.
const CONDITIONS_MAX: usize = 10;
const STEPS: std::ops::RangeInclusive<usize> = 2..=5;

/// Fields of a message that is past.
const FIELDS: &[&str] = &[
    "message.text",
    "message.type",
    "message.kind",
    "message.has_media",
    "message.is_reply",
    "sender.kind",
    "time.window",
    "time.business_hours",
    "time.day_of_week",
];

/// It has no operators of its own: what stands under `history` says everything.
pub(crate) const KIND: Kind = Kind { name: "history", operators: &[], value: Shape::Any, read: |_| None };

const GROUP: Shape = Shape::List(&Shape::Named("condition"));
const BOUNDS: &[(&str, Op)] = &[
    ("equals", Op::Equals),
    ("gt", Op::Gt),
    ("gte", Op::Gte),
    ("lt", Op::Lt),
    ("lte", Op::Lte),
    ("between", Op::Between),
];

macro_rules! bound_keys {
    ($($more:expr)?) => {
        &[
            $($more,)?
            Key::new("equals", Shape::Any, "It is this number, or one of these."),
            Key::new("gt", Shape::Any, "It is more than this number."),
            Key::new("gte", Shape::Any, "It is at least this number."),
            Key::new("lt", Shape::Any, "It is less than this number."),
            Key::new("lte", Shape::Any, "It is at most this number."),
            Key::new("between", Shape::List(&Shape::Any), "[lowest, highest]"),
        ]
    };
}

const COUNT_KEYS: &[Key] = bound_keys!();
const SUM_KEYS: &[Key] =
    bound_keys!(Key::new("preset", Shape::Word(preset::NAMES), "How amounts are found; flexible_rupiah by default."));

const STEP_KEYS: &[Key] = &[
    Key::new("where", GROUP, "What holds for the message of this step."),
    Key::new("within", Shape::Duration, "It comes at most so long after the step before."),
    Key::new("silence", Shape::Duration, "Nobody who is looked at wrote for so long before it."),
];

pub(super) const HISTORY_KEYS: &[Key] = &[
    Key::new("within", Shape::Duration, "Messages of so long, up to now; at most 90d."),
    Key::new("last", Shape::Integer(1, MESSAGES_MAX as i64), "So many messages, the latest."),
    Key::new("where", GROUP, "Which of them: all of these hold."),
    Key::new("count", Shape::Object(COUNT_KEYS, &[]), "How many there are; at least one by default."),
    Key::new("sum", Shape::Object(SUM_KEYS, &[]), "What the amounts in their texts add up to."),
    Key::new(
        "sequence",
        Shape::List(&Shape::Object(STEP_KEYS, &[])),
        "Messages one after the other, up to the latest.",
    ),
];

/// A condition on history.
#[derive(Debug)]
struct History {
    within: Option<Duration>,
    last: Option<usize>,
    /// Senders that are looked at, one bit each.
    senders: u32,
    asks: Asks,
    /// Whether texts are looked at.
    texts: bool,
}

#[derive(Debug)]
enum Asks {
    Count { conditions: Vec<Tree>, bound: Bound },
    Sum { conditions: Vec<Tree>, preset: &'static Preset, bound: Bound },
    Sequence(Vec<Step>),
}

/// What a number is compared with; for sums, as written and in minor units.
#[derive(Debug)]
struct Bound {
    op: Op,
    written: Vec<Number>,
    values: Vec<Number>,
}

#[derive(Debug)]
struct Step {
    conditions: Vec<Tree>,
    within: Option<Duration>,
    silence: Option<Duration>,
}

/// Reads the condition under `history`.
pub(super) fn read(node: &Node, settings: &Settings, report: &mut Report) -> Option<Arc<dyn Condition>> {
    let before = report.errors();
    let object = Object::of(node, "a condition on history", HISTORY_KEYS, report)?;
    let mut bad = |message: &str, help: &str| report.add(codes::BAD_HISTORY, node.at, message, help);
    if object.get("within").is_none() && object.get("last").is_none() {
        bad("the condition does not say how far it looks back", "write `within: 24h` or `last: 20`");
    }
    if ["count", "sum", "sequence"].iter().filter(|key| object.get(key).is_some()).count() > 1 {
        bad("the condition asks more than one thing", "write one of count, sum and sequence, and another condition");
    }
    if let Some(within) = object.get("where").filter(|_| object.get("sequence").is_some()) {
        report.add(codes::BAD_HISTORY, within.at, "a sequence says `where` step by step", "put it into the steps");
    }
    let within = object.duration("within", report);
    if let Some(node) = object.get("within").filter(|_| within.is_some_and(|within| within > WITHIN_MAX)) {
        let help = format!("look back {} at most", print_duration(WITHIN_MAX));
        report.add(codes::OUT_OF_RANGE, node.at, "nothing is remembered that long", help);
    }
    let last = object.integer("last", 1, MESSAGES_MAX as i64, report);
    let asks = read_asks(object, settings, report);
    let (asks, last) = (asks?, last.and_then(|last| usize::try_from(last).ok()));
    let (mut count, mut texts) = (0, matches!(asks, Asks::Sum { .. }));
    asks.each_conditions(&mut |trees| {
        for tree in trees {
            tree.each_leaf(&mut |leaf| {
                count += 1;
                texts |= leaf.field.field.name == "message.text";
            });
        }
    });
    if count > CONDITIONS_MAX {
        let message = format!("the condition has {count} conditions inside, the limit is {CONDITIONS_MAX}");
        report.add(codes::TOO_MANY_CONDITIONS, node.at, message, "put keywords into one list, or write two rules");
    }
    let mut seen = 0;
    asks.each_conditions(&mut |trees| seen |= senders(trees));
    (report.errors() == before).then(|| Arc::new(History { within, last, senders: seen, asks, texts }) as _)
}

fn read_asks(object: Object<'_>, settings: &Settings, report: &mut Report) -> Option<Asks> {
    if let Some(node) = object.get("sequence") {
        let nodes = object::list(node, "sequence", report)?;
        if !STEPS.contains(&nodes.len()) {
            let help = format!("write {} to {} steps", STEPS.start(), STEPS.end());
            report.add(codes::BAD_HISTORY, node.at, format!("the sequence has {} steps", nodes.len()), help);
            return None;
        }
        let steps: Vec<Option<Step>> =
            nodes.iter().enumerate().map(|(at, node)| read_step(at, node, settings, report)).collect();
        return Some(Asks::Sequence(steps.into_iter().collect::<Option<_>>()?));
    }
    let conditions = read_conditions(object, settings, report)?;
    if let Some(node) = object.get("sum") {
        let sum = Object::of(node, "a sum", SUM_KEYS, report)?;
        let preset = &preset::ALL[sum.word("preset", preset::NAMES, report).unwrap_or(0)];
        let mut bound = read_bound(sum, report)?;
        let minor =
            |value: &Number| money::from_major(*value, &settings.currency).map(|money| Number::Int(money.minor));
        let Some(values) = bound.written.iter().map(minor).collect() else {
            let help = "write a number in major units, such as 1500000";
            report.add(codes::WRONG_VALUE, node.at, "the sum is compared with what is no amount", help);
            return None;
        };
        bound.values = values;
        return Some(Asks::Sum { conditions, preset, bound });
    }
    let bound = match object.get("count") {
        Some(node) => read_bound(Object::of(node, "a count", COUNT_KEYS, report)?, report)?,
        None => Bound { op: Op::Gte, written: vec![Number::Int(1)], values: vec![Number::Int(1)] },
    };
    Some(Asks::Count { conditions, bound })
}

fn read_step(at: usize, node: &Node, settings: &Settings, report: &mut Report) -> Option<Step> {
    let object = Object::of(node, "a step", STEP_KEYS, report)?;
    if let Some(node) = object.get("within").filter(|_| at == 0) {
        report.add(codes::BAD_HISTORY, node.at, "no step comes before the first one", "leave `within` out there");
    }
    let (within, silence) = (object.duration("within", report), object.duration("silence", report));
    let conditions = read_conditions(object, settings, report)?;
    Some(Step { conditions, within, silence })
}

/// Reads `where`: conditions on what a past message still has.
fn read_conditions(object: Object<'_>, settings: &Settings, report: &mut Report) -> Option<Vec<Tree>> {
    let Some(node) = object.get("where") else { return Some(Vec::new()) };
    let nodes = object::list(node, "where", report)?;
    let read: Vec<Option<Tree>> = nodes.iter().map(|node| Tree::read(node, 0, settings, report)).collect();
    let trees: Vec<Tree> = read.into_iter().collect::<Option<_>>()?;
    let mut fits = true;
    for tree in &trees {
        tree.each_leaf(&mut |leaf| {
            let name = leaf.field.field.name;
            if !FIELDS.contains(&name) {
                let message = format!("a past message has no `{name}`");
                let help = format!("use one of {}; other fields go beside the condition on history", FIELDS.join(", "));
                report.add(codes::BAD_HISTORY, node.at, message, help);
                fits = false;
            }
        });
    }
    fits.then_some(trees)
}

/// Reads what a number is compared with: one of the bounds.
fn read_bound(object: Object<'_>, report: &mut Report) -> Option<Bound> {
    let mut given = BOUNDS.iter().filter_map(|(key, op)| Some((*op, object.get(key)?)));
    let (Some((op, node)), None) = (given.next(), given.next()) else {
        let help = "write one of equals, gt, gte, lt, lte and between, such as {gte: 3}";
        report.add(codes::BAD_HISTORY, object.at, "the number must be compared with something, and once", help);
        return None;
    };
    let mut written = Vec::new();
    for value in object::one_or_many(node, "the number", report)? {
        let read = match &value.content {
            Content::Number(number, _) => Some(*number),
            Content::Text(text) => number(text.trim()),
            _ => None,
        };
        let Some(read) = read else {
            object::wrong_type(value, "the number", "a number", report);
            return None;
        };
        written.push(read);
    }
    check_numbers(op, &written, node.at, report)?;
    if let (Op::Between, [low, high]) = (op, &*written)
        && low.compare(*high).is_gt()
    {
        let help = "write the lower number first";
        report.add(codes::NEVER_MATCHES, node.at, "no number is between these", help);
    }
    Some(Bound { op, values: written.clone(), written })
}

impl Bound {
    fn holds(&self, number: Number) -> bool {
        compare(number, self.op, &self.values)
    }

    fn canonical(&self) -> Map<String, Value> {
        let key = BOUNDS.iter().find(|(_, op)| *op == self.op).map_or("", |(key, _)| key);
        let value = match &*self.written {
            [value] => json_number(*value),
            values => values.iter().map(|value| json_number(*value)).collect(),
        };
        Map::from_iter([(key.to_owned(), value)])
    }
}

impl Asks {
    fn each_conditions<'a>(&'a self, visit: &mut impl FnMut(&'a [Tree])) {
        match self {
            Asks::Count { conditions, .. } | Asks::Sum { conditions, .. } => visit(conditions),
            Asks::Sequence(steps) => steps.iter().for_each(|step| visit(&step.conditions)),
        }
    }
}

/// The messages a condition looks at, one bit each, the first of them the lowest.
struct Looked<'h> {
    messages: &'h [PastMessage],
    bits: u64,
}

impl<'h> Looked<'h> {
    /// Calls `visit` with every message of `bits`, oldest first.
    fn each(&self, mut bits: u64, mut visit: impl FnMut(usize, &'h PastMessage)) {
        while bits != 0 {
            let at = bits.trailing_zeros() as usize;
            bits &= bits - 1;
            visit(at, &self.messages[at]);
        }
    }
}

/// The highest of some bits.
fn highest(bits: u64) -> Option<usize> {
    bits.checked_ilog2().map(|at| at as usize)
}

/// The bits below one.
fn below(at: usize) -> u64 {
    (1 << at) - 1
}

impl History {
    /// Messages up to now of the senders that are looked at; and those of them that are not too long ago.
    fn look<'h>(&self, facts: &Facts<'h>) -> (Looked<'h>, u64) {
        let now = facts.event.occurred_at;
        let details = facts.conversation.and_then(|conversation| conversation.details.as_deref());
        let messages = details.map_or(&[][..], |details| &*details.history);
        let until = messages.partition_point(|message| message.at <= now);
        let messages = &messages[until.saturating_sub(MESSAGES_MAX)..until];
        let mut looked = Looked { messages, bits: 0 };
        for (at, message) in messages.iter().enumerate() {
            looked.bits |= u64::from(self.senders >> message.sender as u32 & 1) << at;
        }
        let mut bits = looked.bits;
        if let Some(within) = self.within {
            let since = messages.partition_point(|message| now.since(message.at) > within);
            bits &= if since < MESSAGES_MAX { !below(since) } else { 0 };
        }
        if let Some(last) = self.last {
            while bits.count_ones() as usize > last {
                bits &= bits - 1;
            }
        }
        (looked, bits)
    }

    /// Those of some messages for which all of the conditions hold.
    fn holding(&self, conditions: &[Tree], looked: &Looked<'_>, bits: u64, env: &mut Env<'_, '_>) -> u64 {
        if conditions.is_empty() || bits == 0 {
            return bits;
        }
        let mut past = Event::new("", "", EventKind::MessageCreated, env.facts.event.occurred_at);
        let mut scratch = std::mem::take(&mut env.scratch.past);
        let buffers = scratch.get_or_insert_default();
        buffers.steps_left = env.scratch.steps_left;
        let mut holding = 0;
        looked.each(bits, |at, message| {
            buffers.begin();
            buffers.spend(cost::PASS);
            if let Some(text) = message.text.as_deref().filter(|_| self.texts)
                && buffers.spend(cost::scan(text.len(), 0))
            {
                buffers.fold_message(text);
            }
            past.occurred_at = message.at;
            past.sender = Some(Sender { kind: message.sender, id: None, name: None, roles: None, attrs: None });
            past.message = Some(Message {
                kind: Some(message.kind),
                text: message.text.as_deref().map(Str::from),
                reply_to: message.is_reply.then(|| Str::from("past")),
                has_media: Some(message.has_media),
                ..Message::default()
            });
            let facts = Facts { event: &past, lead: None, conversation: None, ..*env.facts };
            let mut env = Env { facts: &facts, settings: env.settings, scratch: &mut *buffers };
            holding |= u64::from(conditions.iter().all(|tree| tree.check(&mut env))) << at;
        });
        env.scratch.steps_left = buffers.steps_left;
        env.scratch.past = scratch;
        holding
    }

    /// What the amounts in the texts of some messages add up to, in minor units; a text without one clear amount adds nothing.
    fn sum(preset: &Preset, looked: &Looked<'_>, bits: u64, env: &mut Env<'_, '_>) -> i64 {
        let settings = env.settings;
        let notation = Notation { locale: &settings.locale, currency: &settings.currency };
        let mut sum = 0_i64;
        looked.each(bits, |_, message| {
            let text = message.text.as_deref().unwrap_or_default();
            if !env.scratch.spend(cost::extract(text)) {
                return;
            }
            let found = money::extract(text, preset, Policy::Only, notation);
            if let Ok(found) = found.map(|found| found.money)
                && found.currency == settings.currency
            {
                sum = sum.saturating_add(found.minor);
            }
        });
        sum
    }

    /// Whether the steps were taken one after the other, the last of them by the latest message.
    fn follows(&self, steps: &[Step], looked: &Looked<'_>, bits: u64, env: &mut Env<'_, '_>) -> bool {
        let Some(latest) = highest(bits) else { return false };
        let mut reached = 0_u64;
        for (number, step) in steps.iter().enumerate() {
            let mut taken = 0;
            looked.each(self.holding(&step.conditions, looked, bits, env), |at, message| {
                let before = |bits: u64| highest(bits & below(at)).map(|at| message.at.since(looked.messages[at].at));
                let comes = number == 0
                    || before(reached).is_some_and(|passed| step.within.is_none_or(|within| passed <= within));
                let silent = step.silence.is_none_or(|silence| before(looked.bits).is_none_or(|gap| gap >= silence));
                taken |= u64::from(comes && silent) << at;
            });
            reached = taken;
        }
        reached >> latest & 1 != 0
    }
}

impl Condition for History {
    /// Looking which messages are meant; what is asked of them is paid for message by message.
    fn steps(&self, _: &FieldRef, _: &Facts<'_>) -> u32 {
        cost::compare(2 * MESSAGES_MAX)
    }

    fn holds(&self, _: &FieldRef, env: &mut Env<'_, '_>) -> Option<bool> {
        let (looked, bits) = self.look(env.facts);
        Some(match &self.asks {
            Asks::Count { conditions, bound } => {
                let count = self.holding(conditions, &looked, bits, env).count_ones();
                bound.holds(Number::Int(count.into()))
            }
            Asks::Sum { conditions, preset, bound } => {
                let bits = self.holding(conditions, &looked, bits, env);
                bound.holds(Number::Int(History::sum(preset, &looked, bits, env)))
            }
            Asks::Sequence(steps) => self.follows(steps, &looked, bits, env),
        })
    }

    fn inside(&self) -> Vec<&[Tree]> {
        let mut lists = Vec::new();
        self.asks.each_conditions(&mut |trees| lists.push(trees));
        lists
    }

    fn observe(&self, env: &mut Env<'_, '_>) -> Option<Value> {
        let (looked, bits) = self.look(env.facts);
        Some(match &self.asks {
            Asks::Count { conditions, .. } => {
                json!({"count": self.holding(conditions, &looked, bits, env).count_ones()})
            }
            Asks::Sum { conditions, preset, .. } => {
                let bits = self.holding(conditions, &looked, bits, env);
                let minor = History::sum(preset, &looked, bits, env);
                let currency = env.settings.currency.clone();
                json!({"sum": money::print_major(&kilat_domain::Money { minor, currency })})
            }
            Asks::Sequence(_) => json!({"messages": bits.count_ones()}),
        })
    }

    fn canonical(&self, condition: &mut Map<String, Value>) {
        let conditions = |trees: &[Tree]| trees.iter().map(Tree::canonical).collect::<Value>();
        let duration = |duration: Option<Duration>| duration.map(|duration| Value::from(print_duration(duration)));
        let mut history = Map::new();
        history.extend(duration(self.within).map(|within| ("within".to_owned(), within)));
        history.extend(self.last.map(|last| ("last".to_owned(), last.into())));
        match &self.asks {
            Asks::Count { conditions: trees, bound } => {
                history.insert("where".into(), conditions(trees));
                history.insert("count".into(), bound.canonical().into());
            }
            Asks::Sum { conditions: trees, preset, bound } => {
                let mut sum = bound.canonical();
                sum.insert("preset".into(), preset.name.into());
                history.insert("where".into(), conditions(trees));
                history.insert("sum".into(), sum.into());
            }
            Asks::Sequence(steps) => {
                let steps = steps.iter().map(|step| {
                    let mut written = Map::from_iter([("where".to_owned(), conditions(&step.conditions))]);
                    written.extend(duration(step.within).map(|within| ("within".to_owned(), within)));
                    written.extend(duration(step.silence).map(|silence| ("silence".to_owned(), silence)));
                    Value::Object(written)
                });
                history.insert("sequence".into(), steps.collect());
            }
        }
        condition.insert("history".into(), history.into());
    }

    fn cost(&self) -> Cost {
        Cost::History
    }

    fn keeps(&self) -> Option<Keep> {
        // A bound in time is kept whole as far as it fits; a number of messages needs those between them of other senders.
        Some(Keep { messages: MESSAGES_MAX, within: self.within.filter(|_| self.last.is_none()), texts: self.texts })
    }
}

/// A condition on history as a leaf: its field is the history itself.
pub(super) fn leaf(condition: Arc<dyn Condition>, at: Position) -> Leaf {
    let field = FieldRef { field: &fields::HISTORY, path: "".into() };
    Leaf { field, op: Op::Equals, case_sensitive: false, missing: None, condition, at }
}
