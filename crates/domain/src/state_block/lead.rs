//! Leads in the packed form.

use super::packed::{Fields, Kind, Packer, Unpacked};
use super::parts::{
    attributes, consent, mark_list, money, number_of, numbered, put_attributes, put_marks, put_money, put_number_of,
    put_texts, texts,
};
use crate::{Consent, Lead, LeadPriority, Mark, Profile};

const STATUS: usize = 0;
const MESSAGES: usize = 1;
const PRIORITY: usize = 2;
const SCORE: usize = 3;
const TAGS: usize = 4;
const BLOCKED: usize = 5;
const MARKS: usize = 6;
const PROFILE: usize = 7;
const NAME: usize = 8;
const PHONE: usize = 9;
const SOURCE: usize = 10;
const CITY: usize = 11;
const UTM: usize = 12;
const CTWA: usize = 17;
const AUDIENCE: usize = 19;
const PLAN: usize = 20;
const LISTS: usize = 21;
const CONSENT: usize = 22;
const NOTES: usize = 23;
const REGION: usize = 24;
const COUNTRY: usize = 25;
const EMAIL: usize = 26;
const ACTUAL: usize = 27;
const ESTIMATED: usize = 28;
const GEO_COUNTRY: usize = 29;
const ATTRS: usize = 30;

/// The kinds of the fields, by number.
pub(super) const KINDS: &[Kind] = &{
    let mut kinds = [Kind::Bytes; ATTRS + 1];
    kinds[MESSAGES] = Kind::Number;
    kinds[PRIORITY] = Kind::Number;
    kinds[BLOCKED] = Kind::Flag;
    kinds[PROFILE] = Kind::Flag;
    kinds[CONSENT] = Kind::Number;
    kinds
};

/// Nothing: what a lead counts stops soon.
#[derive(Clone, Copy, Debug)]
pub struct Counts;

impl Counts {
    pub(super) fn numbers(self) -> [u64; 0] {
        []
    }
}

pub(super) fn counts(_: &Lead) -> Counts {
    Counts
}

pub(super) fn pack(lead: &Lead, marks: &[Mark], out: &mut Vec<u8>) {
    let mut packer = Packer::new(out);
    packer.text(STATUS, Some(&lead.status));
    packer.number(MESSAGES, lead.messages.into());
    packer.number(PRIORITY, numbered(LeadPriority::ALL, lead.priority));
    packer.bytes(SCORE, lead.score.is_some(), |out| lead.score.iter().for_each(|score| put_number_of(out, *score)));
    packer.bytes(TAGS, !lead.tags.is_empty(), |out| put_texts(out, &lead.tags));
    packer.flag(BLOCKED, lead.blocked);
    packer.bytes(MARKS, !marks.is_empty(), |out| put_marks(out, marks));
    if let Some(profile) = lead.profile.as_deref() {
        pack_profile(profile, &mut packer);
    }
    packer.done();
}

fn pack_profile(profile: &Profile, packer: &mut Packer<'_>) {
    packer.flag(PROFILE, true);
    packer.text(NAME, profile.name.as_deref());
    packer.text(PHONE, profile.phone.as_deref());
    packer.text(SOURCE, profile.source.as_deref());
    packer.text(CITY, profile.city.as_deref());
    profile.utm.iter().enumerate().for_each(|(at, text)| packer.text(UTM + at, text.as_deref()));
    profile.ctwa.iter().enumerate().for_each(|(at, text)| packer.text(CTWA + at, text.as_deref()));
    packer.text(AUDIENCE, profile.audience.as_deref());
    packer.text(PLAN, profile.plan.as_deref());
    packer.bytes(LISTS, !profile.lists.is_empty(), |out| put_texts(out, &profile.lists));
    packer.number(CONSENT, numbered(Consent::ALL, profile.consent));
    packer.text(NOTES, profile.notes.as_deref());
    packer.text(REGION, profile.region.as_deref());
    packer.text(COUNTRY, profile.country.as_deref());
    packer.text(EMAIL, profile.email.as_deref());
    for (field, amount) in [(ACTUAL, &profile.actual), (ESTIMATED, &profile.estimated)] {
        packer.bytes(field, amount.is_some(), |out| amount.iter().for_each(|amount| put_money(out, amount)));
    }
    packer.text(GEO_COUNTRY, profile.geo_country.as_deref());
    packer.bytes(ATTRS, profile.attrs.iter().len() > 0, |out| put_attributes(out, &profile.attrs));
}

pub(super) fn unpack(bytes: &[u8]) -> Unpacked<(Lead, Vec<Mark>)> {
    let mut fields = Fields::of(bytes)?;
    let mut lead = Lead {
        status: fields.text(STATUS)?.unwrap_or_default(),
        messages: fields.small(MESSAGES)?,
        priority: number_of(LeadPriority::ALL, fields.number(PRIORITY)?)?,
        score: super::parts::score(fields.bytes(SCORE)?)?,
        tags: texts(fields.bytes(TAGS)?)?,
        blocked: fields.has(BLOCKED),
        profile: None,
    };
    let marks = mark_list(fields.bytes(MARKS)?)?;
    if fields.has_from(PROFILE) {
        lead.profile = Some(Box::new(unpack_profile(&mut fields)?));
    }
    fields.end(KINDS)?;
    Ok((lead, marks))
}

fn unpack_profile(fields: &mut Fields<'_>) -> Unpacked<Profile> {
    let mut profile = Profile {
        name: fields.text(NAME)?,
        phone: fields.text(PHONE)?,
        source: fields.text(SOURCE)?,
        city: fields.text(CITY)?,
        ..Profile::default()
    };
    for (at, text) in profile.utm.iter_mut().enumerate() {
        *text = fields.text(UTM + at)?;
    }
    for (at, text) in profile.ctwa.iter_mut().enumerate() {
        *text = fields.text(CTWA + at)?;
    }
    profile.audience = fields.text(AUDIENCE)?;
    profile.plan = fields.text(PLAN)?;
    profile.lists = texts(fields.bytes(LISTS)?)?;
    profile.consent = consent(fields.number(CONSENT)?)?;
    profile.notes = fields.text(NOTES)?;
    profile.region = fields.text(REGION)?;
    profile.country = fields.text(COUNTRY)?;
    profile.email = fields.text(EMAIL)?;
    profile.actual = money(fields.bytes(ACTUAL)?)?;
    profile.estimated = money(fields.bytes(ESTIMATED)?)?;
    profile.geo_country = fields.text(GEO_COUNTRY)?;
    profile.attrs = attributes(fields.bytes(ATTRS)?)?;
    Ok(profile)
}
