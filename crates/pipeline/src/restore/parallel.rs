//! Several partitions at once: those of which there is a copy, then the others.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use kilat_telemetry::metrics;

use super::{Replica, Restored, Sources, from_standby, partition};
use crate::config::Topics;
use crate::service::PipelineError;

/// Restores `partitions`, at most `threads` at a time, in the order they were asked for. The first error ends it.
pub(crate) fn partitions(
    sources: &Sources<'_>,
    partitions: &[u32],
    threads: usize,
) -> Result<Vec<(u32, Restored)>, PipelineError> {
    let share = sources.progress.begin(partitions.len());
    let committed = Topics::INPUTS.iter().map(|topic| sources.log.committed(sources.group, topic.name(), partitions));
    let committed = committed.collect::<Result<Vec<_>, _>>()?;
    let committed = |number: u32| -> Vec<Option<i64>> {
        let at = partitions.iter().position(|partition| *partition == number);
        at.map_or_else(Vec::new, |at| committed.iter().map(|offsets| offsets[at]).collect())
    };
    let ready = |replica: Replica| {
        sources.standby.owned(sources.worker, replica.partition, replica.from);
        share.done();
        (replica.partition, replica.restored)
    };
    let mut done: Vec<_> = from_standby(sources, partitions, &committed)?.into_iter().map(ready).collect();
    let left: Vec<u32> =
        partitions.iter().copied().filter(|number| !done.iter().any(|(partition, _)| partition == number)).collect();
    let restore = |at: usize| {
        let begun = sources.progress.clock();
        let replica = partition(sources, left[at], &committed(left[at]))?;
        metrics::RESTORE_SECONDS.with([]).record((sources.progress.clock() - begun).as_secs_f64());
        Ok::<_, PipelineError>(ready(replica))
    };
    if threads <= 1 || left.len() <= 1 {
        for at in 0..left.len() {
            done.push(restore(at)?);
        }
        return Ok(done);
    }
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let found_of = || found.lock().unwrap_or_else(PoisonError::into_inner);
    thread::scope(|scope| {
        for _ in 0..threads.min(left.len()) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= left.len() {
                        break;
                    }
                    let restored = restore(at);
                    if restored.is_err() {
                        next.store(left.len(), Ordering::Relaxed);
                    }
                    found_of().push(restored);
                }
            });
        }
    });
    for restored in found.into_inner().unwrap_or_else(PoisonError::into_inner) {
        done.push(restored?);
    }
    Ok(done)
}
