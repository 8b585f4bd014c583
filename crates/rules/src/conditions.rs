//! Conditions: what each kind takes, and when it holds.
//!
//! In: one condition as written; then facts. Out: a [`Leaf`]; then whether it holds.
//! A kind is one file of this folder and one line of [`ALL`]. It reads the value of a condition into what it needs and
//! decides on the field alone: negation, missing fields (D-15) and presence are the same for all and stand here.
//! CN-1: a condition that was read can be decided on any facts: type mismatches are findings at load (D-16).
//! Absent: groups, order of evaluation and the keyword scan; those are the compiler's.

pub(crate) mod attribute;
pub(crate) mod business_hours;
mod change;
pub(crate) mod country;
pub(crate) mod day_of_week;
pub(crate) mod flag;
pub(crate) mod history;
pub(crate) mod money;
pub(crate) mod number;
pub(crate) mod phone;
pub(crate) mod presence;
pub(crate) mod set;
pub(crate) mod status;
pub(crate) mod symbol;
pub(crate) mod text;
pub(crate) mod window;

use std::sync::Arc;

use kilat_domain::Number;
use kilat_domain::SenderKind;
use kilat_matcher::{Boundary, Regex};
use serde_json::{Map, Value};

use crate::codes;
use crate::corpus::{CORPUS, Corpus};
use crate::diagnostic::{Position, Report, did_you_mean, nearest};
use crate::facts::{Env, Facts};
use crate::fields::{self, FieldRef, Read};
use crate::memory::Keep;
use crate::object::{self, Object};
use crate::operators::{self, Op};
use crate::settings::Settings;
use crate::shape::{Key, Shape};
use crate::syntax::Node;

/// Every kind.
pub(crate) const ALL: &[&Kind] = &[
    &attribute::KIND,
    &business_hours::KIND,
    &country::KIND,
    &day_of_week::KIND,
    &flag::KIND,
    &history::KIND,
    &money::KIND,
    &number::KIND,
    &phone::KIND,
    &presence::KIND,
    &set::KIND,
    &status::KIND,
    &symbol::KIND,
    &text::KIND,
    &window::KIND,
];

/// A kind of condition.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    /// The operators it takes, without [`Op::IsMissing`] and [`Op::IsPresent`], which every field takes.
    pub(crate) operators: &'static [Op],
    /// What may stand under `value`, for the schema.
    pub(crate) value: Shape,
    /// Reads the value; findings go to the report.
    pub(crate) read: fn(&mut Reading<'_>) -> Option<Arc<dyn Condition>>,
}

/// What a kind reads a condition from.
pub(crate) struct Reading<'r> {
    pub(crate) field: &'r FieldRef,
    /// Without its negation.
    pub(crate) op: Op,
    pub(crate) value: &'r Node,
    pub(crate) object: Object<'r>,
    pub(crate) case_sensitive: bool,
    pub(crate) settings: &'r Settings,
    pub(crate) report: &'r mut Report,
}

impl<'r> Reading<'r> {
    /// Reports a value that does not fit.
    pub(crate) fn wrong_value(&mut self, at: Position, message: impl Into<String>, help: impl Into<String>) {
        self.report.add(codes::WRONG_VALUE, at, message, help);
    }

    /// The values of the condition: one, or a list.
    pub(crate) fn values(&mut self) -> Option<&'r [Node]> {
        let values = object::one_or_many(self.value, "`value`", self.report)?;
        if values.is_empty() {
            self.wrong_value(self.value.at, "`value` is an empty list", "put at least one value into it");
            return None;
        }
        Some(values)
    }

    /// Reads every value with `read`; `None` where one of them is not what it should be.
    pub(crate) fn each<T>(&mut self, mut read: impl FnMut(&'r Node, &mut Self) -> Option<T>) -> Option<Vec<T>> {
        let values = self.values()?;
        let read: Vec<Option<T>> = values.iter().map(|value| read(value, self)).collect();
        read.into_iter().collect()
    }
}

