//! The checkpoints of one partition: which there are, which to use, which to keep.
//!
//! Names: `<log>/<topic>/<partition, 5 digits>/<covered block, 20 digits>.checkpoint`, so that they sort by what they cover
//! and two logs that share a store do not meet. Everything else there is left alone (CP-4).

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use kilat_domain::Timestamp;

use crate::format::{Reader, Writer};
use crate::frame::Damage;
use crate::header::{Header, Origin};
use crate::store::{Store, StoreError};

const SUFFIX: &str = ".checkpoint";
const SEQUENCE_DIGITS: usize = 20;

/// Checkpoints that are kept whatever their age: should the newest be damaged, there is another.
pub const KEPT_MIN: usize = 2;

/// How many checkpoints of a partition are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// At most this many, and at least [`KEPT_MIN`].
    pub count: usize,
    /// Older ones go, but for the newest [`KEPT_MIN`].
    pub age: Duration,
}

/// A checkpoint in the store, by its name: what it holds is not looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The block it covers.
    pub sequence: i64,
    /// Its size.
    pub bytes: u64,
    /// When it was written.
    pub written: Timestamp,
}

/// Why a checkpoint cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// The store does not give it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It is not whole.
    #[error("{name} is damaged: {damage}")]
    Damaged {
        /// The object.
        name: String,
        /// What is wrong.
        damage: Damage,
    },
    /// It is another's.
    #[error("{name} is of {found}, and this is {ours}")]
    Origin {
        /// The object.
        name: String,
        /// Whose it is.
        found: Box<Origin>,
        /// Who asks.
        ours: Box<Origin>,
    },
    /// It says that it covers another block than its name does.
    #[error("{name} covers block {sequence} by its own words: it was renamed")]
    Renamed {
        /// The object.
        name: String,
        /// What it covers.
        sequence: i64,
    },
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Origin { log, topic, partition, group } = self;
        write!(f, "log {log}, topic {topic}, partition {partition}, group {group}")
    }
}

/// The checkpoints of one partition.
#[derive(Clone)]
pub struct Shelf {
    store: Arc<dyn Store>,
    origin: Origin,
    /// Whether checkpoints of any group are meant.
    any_group: bool,
    partition: String,
}

impl Shelf {
    /// Those of `origin` in `store`.
    pub fn new(store: Arc<dyn Store>, origin: Origin) -> Shelf {
        let partition = format!("{:05}", origin.partition);
        Shelf { store, origin, any_group: false, partition }
    }

    /// Whose they are.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Those of every log, topic and partition in `store`, of whatever group.
    pub fn all(store: &Arc<dyn Store>) -> Result<Vec<Shelf>, StoreError> {
        let mut shelves = Vec::new();
        for log in store.list(&[])?.1 {
            for topic in store.list(&[&log])?.1 {
                for name in store.list(&[&log, &topic])?.1 {
                    let Ok(partition) = name.parse() else { continue };
                    let origin = Origin { log: log.clone(), topic: topic.clone(), partition, group: String::new() };
                    let shelf = Shelf { any_group: true, ..Shelf::new(Arc::clone(store), origin) };
                    shelves.extend((shelf.partition == name).then_some(shelf));
                }
            }
        }
        Ok(shelves)
    }

    /// What there is, newest first, and how many other objects lie between.
    pub fn list(&self) -> Result<(Vec<Kept>, usize), StoreError> {
        let (objects, folders) = self.store.list(&self.folder())?;
        let all = objects.len() + folders.len();
        let ours = objects.iter().filter_map(|object| {
            let (sequence, bytes, written) = (sequence_of(&object.name)?, object.bytes, object.modified);
            Some(Kept { sequence, bytes, written })
        });
        let mut ours: Vec<Kept> = ours.collect();
        ours.sort_by_key(|kept| std::cmp::Reverse(kept.sequence));
        let others = all - ours.len();
        Ok((ours, others))
    }

    /// The name of a checkpoint, for messages.
    pub fn name(&self, kept: &Kept) -> String {
        format!("{}/{}", self.folder().join("/"), name_of(kept.sequence))
    }

