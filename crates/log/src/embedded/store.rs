//! What the embedded log keeps on disk: one redb file in the directory.
//!
//! Input: batches, offsets, topics, in one write per group of transactions. Output: the same again after any crash, whole.
//!
//! Tables: `topics` name → (id, partitions, retention), `records` (topic, partition, first offset) → batch, `offsets`
//! (group, topic, partition) → next offset. The newest batch of a partition is never removed: it tells the next offset.
//! A file `FORMAT` beside it says what the directory holds, so that another version, or another store, is refused by name;
//! a file `ID` holds the id that the log was given when it was made.
//!
//! Absent: threads. Every write and every error happens in the call that asks for it.

use std::collections::VecDeque;
use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use redb::{Database, ReadableDatabase as _, ReadableTable as _, Table, TableDefinition, WriteTransaction};

use super::batch::{Batch, Malformed};
use super::error::EmbeddedError;
use crate::Retention;

const TOPICS: TableDefinition<'_, &str, (u32, u32, u8, u64)> = TableDefinition::new("topics");
const RECORDS: TableDefinition<'_, RecordKey, &[u8]> = TableDefinition::new("records");
const OFFSETS: TableDefinition<'_, (&str, u32, u32), i64> = TableDefinition::new("offsets");

/// Topic, partition, first offset.
type RecordKey = (u32, u32, i64);

const STORE_FILE: &str = "log.redb";
const FORMAT_FILE: &str = "FORMAT";
const FORMAT: &str = "kilat embedded log 1";
const ID_FILE: &str = "ID";

/// How the store names a topic.
pub(super) type TopicId = u32;

/// The open store.
pub(super) struct Store {
    dir: PathBuf,
    database: Database,
    identity: String,
}

/// A topic as the store has it.
#[derive(Debug)]
pub(super) struct StoredTopic {
    pub id: TopicId,
    pub name: String,
    pub retention: Retention,
    /// First and next offset of each partition.
    pub partitions: Vec<(i64, i64)>,
}

/// A committed offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CommittedOffset {
    pub group: Arc<str>,
    pub topic: TopicId,
    pub partition: u32,
    pub next: i64,
}

