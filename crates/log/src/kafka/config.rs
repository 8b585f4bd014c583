//! The settings of Kafka's clients: what Kilat fixes, what it prefers, what the user passes through.
//!
//! Input: [`KafkaConfig`]. Output: rdkafka's configurations for each kind of client.
//!
//! Invariants:
//! - K-1: an option on which exactly-once rests ([`OWNED`]) cannot be passed through.
//! - K-2: every option is checked when the cluster is connected to, before anything is read or written.
//!
//! Source: CONFIGURATION.md of librdkafka 2.12.1; the figures behind the preferences are in `../shared`'s design notes
//! and ours in the comments.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;

use crate::LogError;

/// How to reach a Kafka cluster, and how its clients behave.
#[derive(Clone, PartialEq, Eq)]
pub struct KafkaConfig {
    /// `host:port`, several separated by commas; any of them leads to the whole cluster.
    pub brokers: String,
    /// Names this process in the brokers' logs, metrics and quotas.
    pub client_id: String,
    /// A transaction that is open for longer is aborted by the broker. Readers wait for the open transaction of a
    /// crashed process this long at most, unless it comes back earlier.
    pub transaction_timeout: Duration,
    /// A member not heard of for this long loses its partitions. The brokers accept 6 s to 30 min by default.
    pub session_timeout: Duration,
    /// Bytes of records that a consumer fetches ahead; each record waits with about as much again of librdkafka's own, and a
    /// fetch under way comes on top.
    pub fetched_bytes_max: usize,
    /// Bytes of records that a producer holds until they are answered.
    pub unsent_bytes_max: usize,
    /// Options of librdkafka, passed through as they are: `security.protocol`, `sasl.*`, `ssl.*`, tuning. Those that Kilat
    /// depends on are refused; of those that bound queues (`queued.…`, `queue.buffering.max.kbytes`) the lower value counts.
    pub properties: BTreeMap<String, String>,
}

/// Options that bound queues: passed through, they can lower what Kilat sets, and not raise it.
const BOUNDS: [&str; 3] = ["queued.min.messages", "queued.max.messages.kbytes", "queue.buffering.max.kbytes"];

/// Records fetched ahead are bounded in number, too: so many bytes each, as librdkafka's own for a record is no less however
/// short it is.
const FETCHED_RECORD_BYTES_MIN: usize = 256;

/// The longest record of a producer without inputs: the 16 MiB of a rule set, and its key and headers.
const BULK_RECORD_BYTES_MAX: usize = 17 << 20;

impl KafkaConfig {
    /// The defaults for the cluster at `brokers`.
    pub fn new(brokers: impl Into<String>) -> KafkaConfig {
        KafkaConfig {
            brokers: brokers.into(),
            client_id: "kilat".to_owned(),
            transaction_timeout: Duration::from_secs(10),
            session_timeout: Duration::from_secs(10),
            fetched_bytes_max: 8 << 20,
            unsent_bytes_max: 128 << 20,
            properties: BTreeMap::new(),
        }
    }
}

/// Passwords and keys travel in `properties`: only the names of the options are shown.
impl fmt::Debug for KafkaConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaConfig")
            .field("brokers", &self.brokers)
            .field("client_id", &self.client_id)
            .field("transaction_timeout", &self.transaction_timeout)
            .field("session_timeout", &self.session_timeout)
            .field("fetched_bytes_max", &self.fetched_bytes_max)
            .field("unsent_bytes_max", &self.unsent_bytes_max)
            .field("properties", &self.properties.keys())
            .finish()
    }
}

/// Options that Kilat sets itself, and what to use instead.
const OWNED: &[(&str, &str)] = &[
    ("bootstrap.servers", "use `brokers`"),
    ("metadata.broker.list", "use `brokers`"),
    ("client.id", "use `client_id`"),
    ("transaction.timeout.ms", "use `transaction_timeout`"),
    ("session.timeout.ms", "use `session_timeout`"),
    ("heartbeat.interval.ms", "it follows `session_timeout`"),
    ("group.id", "Kilat names its groups"),
    ("group.instance.id", "Kilat names its members"),
    ("group.protocol", "partition p of every input must go to one member, which the classic range assignor does"),
    (
        "group.remote.assignor",
        "partition p of every input must go to one member, which the classic range assignor does",
    ),
    (
        "partition.assignment.strategy",
        "partition p of every input must go to one member, which the classic range assignor does",
    ),
    ("transactional.id", "Kilat names its transactions"),
    ("enable.idempotence", "transactions need it"),
    ("acks", "transactions need all"),
    ("request.required.acks", "transactions need all"),
    ("isolation.level", "only committed records may be read"),
    ("enable.auto.commit", "offsets are committed in transactions only"),
    ("auto.commit.enable", "offsets are committed in transactions only"),
    ("auto.commit.interval.ms", "offsets are committed in transactions only"),
    ("enable.auto.offset.store", "offsets are committed in transactions only"),
    ("offset.store.method", "offsets are committed in transactions only"),
    ("auto.offset.reset", "a group without offsets starts at the earliest record"),
    ("enable.partition.eof", "Kilat follows positions instead"),
    ("delivery.report.only.error", "Kilat waits for all deliveries at once"),
    ("partitioner", "keys go where Java's clients send them"),
    ("log.queue", "librdkafka's log goes to Kilat's"),
];