/// What a condition of some kind has read.
pub(crate) trait Condition: std::fmt::Debug + Send + Sync {
    /// Whether the field fulfils the operator without its negation; `None` where the field is missing.
    fn holds(&self, field: &FieldRef, env: &mut Env<'_, '_>) -> Option<bool>;

    /// The value in canonical form, and any keys beside it.
    fn canonical(&self, condition: &mut Map<String, Value>);

    /// What deciding costs, to decide cheap conditions first.
    fn cost(&self) -> Cost;

    /// The members that fulfil the operator without its negation, where the field is a closed set of words.
    fn symbols(&self) -> Option<u32> {
        None
    }

    /// What the keyword scan can tell of this condition, where it is about the message text.
    fn scan(&self) -> Option<Scan<'_>> {
        None
    }

    /// What it sees, for explanations, where that is not the field's value.
    fn observe(&self, _: &mut Env<'_, '_>) -> Option<Value> {
        None
    }

    /// Lists of conditions inside, each about one message: what holds for one of them must hold as a whole.
    fn inside(&self) -> Vec<&[Tree]> {
        Vec::new()
    }

    /// What the conversation has to remember for it.
    fn keeps(&self) -> Option<Keep> {
        None
    }

    /// How many steps deciding may take at most.
    fn steps(&self, _: &FieldRef, _: &Facts<'_>) -> u32 {
        1
    }

    /// The patterns it searches for.
    fn patterns(&self) -> &[Regex] {
        &[]
    }

    /// What the condition compares the field with, where comparing values is all that it does: an index then answers for it.
    fn compared(&self) -> Option<Compared<'_>> {
        None
    }
}

/// How much work a condition is, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Cost {
    /// A bit of the keyword scan.
    Bit,
    /// Comparing a text with a few others: it rarely holds, so that the rest is rarely asked.
    Equal,
    /// One comparison.
    Compare,
    /// Comparing texts.
    Text,
    /// Folding or searching a text.
    Search,
    /// A pattern.
    Pattern,
    /// Conditions on many messages.
    History,
}

/// What the keyword scan can tell of a condition on the message text.
pub(crate) enum Scan<'c> {
    /// The condition holds exactly where one of these is found.
    Decides(Vec<&'c str>, Boundary),
    /// The condition can hold only where one of these is found.
    Needs(Vec<&'c str>),
    /// The condition holds exactly where one of these matches.
    Patterns(&'c [Regex]),
}

/// What a condition compares its field with. A value that is none of these fulfils nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Compared<'c> {
    /// Members of the field's closed set, one bit each.
    Symbols(u32),
    Flag(bool),
    Numbers(Op, &'c [Number]),
    /// Whole texts, each in the form that the spelling brings the field into.
    Texts(Spelling, &'c [Box<str>]),
    /// Values of any type: the numbers by the operator, folded texts and flags by equality.
    Values(Op, &'c [Number], &'c [Box<str>], &'c [bool]),
    /// Whether there is a value at all.
    Presence(bool),
}

/// How two texts count as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Spelling {
    /// Letter by letter.
    Exact,
    /// Folded (D-10).
    Folded,
    /// A country code in any case.
    Country,
    /// A phone number or JID, however it is written (D-27).
    Phone,
}

/// One condition.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    pub(crate) field: FieldRef,
    pub(crate) op: Op,
    pub(crate) case_sensitive: bool,
    /// What a missing field means, where the author says so.
    pub(crate) missing: Option<bool>,
    pub(crate) condition: Arc<dyn Condition>,
    /// Where it stands in its file.
    pub(crate) at: Position,
}

/// Conditions and groups of them.
#[derive(Clone, Debug)]
pub(crate) enum Tree {
    Leaf(Leaf),
    Group(Group, Vec<Tree>),
}

/// How a group takes its members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    All,
    Any,
    None,
}

impl Group {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Group::All => "all",
            Group::Any => "any",
            Group::None => "none",
        }
    }
}

