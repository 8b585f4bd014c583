//! Which rules an event has to ask: a place in evaluation order for every rule, a bit for every place.
//!
//! In: the rules. Out: for an event, the places of rules whose indexed conditions hold, 64 at a time.
//! A rule that can hold only where one of its keywords is found sleeps until the scan finds one; one that can hold only for
//! the values it names sleeps in a [`Directory`], where the field is compared with many. What many rules ask is
//! answered by [`Column`]s: bits for every rule by the value of a field, so that the 64 rules of a word are decided by one
//! AND a column. A column looks at the event when a word first needs it, and a word ends at the first column that leaves
//! nobody: few columns are ever asked.
//! IX-1: no rule is left out that reading its conditions one by one would find to hold; after a rule fired, columns of what
//! rules can change are asked anew (D-36).

mod cells;
mod column;
mod directory;
mod names;
mod reading;
mod table;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use kilat_domain::{ChatKind, EventKind, SenderKind};
use kilat_matcher::{KeywordId, lines};
use rustc_hash::FxHashSet;

use crate::actions::RuleAction;
use crate::conditions::{Compared, Cost, Leaf, Spelling};
use crate::cost;
use crate::facts::{Env, Scratch};
use crate::fields::{FieldRef, Read};
use crate::places::Places;
use crate::rule::Rule;
use crate::rule_set::program::{Draft, Gate, Literal};
use crate::rule_set::standing;
use column::Column;
use directory::{Directory, names};
use table::Table;

/// Fewest rules that ask the same thing for a column to pay.
const ASKED_MIN: usize = 3;
/// Fewest values that a field is compared with for rules to be filed under them; tests have smaller rule sets.
const FILED_VALUES_MIN: usize = if cfg!(test) { 7 } else { 32 };
/// What costs more is left to the rules: a column is asked for 64 of them, and one that takes many steps of the budget would
/// take them from cheap rules before the ones that need them.
const SHARED_COST_MAX: Cost = Cost::Text;
/// Most cells of a column.
const CELLS_MAX: usize = 512;
/// Most bytes of all columns together, for every rule.
const BYTES_PER_RULE_MAX: usize = 128;
/// Bytes of columns that are always allowed.
const BYTES_MIN: usize = 16 << 10;

/// The index of one rule set.
#[derive(Debug)]
pub(super) struct Index {
    /// By event kind: which of the triggers it is; [`NO_TRIGGER`] where it triggers no rule.
    kinds: Box<[u8]>,
    triggers: Box<[Trigger]>,
    /// By keyword: where the places of the rules it wakes start in `woken`; one more than there are keywords.
    woken_at: Box<[u32]>,
    woken: Box<[u32]>,
    directories: Box<[Directory]>,
    /// The most telling column first.
    table: Table,
    /// By rule: what has to be looked at anew after it fired, a bit for each directory and then for each column.
    stale: Box<[u64]>,
}

/// Instead of a trigger.
const NO_TRIGGER: u8 = u8::MAX;

/// The rules of one event kind. The table keeps their bits: those of all, then the places of those that nothing wakes, then of
/// those that keywords wake and that may hold where there is no text.
#[derive(Clone, Copy, Debug)]
struct Trigger {
    /// Where the table keeps them.
    at: u32,
    needs_text: bool,
    /// Whether patterns are looked for in the message text.
    searches: bool,
}