impl Store {
    /// Opens the store in `dir`, which is made if it does not exist; only one opener at a time has it.
    pub(super) fn open(dir: &Path, cache_bytes: usize) -> Result<Store, EmbeddedError> {
        fs::create_dir_all(dir).map_err(|error| EmbeddedError::of_directory(dir, error))?;
        // Before anything is created: a directory of another version must be left as it is.
        let known = check_format(dir)?;
        let path = dir.join(STORE_FILE);
        // The store reports a directory that cannot be written as an error of its own.
        fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|error| EmbeddedError::of_directory(dir, error))?;
        let store_error = |error: redb::DatabaseError| match error {
            redb::DatabaseError::UpgradeRequired(version) => EmbeddedError::Format {
                dir: dir.to_owned(),
                found: format!("a store of format {version}"),
                expected: FORMAT,
            },
            error => EmbeddedError::of_store(dir, error),
        };
        let database = builder(dir, cache_bytes).create(&path).map_err(store_error)?;
        let mut store = Store::over(dir, database)?;
        // After the store is ours: two openers at a time would give two ids.
        store.identity = read_or_make_id(dir).map_err(|error| EmbeddedError::of_directory(dir, error))?;
        if !known {
            write_whole(dir, FORMAT_FILE, FORMAT).map_err(|error| EmbeddedError::of_directory(dir, error))?;
        }
        Ok(store)
    }

    /// The store on an open database, with its tables.
    fn over(dir: &Path, database: Database) -> Result<Store, EmbeddedError> {
        let store = Store { dir: dir.to_owned(), database, identity: String::new() };
        store.create_tables()?;
        Ok(store)
    }

    fn create_tables(&self) -> Result<(), EmbeddedError> {
        let transaction = self.wrap(self.database.begin_write())?;
        self.wrap(transaction.open_table(TOPICS))?;
        self.wrap(transaction.open_table(RECORDS))?;
        self.wrap(transaction.open_table(OFFSETS))?;
        self.wrap(transaction.commit())
    }

    /// The directory.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The log's id.
    pub(super) fn identity(&self) -> &str {
        &self.identity
    }

    /// Every topic, by id.
    pub(super) fn topics(&self) -> Result<Vec<StoredTopic>, EmbeddedError> {
        let transaction = self.wrap(self.database.begin_read())?;
        let topics = self.wrap(transaction.open_table(TOPICS))?;
        let records = self.wrap(transaction.open_table(RECORDS))?;
        let mut found = Vec::new();
        for entry in self.wrap(topics.iter())? {
            let (name, topic) = self.wrap(entry)?;
            let (id, count, kind, millis) = topic.value();
            let name = name.value().to_owned();
            let mut partitions = Vec::new();
            for partition in 0..count {
                let range = || records.range((id, partition, 0)..=(id, partition, i64::MAX));
                let first = self.wrap(range())?.next().transpose();
                let last = self.wrap(range())?.next_back().transpose();
                let first = self.wrap(first)?.map_or(0, |(key, _)| key.value().2);
                let end = match self.wrap(last)? {
                    Some((key, value)) => self.batch(&name, key.value(), value.value())?.end,
                    None => 0,
                };
                partitions.push((first, end));
            }
            let retention = retention_of(kind, millis);
            found.push(StoredTopic { id, name, retention, partitions });
        }
        found.sort_by_key(|topic| topic.id);
        Ok(found)
    }

    /// Every committed offset.
    pub(super) fn offsets(&self) -> Result<Vec<CommittedOffset>, EmbeddedError> {
        let transaction = self.wrap(self.database.begin_read())?;
        let offsets = self.wrap(transaction.open_table(OFFSETS))?;
        let mut found = Vec::new();
        for entry in self.wrap(offsets.iter())? {
            let (key, next) = self.wrap(entry)?;
            let (group, topic, partition) = key.value();
            found.push(CommittedOffset { group: group.into(), topic, partition, next: next.value() });
        }
        Ok(found)
    }

    /// Batches from the one that covers `from` on, before `end`, until they have `bytes_max` together; at least one where
    /// there is any.
    pub(super) fn read(
        &self,
        topic: (TopicId, &str),
        partition: u32,
        from: i64,
        end: i64,
        bytes_max: usize,
    ) -> Result<VecDeque<Arc<Batch>>, EmbeddedError> {
        let transaction = self.wrap(self.database.begin_read())?;
        let records = self.wrap(transaction.open_table(RECORDS))?;
        let (id, name) = topic;
        let mut found = VecDeque::new();
        let mut bytes = 0;
        let at_or_before =
            self.wrap(records.range((id, partition, 0)..=(id, partition, from)))?.next_back().transpose();
        if let Some((key, value)) = self.wrap(at_or_before)? {
            let batch = self.batch(name, key.value(), value.value())?;
            if batch.end > from {
                bytes += batch.bytes().len();
                found.push_back(Arc::new(batch));
            }
        }
        if bytes < bytes_max {
            for entry in self.wrap(records.range((id, partition, from.saturating_add(1))..(id, partition, end)))? {
                let (key, value) = self.wrap(entry)?;
                let batch = self.batch(name, key.value(), value.value())?;
                bytes += batch.bytes().len();
                found.push_back(Arc::new(batch));
                if bytes >= bytes_max {
                    break;
                }
            }
        }
        Ok(found)
    }

    /// Runs `write` in one durable, atomic write: all of it is on disk when this returns, or none of it ever was.
    pub(super) fn write<T>(
        &self,
        write: impl FnOnce(&mut Tables<'_>) -> Result<T, EmbeddedError>,
    ) -> Result<T, EmbeddedError> {
        let transaction = self.wrap(self.database.begin_write())?;
        let written = write(&mut Tables::open(self, &transaction)?)?;
        self.wrap(transaction.commit())?;
        Ok(written)
    }

    fn batch(&self, topic: &str, key: RecordKey, bytes: &[u8]) -> Result<Batch, EmbeddedError> {
        let (_, partition, base) = key;
        Batch::read(base, bytes.to_vec()).map_err(|Malformed| self.damaged(topic, partition, base))
    }

    /// The error of a batch that cannot be read.
    pub(super) fn damaged(&self, topic: &str, partition: u32, offset: i64) -> EmbeddedError {
        EmbeddedError::Damaged { dir: self.dir.clone(), topic: topic.to_owned(), partition, offset }
    }

    fn wrap<T, E: Into<redb::Error>>(&self, result: Result<T, E>) -> Result<T, EmbeddedError> {
        result.map_err(|error| EmbeddedError::of_store(&self.dir, error))
    }
}

/// The tables within one write.
pub(super) struct Tables<'t> {
    store: &'t Store,
    transaction: &'t WriteTransaction,
    records: Table<'t, RecordKey, &'static [u8]>,
    offsets: Table<'t, (&'static str, u32, u32), i64>,
}