const GROUP: Shape = Shape::List(&Shape::Named("condition"));

pub(crate) const CONDITION_KEYS: &[Key] = &[
    Key::new("field", Shape::Named("field"), "What is looked at."),
    Key::new("op", Shape::Named("operator"), "How it is compared."),
    Key::new("value", Shape::Any, "What it is compared with; a list is any-of, for negative operators none-of."),
    Key::new("case_sensitive", Shape::Flag, "Compare text as it is written, unfolded (D-10)."),
    Key::new("missing", Shape::Flag, "What the condition says where the field is missing (D-15)."),
    Key::new("split", Shape::Flag, "Take a single text as a list at its commas outside double quotes (D-11)."),
    Key::new("affixes", Shape::Text, "For contains_word: `id` finds Indonesian forms of a word too, memesan by pesan."),
    Key::new("days", Shape::OneOrMany(&Shape::Text), "For time.window: the days on which the window starts."),
    CORPUS,
    Key::new("any", GROUP, "Instead of a field: at least one of these holds."),
    Key::new("all", GROUP, "Instead of a field: all of these hold."),
    Key::new("none", GROUP, "Instead of a field: none of these holds."),
    Key::new("history", Shape::Object(history::HISTORY_KEYS, &[]), "Instead of a field: the conversation's messages."),
];

impl Leaf {
    /// Whether the condition holds.
    pub(crate) fn holds(&self, env: &mut Env<'_, '_>) -> bool {
        self.decide(self.condition.holds(&self.field, env))
    }

    /// Whether the condition holds; not where there are too few steps left to find out.
    pub(crate) fn check(&self, env: &mut Env<'_, '_>) -> bool {
        let steps = self.condition.steps(&self.field, env.facts);
        env.scratch.spend(steps) && self.holds(env)
    }

    /// What the condition says where the field fulfils the operator without its negation or does not, or is missing.
    pub(crate) fn decide(&self, fulfilled: Option<bool>) -> bool {
        match fulfilled {
            Some(holds) => holds != self.op.positive().1,
            None => self.when_missing(),
        }
    }

    /// What the condition says of a missing field.
    pub(crate) fn when_missing(&self) -> bool {
        self.missing.unwrap_or(self.op.holds_when_missing())
    }

    /// Reads a condition on history, which has no other keys.
    fn of_history(node: &Node, object: Object<'_>, settings: &Settings, report: &mut Report) -> Option<Leaf> {
        for other in CONDITION_KEYS.iter().filter(|other| other.name != "history") {
            if let Some(node) = object.get(other.name) {
                let message = format!("a condition on history takes no `{}` beside it", other.name);
                report.add(codes::UNKNOWN_KEY, node.at, message, "write it as a condition of its own");
            }
        }
        history::read(node, settings, report).map(|condition| history::leaf(condition, node.at))
    }

    /// Reads a condition that is no group.
    fn read(object: Object<'_>, settings: &Settings, report: &mut Report) -> Option<Leaf> {
        let before = report.errors();
        let field = read_field(object, report);
        let op = read_op(object, field.as_ref(), report);
        let case_sensitive = object.flag("case_sensitive", report).unwrap_or(false);
        let missing = object.flag("missing", report);
        let (field, op) = (field?, op?);
        if op.is_presence() {
            let condition = Arc::new(presence::Presence { present: op == Op::IsPresent });
            let leaf = Leaf { field, op, case_sensitive, missing, condition, at: object.at };
            return (report.errors() == before).then_some(leaf);
        }
        let kind = field.field.kind;
        let (positive, _) = op.positive();
        if !kind.operators.contains(&positive) {
            let at = object.get("op").map_or(object.at, |node| node.at);
            let message = format!("`{}` does not work on `{}`, which is {}", op.name(), field.name(), {
                let type_name = field.field.type_name;
                if type_name == "any" { "any value".to_owned() } else { format!("of type {type_name}") }
            });
            report.add(codes::OPERATOR_NOT_FOR_TYPE, at, message, format!("use one of {}", usable(kind)));
            return None;
        }
        let value = object.require("value", "write what the field is compared with", report)?;
        let mut reading = Reading { field: &field, op: positive, value, object, case_sensitive, settings, report };
        let condition = (kind.read)(&mut reading)?;
        if report.errors() != before {
            return None;
        }
        let leaf = Leaf { field, op, case_sensitive, missing, condition, at: object.at };
        leaf.prove(object, settings, report);
        (report.errors() == before).then_some(leaf)
    }

