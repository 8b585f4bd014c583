//! The blocks of the state topic, from the first one or from a checkpoint or a copy on.

use std::time::Duration;

use kilat_codec::Topic;

use super::error::Lost;
use super::replica::{Refused, Replica};
use super::{Sources, give_up};
use crate::service::PipelineError;

/// How long one poll waits for blocks; the loop goes on until the end is reached.
const POLL: Duration = Duration::from_millis(100);

/// Takes in what was committed since, or everything.
pub(super) fn take_in(sources: &Sources<'_>, mut replica: Replica, lost: Lost) -> Result<Replica, PipelineError> {
    let (topic, partition) = (Topic::State.name(), replica.partition);
    let extent = sources.log.extent(topic, partition)?;
    replica.fits(extent.end)?;
    let mut follower = sources.log.follow_from(topic, &[(partition, replica.from)])?;
    let mut refused = None;
    loop {
        let before = replica.blocks;
        let followed = follower.poll(POLL, &mut |record| {
            if refused.is_none() {
                refused = replica.take(&record).err();
            }
        })?;
        sources.progress.blocks(replica.blocks - before);
        match refused {
            Some(Refused::Beginning { sequence, offset }) => {
                return Err(lost.beginning(partition, Some((sequence, offset))).into());
            }
            Some(Refused::Because(error)) => return Err(error),
            None if followed.caught_up => break,
            None => {}
        }
    }
    if replica.is_empty() && extent.start > 0 {
        return Err(lost.beginning(partition, None).into());
    }
    replica.reached(extent.end)?;
    Ok(replica)
}

/// Takes in what was committed since, of several copies at once. A copy that does not fit is left out.
pub(super) fn catch_up(sources: &Sources<'_>, replicas: &mut Vec<Replica>) -> Result<(), PipelineError> {
    let topic = Topic::State.name();
    replicas.sort_unstable_by_key(|replica| replica.partition);
    let partitions: Vec<u32> = replicas.iter().map(|replica| replica.partition).collect();
    let mut ends = sources.log.extents(topic, &partitions)?.into_iter().map(|extent| extent.end);
    let fits =
        |replica: &Replica, end: i64| replica.fits(end).map_err(|error| give_up(replica.partition, &error)).is_ok();
    replicas.retain(|replica| ends.next().is_some_and(|end| fits(replica, end)));
    let places: Vec<(u32, i64)> = replicas.iter().map(|replica| (replica.partition, replica.from)).collect();
    let mut follower = sources.log.follow_from(topic, &places)?;
    loop {
        let mut blocks = 0;
        let followed = follower.poll(POLL, &mut |record| {
            let found = replicas.binary_search_by_key(&record.partition, |replica| replica.partition);
            let Ok(at) = found else { return };
            blocks += 1;
            if let Err(refused) = replicas[at].take(&record) {
                give_up(record.partition, &refused);
                replicas.remove(at);
            }
        })?;
        sources.progress.blocks(blocks);
        if followed.caught_up {
            return Ok(());
        }
    }
}
