//! The store of checkpoints of a run: objects in memory, which outlive every process, and what may go wrong with them.
//!
//! Input: calls of the port, from fibers. Output: what the port promises, in simulated time, with the faults the seed draws. What
//! is damaged after it was written is damaged once a folder: two copies are kept, and against more nothing is promised.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kilat_checkpoint::{Found, Store, StoreError, Upload};
use kilat_domain::Timestamp;
use kilat_log::Clock as _;

use crate::clock::SimClock;
use crate::fault::Fault;
use crate::fiber::{self, Wait};
use crate::log::SimLog;
use crate::random::Random;

/// The longest a call takes where nothing is wrong, in microseconds.
const CALL_MICROS_MAX: u64 = 3_000;
/// … where the store is slow.
const SLOW_MICROS_MAX: u64 = 40_000_000;
/// The longest the store fails every call, in microseconds.
const DOWN_MICROS_MAX: u64 = 30_000_000;
/// Calls of a run for each event of it, about.
const CALLS_PER_EVENT: f64 = 0.02;

/// See the module.
pub(crate) struct Objects {
    held: Mutex<Held>,
    log: SimLog,
    clock: Arc<SimClock>,
    calls: f64,
}

struct Held {
    /// By name, its parts joined by `/`.
    objects: BTreeMap<String, (Vec<u8>, Timestamp)>,
    /// Folders in which something was damaged.
    damaged: BTreeSet<String>,
    down_until: Duration,
    random: Random,
}

impl Objects {
    pub(crate) fn new(seed: u64, events: u64, log: SimLog, clock: Arc<SimClock>) -> Arc<Objects> {
        let (objects, damaged, random) = (BTreeMap::new(), BTreeSet::new(), Random::new(seed, 7));
        let held = Mutex::new(Held { objects, damaged, down_until: Duration::ZERO, random });
        Arc::new(Objects { held, log, clock, calls: (events as f64 * CALLS_PER_EVENT).max(20.0) })
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn strikes(&self, fault: Fault) -> bool {
        self.log.faults(|faults| faults.strikes(fault, self.calls))
    }

    /// A call on its way: it takes time, and may fail.
    fn call(&self, doing: &'static str, object: &[impl AsRef<str>]) -> Result<(), StoreError> {
        let most = if self.strikes(Fault::StoreSlow) { SLOW_MICROS_MAX } else { CALL_MICROS_MAX };
        let span = Duration::from_micros(self.held().random.below(most));
        if fiber::is_inside() {
            fiber::suspend(Wait::Until(self.clock.monotonic() + span));
        }
        let now = self.clock.monotonic();
        if self.strikes(Fault::StoreDown) {
            let mut held = self.held();
            held.down_until = now + Duration::from_micros(held.random.below(DOWN_MICROS_MAX));
        }
        if now < self.held().down_until { Err(self.failed(doing, object)) } else { Ok(()) }
    }

    fn failed(&self, doing: &'static str, object: &[impl AsRef<str>]) -> StoreError {
        StoreError::Slow { doing, object: name(object), place: self.place().to_owned(), seconds: 0 }
    }

    /// Damages the newest object of a folder, or takes it away, where there is another and nothing was damaged there before.
    fn spoil(&self, folder: &str) {
        let mut held = self.held();
        let Held { objects, damaged, random, .. } = &mut *held;
        let names = objects.keys().filter(|name| parts_below(name, folder).is_some_and(|rest| !rest.contains('/')));
        let newest = names.skip(1).last().cloned();
        let Some(newest) = newest.filter(|_| !damaged.contains(folder)) else { return };
        if self.strikes(Fault::ObjectLost) {
            objects.remove(&newest);
        } else if self.strikes(Fault::ObjectFlipped)
            && let Some((bytes, _)) = objects.get_mut(&newest)
        {
            let at = random.below(bytes.len() as u64) as usize;
            bytes[at] ^= 1 << random.below(8);
        } else {
            return;
        }
        damaged.insert(folder.to_owned());
    }
}

fn name(parts: &[impl AsRef<str>]) -> String {
    parts.iter().map(AsRef::as_ref).collect::<Vec<_>>().join("/")
}

/// What follows `folder` in `name`.
fn parts_below<'n>(name: &'n str, folder: &str) -> Option<&'n str> {
    if folder.is_empty() { Some(name) } else { name.strip_prefix(folder)?.strip_prefix('/') }
}

impl Store for Objects {
    fn place(&self) -> &str {
        "the simulated store"
    }

    fn list(&self, folder: &[&str]) -> Result<(Vec<Found>, Vec<String>), StoreError> {
        self.call("list", folder)?;
        let folder = name(folder);
        self.spoil(&folder);
        let (mut found, mut folders) = (Vec::new(), BTreeSet::new());
        for (name, (bytes, modified)) in &self.held().objects {
            match parts_below(name, &folder).map(|rest| rest.split_once('/').ok_or(rest)) {
                Some(Ok((below, _))) => drop(folders.insert(below.to_owned())),
                Some(Err(rest)) => {
                    let (bytes, modified) = (bytes.len() as u64, *modified);
                    found.push(Found { name: rest.to_owned(), bytes, modified });
                }
                None => {}
            }
        }
        Ok((found, folders.into_iter().collect()))
    }

    fn read<'s>(&'s self, object: &[&str]) -> Result<Box<dyn Read + 's>, StoreError> {
        self.call("read", object)?;
        let bytes = self.held().objects.get(&name(object)).map(|(bytes, _)| bytes.clone());
        Ok(Box::new(Cursor::new(bytes.ok_or_else(|| self.failed("read", object))?)))
    }

    fn create(self: Arc<Self>, object: &[&str]) -> Result<Box<dyn Upload>, StoreError> {
        self.call("write", object)?;
        let object = object.iter().map(|&part| part.to_owned()).collect();
        Ok(Box::new(Draft { store: self, object, bytes: Vec::new() }))
    }

    fn delete(&self, object: &[&str]) -> Result<(), StoreError> {
        self.call("remove", object)?;
        self.held().objects.remove(&name(object));
        Ok(())
    }

    fn clear_leftovers(&self, _: &[&str], _: &dyn Fn(&str) -> bool) {}
}

/// An object being written.
struct Draft {
    store: Arc<Objects>,
    object: Vec<String>,
    bytes: Vec<u8>,
}

impl Upload for Draft {
    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.store.call("write", &self.object)?;
        if self.store.strikes(Fault::StoreFull) {
            return Err(self.store.failed("write", &self.object));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(), StoreError> {
        self.store.call("write", &self.object)?;
        let torn = self.store.strikes(Fault::ObjectTorn);
        let written = self.store.clock.wall();
        let mut held = self.store.held();
        if torn {
            let length = held.random.below(self.bytes.len() as u64) as usize;
            self.bytes.truncate(length);
            held.damaged.insert(name(&self.object[..self.object.len() - 1]));
        }
        held.objects.insert(name(&self.object), (std::mem::take(&mut self.bytes), written));
        Ok(())
    }
}
