//! The object: magic, format version, a frame with the [`Header`], frames of entries, a frame with the [`Footer`].
//!
//! The payload of a frame of entries is their count (4 bytes, little-endian) and a record of the state topic in its own wire
//! format: so checkpoints follow the schema of state blocks, and what reads older blocks reads older checkpoints.

use std::io::Read;

use serde::Serialize;
use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::Xxh3;

use crate::frame::{self, Damage, Kind};
use crate::header::{Footer, Header};
use crate::store::{StoreError, Upload};

/// The newest format version: the one that is written.
pub const VERSION: u32 = 1;
const MAGIC: &[u8; 8] = b"KILATCKP";
const PREFIX_BYTES: usize = MAGIC.len() + 4;
const COUNT_BYTES: usize = 4;

/// Bytes of the entries of one frame: what a reader holds of them at a time.
pub const ENTRIES_BYTES_MAX: usize = 4 << 20;

/// Writes a checkpoint. Dropped before [`Self::finish`], it leaves nothing behind.
pub struct Writer {
    upload: Box<dyn Upload>,
    frame: Vec<u8>,
    hash: Xxh3,
    frames: u64,
    entries: u64,
    bytes: u64,
}

impl Writer {
    pub(crate) fn begin(upload: Box<dyn Upload>, header: &Header) -> Result<Writer, StoreError> {
        let (frame, hash) = (Vec::new(), Xxh3::new());
        let mut writer = Writer { upload, frame, hash, frames: 0, entries: 0, bytes: 0 };
        writer.frame.extend_from_slice(MAGIC);
        writer.frame.extend_from_slice(&VERSION.to_le_bytes());
        frame::write(Kind::Header, &[&json(header)], &mut writer.frame);
        writer.put()?;
        Ok(writer)
    }

    /// Appends entries, encoded as one record of the state topic of at most [`ENTRIES_BYTES_MAX`] less a few bytes.
    pub fn entries(&mut self, count: u32, record: &[u8]) -> Result<(), StoreError> {
        frame::write(Kind::Entries, &[&count.to_le_bytes(), record], &mut self.frame);
        self.frames += 1;
        self.entries += u64::from(count);
        self.put()
    }

    /// Ends and publishes it. `sequence` and `chain` are of the last block that was committed while it was taken. How many
    /// bytes it has.
    pub fn finish(mut self, sequence: i64, chain: i64) -> Result<u64, StoreError> {
        let checksum = self.hash.digest();
        let footer = Footer { sequence, chain, frames: self.frames, entries: self.entries, checksum };
        frame::write(Kind::Footer, &[&json(&footer)], &mut self.frame);
        self.put()?;
        self.upload.finish()?;
        Ok(self.bytes)
    }

    /// Bytes written so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    fn put(&mut self) -> Result<(), StoreError> {
        self.hash.update(&self.frame);
        self.bytes += self.frame.len() as u64;
        self.upload.write(&self.frame)?;
        self.frame.clear();
        Ok(())
    }
}

/// A frame of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entries<'r> {
    /// How many there are.
    pub count: u32,
    /// As one record of the state topic.
    pub record: &'r [u8],
}

/// Reads a checkpoint. What it gave is worth nothing unless it came to the [`Footer`].
pub struct Reader<R> {
    input: R,
    header: Header,
    raw: Vec<u8>,
    hash: Xxh3,
    frames: u64,
    entries: u64,
    at: u64,
    footer: Option<Footer>,
}

impl<R: Read> Reader<R> {
    /// Reads the header.
    pub fn open(mut input: R) -> Result<Reader<R>, Damage> {
        let mut prefix = [0; PREFIX_BYTES];
        frame::fill(&mut input, 0, &mut prefix)?;
        let (magic, version) = prefix.split_at(MAGIC.len());
        if magic != MAGIC {
            return Err(Damage::Foreign);
        }
        let found = u32::from_le_bytes([version[0], version[1], version[2], version[3]]);
        // Format 1 is the first.
        if found == 0 || found > VERSION {
            return Err(Damage::Version { found, known: VERSION });
        }
        let mut hash = Xxh3::new();
        hash.update(&prefix);
        let mut raw = Vec::new();
        let at = PREFIX_BYTES as u64;
        let kind = frame::read(&mut input, at, ENTRIES_BYTES_MAX, &mut raw)?;
        if kind != Kind::Header {
            return Err(Damage::Malformed { at, what: "is not the header".to_owned() });
        }
        let header = parse(&raw, at)?;
        hash.update(&raw);
        let at = at + raw.len() as u64;
        Ok(Reader { input, header, raw, hash, frames: 0, entries: 0, at, footer: None })
    }

    /// Whose state it is and which block it covers.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The next entries; `None` at its end, when everything has been found to be what was written.
    pub fn entries(&mut self) -> Result<Option<Entries<'_>>, Damage> {
        if self.footer.is_some() {
            return Ok(None);
        }
        let at = self.at;
        let kind = frame::read(&mut self.input, at, ENTRIES_BYTES_MAX, &mut self.raw)?;
        self.at += self.raw.len() as u64;
        match kind {
            Kind::Header => Err(Damage::Malformed { at, what: "is a second header".to_owned() }),
            Kind::Footer => self.end(at).map(|()| None),
            Kind::Entries => {
                self.hash.update(&self.raw);
                let Some((count, record)) = frame::payload(&self.raw).split_at_checked(COUNT_BYTES) else {
                    return Err(Damage::Malformed { at, what: "is too short".to_owned() });
                };
                let count = u32::from_le_bytes([count[0], count[1], count[2], count[3]]);
                self.frames += 1;
                self.entries += u64::from(count);
                Ok(Some(Entries { count, record }))
            }
        }
    }

    /// What its end says, once [`Self::entries`] has come to it.
    pub fn footer(&self) -> Option<&Footer> {
        self.footer.as_ref()
    }

    /// Bytes read so far.
    pub fn bytes(&self) -> u64 {
        self.at
    }

    fn end(&mut self, at: u64) -> Result<(), Damage> {
        let footer: Footer = parse(&self.raw, at)?;
        if footer.checksum != self.hash.digest() {
            return Err(Damage::Totals { what: "bytes" });
        }
        if (footer.frames, footer.entries) != (self.frames, self.entries) {
            return Err(Damage::Totals { what: "entries" });
        }
        let mut beyond = [0];
        match frame::fill(&mut self.input, self.at, &mut beyond) {
            Err(Damage::Torn { .. }) => {}
            Ok(()) => return Err(Damage::Trailing { at: self.at }),
            Err(damage) => return Err(damage),
        }
        self.footer = Some(footer);
        Ok(())
    }
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("texts and numbers are JSON")
}

fn parse<T: DeserializeOwned>(raw: &[u8], at: u64) -> Result<T, Damage> {
    serde_json::from_slice(frame::payload(raw))
        .map_err(|error| Damage::Malformed { at, what: format!("cannot be read: {error}") })
}
