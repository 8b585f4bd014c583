//! `remove_from_list`: takes the lead off a list.

use kilat_domain::OnUnknown;

use super::{EffectOn, Kind, add_to_list};

pub(crate) const KIND: Kind = Kind {
    name: "remove_from_list",
    compat: &[],
    effect: EffectOn::Lead,
    required: false,
    on_unknown: OnUnknown::Hold,
    keys: add_to_list::KEYS,
    needs: &["value"],
    read: |reading| add_to_list::read(reading, false),
};