    /// Reports where the corpus beside the condition does not hold.
    fn prove(&self, object: Object<'_>, settings: &Settings, report: &mut Report) {
        let Some(node) = object.get("corpus") else { return };
        if !matches!(self.field.field.read, Read::MessageText) {
            let message = format!("a corpus cannot prove a condition on `{}`", self.field.name());
            report.add(codes::WRONG_VALUE, node.at, message, "put it beside a condition on message.text");
        } else if let Some(corpus) = Corpus::read(node, report) {
            corpus.check_condition(self, settings, report);
        }
    }

    pub(crate) fn canonical(&self) -> Value {
        let mut condition = Map::new();
        if !matches!(self.field.field.read, Read::History) {
            condition.insert("field".into(), self.field.name().into());
            condition.insert("op".into(), self.op.name().into());
        }
        self.condition.canonical(&mut condition);
        if self.case_sensitive {
            condition.insert("case_sensitive".into(), true.into());
        }
        if let Some(missing) = self.missing {
            condition.insert("missing".into(), missing.into());
        }
        Value::Object(condition)
    }

    /// The value of the condition, for explanations.
    pub(crate) fn expected(&self) -> Value {
        let mut condition = Map::new();
        self.condition.canonical(&mut condition);
        condition.remove("value").or_else(|| condition.remove("history")).unwrap_or(Value::Null)
    }
}

fn usable(kind: &Kind) -> String {
    let negations = operators::ALL.iter().filter(|(op, ..)| kind.operators.contains(&op.positive().0));
    negations.map(|(_, name, _)| *name).chain(["is_missing", "is_present"]).collect::<Vec<_>>().join(", ")
}

fn read_field(object: Object<'_>, report: &mut Report) -> Option<FieldRef> {
    let node = object.require("field", "write the field the condition looks at, or a group", report)?;
    let name = object::read_text(node, "`field`", report)?;
    let Some(field) = FieldRef::parse(name) else {
        let help = match nearest(name, fields::names()) {
            Some(near) if near.ends_with('.') => format!("did you mean `{near}<name>`?"),
            Some(near) => format!("did you mean `{near}`?"),
            None => "see `kilat schema rules` for every field".to_owned(),
        };
        report.add(codes::UNKNOWN_FIELD, node.at, format!("there is no field `{name}`"), help);
        return None;
    };
    Some(field)
}

fn read_op(object: Object<'_>, field: Option<&FieldRef>, report: &mut Report) -> Option<Op> {
    if object.get("op").is_none() && field.is_some_and(|field| matches!(field.field.read, Read::Clock)) {
        return Some(Op::Equals);
    }
    let node = object.require("op", "write how the field is compared, such as equals or contains", report)?;
    let word = object::read_text(node, "`op`", report)?;
    let op = Op::parse(word);
    if op.is_none() {
        let message = format!("there is no operator `{word}`");
        report.add(codes::UNKNOWN_OPERATOR, node.at, message, did_you_mean(word, operators::names()));
    }
    op
}

