//! The packed form of leads and conversations: how idle ones rest in memory, and how blocks carry them.
//!
//! *Shape:* a mask of the fields that are there, then these fields in order; numbers are LEB128, signed ones zigzag. A delta is
//! a mask of fields that are set, a mask of fields that are cleared, then the set ones. Which fields there are and of what
//! kind, the record says (`lead`, `conversation`); a field's number is never given to another, and new ones come last, so that
//! a newer program reads what an older one wrote.
//!
//! - **PK-1**: merging the delta of two values into the older gives the newer.
//! - **PK-2**: deltas converge: those of a history, merged in order into any value of that history, end at its last.
//!   Those of a history merged into a newer value of it can be unpacked at every step: what a field holds hangs on no other.
//! - **PK-3**: bytes that are no packed value are an error, never a panic, and no length is believed beyond the bytes there are.

use std::fmt;

use compact_str::CompactString;

/// What a field's bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing: being there is all it says.
    Flag,
    /// A number.
    Number,
    /// A length and so many bytes.
    Bytes,
    /// As [`Kind::Bytes`], which are items, each a length, a signed key and more; keys never fall. A delta holds the end of it.
    Timeline,
}

/// Bytes that are no packed value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unpackable;

impl fmt::Display for Unpackable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the packed bytes of a lead or conversation cannot be read")
    }
}

impl std::error::Error for Unpackable {}

pub(super) type Unpacked<T> = Result<T, Unpackable>;

pub(super) fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

pub(super) fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

pub(super) fn unzigzag(bits: u64) -> i64 {
    (bits >> 1).cast_signed() ^ -(bits & 1).cast_signed()
}

/// A place in packed bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'b>(pub(super) &'b [u8]);

impl<'b> Source<'b> {
    #[inline]
    pub(super) fn number(&mut self) -> Unpacked<u64> {
        let (mut bits, mut shift) = (0_u64, 0);
        loop {
            let (byte, rest) = self.0.split_first().ok_or(Unpackable)?;
            self.0 = rest;
            if shift == 63 && *byte > 1 {
                return Err(Unpackable);
            }
            bits |= u64::from(byte & 0x7f) << shift;
            if *byte < 0x80 {
                return Ok(bits);
            }
            shift += 7;
        }
    }

    #[inline]
    pub(super) fn bytes(&mut self) -> Unpacked<&'b [u8]> {
        let length = usize::try_from(self.number()?).map_err(|_| Unpackable)?;
        self.take(length)
    }

    pub(super) fn take(&mut self, length: usize) -> Unpacked<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Unpackable)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn text(&mut self) -> Unpacked<&'b str> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Unpackable)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes of a field of this kind.
    #[inline]
    fn field(&mut self, kind: Kind) -> Unpacked<&'b [u8]> {
        let before = self.0;
        match kind {
            Kind::Flag => {}
            Kind::Number => drop(self.number()?),
            Kind::Bytes | Kind::Timeline => drop(self.bytes()?),
        }
        Ok(&before[..before.len() - self.0.len()])
    }
}

/// Writes one packed value; fields are to be put in the order of their numbers.
pub(super) struct Packer<'o> {
    out: &'o mut Vec<u8>,
    /// Where a byte is left for the mask.
    start: usize,
    mask: u64,
}

