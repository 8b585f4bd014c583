//! Times contestants on the same items, turn by turn.
//!
//! In: for each contestant a function that works through a range of items. Out: its CPU nanoseconds an item.
//! RA-1: answers are compared before anything is timed.
//! RA-2: no contestant sees an item twice while it is timed; who is slow sees fewer of them.
//! RA-3: contestants take turns, so that a noisy neighbour troubles all; what counts is the median turn.

use std::hint::black_box;
use std::ops::Range;

use crate::clock::thread_cpu;

/// Turns of each contestant.
const TURNS: usize = 15;
/// CPU time a contestant may take in all its turns, about.
const BUDGET_NS: f64 = 600e6;
/// Items a contestant warms up on, outside the timed ones.
const WARM_UP: usize = 512;

/// Someone who can answer and be timed.
pub(crate) struct Contestant<'a> {
    pub(crate) name: &'static str,
    run: Box<dyn FnMut(Range<usize>) -> usize + 'a>,
    answer: Box<dyn Fn(usize) -> Vec<u32> + 'a>,
}

/// Anything that finds the ids an item holds.
pub(crate) trait Finder {
    /// Puts the ids of the item into `found`, each once, in any order; `found` is empty.
    fn find(&mut self, item: usize, found: &mut Vec<u32>);
}

impl<F: FnMut(usize, &mut Vec<u32>)> Finder for F {
    #[inline]
    fn find(&mut self, item: usize, found: &mut Vec<u32>) {
        self(item, found);
    }
}

impl<'a> Contestant<'a> {
    pub(crate) fn new(name: &'static str, finder: impl Finder + 'a) -> Self {
        let finder = std::rc::Rc::new(std::cell::RefCell::new((finder, Vec::new())));
        let answering = finder.clone();
        Contestant {
            name,
            run: Box::new(move |items| {
                let (finder, found) = &mut *finder.borrow_mut();
                let mut sum = 0;
                for item in items {
                    found.clear();
                    finder.find(item, found);
                    sum += black_box(&*found).len();
                }
                sum
            }),
            answer: Box::new(move |item| {
                let (finder, _) = &mut *answering.borrow_mut();
                let mut found = Vec::new();
                finder.find(item, &mut found);
                found.sort_unstable();
                found
            }),
        }
    }
}

impl<'a> Contestant<'a> {
    /// Of a contestant whose finder tells ids in its own way: what those are.
    pub(crate) fn told_by(self, id: impl Fn(u32) -> u32 + 'a) -> Self {
        let answer = self.answer;
        let answer = move |item| {
            let mut ids: Vec<u32> = answer(item).into_iter().map(&id).collect();
            ids.sort_unstable();
            ids
        };
        Contestant { answer: Box::new(answer), ..self }
    }
}

/// What a race measured.
#[derive(Clone, Debug)]
pub(crate) struct Time {
    pub(crate) name: &'static str,
    /// Nanoseconds an item, turn by turn.
    turns: Vec<f64>,
}

impl Time {
    /// The median turn, nanoseconds an item.
    pub(crate) fn ns(&self) -> f64 {
        median(self.turns.clone())
    }

    /// How many times as long as the other; the median over turns.
    pub(crate) fn over(&self, other: &Time) -> f64 {
        median(self.turns.iter().zip(&other.turns).map(|(own, other)| own / other).collect())
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Lets the contestants answer the first `checked` of `items` items, which must agree with the first contestant's, then
/// times them on the others. Returns how many ids an item holds on average, and the times.
pub(crate) fn race(items: usize, checked: usize, contestants: &mut [Contestant<'_>]) -> (f64, Vec<Time>) {
    let mut held = 0;
    for item in 0..checked {
        let expected = (contestants[0].answer)(item);
        held += expected.len();
        for other in &contestants[1..] {
            let answer = (other.answer)(item);
            assert_eq!(answer, expected, "{} and {} differ on item {item}", other.name, contestants[0].name);
        }
    }
    // How many items a turn has: all that are left, or as many as the budget allows.
    let first = checked + WARM_UP;
    assert!(first + TURNS <= items, "{items} items are too few");
    let share = (items - first) / TURNS;
    let portions: Vec<usize> = contestants
        .iter_mut()
        .map(|contestant| {
            let warm_up = (items / 64).clamp(8, WARM_UP);
            black_box((contestant.run)(checked..checked + warm_up / 8));
            let before = thread_cpu();
            black_box((contestant.run)(checked + warm_up / 8..checked + warm_up));
            let ns = (thread_cpu() - before) as f64 / (warm_up - warm_up / 8) as f64;
            ((BUDGET_NS / TURNS as f64 / ns) as usize).clamp(1, share)
        })
        .collect();
    let mut times: Vec<Time> =
        contestants.iter().map(|contestant| Time { name: contestant.name, turns: Vec::new() }).collect();
    for turn in 0..TURNS {
        for who in 0..contestants.len() {
            // Who goes first changes from turn to turn.
            let who = (who + turn) % contestants.len();
            let start = first + turn * share;
            let before = thread_cpu();
            black_box((contestants[who].run)(start..start + portions[who]));
            times[who].turns.push((thread_cpu() - before) as f64 / portions[who] as f64);
        }
    }
    (held as f64 / checked.max(1) as f64, times)
}