impl Index {
    /// Indexes the rules, in evaluation order; notes in the drafts which of their conditions are answered. There are so many
    /// keywords.
    pub(super) fn of(rules: &[Arc<Rule>], drafts: &mut [Draft<'_>], keywords: usize) -> Index {
        let gates: Vec<_> = drafts.iter_mut().map(Draft::take_gate).collect();
        let actions: Vec<&RuleAction> = rules.iter().flat_map(|rule| rule.actions()).collect();
        let is_fixed = |field: &FieldRef| field.is_fixed() || !actions.iter().any(|action| action.may_change(field));
        let (directories, is_filed) = directories(drafts, &gates, &is_fixed);
        let (kinds, triggers, bits) = triggers(rules, drafts, &gates, &is_filed);
        let table = Table::of(columns(rules, drafts), rules.len(), bits);
        let fields: Vec<_> = directories.iter().map(|directory| Some(&directory.field)).chain(table.fields()).collect();
        let stale = rules.iter().map(|rule| stale(rule, &fields)).collect();
        let mut woken: Vec<(KeywordId, u32)> = Vec::new();
        for (place, gate) in gates.iter().enumerate() {
            woken.extend(gate.iter().flat_map(|gate| &gate.keywords).map(|keyword| (*keyword, place as u32)));
        }
        woken.sort_unstable();
        let mut woken_at = vec![0; keywords + 1];
        for (keyword, _) in &woken {
            woken_at[keyword.index() + 1] += 1;
        }
        for keyword in 0..keywords {
            woken_at[keyword + 1] += woken_at[keyword];
        }
        Index {
            kinds,
            triggers,
            woken_at: woken_at.into(),
            woken: woken.into_iter().map(|(_, place)| place).collect(),
            directories: directories.into(),
            table,
            stale,
        }
    }

    /// An index that knows the rules' triggers and leaves everything else to the rules.
    pub(super) fn of_nothing(rules: &[Arc<Rule>], drafts: &[Draft<'_>]) -> Index {
        let gates = rules.iter().map(|_| None).collect::<Vec<_>>();
        let (kinds, triggers, bits) = triggers(rules, drafts, &gates, &vec![false; rules.len()]);
        Index {
            kinds,
            triggers,
            woken_at: Box::default(),
            woken: Box::default(),
            directories: Box::default(),
            table: Table::of(standing_columns(rules), rules.len(), bits),
            stale: rules.iter().map(|_| 0).collect(),
        }
    }

    /// Bytes of heap the index holds.
    pub(super) fn memory_bytes(&self) -> usize {
        let directories = self.directories.iter().map(Directory::memory_bytes).sum::<usize>();
        directories
            + self.table.memory_bytes()
            + size_of_val(&*self.kinds)
            + size_of_val(&*self.triggers)
            + size_of_val(&*self.woken_at)
            + size_of_val(&*self.woken)
            + size_of_val(&*self.stale)
    }

    /// How much beginning a pass goes through: words of rules, and columns.
    pub(super) fn width(&self) -> usize {
        self.words() + self.table.len()
    }

    fn trigger(&self, kind: EventKind) -> Option<&Trigger> {
        self.triggers.get(usize::from(self.kinds[kind as usize]))
    }

    /// Words of 64 rules.
    fn words(&self) -> usize {
        self.stale.len().div_ceil(64)
    }

    /// The lines that passes look at, by how many others say where they are; without those of rules that are asked, and of
    /// directories, which small rule sets have none of.
    pub(super) fn lines(&self, depth: usize, line: &mut impl FnMut(*const u8)) {
        if depth == 0 {
            lines(&self.kinds, line);
            lines(&self.triggers, line);
        }
        self.table.lines(depth, line);
    }

    /// Whether events of this kind trigger any rule.
    pub(super) fn listens_to(&self, kind: EventKind) -> bool {
        self.trigger(kind).is_some()
    }

    /// Whether the rule of this place is triggered by events of this kind.
    pub(super) fn triggers(&self, kind: EventKind, place: usize) -> bool {
        self.trigger(kind).is_some_and(|trigger| self.all(trigger, place / 64) >> (place % 64) & 1 != 0)
    }

    /// Whether any rule for events of this kind looks at the message text.
    pub(super) fn needs_text(&self, kind: EventKind) -> bool {
        self.trigger(kind).is_some_and(|trigger| trigger.needs_text)
    }

    /// Whether any rule for events of this kind looks for a pattern in the message text.
    pub(super) fn searches(&self, kind: EventKind) -> bool {
        self.trigger(kind).is_some_and(|trigger| trigger.searches)
    }

    /// The rules of a word that a trigger has.
    fn all(&self, trigger: &Trigger, word: usize) -> u64 {
        self.table.kept()[trigger.at as usize + word]
    }

    /// Begins with an event, whose text has been scanned.
    pub(super) fn wake(&self, kind: EventKind, scratch: &mut Scratch) {
        scratch.cells.clear();
        scratch.chosen.clear();
        scratch.telling.clear();
        scratch.silent = 0;
        let Some(trigger) = self.trigger(kind) else { return scratch.awake.clear() };
        let words = self.words();
        let (awake, textless) = self.table.kept()[trigger.at as usize + words..].split_at(words + words.div_ceil(64));
        scratch.awake.copy(awake, words);
        if !scratch.has_text {
            scratch.awake.join(textless);
            return;
        }
        // Whether a woken rule is triggered is asked with its word.
        let mut woken = 0;
        for hit in scratch.hits.iter() {
            let (from, to) = (self.woken_at[hit.index()] as usize, self.woken_at[hit.index() + 1] as usize);
            woken += to - from;
            self.woken[from..to].iter().for_each(|place| _ = scratch.awake.insert(*place));
        }
        scratch.spend(cost::compare(woken) - 1);
    }

    /// Looks at the event's fields for the first time in this pass, or again after the rule of this place fired. Whether the
    /// rules of a word may be others than before.
    pub(super) fn look(&self, fired: Option<usize>, env: &mut Env<'_, '_>) -> bool {
        let stale = fired.map_or(u64::MAX, |place| self.stale[place]);
        // Nobody is awake where no rule has the trigger.
        if stale == 0 || env.scratch.awake.is_empty() {
            return false;
        }
        let is_stale = |at: usize| stale >> stale_bit(at) & 1 != 0;
        let mut is_other = fired.is_none();
        for (_, directory) in self.directories.iter().enumerate().filter(|(at, _)| is_stale(*at)) {
            is_other |= directory.wake(env);
        }
        is_other | self.table.read_again(|at| is_stale(self.directories.len() + at), env)
    }

    /// The first word from `from` on that has rules which the event has to ask, and those rules, one bit each.
    pub(super) fn ask(&self, from: usize, env: &mut Env<'_, '_>) -> Option<(usize, u64)> {
        let trigger = self.trigger(env.facts.event.kind)?;
        let mut next = from;
        while let Some(word) = env.scratch.awake.next_word(next) {
            // Every word is looked at once, be it only to see that nobody is awake.
            env.scratch.look(word - next);
            let left = self.table.leave(word, env.scratch.awake.word(word) & self.all(trigger, word), env);
            if left != 0 {
                return Some((word, left));
            }
            next = word + 1;
        }
        env.scratch.look(env.scratch.awake.words().saturating_sub(next));
        None
    }
}

/// The bit of a directory or column; the last one stands for all that are left.
fn stale_bit(at: usize) -> usize {
    at.min(63)
}

/// What has to be looked at anew after a rule fired: what hangs on the fields it may change.
fn stale(rule: &Rule, fields: &[Option<&FieldRef>]) -> u64 {
    let changed = |field: &FieldRef| !field.is_fixed() && rule.actions().iter().any(|action| action.may_change(field));
    let changed = fields.iter().enumerate().filter(|(_, field)| field.is_some_and(changed));
    changed.fold(0, |stale, (at, _)| stale | 1 << stale_bit(at))
}

/// By event kind: the rules it triggers, of which some have gates and some are filed; and their bits.
fn triggers(
    rules: &[Arc<Rule>],
    drafts: &[Draft<'_>],
    gates: &[Option<Gate>],
    is_filed: &[bool],
) -> (Box<[u8]>, Box<[Trigger]>, Vec<u64>) {
    let words = rules.len().div_ceil(64);
    let mut kinds: Box<[u8]> = EventKind::ALL.iter().map(|_| NO_TRIGGER).collect();
    let (mut triggers, mut triggered) = (Vec::<Trigger>::new(), Vec::<Triggered>::new());
    for (place, rule) in rules.iter().enumerate() {
        let mut searches = false;
        rule.each_leaf(&mut |leaf| {
            let is_message = matches!(leaf.field.field.read, Read::MessageText);
            searches |= is_message && !leaf.condition.patterns().is_empty();
        });
        for kind in rule.triggers.iter().map(|trigger| trigger.kind) {
            if kinds[kind as usize] == NO_TRIGGER {
                kinds[kind as usize] = triggers.len() as u8;
                triggers.push(Trigger { at: 0, needs_text: false, searches: false });
                triggered.push(std::array::from_fn(|_| Places::none(words)));
            }
            let at = usize::from(kinds[kind as usize]);
            let trigger = &mut triggers[at];
            trigger.needs_text |= drafts[place].needs_text;
            trigger.searches |= searches;
            let [all, awake, textless] = &mut triggered[at];
            all.insert(place as u32);
            match &gates[place] {
                None if is_filed[place] => {}
                None => _ = awake.insert(place as u32),
                Some(gate) if gate.when_missing => _ = textless.insert(place as u32),
                Some(_) => {}
            }
        }
    }
    let mut bits = Vec::new();
    for (trigger, [all, awake, textless]) in triggers.iter_mut().zip(&triggered) {
        trigger.at = bits.len() as u32;
        (0..words).for_each(|word| bits.push(all.word(word)));
        awake.append_to(&mut bits);
        textless.append_to(&mut bits);
    }
    (kinds, triggers.into(), bits)
}

/// The rules of an event kind: all, those that nothing wakes, and those that keywords wake and that may hold without a text.
type Triggered = [Places; 3];

/// Files rules that no keyword wakes, each under the field that is compared with most values; tells which rules are filed.
fn directories<'r>(
    drafts: &mut [Draft<'r>],
    gates: &[Option<Gate>],
    is_fixed: &dyn Fn(&FieldRef) -> bool,
) -> (Vec<Directory>, Vec<bool>) {
    let mut is_filed = vec![false; drafts.len()];
    let mut fields: BTreeMap<(&str, &str, Spelling), Field<'r>> = BTreeMap::new();
    for (draft, _) in drafts.iter().zip(gates).filter(|(_, gate)| gate.is_none()) {
        for literal in draft.terms.iter().filter_map(|term| term.literal) {
            let Some((texts, numbers)) = names(&literal) else { continue };
            let field = fields.entry(directory_key(literal)).or_default();
            field.of = Some(&literal.leaf.field);
            field.values.extend(texts.iter().map(|text| Cow::Borrowed(&**text)));
            field.values.extend(numbers.iter().map(|number| Cow::Owned(number.to_string())));
        }
    }
    fields.retain(|_, field| field.values.len() >= FILED_VALUES_MIN);
    fields.values_mut().for_each(|field| field.is_fixed = field.of.is_some_and(is_fixed));
    for (place, draft) in drafts.iter_mut().enumerate().filter(|(place, _)| gates[*place].is_none()) {
        let terms = draft.terms.iter_mut().filter_map(|term| {
            let literal = term.literal.filter(|literal| names(literal).is_some())?;
            let values = fields.get(&directory_key(literal))?.values.len();
            Some((values, literal, term))
        });
        if let Some((_, literal, term)) = terms.max_by_key(|(values, ..)| *values) {
            is_filed[place] = true;
            term.is_filed = true;
            if let Some(field) = fields.get_mut(&directory_key(literal)) {
                term.is_answered = field.is_fixed;
                field.filed.push((place, literal));
            }
        }
    }
    let filed = fields.into_iter().filter(|(_, field)| !field.filed.is_empty());
    (filed.map(|((_, _, spelling), field)| Directory::of(&field.filed, spelling)).collect(), is_filed)
}

/// What rules compare a field with, and the rules that are filed under it.
#[derive(Default)]
struct Field<'r> {
    of: Option<&'r FieldRef>,
    /// No rule changes it.
    is_fixed: bool,
    values: FxHashSet<Cow<'r, str>>,
    filed: Vec<(usize, Literal<'r>)>,
}

fn directory_key(literal: Literal<'_>) -> (&'static str, &str, Spelling) {
    let field = &literal.leaf.field;
    (field.field.name, &field.path, spelling(literal.leaf).unwrap_or(Spelling::Exact))
}

/// Which column a literal could stand in: its field, how texts count as one, and for fields of several values, which of the
/// rule's literals on that field it is, since each could be fulfilled by another value.
type Key<'r> = (&'static str, &'r str, Spelling, usize);

/// The columns that pay, the most telling first; the drafts learn what is answered.
fn columns(rules: &[Arc<Rule>], drafts: &mut [Draft<'_>]) -> Vec<Column> {
    let mut by_field: BTreeMap<Key<'_>, Vec<(usize, usize, Literal<'_>)>> = BTreeMap::new();
    let mut by_leaf: BTreeMap<String, Vec<(usize, usize, Literal<'_>)>> = BTreeMap::new();
    for (place, draft) in drafts.iter().enumerate() {
        let mut earlier: Vec<(&str, &str)> = Vec::new();
        for (at, term) in draft.terms.iter().enumerate() {
            let Some(literal) = term.literal.filter(|_| !term.is_answered && !term.is_filed) else { continue };
            let leaf = literal.leaf;
            if let Some(spelling) = spelling(leaf) {
                let name = (leaf.field.field.name, &*leaf.field.path);
                let nth =
                    if leaf.field.has_several() { earlier.iter().filter(|known| **known == name).count() } else { 0 };
                earlier.push(name);
                by_field.entry((name.0, name.1, spelling, nth)).or_default().push((place, at, literal));
            } else if leaf.condition.scan().is_none() && leaf.condition.cost() <= SHARED_COST_MAX {
                by_leaf.entry(leaf.canonical().to_string()).or_default().push((place, at, literal));
            }
        }
    }
    let mut columns = standing_columns(rules);
    let mut answered = Vec::new();
    let mut bytes: usize = columns.iter().map(Column::memory_bytes).sum();
    let bytes_max = BYTES_MIN.max(rules.len() * BYTES_PER_RULE_MAX);
    let mut take = |column: Column, exact: &mut dyn Iterator<Item = (usize, usize)>| {
        bytes += column.memory_bytes();
        if bytes > bytes_max {
            bytes -= column.memory_bytes();
            return;
        }
        columns.push(column);
        answered.extend(exact);
    };
    for ((_, _, spelling, _), asked) in by_field.iter().filter(|(_, asked)| asked.len() >= ASKED_MIN) {
        let literals: Vec<_> = asked.iter().map(|(place, _, literal)| (*place, *literal)).collect();
        if let Some((column, exact)) = Column::of_field(&literals, *spelling, rules.len(), CELLS_MAX) {
            let exact = asked.iter().zip(exact).filter(|(_, exact)| *exact);
            take(column, &mut exact.map(|((place, at, _), _)| (*place, *at)));
        }
    }
    for asked in by_leaf.values().filter(|asked| asked.len() >= ASKED_MIN) {
        let literals: Vec<_> = asked.iter().map(|(place, _, literal)| (*place, literal.inverted)).collect();
        let column = Column::of_shared(asked[0].2.leaf, &literals, rules.len());
        take(column, &mut asked.iter().map(|(place, at, _)| (*place, *at)));
    }
    for (place, at) in answered {
        drafts[place].terms[at].is_answered = true;
    }
    columns.sort_by(|a, b| a.is_shared().cmp(&b.is_shared()).then(a.density().total_cmp(&b.density())));
    columns
}

/// Columns for what rules ask beside their conditions, as far as it tells them apart or rules anything out.
fn standing_columns(rules: &[Arc<Rule>]) -> Vec<Column> {
    let senders: Vec<u32> = rules.iter().map(|rule| rule.senders()).collect();
    let chats: Vec<u32> = rules.iter().map(|rule| standing::chats(rule)).collect();
    let only_added: Vec<bool> = rules.iter().map(|rule| rule.message_added_only()).collect();
    let mut columns =
        vec![Column::of_senders(&senders, SenderKind::WORDS.len()), Column::of_chats(&chats, ChatKind::WORDS.len())];
    if only_added.contains(&true) {
        columns.push(Column::of_added(&only_added));
    }
    columns
}

/// How an index compares the texts of a condition; `None` where no index can answer for it.
fn spelling(leaf: &Leaf) -> Option<Spelling> {
    let of_field = || match leaf.field.field.kind.name {
        "status" => Spelling::Exact,
        "country" => Spelling::Country,
        "phone" => Spelling::Phone,
        _ => Spelling::Folded,
    };
    match (leaf.condition.compared()?, &leaf.field.field.read) {
        (_, Read::MessageText | Read::Money(_) | Read::Clock | Read::History) => None,
        (Compared::Texts(spelling, _), _) => Some(spelling),
        _ => Some(of_field()),
    }
}