impl<'o> Packer<'o> {
    pub(super) fn new(out: &'o mut Vec<u8>) -> Packer<'o> {
        let start = out.len();
        out.push(0);
        Packer { out, start, mask: 0 }
    }

    fn mark(&mut self, field: usize) -> &mut Vec<u8> {
        debug_assert!(self.mask >> field == 0, "fields come in order");
        self.mask |= 1 << field;
        self.out
    }

    pub(super) fn flag(&mut self, field: usize, is: bool) {
        if is {
            self.mark(field);
        }
    }

    /// 0 is not there.
    pub(super) fn number(&mut self, field: usize, number: u64) {
        if number != 0 {
            put_number(self.mark(field), number);
        }
    }

    pub(super) fn text(&mut self, field: usize, text: Option<&str>) {
        if let Some(text) = text {
            put_bytes(self.mark(field), text.as_bytes());
        }
    }

    /// Bytes that `write` appends; an empty field is not there.
    pub(super) fn bytes(&mut self, field: usize, is_there: bool, write: impl FnOnce(&mut Vec<u8>)) {
        if is_there {
            let out = self.mark(field);
            length_first(out, write);
        }
    }

    /// Closes the value.
    pub(super) fn done(self) {
        fill_in(self.out, self.start, self.mask);
    }
}

/// Appends what `write` does, behind its length.
pub(super) fn length_first(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.push(0);
    write(out);
    let length = out.len() - start - 1;
    fill_in(out, start, length as u64);
}

/// Puts `number` where a byte was left for it: most take no more.
fn fill_in(out: &mut Vec<u8>, at: usize, number: u64) {
    if number < 0x80 {
        out[at] = number as u8;
        return;
    }
    let end = out.len();
    let bytes = (u64::BITS - number.leading_zeros()).div_ceil(7) as usize;
    out.resize(end + bytes - 1, 0);
    out.copy_within(at + 1..end, at + bytes);
    for (index, byte) in out[at..at + bytes].iter_mut().enumerate() {
        let more = if index + 1 < bytes { 0x80 } else { 0 };
        *byte = (number >> (7 * index)) as u8 & 0x7f | more;
    }
}

/// Walks the fields of one packed value, in order.
pub(super) struct Fields<'b> {
    mask: u64,
    pub(super) source: Source<'b>,
}

impl<'b> Fields<'b> {
    pub(super) fn of(bytes: &'b [u8]) -> Unpacked<Fields<'b>> {
        let mut source = Source(bytes);
        Ok(Fields { mask: source.number()?, source })
    }

    /// Whether the field is there; what it holds is to be read from `source` at once.
    pub(super) fn has(&self, field: usize) -> bool {
        self.mask >> field & 1 == 1
    }

    /// Whether this field, or one after it, is there.
    pub(super) fn has_from(&self, field: usize) -> bool {
        self.mask >> field != 0
    }

    /// Whether this field and all after it, which are next to be read, are the same in both: what changes often comes first.
    fn is_as(&self, other: &Fields<'_>, field: usize) -> bool {
        self.mask >> field == other.mask >> field && self.source.0 == other.source.0
    }

    pub(super) fn number(&mut self, field: usize) -> Unpacked<u64> {
        if self.has(field) { self.source.number() } else { Ok(0) }
    }

    /// The first fields.
    fn numbers<const N: usize>(&mut self) -> Unpacked<[u64; N]> {
        let mut numbers = [0; N];
        for (field, number) in numbers.iter_mut().enumerate() {
            *number = self.number(field)?;
        }
        Ok(numbers)
    }

    pub(super) fn small(&mut self, field: usize) -> Unpacked<u32> {
        u32::try_from(self.number(field)?).map_err(|_| Unpackable)
    }

    pub(super) fn text(&mut self, field: usize) -> Unpacked<Option<CompactString>> {
        if self.has(field) { self.source.text().map(|text| Some(text.into())) } else { Ok(None) }
    }

    /// The bytes of a field, for reading; none where it is not there.
    pub(super) fn bytes(&mut self, field: usize) -> Unpacked<Source<'b>> {
        if self.has(field) { self.source.bytes().map(Source) } else { Ok(Source(&[])) }
    }

    /// Whether that was all, and no field of a number that this program does not know.
    pub(super) fn end(&self, kinds: &[Kind]) -> Unpacked<()> {
        if self.source.is_empty() && self.mask >> kinds.len() == 0 { Ok(()) } else { Err(Unpackable) }
    }
}

