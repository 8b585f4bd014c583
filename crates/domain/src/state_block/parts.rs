//! What leads and conversations have in common in the packed form.

use compact_str::CompactString;

use super::packed::{Source, Unpackable, Unpacked, put_bytes, put_number, unzigzag, zigzag};
use crate::{Attributes, Consent, Mark, Money, Number, Str, Timestamp, Value};

/// A member of a closed set, by its place among all, as a number that is not 0: 1 for `unknown`, which is the last of every
/// set whatever is added before it, then the others in their order. New words of a set come last but for that.
pub(super) fn numbered<T: Copy + PartialEq>(all: &[T], member: Option<T>) -> u64 {
    let place = member.and_then(|member| all.iter().position(|known| *known == member));
    place.map_or(0, |place| if place + 1 == all.len() { 1 } else { place as u64 + 2 })
}

/// The member of this number; `None` for 0.
pub(super) fn number_of<T: Copy>(all: &[T], number: u64) -> Unpacked<Option<T>> {
    let place = match number {
        0 => return Ok(None),
        1 => all.len().checked_sub(1),
        number => usize::try_from(number - 2).ok().filter(|place| place + 1 < all.len()),
    };
    place.and_then(|place| all.get(place)).copied().map(Some).ok_or(Unpackable)
}

pub(super) fn consent(number: u64) -> Unpacked<Option<Consent>> {
    number_of(Consent::ALL, number)
}

pub(super) fn put_texts(out: &mut Vec<u8>, texts: &[CompactString]) {
    texts.iter().for_each(|text| put_bytes(out, text.as_bytes()));
}

pub(super) fn texts(mut source: Source<'_>) -> Unpacked<Vec<CompactString>> {
    let mut texts = Vec::new();
    while !source.is_empty() {
        texts.push(source.text()?.into());
    }
    Ok(texts)
}

pub(super) fn put_marks(out: &mut Vec<u8>, marks: &[Mark]) {
    for mark in marks {
        put_bytes(out, mark.rule.as_bytes());
        put_number(out, zigzag(mark.version));
        put_number(out, zigzag(mark.at.0));
        out.push(u8::from(mark.quarantined));
    }
}

pub(super) fn mark_list(mut source: Source<'_>) -> Unpacked<Vec<Mark>> {
    let mut marks = Vec::new();
    while !source.is_empty() {
        let rule = source.text()?.into();
        let (version, at) = (unzigzag(source.number()?), Timestamp(unzigzag(source.number()?)));
        marks.push(Mark { rule, version, at, quarantined: source.take(1)? != [0] });
    }
    Ok(marks)
}

pub(super) fn put_money(out: &mut Vec<u8>, money: &Money) {
    put_number(out, zigzag(money.minor));
    out.extend_from_slice(money.currency.as_bytes());
}

pub(super) fn money(mut source: Source<'_>) -> Unpacked<Option<Money>> {
    if source.is_empty() {
        return Ok(None);
    }
    let minor = unzigzag(source.number()?);
    let currency = std::str::from_utf8(source.0).map_err(|_| Unpackable)?.into();
    Ok(Some(Money { minor, currency }))
}

const INT: u8 = 2;
const FLOAT: u8 = 3;

pub(super) fn put_number_of(out: &mut Vec<u8>, number: Number) {
    match number {
        Number::Int(whole) => {
            out.push(INT);
            put_number(out, zigzag(whole));
        }
        Number::Float(float) => {
            out.push(FLOAT);
            out.extend_from_slice(&float.to_le_bytes());
        }
    }
}

fn number(tag: u8, source: &mut Source<'_>) -> Unpacked<Number> {
    match tag {
        INT => Ok(Number::Int(unzigzag(source.number()?))),
        FLOAT => {
            let bytes = source.take(8)?.try_into().map_err(|_| Unpackable)?;
            let float = f64::from_le_bytes(bytes);
            if float.is_nan() { Err(Unpackable) } else { Ok(Number::Float(float)) }
        }
        _ => Err(Unpackable),
    }
}

pub(super) fn score(mut source: Source<'_>) -> Unpacked<Option<Number>> {
    if source.is_empty() {
        return Ok(None);
    }
    let tag = source.take(1)?[0];
    number(tag, &mut source).map(Some)
}

pub(super) fn put_attributes(out: &mut Vec<u8>, attributes: &Attributes) {
    for (key, value) in attributes.iter() {
        put_bytes(out, key.as_bytes());
        put_value(out, value);
    }
}

pub(super) fn attributes(mut source: Source<'_>) -> Unpacked<Attributes> {
    let mut entries = Vec::new();
    while !source.is_empty() {
        entries.push((Box::from(source.text()?), value(&mut source, VALUE_DEPTH_MAX)?));
    }
    Attributes::of_sorted(entries).ok_or(Unpackable)
}

/// How deep values nest: what came in with events and what rules wrap it in.
const VALUE_DEPTH_MAX: u8 = 64;

fn put_value(out: &mut Vec<u8>, value: &Value<'_>) {
    match value {
        Value::Null => out.push(0),
        Value::Bool(is) => out.extend_from_slice(&[1, u8::from(*is)]),
        Value::Number(number) => put_number_of(out, *number),
        Value::Text(text) => {
            out.push(4);
            put_bytes(out, text.as_bytes());
        }
        Value::List(items) => {
            out.push(5);
            put_number(out, items.len() as u64);
            items.iter().for_each(|item| put_value(out, item));
        }
        Value::Object(entries) => {
            out.push(6);
            put_number(out, entries.len() as u64);
            for (key, value) in entries {
                put_bytes(out, key.as_bytes());
                put_value(out, value);
            }
        }
    }
}

fn value(source: &mut Source<'_>, depth: u8) -> Unpacked<Value<'static>> {
    let below = depth.checked_sub(1).ok_or(Unpackable)?;
    Ok(match source.take(1)?[0] {
        0 => Value::Null,
        1 => Value::Bool(source.take(1)? != [0]),
        4 => Value::Text(Str::from(source.text()?.to_owned())),
        5 => {
            let count = source.number()?;
            Value::List((0..count).map(|_| value(source, below)).collect::<Unpacked<_>>()?)
        }
        6 => {
            let count = source.number()?;
            let entry = |_| Ok((Str::from(source.text()?.to_owned()), value(source, below)?));
            Value::Object((0..count).map(entry).collect::<Unpacked<_>>()?)
        }
        tag => Value::Number(number(tag, source)?),
    })
}