/// The senders that conditions on a message see, one bit each: customers where none names the sender (F-70), else what
/// the conditions that always count leave over.
pub(crate) fn senders(trees: &[Tree]) -> u32 {
    let every = (1 << SenderKind::WORDS.len()) - 1;
    let mut named = false;
    trees.iter().for_each(|tree| tree.each_leaf(&mut |leaf| named |= leaf.field.field.name == "sender.kind"));
    if !named {
        return 1 << SenderKind::Customer as u32;
    }
    trees.iter().fold(every, |senders, tree| match tree {
        Tree::Leaf(leaf) if leaf.field.field.name == "sender.kind" => {
            let members = leaf.condition.symbols().unwrap_or(every);
            senders & if leaf.op.positive().1 { every & !members } else { members }
        }
        _ => senders,
    })
}

impl Tree {
    /// Whether it holds, read as it is written; means nothing once no steps are left.
    pub(crate) fn check(&self, env: &mut Env<'_, '_>) -> bool {
        match self {
            Tree::Leaf(leaf) => leaf.check(env),
            Tree::Group(Group::All, members) => members.iter().all(|member| member.check(env)),
            Tree::Group(Group::Any, members) => members.iter().any(|member| member.check(env)),
            Tree::Group(Group::None, members) => !members.iter().any(|member| member.check(env)),
        }
    }

    /// Reads a condition or a group; `depth` counts the groups around it.
    pub(crate) fn read(node: &Node, depth: usize, settings: &Settings, report: &mut Report) -> Option<Tree> {
        /// Deepest nesting of groups (D-12).
        const DEPTH_MAX: usize = 5;
        let object = Object::of(node, "a condition", CONDITION_KEYS, report)?;
        let groups = [Group::All, Group::Any, Group::None];
        let key = |group: Group| match group {
            Group::All => "all",
            Group::Any => "any",
            Group::None => "none",
        };
        let Some(group) = groups.into_iter().find(|group| object.get(key(*group)).is_some()) else {
            return match object.get("history") {
                Some(node) => Leaf::of_history(node, object, settings, report).map(Tree::Leaf),
                None => Leaf::read(object, settings, report).map(Tree::Leaf),
            };
        };
        let members = object.get(key(group))?;
        for other in CONDITION_KEYS.iter().filter(|other| other.name != key(group)) {
            if let Some(node) = object.get(other.name) {
                let message = format!("a group of `{}` takes no `{}`", group.name(), other.name);
                report.add(codes::UNKNOWN_KEY, node.at, message, "write it as a condition of its own");
            }
        }
        if depth >= DEPTH_MAX {
            let message = format!("groups nest deeper than {DEPTH_MAX}");
            report.add(codes::TOO_DEEP, members.at, message, "flatten the groups, or write two rules");
            return None;
        }
        let nodes = object::list(members, group.name(), report)?;
        if nodes.is_empty() {
            report.add(codes::WRONG_VALUE, members.at, "the group is empty", "put at least one condition into it");
            return None;
        }
        let read: Vec<Option<Tree>> = nodes.iter().map(|node| Tree::read(node, depth + 1, settings, report)).collect();
        Some(Tree::Group(group, read.into_iter().collect::<Option<_>>()?))
    }

    /// The tree in canonical form.
    pub(crate) fn canonical(&self) -> Value {
        match self {
            Tree::Leaf(leaf) => leaf.canonical(),
            Tree::Group(group, members) => {
                let members = members.iter().map(Tree::canonical).collect();
                Value::Object(Map::from_iter([(group.name().to_owned(), members)]))
            }
        }
    }

    /// Calls `visit` with every condition, in the order they are written.
    pub(crate) fn each_leaf<'t>(&'t self, visit: &mut impl FnMut(&'t Leaf)) {
        match self {
            Tree::Leaf(leaf) => visit(leaf),
            Tree::Group(_, members) => members.iter().for_each(|member| member.each_leaf(visit)),
        }
    }
}

#[cfg(test)]
mod tests;