impl KafkaConfig {
    /// Refuses what cannot work, before any connection.
    pub(super) fn check(&self) -> Result<(), LogError> {
        let refuse =
            |key: &str, reason: &str| Err(LogError::Setting { key: key.to_owned(), reason: reason.to_owned() });
        if self.brokers.trim().is_empty() {
            return refuse("brokers", "empty; give host:port of at least one broker");
        }
        for key in self.properties.keys() {
            if let Some((_, instead)) = OWNED.iter().find(|(owned, _)| owned == key) {
                return refuse(key, &format!("cannot be passed through: {instead}"));
            }
        }
        for config in [self.member("check", "check"), self.producer("check"), self.reader()] {
            if let Err(error) = config.create_native_config() {
                return Err(match error {
                    KafkaError::ClientConfig(_, what, key, value) => {
                        // The value of a secret stays out of messages and logs.
                        let secret = ["password", "secret", "pem", "jaas"].iter().any(|word| key.contains(word));
                        let value = if secret { "***" } else { &value };
                        LogError::Setting { reason: format!("{what} (value `{value}`)"), key }
                    }
                    source => LogError::Kafka { doing: "configure a client", at: self.brokers.clone(), source },
                });
            }
        }
        Ok(())
    }

    /// Of a member's consumer.
    pub(super) fn member(&self, group: &str, instance: &str) -> ClientConfig {
        let mut config = self.consumer();
        config.set("group.id", group);
        // Static membership: a member that crashed and comes back within the session takes its partitions up again at
        // once and disturbs nobody.
        config.set("group.instance.id", instance);
        config.set("partition.assignment.strategy", "range");
        config.set("isolation.level", "read_committed");
        self.pass_through(config)
    }

    /// Of a follower's consumer.
    pub(super) fn follower(&self) -> ClientConfig {
        let mut config = self.consumer();
        config.set("isolation.level", "read_committed");
        config.set("enable.partition.eof", "true");
        self.pass_through(config)
    }

    /// Of the client that asks about topics and offsets. It must see the end of the log, not of what is committed.
    pub(super) fn reader(&self) -> ClientConfig {
        let mut config = self.consumer();
        config.set("isolation.level", "read_uncommitted");
        // A broker that hangs up at once is how a wrong security.protocol shows.
        config.set("log.connection.close", "true");
        self.pass_through(config)
    }

    /// Of a transactional producer.
    pub(super) fn producer(&self, id: &str) -> ClientConfig {
        let mut config = self.common();
        config.set("transactional.id", id);
        config.set("transaction.timeout.ms", self.transaction_timeout.as_millis().to_string());
        config.set("enable.idempotence", "true");
        config.set("partitioner", "murmur2_random");
        // The records of a transaction are produced in one go. Measured at 1 to 25,000 records a transaction: 0 makes small
        // batches (+ 20 % CPU), 5 makes small transactions wait.
        config.set("linger.ms", "1");
        // A commit waits for all of its records anyway, so that only failures are worth an event.
        config.set("delivery.report.only.error", "true");
        // Java's default, and about what a broker takes.
        config.set("message.max.bytes", "1048576");
        config.set("queue.buffering.max.messages", "500000");
        config.set("queue.buffering.max.kbytes", (self.unsent_bytes_max / 1024).max(1).to_string());
        self.pass_through(config)
    }

    /// Of a producer without inputs: it writes seldom, and what it writes may be a rule set of thousands of rules. Brokers
    /// measure a record as it is compressed, ours in [`BULK_RECORD_BYTES_MAX`] before.
    pub(super) fn bulk_producer(&self, id: &str) -> ClientConfig {
        let mut config = self.producer(id);
        config.set("message.max.bytes", BULK_RECORD_BYTES_MAX.to_string());
        if !self.properties.keys().any(|key| key.starts_with("compression.")) {
            config.set("compression.type", "zstd");
        }
        config
    }

