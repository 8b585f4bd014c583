//! The port: what the engine, the executors and the commands need of a partitioned, transactional log.
//!
//! Input: records polled by a member of a consumer group. Output: transactions of records, on several topics, together with
//! the input offsets they answer.
//!
//! Invariants every implementation keeps (the conformance suite checks each of them by its id):
//! - **LOG-1 order**: records of one partition arrive in offset order, none twice within one assignment.
//! - **LOG-2 atomicity**: readers see all records and offsets of a transaction or none; an aborted one is invisible.
//! - **LOG-3 resume**: an assignment starts at the group's committed offset, and at the earliest record where there is none.
//! - **LOG-4 one owner**: a partition is assigned to one member of a group at a time, and partition *p* of every input to
//!   the same member (the inputs have equal partition counts).
//! - **LOG-5 fencing**: the commit of a member that has lost its place in the group fails and changes nothing.
//! - **LOG-6 compaction**: of a compacted topic at least the newest record of each key stays readable.
//! - **LOG-7 whole end**: a follower that reports it has caught up has delivered every transaction that was committed
//!   before it was opened, also one whose commit was still being written to its partitions.
//! - **LOG-8 records before offsets**: the records of a transaction are in the log before its offsets are accepted, so that a
//!   follower opened by the next owner of a partition waits for them (LOG-7).
//! - **LOG-9 trimming**: no record at or after the offset trimmed to is removed, and offsets never change or come again.
//! - **LOG-10 pausing**: of a paused partition nothing is delivered, and nothing is lost; others go on.
//!
//! Absent: what the bytes mean.

use std::ops::Range;
use std::time::Duration;

use kilat_domain::Timestamp;

use crate::{LogError, Transaction};

/// A partitioned, transactional log: a Kafka cluster, or the embedded one.
pub trait PartitionedLog: Send + Sync {
    /// Joins a consumer group. The member also owns a transactional producer for its outputs.
    fn join(&self, spec: &MemberSpec) -> Result<Box<dyn Member>, LogError>;

    /// A transactional producer that consumes nothing. `id` names it across restarts: a later writer of the same id
    /// fences an earlier one.
    fn writer(&self, id: &str, outputs: &[String]) -> Result<Box<dyn Writer>, LogError>;

    /// Reads committed records of `topic` without a group; of all its partitions where `partitions` is `None`.
    fn follow(&self, topic: &str, partitions: Option<&[u32]>, start: Start) -> Result<Box<dyn Follower>, LogError>;

    /// As [`Self::follow`], each of these partitions from an offset of its own; from the first record there is where that is
    /// later, and from the end where that is earlier.
    fn follow_from(&self, topic: &str, from: &[(u32, i64)]) -> Result<Box<dyn Follower>, LogError>;

    /// How many partitions `topic` has; [`LogError::MissingTopic`] where it does not exist.
    fn partitions(&self, topic: &str) -> Result<u32, LogError>;

    /// Creates the topics that do not exist yet; existing ones are left as they are.
    fn create_topics(&self, topics: &[TopicSpec]) -> Result<(), LogError>;

    /// Tells this log from every other, for as long as it lives: the id of the cluster, or the one an embedded log was
    /// given when it was made.
    fn identity(&self) -> Result<String, LogError>;

    /// Where `group` goes on in each of these partitions of `topic`, once transactions that may still move it are settled;
    /// `None` where it never committed an offset.
    fn committed(&self, group: &str, topic: &str, partitions: &[u32]) -> Result<Vec<Option<i64>>, LogError>;

    /// Of a partition, the offset of the first record there is and the one that no record yet has. What is committed after
    /// this call has offsets from that end on.
    fn extent(&self, topic: &str, partition: u32) -> Result<Range<i64>, LogError>;

    /// As [`Self::extent`], of several partitions, in their order.
    fn extents(&self, topic: &str, partitions: &[u32]) -> Result<Vec<Range<i64>>, LogError> {
        partitions.iter().map(|partition| self.extent(topic, *partition)).collect()
    }

    /// Removes records of a partition before offset `before`, which is at most the end of its extent; some of them may stay
    /// (LOG-9).
    fn trim(&self, topic: &str, partition: u32, before: i64) -> Result<(), LogError>;
}

/// Appends transactions.
pub trait Writer: Send {
    /// Commits all of `transaction` or nothing of it.
    ///
    /// *Errors:* after any error this writer (or member) must be dropped and opened anew: the outcome may be unknown, and
    /// only a new epoch settles it. What was committed is then found in the log.
    fn commit(&mut self, transaction: &Transaction) -> Result<(), LogError>;

    /// Begins what the next commit ends, with the records for one output that are there so far, where that makes the commit
    /// sooner: a broker has to be told of a transaction's partitions, and may still be busy with the one before.
    ///
    /// Readers see nothing of it before the commit, and never where [`Self::abandon`] comes first.
    ///
    /// *Errors:* as for [`Self::commit`].
    fn begin(&mut self, transaction: &mut Transaction, output: usize) -> Result<(), LogError> {
        let _ = (transaction, output);
        Ok(())
    }