/// Appends what turns `old`, but with its first `N` fields, which are numbers, set to `numbers`, into `new`; `false`, with nothing
/// appended, where they are the same.
pub(super) fn diff<const N: usize>(
    old: &[u8],
    numbers: [u64; N],
    new: &[u8],
    kinds: &[Kind],
    out: &mut Vec<u8>,
) -> Unpacked<bool> {
    let (mut before, mut after) = (Fields::of(old)?, Fields::of(new)?);
    before.numbers::<N>()?;
    let changed = Changed::of(numbers, after.numbers()?);
    let (mut set, cleared) = (changed.set, changed.cleared | (before.mask & !after.mask) >> N << N);
    let start = out.len();
    out.extend([0, 0]);
    changed.put(out);
    let mut rest_is_same = before.is_as(&after, N);
    for (field, kind) in kinds.iter().enumerate().skip(N) {
        if rest_is_same {
            break;
        }
        let known = if before.has(field) { Some(before.source.field(*kind)?) } else { None };
        if !after.has(field) {
            continue;
        }
        let now = after.source.field(*kind)?;
        if known == Some(now) {
            continue;
        }
        set |= 1 << field;
        if *kind == Kind::Timeline {
            let known = known.map_or(Ok(&[][..]), |known| Source(known).bytes())?;
            let now = Source(now).bytes()?;
            let (mut known, mut now) = (items(known)?, items(now)?);
            let end = end_of(&mut known, &mut now);
            length_first(out, |out| end.put(out));
        } else {
            out.extend_from_slice(now);
        }
        rest_is_same = before.is_as(&after, field + 1);
    }
    if !rest_is_same {
        after.end(kinds)?;
    }
    if set | cleared == 0 {
        out.truncate(start);
        return Ok(false);
    }
    fill_in(out, start + 1, cleared);
    fill_in(out, start, set);
    Ok(true)
}

/// As [`diff`], of values that differ in these numbers and in nothing else.
pub(super) fn diff_numbers<const N: usize>(old: [u64; N], new: [u64; N], out: &mut Vec<u8>) -> bool {
    const { assert!(N < 7, "a mask of these fields takes one byte") };
    let changed = Changed::of(old, new);
    if changed.set | changed.cleared == 0 {
        return false;
    }
    out.extend([changed.set as u8, changed.cleared as u8]);
    changed.put(out);
    true
}

/// How the numbers that come first differ.
struct Changed<const N: usize> {
    set: u64,
    cleared: u64,
    numbers: [u64; N],
}

impl<const N: usize> Changed<N> {
    fn of(old: [u64; N], new: [u64; N]) -> Self {
        let (mut set, mut cleared) = (0, 0);
        for (field, (old, new)) in old.into_iter().zip(new).enumerate() {
            set |= u64::from(new != 0 && new != old) << field;
            cleared |= u64::from(new == 0 && old != 0) << field;
        }
        Changed { set, cleared, numbers: new }
    }

    fn put(&self, out: &mut Vec<u8>) {
        let set = self.numbers.iter().enumerate().filter(|(field, _)| self.set >> field & 1 == 1);
        set.for_each(|(_, number)| put_number(out, *number));
    }
}

/// Appends `old` with its first `N` fields, which are numbers, set to these.
pub(super) fn renumber<const N: usize>(old: &[u8], numbers: [u64; N], out: &mut Vec<u8>) -> Unpacked<()> {
    let mut before = Fields::of(old)?;
    before.numbers::<N>()?;
    let there = numbers.iter().enumerate().fold(0, |mask, (field, number)| mask | u64::from(*number != 0) << field);
    put_number(out, before.mask >> N << N | there);
    numbers.iter().filter(|number| **number != 0).for_each(|number| put_number(out, *number));
    out.extend_from_slice(before.source.0);
    Ok(())
}

