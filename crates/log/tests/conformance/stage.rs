//! What the cases share: names of their own, and short ways to write, read and wait.
//!
//! Input: the log and the name of the case. Output: topics, members, writers, and what was read, copied out of the log.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use kilat_log::{
    Follower, Member, MemberSpec, PartitionedLog, Polled, Record, Retention, Start, TopicSpec, Transaction, Writer,
    each,
};

use super::Subject;

/// How long a case waits for what must happen before it fails. Long, because a Kafka group may first have to time a member
/// out (`session.timeout.ms`, 45 s by default).
pub(crate) const PATIENCE: Duration = Duration::from_secs(150);
/// How long one poll waits. Cases loop over polls; this only bounds how soon they look again.
pub(crate) const POLL: Duration = Duration::from_millis(100);
/// More records than any case writes.
pub(crate) const MANY: usize = 100_000;

/// The ground one case stands on.
pub(crate) struct Stage {
    /// The log under test.
    pub(crate) log: Arc<dyn PartitionedLog>,
    name: String,
}

/// A record, copied out of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) input: usize,
    pub(crate) partition: u32,
    pub(crate) offset: i64,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
}

impl Seen {
    pub(crate) fn of(record: &Record<'_>) -> Seen {
        let mut headers = Vec::new();
        record.headers.for_each(&mut |name, value| headers.push((name.to_owned(), value.to_vec())));
        Seen {
            input: record.input,
            partition: record.partition,
            offset: record.offset,
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.map(<[u8]>::to_vec),
            headers,
        }
    }

    /// The value as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.value.clone().expect("a value")).expect("text")
    }

    /// The key as text.
    pub(crate) fn key_text(&self) -> String {
        String::from_utf8(self.key.clone().expect("a key")).expect("text")
    }
}

impl Stage {
    /// Names of this stage contain `case` and a number no other run has.
    #[allow(clippy::disallowed_methods)]
    pub(crate) fn new(case: &str, subject: &Subject) -> Stage {
        static STAGES: AtomicU64 = AtomicU64::new(0);
        let started = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_micros();
        let number = STAGES.fetch_add(1, Ordering::Relaxed);
        let case: String = case.chars().take(40).collect();
        Stage { log: Arc::clone(&subject.log), name: format!("{case}.{started}-{}-{number}", std::process::id()) }
    }

    /// This stage's own name for `label`.
    pub(crate) fn name(&self, label: &str) -> String {
        format!("{}.{label}", self.name)
    }

    /// Creates a topic; gives its full name.
    pub(crate) fn topic(&self, label: &str, partitions: u32) -> String {
        self.topic_kept(label, partitions, Retention::Unlimited)
    }

    /// Creates a topic of this retention; gives its full name.
    pub(crate) fn topic_kept(&self, label: &str, partitions: u32, retention: Retention) -> String {
        let name = self.name(label);
        let spec = TopicSpec { name: name.clone(), partitions, retention, replication: 1 };
        self.log.create_topics(&[spec]).expect("the topic is created");
        name
    }

    /// Joins this stage's group `group` as `instance`.
    pub(crate) fn join(&self, group: &str, instance: &str, inputs: &[&str], outputs: &[&str]) -> Box<dyn Member> {
        self.log.join(&self.member_spec(group, instance, inputs, outputs)).expect("the member joins")
    }

    pub(crate) fn member_spec(&self, group: &str, instance: &str, inputs: &[&str], outputs: &[&str]) -> MemberSpec {
        MemberSpec {
            group: self.name(group),
            instance: instance.to_owned(),
            inputs: inputs.iter().map(|&topic| topic.to_owned()).collect(),
            outputs: outputs.iter().map(|&topic| topic.to_owned()).collect(),
        }
    }

    /// A writer to `topics`, named `label` on this stage.
    pub(crate) fn writer(&self, label: &str, topics: &[&str]) -> Box<dyn Writer> {
        let topics: Vec<String> = topics.iter().map(|&topic| topic.to_owned()).collect();
        self.log.writer(&self.name(label), &topics).expect("the writer opens")
    }

