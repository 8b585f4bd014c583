//! Conversations in the packed form.

use super::packed::{
    Fields, Kind, Packer, Source, Unpackable, Unpacked, length_first, put_bytes, put_number, unzigzag, zigzag,
};
use super::parts::{attributes, mark_list, number_of, numbered, put_attributes, put_marks, put_texts, texts};
use crate::{
    Conversation, ConversationPriority, ConversationStatus, Details, HourCount, Mark, MessageType, PastMessage,
    SenderKind, Timestamp,
};

const CUSTOMER_MESSAGES: usize = 0;
const TEAM_MESSAGES: usize = 1;
const SESSION_MESSAGES: usize = 2;
const LAST_CUSTOMER_AT: usize = 3;
const STATUS: usize = 4;
const PRIORITY: usize = 5;
const WEEK: usize = 6;
const HISTORY: usize = 7;
const CREATED_AT: usize = 8;
const LEAD: usize = 9;
const CHANNEL: usize = 10;
const CUSTOMER: usize = 13;
const STARTED_BY: usize = 14;
const ASSIGNEE: usize = 15;
const TAGS: usize = 16;
const ROOM_TAGS: usize = 17;
const ATTRS: usize = 18;
const MARKS: usize = 19;
const DETAILS: usize = 20;
const SNOOZED_UNTIL: usize = 21;
const NOTES: usize = 22;

/// The kinds of the fields, by number.
pub(super) const KINDS: &[Kind] = &{
    let mut kinds = [Kind::Bytes; NOTES + 1];
    kinds[CUSTOMER_MESSAGES] = Kind::Number;
    kinds[TEAM_MESSAGES] = Kind::Number;
    kinds[SESSION_MESSAGES] = Kind::Number;
    kinds[LAST_CUSTOMER_AT] = Kind::Number;
    kinds[STATUS] = Kind::Number;
    kinds[PRIORITY] = Kind::Number;
    kinds[WEEK] = Kind::Timeline;
    kinds[HISTORY] = Kind::Timeline;
    kinds[CREATED_AT] = Kind::Number;
    kinds[STARTED_BY] = Kind::Number;
    kinds[DETAILS] = Kind::Flag;
    kinds[SNOOZED_UNTIL] = Kind::Number;
    kinds
};

/// An instant as a number that is not 0.
fn instant(at: Timestamp) -> u64 {
    zigzag(at.0).saturating_add(1)
}

fn instant_of(number: u64) -> Option<Timestamp> {
    number.checked_sub(1).map(|bits| Timestamp(unzigzag(bits)))
}

/// How many fields say what is counted: the first.
pub(super) const COUNTS: usize = LAST_CUSTOMER_AT + 1;

/// What is counted.
#[derive(Clone, Copy, Debug)]
pub struct Counts {
    /// Of the customer, of the team, and of the customer since the last pause.
    messages: [u32; 3],
    /// As an [`instant`]; 0 where the customer never wrote.
    last_customer_at: u64,
}

impl Counts {
    /// The fields, where 0 is not there.
    pub(super) fn numbers(self) -> [u64; COUNTS] {
        let [customer, team, session] = self.messages.map(u64::from);
        [customer, team, session, self.last_customer_at]
    }
}

pub(super) fn counts(conversation: &Conversation) -> Counts {
    let Conversation { customer_messages, team_messages, session_messages, last_customer_at, .. } = conversation;
    Counts {
        messages: [*customer_messages, *team_messages, *session_messages],
        last_customer_at: last_customer_at.map_or(0, instant),
    }
}

pub(super) fn pack(conversation: &Conversation, marks: &[Mark], out: &mut Vec<u8>) {
    let details = conversation.details.as_deref();
    let mut packer = Packer::new(out);
    for (count, field) in counts(conversation).numbers().into_iter().zip(CUSTOMER_MESSAGES..=LAST_CUSTOMER_AT) {
        packer.number(field, count);
    }
    packer.number(STATUS, numbered(ConversationStatus::ALL, Some(conversation.status)));
    packer.number(PRIORITY, numbered(ConversationPriority::ALL, Some(conversation.priority)));
    let week = details.map_or(&[][..], |details| &details.week);
    packer.bytes(WEEK, !week.is_empty(), |out| {
        for count in week {
            length_first(out, |out| {
                put_number(out, zigzag(count.hour.into()));
                put_number(out, count.messages.into());
            });
        }
    });
    let history = details.map_or(&[][..], |details| &details.history);
    packer.bytes(HISTORY, !history.is_empty(), |out| {
        history.iter().for_each(|message| length_first(out, |out| put_message(out, message)));
    });
    packer.number(CREATED_AT, instant(conversation.created_at));
    packer.text(LEAD, conversation.lead.as_deref());
    conversation.channel.iter().enumerate().for_each(|(at, text)| packer.text(CHANNEL + at, text.as_deref()));
    packer.text(CUSTOMER, conversation.customer.as_deref());
    packer.number(STARTED_BY, numbered(SenderKind::ALL, conversation.started_by));
    packer.text(ASSIGNEE, conversation.assignee.as_deref());
    packer.bytes(TAGS, !conversation.tags.is_empty(), |out| put_texts(out, &conversation.tags));
    packer.bytes(ROOM_TAGS, !conversation.room_tags.is_empty(), |out| put_texts(out, &conversation.room_tags));
    packer.bytes(ATTRS, conversation.attrs.iter().len() > 0, |out| put_attributes(out, &conversation.attrs));
    packer.bytes(MARKS, !marks.is_empty(), |out| put_marks(out, marks));
    if let Some(details) = details {
        packer.flag(DETAILS, true);
        packer.number(SNOOZED_UNTIL, details.snoozed_until.map_or(0, instant));
        packer.text(NOTES, details.notes.as_deref());
    }
    packer.done();
}

