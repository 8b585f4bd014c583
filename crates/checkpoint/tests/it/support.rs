//! A shelf in a directory, and checkpoints on it.

use std::path::{Path, PathBuf};

use kilat_checkpoint::{Damage, Footer, Header, InputOffset, Origin, Reader, Shelf, open};

pub(crate) fn origin() -> Origin {
    Origin {
        log: "embedded-00".to_owned(),
        topic: "kilat.state.v1".to_owned(),
        partition: 3,
        group: "kilat-engine".to_owned(),
    }
}

pub(crate) fn header(sequence: i64) -> Header {
    Header {
        origin: origin(),
        sequence,
        chain: -7 * sequence,
        offset: 2 * sequence,
        rule_epoch: 5,
        inputs: vec![InputOffset { input: 0, next: 40 }, InputOffset { input: 1, next: 2 }],
        begun_at: 1_764_000_000_000,
        written_by: "test".to_owned(),
    }
}

pub(crate) fn shelf(dir: &Path) -> Shelf {
    shelf_of(dir, origin())
}

pub(crate) fn shelf_of(dir: &Path, origin: Origin) -> Shelf {
    Shelf::new(open(dir.to_str().expect("UTF-8"), []).expect("a directory"), origin)
}

/// Entries of a checkpoint, as they are put and read.
pub(crate) const ENTRIES: [(u32, &[u8]); 3] = [(2, b"two leads"), (1, b""), (7, b"seven conversations")];

/// Writes a checkpoint that covers this block.
pub(crate) fn put(shelf: &Shelf, sequence: i64) {
    let mut writer = shelf.begin(&header(sequence)).expect("begins");
    for (count, record) in ENTRIES {
        writer.entries(count, record).expect("writes");
    }
    writer.finish(sequence + 1, 9).expect("finishes");
}

/// Where that checkpoint lies.
pub(crate) fn file(dir: &Path, sequence: i64) -> PathBuf {
    dir.join("embedded-00/kilat.state.v1/00003").join(format!("{sequence:020}.checkpoint"))
}

/// Everything a checkpoint holds.
pub(crate) type Content = (Header, Vec<(u32, Vec<u8>)>, Footer);

pub(crate) fn read(input: impl std::io::Read) -> Result<Content, Damage> {
    let mut reader = Reader::open(input)?;
    let mut entries = Vec::new();
    while let Some(next) = reader.entries()? {
        entries.push((next.count, next.record.to_vec()));
    }
    let footer = reader.footer().expect("at its end").clone();
    Ok((reader.header().clone(), entries, footer))
}
