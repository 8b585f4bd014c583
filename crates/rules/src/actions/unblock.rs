//! `unblock`: lets messages to the lead pass again.

use std::sync::Arc;

use kilat_domain::OnUnknown;

use super::block::Block;
use super::{EffectOn, Kind};

pub(crate) const KIND: Kind = Kind {
    name: "unblock",
    compat: &["unblock_contact"],
    effect: EffectOn::Lead,
    required: false,
    on_unknown: OnUnknown::Hold,
    keys: &[],
    needs: &[],
    read: |_| Some(Arc::new(Block(false))),
};