    /// Gives up what was begun and not committed.
    fn abandon(&mut self) {}
}

/// One member of a consumer group with its transactional producer. Dropping it leaves the group.
pub trait Member: Writer {
    /// Waits up to `timeout` for something to happen and reports it.
    ///
    /// Delivers at most `records_max` records to `take`, in offset order per partition and several at once where they are
    /// there, so that the caller can look ahead; [`each`] takes them one by one. With 0 only group changes are served, and
    /// the input is held back without loss. After [`Polled::Assigned`] the caller restores its state, after
    /// [`Polled::Revoked`] it commits or drops what it has open and gives its state up; the next call completes the change.
    fn poll(
        &mut self,
        timeout: Duration,
        records_max: usize,
        take: &mut dyn FnMut(&[Record<'_>]),
    ) -> Result<Polled, LogError>;

    /// Delivers no record of this partition of this input any more, or does so again where it left off (LOG-10): from the next
    /// poll on, for a partition that was reported as assigned, and until that is revoked.
    fn pause(&mut self, input: usize, partition: u32, paused: bool) -> Result<(), LogError>;

    /// How far this member is behind on each of its partitions, as last known; never blocks.
    fn lag(&self) -> Vec<Lag>;
}

/// Takes records one by one that are delivered several at once.
pub fn each(mut one: impl FnMut(Record<'_>)) -> impl FnMut(&[Record<'_>]) {
    move |records| records.iter().copied().for_each(&mut one)
}

/// Reads committed records outside any group.
pub trait Follower: Send {
    /// Waits up to `timeout` for records and delivers them to `each`.
    fn poll(&mut self, timeout: Duration, each: &mut dyn FnMut(Record<'_>)) -> Result<Followed, LogError>;
}

/// How a member joins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberSpec {
    /// The consumer group.
    pub group: String,
    /// Names this member across restarts (transactional id and static membership): unique within the group.
    pub instance: String,
    /// Input topics; [`Record::input`] indexes them. All have the same partition count.
    pub inputs: Vec<String>,
    /// Topics it may write; [`Transaction::append`] indexes them.
    pub outputs: Vec<String>,
}

/// What a poll brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Polled {
    /// This many records were delivered; 0 after a timeout.
    Records(usize),
    /// These partitions (of every input) are this member's from the next poll on.
    Assigned(Vec<u32>),
    /// These partitions are taken away.
    Revoked {
        /// The partitions, of every input.
        partitions: Vec<u32>,
        /// They may already belong to another member: nothing of them can be committed any more.
        lost: bool,
    },
}

/// One record of the log.
#[derive(Clone, Copy)]
pub struct Record<'a> {
    /// Index of its topic among the member's inputs; 0 for a follower.
    pub input: usize,
    /// Its partition.
    pub partition: u32,
    /// Its offset.
    pub offset: i64,
    /// When it was appended or produced.
    pub timestamp: Timestamp,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// Its headers, parsed only when asked for.
    pub headers: &'a dyn Headers,
}

/// The headers of a record.
pub trait Headers {
    /// Calls `each` for every header, in order.
    fn for_each(&self, each: &mut dyn FnMut(&str, &[u8]));
}

impl Record<'_> {
    /// A copy of the first header of this name.
    pub fn header(&self, name: &str) -> Option<Vec<u8>> {
        let mut found = None;
        self.headers.for_each(&mut |header, value| {
            if found.is_none() && header == name {
                found = Some(value.to_vec());
            }
        });
        found
    }

    /// A copy of every header, in order.
    pub fn headers(&self) -> Vec<(String, Vec<u8>)> {
        let mut headers = Vec::new();
        self.headers.for_each(&mut |name, value| headers.push((name.to_owned(), value.to_vec())));
        headers
    }
}

/// What a follower's poll brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Followed {
    /// Records delivered.
    pub records: usize,
    /// Whether everything committed before the follower was opened has been delivered (LOG-7).
    pub caught_up: bool,
}

/// Where a follower starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the earliest record.
    Earliest,
    /// After the newest record.
    Latest,
    /// At this offset of every partition.
    Offset(i64),
}

/// How far a member is behind on a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lag {
    /// Index of the topic among the inputs.
    pub input: usize,
    /// The partition.
    pub partition: u32,
    /// Records not yet delivered.
    pub records: u64,
}

/// A topic to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSpec {
    /// Its name.
    pub name: String,
    /// Partition count.
    pub partitions: u32,
    /// How long records stay.
    pub retention: Retention,
    /// Copies of each partition, capped by the number of brokers; the embedded log has one.
    pub replication: u16,
}

/// How long records of a topic stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retention {
    /// For this long after they were appended.
    Time(Duration),
    /// The newest of each key stays, older ones may go.
    Compacted,
    /// For ever.
    Unlimited,
}
