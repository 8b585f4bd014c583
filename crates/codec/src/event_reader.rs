//! Events of the newest schema version, filled in place.
//!
//! Every record of the input topics is read here, so it matters what a field costs that is null, as most of the seventy
//! are. Serde hands every field up as a value of its own, and every structure with it; here text goes straight to where it
//! stays, and a null costs a look at what stood there, most of them without being read one by one.
//!
//! In: a [`Reader`] at the start of an event. Out: the event. The fields stand in the order of the schema; the same tests
//! as for `reader` hold them to it. Free-form values, rare in messages, go the general way.

use kilat_domain::{
    Change, Channel, Chat, ChatKind, Consent, ConversationFacts, ConversationPriority, ConversationStatus, Ctwa, Event,
    EventKind, Geo, LeadFacts, LeadPriority, Membership, Message, MessageType, Money, Named, Number, Object, Sender,
    SenderKind, Str, TagFact, Timestamp, Utm, ValueFacts,
};
use serde::Deserialize;

use crate::reader::{ReadError, Reader};

/// Reads an event from the start of `bytes` into `event`; gives the bytes that follow it.
pub(crate) fn read<'de>(bytes: &'de [u8], event: &mut Event<'de>) -> Result<&'de [u8], ReadError> {
    let mut reader = Reader::new(bytes);
    event.fill(&mut reader)?;
    Ok(reader.rest())
}

/// A place that can be filled from where a reader stands, whatever stands there before.
trait Fill<'de>: Sized {
    /// Something to fill.
    fn blank() -> Self;

    fn fill(&mut self, reader: &mut Reader<'de>) -> Result<(), ReadError>;

    /// Fills what is there and may not have been.
    #[inline]
    fn fill_some(place: &mut Option<Self>, reader: &mut Reader<'de>) -> Result<(), ReadError> {
        place.get_or_insert_with(Self::blank).fill(reader)
    }
}

/// How many there are.
macro_rules! count {
    ($($field:ident)+) => { [$(stringify!($field)),+].len() };
}

/// Records, their fields in the order of the schema and in groups: `[…]` are fields that may be null, and mostly are all
/// together, which is seen by one look at as many bytes.
macro_rules! records {
    ($($record:ident $(<$a:lifetime>)? { $($($field:ident)? $([$($null:ident)+])?,)+ })*) => {
        $(impl<'de> Fill<'de> for $record $(<$a>)? {
            #[inline]
            fn blank() -> Self {
                $record { $($($field: Fill::blank(),)? $($($null: Fill::blank(),)+)?)+ }
            }
            fn fill(&mut self, reader: &mut Reader<'de>) -> Result<(), ReadError> {
                $(
                    $(self.$field.fill(reader)?;)?
                    $(if reader.pass_nulls::<{ count!($($null)+) }>() {
                        $(forget(&mut self.$null);)+
                    } else {
                        $(self.$null.fill(reader)?;)+
                    })?
                )+
                Ok(())
            }
        })*
    };
}

/// Most were null in the event before, too.
#[inline]
fn forget<T>(place: &mut Option<T>) {
    if place.is_some() {
        *place = None;
    }
}

records! {
    Event<'de> {
        id, workspace, kind, occurred_at, conversation, lead, channel, chat, sender, message,
        [change tag skill list utm ctwa geo webhook], [ticket order call causation_id root_id depth],
    }
    ConversationFacts<'de> { id, [status priority tags assignee started_by room_tags attrs], }
    LeadFacts<'de> {
        id, status, [priority score tags audience plan lists consent source], [notes city region country],
        [name email phone], [value attrs],
    }
    ValueFacts { actual, estimated, }
    Channel<'de> { kind, account, source, }
    Chat { kind, }
    Sender<'de> { kind, id, name, [roles attrs], }
    Message<'de> { id, kind, text, [reply_to reply_to_from quoted_text], [has_media private history], }
    Change<'de> { field, from, to, }
    TagFact<'de> { name, on, }
    Named<'de> { name, }
    Membership<'de> { name, }
    Utm<'de> { source, medium, campaign, term, content, }
    Ctwa<'de> { clid, source_id, }
    Geo<'de> { country, }
}

macro_rules! words {
    ($($set:ident)*) => {
        $(impl<'de> Fill<'de> for $set {
            #[inline]
            fn blank() -> Self {
                $set::ALL[0]
            }
            fn fill(&mut self, reader: &mut Reader<'de>) -> Result<(), ReadError> {
                *self = $set::read(reader.str()?);
                Ok(())
            }
        })*
    };
}

words! { EventKind SenderKind MessageType ChatKind ConversationStatus ConversationPriority LeadPriority Consent }

/// What is read through serde, whole.
macro_rules! whole {
    ($($kind:ty: $blank:expr,)*) => {
        $(impl<'de> Fill<'de> for $kind {
            fn blank() -> Self {
                $blank
            }
            fn fill(&mut self, reader: &mut Reader<'de>) -> Result<(), ReadError> {
                *self = Deserialize::deserialize(reader)?;
                Ok(())
            }
        })*
    };
}

whole! {
    Object<'de>: Object::default(),
    Vec<Str<'de>>: Vec::new(),
    Money: Money { minor: 0, currency: "".into() },
    Number: Number::Int(0),
    Timestamp: Timestamp(0),
    bool: false,
    u16: 0,
}

impl<'de> Fill<'de> for Str<'de> {
    #[inline]
    fn blank() -> Self {
        Str::from("")
    }
    #[inline]
    fn fill(&mut self, reader: &mut Reader<'de>) -> Result<(), ReadError> {
        *self = Str::from(reader.str()?);
        Ok(())
    }
    #[inline(never)]
    fn fill_some(place: &mut Option<Self>, reader: &mut Reader<'de>) -> Result<(), ReadError> {
        *place = Some(Str::from(reader.str()?));
        Ok(())
    }
}

impl<'de, T: Fill<'de>> Fill<'de> for Option<T> {
    #[inline]
    fn blank() -> Self {
        None
    }
    #[inline(always)]
    fn fill(&mut self, reader: &mut Reader<'de>) -> Result<(), ReadError> {
        if reader.is_something()? {
            return T::fill_some(self, reader);
        }
        forget(self);
        Ok(())
    }
}
