//! The newest checkpoint that is whole.

use kilat_checkpoint::{Damage, Kept, Shelf, Unusable};
use kilat_domain::ChainPosition;
use kilat_engine::Partition;
use kilat_telemetry::metrics;
use tracing::warn;

use super::Restored;
use crate::checkpoints::Checkpoints;

/// What was found.
#[derive(Default)]
pub(super) struct Newest {
    pub(super) base: Option<Base>,
    /// Why the first that was tried cannot be used, and whether one of those tried may be usable later.
    pub(super) refused: Option<(String, bool)>,
}

/// A checkpoint, taken in.
pub(super) struct Base {
    pub(super) restored: Restored,
    pub(super) facts: Facts,
}

/// What a checkpoint says of the topic it was taken of.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) name: String,
    /// The block after the covered one lies at this offset or later.
    pub(super) offset: i64,
    pub(super) covered: ChainPosition,
    /// The last block whose changes it may hold.
    pub(super) reached: ChainPosition,
}

/// Reads checkpoints, newest first, until one is whole. `entries` is told how many are taken in.
pub(super) fn usable(checkpoints: &Checkpoints, shelf: &Shelf, entries: &dyn Fn(u32)) -> Newest {
    let mut newest = Newest::default();
    let kept = match shelf.list() {
        Ok((kept, others)) => {
            if others > 0 {
                let partition = shelf.origin().partition;
                warn!(partition, others, "among the checkpoints are objects that are none: they are left alone");
            }
            kept
        }
        Err(error) => {
            refuse(&mut newest, &error.to_string(), true);
            return newest;
        }
    };
    for kept in &kept {
        match read(shelf, kept, entries) {
            Ok(base) => {
                newest.base = Some(base);
                break;
            }
            Err(error) => {
                let may_pass =
                    matches!(error, Unusable::Store(_) | Unusable::Damaged { damage: Damage::Unreadable(_), .. });
                if matches!(error, Unusable::Damaged { .. }) && !may_pass {
                    checkpoints.note_damaged(shelf.origin().partition, kept.sequence);
                }
                refuse(&mut newest, &error.to_string(), may_pass);
            }
        }
    }
    newest
}

fn refuse(newest: &mut Newest, why: &str, may_pass: bool) {
    metrics::CHECKPOINTS_FAILED.with(["read"]).increment(1);
    warn!(
        error = why,
        "a checkpoint in engine.checkpoints.place cannot be used: an older one or the blocks alone must do"
    );
    newest.refused.get_or_insert_with(|| (why.to_owned(), false)).1 |= may_pass;
}

fn read(shelf: &Shelf, kept: &Kept, note: &dyn Fn(u32)) -> Result<Base, Unusable> {
    let mut reader = shelf.open(kept)?;
    let mut state = Partition::new();
    loop {
        let at = reader.bytes();
        let Some(entries) = reader.entries().map_err(|damage| shelf.damaged(kept, damage))? else { break };
        match kilat_codec::decode_state_block(entries.record) {
            Ok(slice) => state.load(slice).map_err(|error| {
                let what = format!("holds entries that do not fit together: {error}");
                shelf.damaged(kept, Damage::Malformed { at, what })
            })?,
            Err(error) => {
                let what = format!("holds entries that cannot be read: {error}");
                return Err(shelf.damaged(kept, Damage::Malformed { at, what }));
            }
        }
        note(entries.count);
    }
    let header = reader.header().clone();
    let reached = reader
        .footer()
        .map_or(ChainPosition::default(), |footer| ChainPosition { sequence: footer.sequence, chain: footer.chain });
    let covered = ChainPosition { sequence: header.sequence, chain: header.chain };
    state.resume_at(covered);
    let facts = Facts { name: shelf.name(kept), offset: header.offset, covered, reached };
    let restored = Restored { state, read: header.inputs, rule_epoch: header.rule_epoch, covered: covered.sequence };
    Ok(Base { restored, facts })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_is_told_and_any_that_may_pass_counts() {
        let mut newest = Newest::default();
        refuse(&mut newest, "the newest is damaged", false);
        assert_eq!(newest.refused, Some(("the newest is damaged".to_owned(), false)));
        // Removed behind newer ones since they were listed, or out of reach: the next listing may have another.
        refuse(&mut newest, "the one before is not there", true);
        refuse(&mut newest, "the first is damaged", false);
        assert_eq!(newest.refused, Some(("the newest is damaged".to_owned(), true)));
    }
}