    fn consumer(&self) -> ClientConfig {
        let mut config = self.common();
        config.set("allow.auto.create.topics", "false");
        config.set("enable.auto.commit", "false");
        config.set("enable.auto.offset.store", "false");
        config.set("auto.offset.reset", "earliest");
        let session_ms = self.session_timeout.as_millis();
        config.set("session.timeout.ms", session_ms.to_string());
        config.set("heartbeat.interval.ms", (session_ms / 3).max(1).to_string());
        // 839k records a second instead of 244k: fetch ahead by bytes rather than by count, and look again soon. 8 MB instead of
        // 64 took a third off the memory of a drain (450 MB instead of 680). librdkafka asks for no more than this in a fetch.
        config.set("queued.min.messages", (self.fetched_bytes_max / FETCHED_RECORD_BYTES_MIN).max(1).to_string());
        config.set("queued.max.messages.kbytes", (self.fetched_bytes_max / 1024).max(1).to_string());
        config.set("fetch.queue.backoff.ms", "5");
        // A request that waits for a broker that is gone is given up after this and asked of another. With the default of 60 s a
        // partition whose leader died at a bad moment (librdkafka asks it whether offsets are still valid) could stand still for as long.
        config.set("socket.timeout.ms", "10000");
        // A broker holds a fetch this long while none of its partitions has news, and a partition added meanwhile waits
        // with it: with the default of 500 ms the first record after a start took 0.77 s instead of 0.37.
        config.set("fetch.wait.max.ms", "100");
        config
    }

    fn common(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        // rdkafka would ask the `log` crate, where nobody listens; `Context` passes lines on to `tracing`.
        let debugging = self.properties.contains_key("debug");
        config.set_log_level(if debugging { RDKafkaLogLevel::Debug } else { RDKafkaLogLevel::Info });
        config.set("bootstrap.servers", &self.brokers);
        config.set("client.id", &self.client_id);
        config.set("socket.nagle.disable", "true");
        config.set("log.connection.close", "false");
        // A transaction right after another of the same producer is told to come back (CONCURRENT_TRANSACTIONS) until the
        // markers of the first are written, which takes a few milliseconds; the default made each wait for 100. Doubles
        // with every try, up to `retry.backoff.max.ms`.
        config.set("retry.backoff.ms", "2");
        // The default of 10 s would add that much to every restart of a broker.
        config.set("reconnect.backoff.max.ms", "2000");
        config
    }

    fn pass_through(&self, mut config: ClientConfig) -> ClientConfig {
        for (key, value) in &self.properties {
            let number = |text: &str| text.trim().parse::<u64>().ok();
            let ours = config.get(key).and_then(number).filter(|_| BOUNDS.contains(&&**key));
            if ours.zip(number(value)).is_none_or(|(ours, theirs)| theirs < ours) {
                config.set(key, value);
            }
        }
        config
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(properties: &[(&str, &str)]) -> KafkaConfig {
        let properties = properties.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let bounds = (3 << 20, 20 << 20);
        KafkaConfig {
            fetched_bytes_max: bounds.0,
            unsent_bytes_max: bounds.1,
            properties,
            ..KafkaConfig::new("127.0.0.1:9092")
        }
    }

    /// 3 MiB are 3,072 KiB, and 12,288 records of 256 bytes; 20 MiB are 20,480 KiB.
    #[test]
    fn queues_are_bounded_in_the_units_of_librdkafka() {
        let config = of(&[]);
        for consumer in [config.member("group", "one"), config.follower(), config.reader()] {
            assert_eq!(consumer.get("queued.max.messages.kbytes"), Some("3072"));
            assert_eq!(consumer.get("queued.min.messages"), Some("12288"));
        }
        assert_eq!(config.producer("one").get("queue.buffering.max.kbytes"), Some("20480"));
        assert_eq!(config.bulk_producer("one").get("queue.buffering.max.kbytes"), Some("20480"));
        config.check().expect("librdkafka takes them");
    }

    #[test]
    fn a_bound_that_is_passed_through_lowers_ours_and_does_not_raise_it() {
        let lower = of(&[("queued.max.messages.kbytes", "2048"), ("queue.buffering.max.kbytes", "1024")]);
        assert_eq!(lower.follower().get("queued.max.messages.kbytes"), Some("2048"));
        assert_eq!(lower.producer("one").get("queue.buffering.max.kbytes"), Some("1024"));
        let higher = of(&[("queued.max.messages.kbytes", "65536"), ("fetch.wait.max.ms", "200")]);
        assert_eq!(higher.follower().get("queued.max.messages.kbytes"), Some("3072"));
        assert_eq!(higher.follower().get("fetch.wait.max.ms"), Some("200"), "not a bound of a queue");
        let wrong =
            of(&[("queued.max.messages.kbytes", "many")]).check().expect_err("librdkafka refuses it").to_string();
        assert!(wrong.contains("queued.max.messages.kbytes") && wrong.contains("many"), "{wrong}");
    }
}