    /// Commits each of these texts, as key and value, to this partition of `topic`, `size` records a transaction. A stage
    /// feeds from one thread at a time: its feeds share one writer id.
    pub(crate) fn feed(&self, topic: &str, partition: u32, texts: &[String], size: usize) {
        let mut writer = self.writer("feed", &[topic]);
        let mut transaction = Transaction::default();
        for chunk in texts.chunks(size) {
            transaction.clear();
            for text in chunk {
                append(&mut transaction, 0, Some(partition), text, text);
            }
            writer.commit(&transaction).expect("the feed commits");
        }
    }

    /// A follower of all partitions.
    pub(crate) fn follow(&self, topic: &str, start: Start) -> Box<dyn Follower> {
        self.log.follow(topic, None, start).expect("the follower opens")
    }

    /// Everything committed to `topic` so far, as LOG-7 promises it.
    pub(crate) fn read(&self, topic: &str) -> Vec<Seen> {
        catch_up(self.follow(topic, Start::Earliest).as_mut())
    }

    /// The values of everything committed to `topic` so far.
    pub(crate) fn texts(&self, topic: &str) -> Vec<String> {
        self.read(topic).iter().map(Seen::text).collect()
    }
}

/// Appends one record without headers.
pub(crate) fn append(transaction: &mut Transaction, output: usize, partition: Option<u32>, key: &str, value: &str) {
    let done: Result<(), ()> = transaction.append(output, partition, key.as_bytes(), &[], |buffer| {
        buffer.extend_from_slice(value.as_bytes());
        Ok(())
    });
    done.expect("the value is written");
}

/// Calls `step` until it says it is done.
#[allow(clippy::disallowed_methods)]
pub(crate) fn until(what: &str, mut step: impl FnMut() -> bool) {
    let start = Instant::now();
    while !step() {
        assert!(start.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what}");
    }
}

/// Reads until the follower says that it has caught up.
pub(crate) fn catch_up(follower: &mut dyn Follower) -> Vec<Seen> {
    let mut seen = Vec::new();
    until("a follower to catch up", || {
        let followed = follower.poll(POLL, &mut |record| seen.push(Seen::of(&record))).expect("the follower polls");
        followed.caught_up
    });
    seen
}

/// Polls until the member has been given this many partitions more than were taken; gives those it holds.
pub(crate) fn assigned(member: &mut dyn Member, count: usize) -> Vec<u32> {
    let mut held = Vec::new();
    until("an assignment", || {
        let polled = member.poll(POLL, 0, &mut |_| panic!("no record was asked for")).expect("the member polls");
        hold(&mut held, &polled);
        held.len() == count
    });
    held
}

/// Follows what a poll says about the partitions held.
pub(crate) fn hold(held: &mut Vec<u32>, polled: &Polled) {
    match polled {
        Polled::Records(_) => {}
        Polled::Assigned(partitions) => held.extend(partitions),
        Polled::Revoked { partitions, .. } => held.retain(|partition| !partitions.contains(partition)),
    }
    held.sort_unstable();
}

/// Polls until this many records have come; serves the group meanwhile.
pub(crate) fn take(member: &mut dyn Member, count: usize) -> Vec<Seen> {
    let mut seen = Vec::new();
    until("records", || {
        let wanted = count - seen.len();
        member.poll(POLL, wanted, &mut each(|record| seen.push(Seen::of(&record)))).expect("the member polls");
        seen.len() >= count
    });
    assert_eq!(seen.len(), count, "no more than asked for");
    seen
}

/// Moves the transaction's offsets past these records.
pub(crate) fn advance_past(transaction: &mut Transaction, seen: &[Seen]) {
    for record in seen {
        transaction.advance(record.input, record.partition, record.offset + 1);
    }
}