/// Appends `old` with `delta` merged into it.
pub(super) fn merge(old: &[u8], delta: &[u8], kinds: &[Kind], out: &mut Vec<u8>) -> Unpacked<()> {
    let mut before = Fields::of(old)?;
    let mut changes = Fields::of(delta)?;
    let cleared = changes.source.number()?;
    let mask = (before.mask & !cleared) | changes.mask;
    put_number(out, mask);
    for (field, kind) in kinds.iter().enumerate() {
        let known = if before.has(field) { Some(before.source.field(*kind)?) } else { None };
        if changes.has(field) {
            let now = changes.source.field(*kind)?;
            if *kind == Kind::Timeline {
                let known = known.map_or(Ok(&[][..]), |known| Source(known).bytes())?;
                let (known, end) = (items(known)?, End::of(Source(now).bytes()?)?);
                length_first(out, |out| end.follow(&known, out));
            } else {
                out.extend_from_slice(now);
            }
        } else if let Some(known) = known.filter(|_| cleared >> field & 1 == 0) {
            out.extend_from_slice(known);
        }
    }
    before.end(kinds)?;
    changes.end(kinds)
}

/// An item of a timeline, with its length in front, and its key.
type Item<'b> = (i64, &'b [u8]);

fn items(bytes: &[u8]) -> Unpacked<Vec<Item<'_>>> {
    let (mut source, mut items) = (Source(bytes), Vec::new());
    while !source.is_empty() {
        let before = source.0;
        let key = unzigzag(Source(source.bytes()?).number()?);
        items.push((key, &before[..before.len() - source.0.len()]));
    }
    Ok(items)
}

/// The end of a timeline, from a key on, and what is left of what was before.
struct End<'b> {
    /// Items from this key on are replaced.
    from: i64,
    /// Items before this key are gone …
    first: i64,
    /// … and so are those of this key but for the last so many.
    of_first: u64,
    items: Vec<Item<'b>>,
}

/// What turns one timeline into another.
fn end_of<'b>(known: &mut Vec<Item<'b>>, now: &mut Vec<Item<'b>>) -> End<'b> {
    let Some(first) = now.first().map(|item| item.0) else {
        return End { from: i64::MIN, first: i64::MIN, of_first: 0, items: Vec::new() };
    };
    let of_first = now.iter().take_while(|item| item.0 == first).count();
    forget(known, first, of_first as u64);
    let mut same = known.iter().zip(now.iter()).take_while(|(known, now)| known == now).count();
    let next = [known.get(same), now.get(same)].into_iter().flatten().map(|item| item.0).min();
    let from = next.unwrap_or(i64::MAX);
    while same > 0 && now[same - 1].0 >= from {
        same -= 1;
    }
    End { from, first, of_first: of_first as u64, items: now.split_off(same) }
}

fn forget(items: &mut Vec<Item<'_>>, first: i64, of_first: u64) {
    let before = items.iter().take_while(|item| item.0 < first).count();
    let equal = items[before..].iter().take_while(|item| item.0 == first).count();
    items.drain(..before + equal.saturating_sub(usize::try_from(of_first).unwrap_or(usize::MAX)));
}

impl<'b> End<'b> {
    fn put(&self, out: &mut Vec<u8>) {
        put_number(out, zigzag(self.from));
        put_number(out, zigzag(self.first));
        put_number(out, self.of_first);
        self.items.iter().for_each(|item| out.extend_from_slice(item.1));
    }

    fn of(bytes: &'b [u8]) -> Unpacked<End<'b>> {
        let mut source = Source(bytes);
        let (from, first) = (unzigzag(source.number()?), unzigzag(source.number()?));
        Ok(End { from, first, of_first: source.number()?, items: items(source.0)? })
    }

    fn follow(&self, known: &[Item<'_>], out: &mut Vec<u8>) {
        let mut kept: Vec<Item<'_>> = known.iter().copied().take_while(|item| item.0 < self.from).collect();
        forget(&mut kept, self.first, self.of_first);
        kept.iter().chain(&self.items).for_each(|item| out.extend_from_slice(item.1));
    }
}
