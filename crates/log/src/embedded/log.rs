//! What the handles of one embedded log share, and how they lock it.
//!
//! Locks, each held for as long as one step takes: `queue` (who waits to write), `sequencer` (the writing side; held over
//! the disk write), `view` (what is committed; never held over I/O). Taken in this order, or alone.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::commit::{Queue, Sequencer};
use super::store::Store;
use super::view::View;

/// One open log.
pub(super) struct Log {
    pub store: Store,
    pub queue: Mutex<Queue>,
    /// A turn of leading has ended.
    pub settled: Condvar,
    pub sequencer: Mutex<Sequencer>,
    pub view: Mutex<View>,
    /// Records were published, or a group changed. Wakes everyone who polls: they are few, one per worker.
    pub changed: Condvar,
    /// A commit has come to its end, for those who take the place of its member.
    pub idle: Condvar,
}

/// A panic elsewhere does not spoil what the lock guards: the steps under each lock cannot panic half way, and the one that
/// spans the disk write fails the log by itself (`commit::Lead`).
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for `condition`, as [`lock`] locks.
pub(super) fn wait<'a, T>(condition: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    condition.wait(guard).unwrap_or_else(PoisonError::into_inner)
}

/// Waits for `condition` at most `timeout`, as [`lock`] locks.
pub(super) fn wait_for<'a, T>(condition: &Condvar, guard: MutexGuard<'a, T>, timeout: Duration) -> MutexGuard<'a, T> {
    condition.wait_timeout(guard, timeout).unwrap_or_else(PoisonError::into_inner).0
}