    /// Opens a checkpoint and looks at whose it is.
    pub fn open(&self, kept: &Kept) -> Result<Reader<Box<dyn Read + '_>>, Unusable> {
        let reader = self.reader(kept)?;
        let header = reader.header();
        let name = || self.name(kept);
        let group = if self.any_group { &header.origin.group } else { &self.origin.group };
        if header.origin != (Origin { group: group.clone(), ..self.origin.clone() }) {
            let (found, ours) = (Box::new(header.origin.clone()), Box::new(self.origin.clone()));
            return Err(Unusable::Origin { name: name(), found, ours });
        }
        if header.sequence != kept.sequence {
            return Err(Unusable::Renamed { name: name(), sequence: header.sequence });
        }
        Ok(reader)
    }

    fn reader(&self, kept: &Kept) -> Result<Reader<Box<dyn Read + '_>>, Unusable> {
        let [log, topic, partition] = self.folder();
        let download = self.store.read(&[log, topic, partition, &name_of(kept.sequence)])?;
        Reader::open(download).map_err(|damage| self.damaged(kept, damage))
    }

    /// Reads a checkpoint to its end: whether it is what was written.
    pub fn verify(&self, kept: &Kept) -> Result<(), Unusable> {
        let mut reader = self.open(kept)?;
        while reader.entries().map_err(|damage| self.damaged(kept, damage))?.is_some() {}
        Ok(())
    }

    /// Removes a checkpoint.
    pub fn remove(&self, kept: &Kept) -> Result<(), StoreError> {
        let [log, topic, partition] = self.folder();
        self.store.delete(&[log, topic, partition, &name_of(kept.sequence)])
    }

    /// The error of a checkpoint that is not whole.
    pub fn damaged(&self, kept: &Kept, damage: Damage) -> Unusable {
        Unusable::Damaged { name: self.name(kept), damage }
    }

    /// Begins a checkpoint; `header` is of this origin.
    pub fn begin(&self, header: &Header) -> Result<Writer, StoreError> {
        let [log, topic, partition] = self.folder();
        let upload = Arc::clone(&self.store).create(&[log, topic, partition, &name_of(header.sequence)])?;
        Writer::begin(upload, header)
    }

    /// Removes what an upload that was killed left behind; whoever writes this partition now must be the one who asks.
    pub fn clear_leftovers(&self) {
        self.store.clear_leftovers(&self.folder(), &|name| sequence_of(name).is_some());
    }

    /// Removes checkpoints that are too many or too old at `now`. `damaged` are known to be, by the blocks they cover: they
    /// count for nothing, and go once [`KEPT_MIN`] newer ones are there. Gives the offset of the state topic before which
    /// nothing is needed any more; `None` while fewer than [`KEPT_MIN`] usable ones are there.
    pub fn retire(&self, keep: Keep, damaged: &[i64], now: Timestamp) -> Result<Option<i64>, StoreError> {
        let (kept, _) = self.list()?;
        let mut offsets = Vec::new();
        for checkpoint in &kept {
            let newer = offsets.len();
            let too_old = now.since(checkpoint.written) > keep.age;
            let offset = match self.open(checkpoint) {
                _ if damaged.contains(&checkpoint.sequence) => None,
                Ok(reader) => Some(reader.header().offset),
                Err(Unusable::Damaged { damage, .. }) if !matches!(damage, Damage::Unreadable(_)) => None,
                Err(Unusable::Renamed { .. }) => None,
                // Another's, or not to be judged now.
                Err(_) => continue,
            };
            match offset {
                Some(offset) if newer < KEPT_MIN || (newer < keep.count && !too_old) => offsets.push(offset),
                None if newer < KEPT_MIN => {}
                _ => self.remove(checkpoint)?,
            }
        }
        Ok(offsets.iter().min().copied().filter(|_| offsets.len() >= KEPT_MIN))
    }

    fn folder(&self) -> [&str; 3] {
        [&self.origin.log, &self.origin.topic, &self.partition]
    }
}

fn name_of(sequence: i64) -> String {
    format!("{sequence:0SEQUENCE_DIGITS$}{SUFFIX}")
}

fn sequence_of(name: &str) -> Option<i64> {
    let digits = name.strip_suffix(SUFFIX)?;
    let is_ours = digits.len() == SEQUENCE_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_ours.then(|| digits.parse().ok()).flatten()
}
