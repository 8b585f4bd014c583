//! `remove_tag`: takes a tag off the conversation, or with `on: lead` off the lead.

use kilat_domain::OnUnknown;

use super::{EffectOn, Kind, add_tag};

pub(crate) const KIND: Kind = Kind {
    name: "remove_tag",
    compat: &[],
    effect: EffectOn::Either,
    required: false,
    on_unknown: OnUnknown::Hold,
    keys: add_tag::KEYS,
    needs: &["value"],
    read: |reading| add_tag::read(reading, false),
};
