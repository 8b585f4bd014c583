//! Frames: what an object is made of. Kind (1 byte), length of the payload (4, little-endian), CRC-32 of kind, length and
//! payload (4), payload.

use std::io::{self, Read};

/// Bytes before the payload.
const HEAD_BYTES: usize = 9;

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Header = b'H' as isize,
    Entries = b'E' as isize,
    Footer = b'F' as isize,
}

/// Why an object is no whole checkpoint.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// It begins with something else.
    #[error("it is no checkpoint")]
    Foreign,
    /// A newer format.
    #[error("it has format {found}, and this version of Kilat reads up to {known}")]
    Version {
        /// The format.
        found: u32,
        /// The newest this version reads.
        known: u32,
    },
    /// It ends too early.
    #[error("it ends after {at} bytes, in the middle")]
    Torn {
        /// Bytes there are.
        at: u64,
    },
    /// A checksum is not that of the bytes.
    #[error("its bytes are not what was written, in the frame at byte {at}")]
    Flipped {
        /// Where the frame begins.
        at: u64,
    },
    /// A frame that may not stand there, or cannot be read.
    #[error("the frame at byte {at} {what}")]
    Malformed {
        /// Where the frame begins.
        at: u64,
        /// What is wrong with it.
        what: String,
    },
    /// Every frame is right, and together they are not what was written.
    #[error("its {what} are not those its end names")]
    Totals {
        /// What does not add up.
        what: &'static str,
    },
    /// Something follows its end.
    #[error("something follows its end, from byte {at} on")]
    Trailing {
        /// Where the end is.
        at: u64,
    },
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] io::Error),
}

/// Appends a frame to `out`.
pub(crate) fn write(kind: Kind, payload: &[&[u8]], out: &mut Vec<u8>) {
    let bytes: usize = payload.iter().map(|part| part.len()).sum();
    let mut head = [0; HEAD_BYTES];
    head[0] = kind as u8;
    head[1..5].copy_from_slice(&(bytes as u32).to_le_bytes());
    let mut crc = crc32fast::Hasher::new();
    crc.update(&head[..5]);
    payload.iter().for_each(|part| crc.update(part));
    head[5..].copy_from_slice(&crc.finalize().to_le_bytes());
    out.extend_from_slice(&head);
    payload.iter().for_each(|part| out.extend_from_slice(part));
}

/// Reads the frame at byte `at` into `raw`: head and payload. Gives its kind; the payload begins at [`payload`].
pub(crate) fn read(input: &mut dyn Read, at: u64, bytes_max: usize, raw: &mut Vec<u8>) -> Result<Kind, Damage> {
    raw.clear();
    raw.resize(HEAD_BYTES, 0);
    fill(input, at, raw)?;
    let length = u32::from_le_bytes([raw[1], raw[2], raw[3], raw[4]]) as usize;
    let kind = [Kind::Header, Kind::Entries, Kind::Footer].into_iter().find(|kind| *kind as u8 == raw[0]);
    // A flipped length must not ask for memory.
    let Some(kind) = kind.filter(|_| length <= bytes_max) else { return Err(Damage::Flipped { at }) };
    raw.resize(HEAD_BYTES + length, 0);
    fill(input, at + HEAD_BYTES as u64, &mut raw[HEAD_BYTES..])?;
    let mut crc = crc32fast::Hasher::new();
    crc.update(&raw[..5]);
    crc.update(payload(raw));
    let written = u32::from_le_bytes([raw[5], raw[6], raw[7], raw[8]]);
    if crc.finalize() == written { Ok(kind) } else { Err(Damage::Flipped { at }) }
}

/// The payload of a frame that was read.
pub(crate) fn payload(raw: &[u8]) -> &[u8] {
    &raw[HEAD_BYTES..]
}

/// Fills `buffer`; [`Damage::Torn`] where the input ends before.
pub(crate) fn fill(input: &mut dyn Read, at: u64, buffer: &mut [u8]) -> Result<(), Damage> {
    let mut filled = 0;
    while filled < buffer.len() {
        match input.read(&mut buffer[filled..]) {
            Ok(0) => return Err(Damage::Torn { at: at + filled as u64 }),
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Damage::Unreadable(error)),
        }
    }
    Ok(())
}
