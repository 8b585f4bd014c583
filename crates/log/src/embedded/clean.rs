//! Retention and compaction, a bounded piece within every commit.
//!
//! Input: what a group of transactions appended, and the time. Output: batches removed or rewritten in the same write, so
//! that cleaning needs no thread, no write of its own and no lock of its own, and keeps pace with what is written.
//!
//! Retention removes whole batches from the front. Compaction works in passes over one partition at a time, as Kafka's
//! cleaner does: it notes the newest offset of every key of the part not yet cleaned, then goes through all before that
//! part's end and drops what has a newer record.
//!
//! CL-1: the newest batch of a partition stays, because it tells the next offset. CL-2: of a compacted topic the newest
//! record of a key is never dropped, save a tombstone older than [`TOMBSTONES_KEPT`] whose older records are gone. CL-3: the
//! work of one commit is bounded by [`WORK_BYTES_MAX`] and the batch counts below.
//! Absent: what keys mean; merging of small batches.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use kilat_domain::Timestamp;

use super::batch::{Batch, Malformed};
use super::error::EmbeddedError;
use super::store::{Tables, TopicId};
use crate::Retention;

/// How long a tombstone stays, so that a reader on its way through the topic meets it (Kafka: `delete.retention.ms`).
pub(super) const TOMBSTONES_KEPT: Duration = Duration::from_hours(24);

/// Expired batches removed from a partition at each append to it: more than an append adds.
const EXPIRED_PER_APPEND: usize = 4;
/// Expired batches removed from the one partition that each commit visits in turn, written to or not.
const EXPIRED_PER_VISIT: usize = 64;
/// Batches removed by one write of trimming: commits wait meanwhile.
const TRIMMED_PER_WRITE: usize = 1_000;
/// A pass reads what is new once and everything twice; with [`Compaction::is_due`] that is at most five bytes for each that
/// was appended.
const WORK_PER_BYTE: usize = 6;
const WORK_BYTES_MIN: usize = 64 * 1024;
const WORK_BYTES_MAX: usize = 2 * 1024 * 1024;
/// A pass begins when this much is new, and no less than what an earlier pass left.
const COMPACT_AFTER_BYTES: usize = 1024 * 1024;
/// Memory for the keys of a pass; with more keys a pass ends early.
const PASS_KEYS_BYTES_MAX: usize = 32 * 1024 * 1024;
const KEY_OVERHEAD_BYTES: usize = 64;

/// A topic as the writing side knows it.
#[derive(Debug)]
pub(super) struct SequencedTopic {
    pub id: TopicId,
    pub name: Arc<str>,
    pub retention: Retention,
    pub partitions: Vec<Extent>,
}

/// A partition as the writing side knows it.
#[derive(Debug)]
pub(super) struct Extent {
    pub first: i64,
    pub end: i64,
    /// End and time of the batch at `first`, once looked up.
    oldest: Option<(i64, Timestamp)>,
    compaction: Compaction,
    /// A damaged batch was met: it is left for its reader to report.
    halted: bool,
}

impl Extent {
    pub(super) fn new(first: i64, end: i64) -> Extent {
        Extent { first, end, oldest: None, compaction: Compaction::default(), halted: false }
    }

    /// What was before `first` is removed.
    pub(super) fn start_at(&mut self, first: i64) {
        (self.first, self.oldest) = (first, None);
    }
}

/// What cleaning remembers from commit to commit.
#[derive(Debug, Default)]
pub(super) struct Cleaner {
    /// The partition whose pass is under way.
    compacting: Option<(usize, usize)>,
    /// The partition to visit next.
    visit: (usize, usize),
}