impl<'t> Tables<'t> {
    fn open(store: &'t Store, transaction: &'t WriteTransaction) -> Result<Tables<'t>, EmbeddedError> {
        Ok(Tables {
            store,
            transaction,
            records: store.wrap(transaction.open_table(RECORDS))?,
            offsets: store.wrap(transaction.open_table(OFFSETS))?,
        })
    }

    pub(super) fn put_topic(
        &mut self,
        id: TopicId,
        name: &str,
        partitions: u32,
        retention: Retention,
    ) -> Result<(), EmbeddedError> {
        let (kind, millis) = retention_code(retention);
        let mut topics = self.store.wrap(self.transaction.open_table(TOPICS))?;
        self.store.wrap(topics.insert(name, (id, partitions, kind, millis)))?;
        Ok(())
    }

    pub(super) fn put_batch(&mut self, topic: TopicId, partition: u32, batch: &Batch) -> Result<(), EmbeddedError> {
        self.store.wrap(self.records.insert((topic, partition, batch.base), batch.bytes()))?;
        Ok(())
    }

    pub(super) fn remove_batch(&mut self, topic: TopicId, partition: u32, base: i64) -> Result<(), EmbeddedError> {
        self.store.wrap(self.records.remove((topic, partition, base)))?;
        Ok(())
    }

    pub(super) fn put_offset(&mut self, offset: &CommittedOffset) -> Result<(), EmbeddedError> {
        self.store.wrap(self.offsets.insert((&*offset.group, offset.topic, offset.partition), offset.next))?;
        Ok(())
    }

    /// The first batch at or after `from`.
    pub(super) fn first_batch(
        &self,
        topic: (TopicId, &str),
        partition: u32,
        from: i64,
    ) -> Result<Option<Batch>, EmbeddedError> {
        let (id, name) = topic;
        let first = self.store.wrap(self.records.range((id, partition, from)..=(id, partition, i64::MAX)))?.next();
        match self.store.wrap(first.transpose())? {
            Some((key, value)) => self.store.batch(name, key.value(), value.value()).map(Some),
            None => Ok(None),
        }
    }

    /// The error of a batch that cannot be read.
    pub(super) fn damaged(&self, topic: &str, partition: u32, offset: i64) -> EmbeddedError {
        self.store.damaged(topic, partition, offset)
    }
}

fn builder(dir: &Path, cache_bytes: usize) -> redb::Builder {
    let shown = dir.display().to_string();
    let mut builder = Database::builder();
    builder.set_cache_size(cache_bytes).set_repair_callback(move |session| {
        tracing::info!(directory = shown, progress = session.progress(), "checking the log after a hard stop");
    });
    builder
}

/// Whether the directory says what it holds; an error where it is not what this version reads.
fn check_format(dir: &Path) -> Result<bool, EmbeddedError> {
    let found = match fs::read_to_string(dir.join(FORMAT_FILE)) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(EmbeddedError::of_directory(dir, error)),
    };
    if found.trim_end() == FORMAT {
        return Ok(true);
    }
    let found = format!("`{}`", found.lines().next().unwrap_or_default().chars().take(80).collect::<String>());
    Err(EmbeddedError::Format { dir: dir.to_owned(), found, expected: FORMAT })
}

/// The log's id, drawn at random where it has none yet.
fn read_or_make_id(dir: &Path) -> std::io::Result<String> {
    match fs::read_to_string(dir.join(ID_FILE)) {
        Ok(id) if !id.trim().is_empty() => return Ok(id.trim().to_owned()),
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let random = || RandomState::new().hash_one(std::process::id());
    let id = format!("embedded-{:016x}{:016x}", random(), random());
    write_whole(dir, ID_FILE, &id)?;
    Ok(id)
}

/// Writes a file of one line, whole or not at all: a crash leaves no half of it.
fn write_whole(dir: &Path, name: &str, line: &str) -> std::io::Result<()> {
    let draft = dir.join(format!("{name}.new"));
    let mut file = fs::File::create(&draft)?;
    writeln!(file, "{line}")?;
    file.sync_all()?;
    fs::rename(&draft, dir.join(name))?;
    fs::File::open(dir)?.sync_all()
}

fn retention_code(retention: Retention) -> (u8, u64) {
    match retention {
        Retention::Unlimited => (0, 0),
        Retention::Compacted => (1, 0),
        Retention::Time(span) => (2, u64::try_from(span.as_millis()).unwrap_or(u64::MAX)),
    }
}

/// Unknown kinds keep everything: the format number changes before a new kind is written.
fn retention_of(kind: u8, millis: u64) -> Retention {
    match kind {
        1 => Retention::Compacted,
        2 => Retention::Time(Duration::from_millis(millis)),
        _ => Retention::Unlimited,
    }
}

#[cfg(test)]
mod tests;
