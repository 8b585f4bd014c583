//! `add_note`: an internal note on the conversation. Known, and not available yet: no patch or command carries one.

use kilat_domain::OnUnknown;

use super::{EffectOn, Kind};
use crate::codes;
use crate::shape::{Key, Shape};

pub(crate) const KIND: Kind = Kind {
    name: "add_note",
    compat: &[],
    effect: EffectOn::Conversation,
    required: false,
    on_unknown: OnUnknown::Hold,
    keys: &[Key::new("value", Shape::Text, "The text of the note.")],
    needs: &["value"],
    read: |reading| {
        let help = "use set_field with field lead.notes, or leave it out";
        let message = "`add_note` is not available yet";
        reading.report.add(codes::ACTION_NOT_AVAILABLE, reading.object.at, message, help);
        None
    },
};
