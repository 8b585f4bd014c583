//! The log: the port [`PartitionedLog`], its embedded implementation and the one on Apache Kafka.

mod clock;
mod dead_letter;
mod embedded;
mod error;
mod kafka;
mod murmur2;
mod port;
mod transaction;

pub use clock::{Clock, SystemClock};
pub use dead_letter::DeadLetter;
pub use embedded::{Embedded, EmbeddedError, EmbeddedOptions};
pub use error::LogError;
pub use kafka::{Kafka, KafkaConfig};
pub use murmur2::partition_of;
pub use port::{
    Followed, Follower, Headers, Lag, Member, MemberSpec, PartitionedLog, Polled, Record, Retention, Start, TopicSpec,
    Writer, each,
};
pub use transaction::{InputOffset, Outgoing, Transaction};
