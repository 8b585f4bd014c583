//! Several partitions at once.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use kilat_telemetry::metrics;

use super::{Restored, Sources, partition};
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
    let restore = |at: usize| {
        let begun = sources.progress.clock();
        let number = partitions[at];
        let committed: Vec<Option<i64>> = committed.iter().map(|offsets| offsets[at]).collect();
        let restored = partition(sources, number, &committed)?;
        metrics::RESTORE_SECONDS.with([]).record((sources.progress.clock() - begun).as_secs_f64());
        share.done();
        Ok::<_, PipelineError>((number, restored))
    };
    if threads <= 1 || partitions.len() <= 1 {
        return (0..partitions.len()).map(restore).collect();
    }
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let found_of = || found.lock().unwrap_or_else(PoisonError::into_inner);
    thread::scope(|scope| {
        for _ in 0..threads.min(partitions.len()) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= partitions.len() {
                        break;
                    }
                    let restored = restore(at);
                    if restored.is_err() {
                        next.store(partitions.len(), Ordering::Relaxed);
                    }
                    found_of().push(restored);
                }
            });
        }
    });
    found.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().collect()
}
