//! A log whose commits fail on demand, around a real one.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kilat_log::{
    Embedded, Follower, Lag, LogError, Member, MemberSpec, PartitionedLog, Polled, Record, Start, TopicSpec,
    Transaction, Writer,
};

/// How the next commit with a final result in it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing is committed, and the caller learns so.
    Aborted,
    /// All is committed, and the caller does not learn so.
    CommittedUnheard,
}

#[derive(Default)]
pub(crate) struct Faults {
    /// Every commit and every join fails from now on: for the log, the process is dead.
    pub(crate) dead: AtomicBool,
    pub(crate) next: Mutex<Option<Fault>>,
    /// So many joins fail.
    pub(crate) joins_refused: AtomicUsize,
}

impl Faults {
    fn is_dead(&self) -> Result<(), LogError> {
        if self.dead.load(Ordering::SeqCst) { Err(aborted("the process is dead")) } else { Ok(()) }
    }
}

fn aborted(reason: &str) -> LogError {
    LogError::Aborted { name: "test".to_owned(), reason: reason.to_owned() }
}

pub(crate) struct FaultyLog {
    pub(crate) log: Embedded,
    pub(crate) faults: Arc<Faults>,
}

impl PartitionedLog for FaultyLog {
    fn join(&self, spec: &MemberSpec) -> Result<Box<dyn Member>, LogError> {
        self.faults.is_dead()?;
        let refused = &self.faults.joins_refused;
        if refused.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
            return Err(aborted("injected"));
        }
        Ok(Box::new(FaultyMember { member: self.log.join(spec)?, faults: self.faults.clone() }))
    }

    fn writer(&self, id: &str, outputs: &[String]) -> Result<Box<dyn Writer>, LogError> {
        self.log.writer(id, outputs)
    }

    fn follow(&self, topic: &str, partitions: Option<&[u32]>, start: Start) -> Result<Box<dyn Follower>, LogError> {
        self.log.follow(topic, partitions, start)
    }

    fn follow_from(&self, topic: &str, from: &[(u32, i64)]) -> Result<Box<dyn Follower>, LogError> {
        self.log.follow_from(topic, from)
    }

    fn partitions(&self, topic: &str) -> Result<u32, LogError> {
        self.log.partitions(topic)
    }

    fn create_topics(&self, topics: &[TopicSpec]) -> Result<(), LogError> {
        self.log.create_topics(topics)
    }

    fn identity(&self) -> Result<String, LogError> {
        self.log.identity()
    }

    fn committed(&self, group: &str, topic: &str, partitions: &[u32]) -> Result<Vec<Option<i64>>, LogError> {
        self.log.committed(group, topic, partitions)
    }

    fn extent(&self, topic: &str, partition: u32) -> Result<Range<i64>, LogError> {
        self.log.extent(topic, partition)
    }

    fn trim(&self, topic: &str, partition: u32, before: i64) -> Result<(), LogError> {
        self.log.trim(topic, partition, before)
    }
}

struct FaultyMember {
    member: Box<dyn Member>,
    faults: Arc<Faults>,
}

impl Writer for FaultyMember {
    fn commit(&mut self, transaction: &Transaction) -> Result<(), LogError> {
        self.faults.is_dead()?;
        let has_final = transaction.records().any(|record| {
            let result = record.value.map(kilat_codec::decode_action_result);
            result.is_some_and(|result| result.is_ok_and(|result| result.outcome.is_final()))
        });
        let fault = if has_final { self.faults.next.lock().unwrap().take() } else { None };
        match fault {
            None => self.member.commit(transaction),
            Some(Fault::Aborted) => Err(aborted("injected")),
            Some(Fault::CommittedUnheard) => {
                self.member.commit(transaction)?;
                Err(LogError::Indefinite { name: "test".to_owned(), reason: "injected".to_owned() })
            }
        }
    }
}

impl Member for FaultyMember {
    fn pause(&mut self, input: usize, partition: u32, paused: bool) -> Result<(), LogError> {
        self.member.pause(input, partition, paused)
    }

    fn poll(
        &mut self,
        timeout: Duration,
        records_max: usize,
        take: &mut dyn FnMut(&[Record<'_>]),
    ) -> Result<Polled, LogError> {
        self.member.poll(timeout, records_max, take)
    }

    fn lag(&self) -> Vec<Lag> {
        self.member.lag()
    }
}