impl Cleaner {
    /// Does the share of work that these appended bytes ask for. Gives the partitions whose first offset may have changed.
    pub(super) fn work(
        &mut self,
        tables: &mut Tables<'_>,
        topics: &mut [SequencedTopic],
        appended: &BTreeMap<(TopicId, u32), usize>,
        now: Timestamp,
    ) -> Result<Vec<(TopicId, u32)>, EmbeddedError> {
        let mut touched: Vec<(TopicId, u32)> = appended.keys().copied().collect();
        let mut budget = 0;
        for (&(topic, partition), &bytes) in appended {
            let (topic, partition) = (topic as usize, partition as usize);
            match topics[topic].retention {
                Retention::Unlimited => {}
                Retention::Time(_) => expire(tables, topics, (topic, partition), EXPIRED_PER_APPEND, now)?,
                Retention::Compacted => {
                    budget += bytes * WORK_PER_BYTE;
                    let extent = &mut topics[topic].partitions[partition];
                    extent.compaction.dirty_bytes += bytes;
                    if self.compacting.is_none() && !extent.halted && extent.compaction.is_due() {
                        extent.compaction.begin(extent.first, extent.end);
                        self.compacting = Some((topic, partition));
                    }
                }
            }
        }
        if let Some((topic, partition)) = self.compacting {
            touched.push((topic as TopicId, partition as u32));
            let topic = &mut topics[topic];
            let name = (topic.id, &*topic.name);
            let extent = &mut topic.partitions[partition];
            let budget = budget.clamp(WORK_BYTES_MIN, WORK_BYTES_MAX);
            let number = partition as u32;
            if report_damage(extent, |extent| compact(tables, name, number, extent, budget, now))?.unwrap_or(true) {
                self.compacting = None;
            }
        }
        if let Some(place) = self.next_visit(topics) {
            touched.push((place.0 as TopicId, place.1 as u32));
            expire(tables, topics, place, EXPIRED_PER_VISIT, now)?;
        }
        Ok(touched)
    }

    /// The next partition in turn over all topics.
    fn next_visit(&mut self, topics: &[SequencedTopic]) -> Option<(usize, usize)> {
        let (mut topic, mut partition) = self.visit;
        if topics.get(topic).is_none_or(|topic| partition >= topic.partitions.len()) {
            (topic, partition) = (topic + 1, 0);
        }
        if topic >= topics.len() {
            topic = 0;
        }
        self.visit = (topic, partition + 1);
        topics.get(topic).is_some_and(|topic| partition < topic.partitions.len()).then_some((topic, partition))
    }
}

