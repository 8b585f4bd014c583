//! Speeds, and progress lines where there is no view.
//!
//! Input: the newest figures, at every look. Output: rates, their history, and how long nothing has moved.

use std::time::{Duration, Instant};

use super::view::{Rates, Scene};
use crate::clock;

/// How often a progress line is printed where there is no view.
const PROGRESS: Duration = Duration::from_secs(1);
/// Over how long rates are measured.
const RATES_OVER: Duration = Duration::from_millis(500);
/// Measurements the view shows.
const HISTORY_MAX: usize = 240;

/// Speeds, from one look to the next.
pub(super) struct Pulse {
    begun: Instant,
    /// The figures a second ago and when that was.
    last: ([u64; 3], Instant),
    /// The newest figures and when they last changed.
    newest: [u64; 3],
    moved: Instant,
    printed: Instant,
    /// Events, decisions and settled actions a second, lately.
    pub(super) rates: Rates,
    /// Events a second, oldest first.
    pub(super) history: Vec<u64>,
}

impl Pulse {
    pub(super) fn new() -> Pulse {
        let now = clock::instant();
        Pulse {
            begun: now,
            last: ([0; 3], now),
            newest: [0; 3],
            moved: now,
            printed: now,
            rates: Rates::default(),
            history: Vec::new(),
        }
    }

    /// Takes in the newest figures.
    pub(super) fn beat(&mut self, events: u64, decisions: u64, settled: u64) {
        let (now, figures) = (clock::instant(), [events, decisions, settled]);
        if figures != self.newest {
            (self.newest, self.moved) = (figures, now);
        }
        let span = now.duration_since(self.last.1).as_secs_f64();
        if span < RATES_OVER.as_secs_f64() {
            return;
        }
        let rate = |at: usize| (figures[at] - self.last.0[at]) as f64 / span;
        self.rates = Rates { events: rate(0), decisions: rate(1), settled: rate(2) };
        self.last = (figures, now);
        self.history.push(self.rates.events as u64);
        if self.history.len() > HISTORY_MAX {
            self.history.remove(0);
        }
    }

    /// How long nothing has moved.
    pub(super) fn unmoved(&self) -> Duration {
        self.moved.elapsed()
    }

    /// Prints a progress line, if the last one is old enough.
    pub(super) fn print(&mut self, scene: &Scene) {
        if self.printed.elapsed() < PROGRESS {
            return;
        }
        self.printed = clock::instant();
        let Scene { engine, counts, rates, .. } = scene;
        eprintln!(
            "{:>4.0}s  {} events ({:.0}/s, lag {}), {} decisions, {} of {} actions settled{}",
            self.begun.elapsed().as_secs_f64(),
            engine.events,
            rates.events,
            scene.lag,
            counts.decisions,
            counts.settled(),
            counts.actions,
            scene.problem.as_ref().map(|problem| format!("; {problem}")).unwrap_or_default(),
        );
    }
}