pub(super) fn unpack(bytes: &[u8]) -> Unpacked<(Conversation, Vec<Mark>)> {
    let mut fields = Fields::of(bytes)?;
    let (customer_messages, team_messages) = (fields.small(CUSTOMER_MESSAGES)?, fields.small(TEAM_MESSAGES)?);
    let (session_messages, last) = (fields.small(SESSION_MESSAGES)?, fields.number(LAST_CUSTOMER_AT)?);
    let status = number_of(ConversationStatus::ALL, fields.number(STATUS)?)?.ok_or(Unpackable)?;
    let priority = number_of(ConversationPriority::ALL, fields.number(PRIORITY)?)?.ok_or(Unpackable)?;
    let (mut week, mut history) = (Vec::new(), Vec::new());
    let mut hours = fields.bytes(WEEK)?;
    while !hours.is_empty() {
        let mut item = Source(hours.bytes()?);
        let hour = i32::try_from(unzigzag(item.number()?)).map_err(|_| Unpackable)?;
        week.push(HourCount { hour, messages: u32::try_from(item.number()?).map_err(|_| Unpackable)? });
    }
    let mut messages = fields.bytes(HISTORY)?;
    while !messages.is_empty() {
        history.push(message(Source(messages.bytes()?))?);
    }
    let mut conversation = Conversation::new(instant_of(fields.number(CREATED_AT)?).ok_or(Unpackable)?);
    conversation.customer_messages = customer_messages;
    conversation.team_messages = team_messages;
    conversation.session_messages = session_messages;
    conversation.last_customer_at = instant_of(last);
    (conversation.status, conversation.priority) = (status, priority);
    conversation.lead = fields.text(LEAD)?;
    for (at, text) in conversation.channel.iter_mut().enumerate() {
        *text = fields.text(CHANNEL + at)?;
    }
    conversation.customer = fields.text(CUSTOMER)?;
    conversation.started_by = number_of(SenderKind::ALL, fields.number(STARTED_BY)?)?;
    conversation.assignee = fields.text(ASSIGNEE)?;
    conversation.tags = texts(fields.bytes(TAGS)?)?;
    conversation.room_tags = texts(fields.bytes(ROOM_TAGS)?)?;
    conversation.attrs = attributes(fields.bytes(ATTRS)?)?;
    let marks = mark_list(fields.bytes(MARKS)?)?;
    if fields.has_from(DETAILS) {
        let snoozed_until = instant_of(fields.number(SNOOZED_UNTIL)?);
        conversation.details = Some(Box::new(Details { snoozed_until, notes: fields.text(NOTES)?, week, history }));
    }
    fields.end(KINDS)?;
    Ok((conversation, marks))
}

const HAS_MEDIA: u64 = 1;
const IS_REPLY: u64 = 2;
const HAS_TEXT: u64 = 4;

fn put_message(out: &mut Vec<u8>, message: &PastMessage) {
    let flag = |is: bool, bit: u64| if is { bit } else { 0 };
    put_number(out, zigzag(message.at.0));
    put_number(out, numbered(SenderKind::ALL, Some(message.sender)));
    put_number(out, numbered(MessageType::ALL, Some(message.kind)));
    let flags = flag(message.has_media, HAS_MEDIA) | flag(message.is_reply, IS_REPLY);
    put_number(out, flags | flag(message.text.is_some(), HAS_TEXT));
    message.text.iter().for_each(|text| put_bytes(out, text.as_bytes()));
}

fn message(mut source: Source<'_>) -> Unpacked<PastMessage> {
    let at = Timestamp(unzigzag(source.number()?));
    let sender = number_of(SenderKind::ALL, source.number()?)?.ok_or(Unpackable)?;
    let kind = number_of(MessageType::ALL, source.number()?)?.ok_or(Unpackable)?;
    let flags = source.number()?;
    let text = if flags & HAS_TEXT != 0 { Some(source.text()?.into()) } else { None };
    Ok(PastMessage { at, sender, kind, has_media: flags & HAS_MEDIA != 0, is_reply: flags & IS_REPLY != 0, text })
}