/// Runs one piece of cleaning; damage it meets stops the cleaning of this partition, not the commit. `None` then.
fn report_damage<T>(
    extent: &mut Extent,
    clean: impl FnOnce(&mut Extent) -> Result<T, EmbeddedError>,
) -> Result<Option<T>, EmbeddedError> {
    match clean(extent) {
        Ok(done) => Ok(Some(done)),
        Err(error @ EmbeddedError::Damaged { .. }) => {
            tracing::error!(error = %error, "a partition is not cleaned any more");
            extent.halted = true;
            extent.compaction.pass = None;
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Removes up to `batches_max` batches from the front that are past their time.
fn expire(
    tables: &mut Tables<'_>,
    topics: &mut [SequencedTopic],
    (topic, partition): (usize, usize),
    batches_max: usize,
    now: Timestamp,
) -> Result<(), EmbeddedError> {
    let topic = &mut topics[topic];
    let Retention::Time(kept) = topic.retention else { return Ok(()) };
    let name = (topic.id, &*topic.name);
    let extent = &mut topic.partitions[partition];
    if extent.halted {
        return Ok(());
    }
    report_damage(extent, |extent| {
        for _ in 0..batches_max {
            if extent.oldest.is_none() {
                let oldest = tables.first_batch(name, partition as u32, extent.first)?;
                extent.first = oldest.as_ref().map_or(extent.first, |batch| batch.base);
                extent.oldest = oldest.map(|batch| (batch.end, batch.timestamp));
            }
            let Some((end, timestamp)) = extent.oldest else { break };
            if end >= extent.end || timestamp.after(kept) > now {
                break;
            }
            tables.remove_batch(name.0, partition as u32, extent.first)?;
            (extent.first, extent.oldest) = (end, None);
        }
        Ok(())
    })?;
    Ok(())
}

/// Removes up to [`TRIMMED_PER_WRITE`] batches from the front that end at or before `before`. Gives the first offset that is
/// left, and whether there is nothing more to remove.
pub(super) fn trim(
    tables: &mut Tables<'_>,
    topic: (TopicId, &str),
    partition: u32,
    extent: &Extent,
    before: i64,
) -> Result<(i64, bool), EmbeddedError> {
    let mut first = extent.first;
    for _ in 0..TRIMMED_PER_WRITE {
        let Some(batch) = tables.first_batch(topic, partition, first)? else { return Ok((first, true)) };
        first = batch.base;
        // CL-1.
        if batch.end > before || batch.end >= extent.end {
            return Ok((first, true));
        }
        tables.remove_batch(topic.0, partition, batch.base)?;
        first = batch.end;
    }
    Ok((first, false))
}

/// How clean a compacted partition is.
#[derive(Debug, Default)]
struct Compaction {
    /// Everything before this offset has been through a pass.
    cleaned: i64,
    /// What the last pass left.
    clean_bytes: usize,
    /// What was appended since the last pass began.
    dirty_bytes: usize,
    pass: Option<Pass>,
}

#[derive(Debug)]
struct Pass {
    /// The pass covers what is before this offset.
    until: i64,
    /// How far the current stage has come.
    next: i64,
    stage: Stage,
    /// The newest offset of each key of the part not yet cleaned.
    newest: HashMap<Box<[u8]>, i64>,
    keys_bytes: usize,
    kept_bytes: usize,
    /// There were more keys than memory for them: what is left waits for the next pass.
    shortened: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Noting,
    Dropping,
}

impl Compaction {
    fn is_due(&self) -> bool {
        self.dirty_bytes >= COMPACT_AFTER_BYTES.max(self.clean_bytes)
    }

    fn begin(&mut self, first: i64, end: i64) {
        self.dirty_bytes = 0;
        self.pass = Some(Pass {
            until: end,
            next: self.cleaned.max(first),
            stage: Stage::Noting,
            newest: HashMap::new(),
            keys_bytes: 0,
            kept_bytes: 0,
            shortened: false,
        });
    }

    fn finish(&mut self, pass: &Pass) {
        self.cleaned = pass.until;
        self.clean_bytes = pass.kept_bytes;
        if pass.shortened {
            self.dirty_bytes = self.dirty_bytes.max(COMPACT_AFTER_BYTES).max(self.clean_bytes);
        }
    }
}

/// Goes on with the pass of this partition until `budget` bytes have been read; true once it is through.
fn compact(
    tables: &mut Tables<'_>,
    topic: (TopicId, &str),
    partition: u32,
    extent: &mut Extent,
    budget: usize,
    now: Timestamp,
) -> Result<bool, EmbeddedError> {
    let Some(mut pass) = extent.compaction.pass.take() else { return Ok(true) };
    let mut read = 0;
    while read < budget {
        let batch = tables.first_batch(topic, partition, pass.next)?.filter(|batch| batch.base < pass.until);
        let Some(batch) = batch else {
            match pass.stage {
                Stage::Noting => {
                    (pass.stage, pass.next) = (Stage::Dropping, extent.first);
                    continue;
                }
                Stage::Dropping => {
                    extent.compaction.finish(&pass);
                    return Ok(true);
                }
            }
        };
        read += batch.bytes().len();
        pass.next = batch.end;
        let base = batch.base;
        let worked = match pass.stage {
            Stage::Noting => pass.note(&batch),
            Stage::Dropping => match pass.drop_superseded(&batch, now) {
                Ok(kept) => {
                    let kept = kept.as_ref();
                    if let Some(rest) = kept {
                        // CL-1.
                        if rest.is_empty() && rest.end < extent.end {
                            tables.remove_batch(topic.0, partition, base)?;
                            if extent.first == base {
                                extent.first = batch.end;
                            }
                        } else {
                            tables.put_batch(topic.0, partition, rest)?;
                        }
                    }
                    pass.kept_bytes += kept.unwrap_or(&batch).bytes().len();
                    Ok(())
                }
                Err(malformed) => Err(malformed),
            },
        };
        worked.map_err(|Malformed| tables.damaged(topic.1, partition, base))?;
    }
    extent.compaction.pass = Some(pass);
    Ok(false)
}

impl Pass {
    fn note(&mut self, batch: &Batch) -> Result<(), Malformed> {
        for entry in batch.entries() {
            let entry = entry?;
            match self.newest.get_mut(entry.key) {
                Some(newest) => *newest = entry.offset,
                None => {
                    self.keys_bytes += entry.key.len() + KEY_OVERHEAD_BYTES;
                    self.newest.insert(entry.key.into(), entry.offset);
                }
            }
        }
        if self.keys_bytes > PASS_KEYS_BYTES_MAX && batch.end < self.until {
            (self.until, self.shortened) = (batch.end, true);
        }
        Ok(())
    }

    /// The batch without superseded records and tombstones past their time; `None` where it stays as it is.
    fn drop_superseded(&self, batch: &Batch, now: Timestamp) -> Result<Option<Batch>, Malformed> {
        let tombstones_go = batch.timestamp.after(TOMBSTONES_KEPT) <= now;
        batch.retain(|entry| {
            let superseded = self.newest.get(entry.key).is_some_and(|&newest| newest > entry.offset);
            !superseded && (entry.value.is_some() || !tombstones_go)
        })
    }
}

#[cfg(test)]
mod tests;
