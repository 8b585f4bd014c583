//! A share of all events, chosen by their ids.
//!
//! In: a share and an id. Out: whether the event is one of them. The same id is always answered alike, so that a replay
//! explains what was explained before, and a larger share takes everything a smaller one took.

use kilat_domain::Number;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::codes;
use crate::diagnostic::Report;
use crate::object::Object;
use crate::syntax::{Content, json_number};

/// A share of events.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sample {
    /// From 0 to 1, as written.
    share: Number,
    /// Ids whose hash is below are taken; 2^32 are all.
    below: u64,
}

impl Sample {
    pub(crate) const NONE: Sample = Sample { share: Number::Int(0), below: 0 };

    /// Reads `sample` of an object that has such a key; none where it is not a share.
    pub(crate) fn read(object: Object<'_>, report: &mut Report) -> Sample {
        let Some(node) = object.require("sample", "write a share, such as 0.01", report) else { return Sample::NONE };
        let share = match node.content {
            Content::Number(Number::Int(whole @ (0 | 1)), _) => (Number::Int(whole), whole as f64),
            Content::Number(Number::Float(share), _) if (0.0..=1.0).contains(&share) => (Number::Float(share), share),
            _ => {
                let help = "write a number from 0 (none) to 1 (every event), such as 0.01";
                report.add(codes::OUT_OF_RANGE, node.at, "`sample` is no share of events", help);
                return Sample::NONE;
            }
        };
        Sample { share: share.0, below: (share.1 * 2_f64.powi(32)).round() as u64 }
    }

    /// Whether the event with this id is one of them.
    #[inline]
    pub(crate) fn takes(self, id: &str) -> bool {
        self.below != 0 && hash(id) < self.below
    }

    pub(crate) fn canonical(self) -> Value {
        if self == Sample::NONE { Value::Null } else { json!({"sample": json_number(self.share)}) }
    }
}

/// The first 32 bits of the id's SHA-256.
fn hash(id: &str) -> u64 {
    let digest = Sha256::digest(id);
    digest.iter().take(4).fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests;
