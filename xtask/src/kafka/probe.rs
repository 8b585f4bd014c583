//! Asks a broker over the Kafka protocol how many brokers it sees alive.
//!
//! One Metadata request (key 3, version 4) for no topics. It is answered only after the node's sockets serve and it
//! joined the controller quorum, and it lists only registered, unfenced brokers: when every node lists all, the cluster
//! can take topics with full replication. Absent: retries, the caller polls.
//! Source: Apache Kafka, protocol guide, "Metadata API"; all integers big-endian, frames prefixed with their length.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

const METADATA_KEY: i16 = 3;
const METADATA_VERSION: i16 = 4;
const CORRELATION_ID: i32 = 0x6b69_6c61;
const TIMEOUT: Duration = Duration::from_secs(2);
/// A metadata answer for no topics is under 100 bytes a broker.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Number of brokers that the one at `port` considers alive.
pub(super) fn brokers_seen(port: u16) -> io::Result<usize> {
    let mut stream = TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, port).into(), TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    stream.write_all(&request())?;

    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = usize::try_from(i32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > ANSWER_BYTES_MAX {
        return Err(io::Error::other(format!("answer of {length} bytes: not a Kafka broker")));
    }
    let mut answer = vec![0; length];
    stream.read_exact(&mut answer)?;
    broker_count(&answer).ok_or_else(|| io::Error::other("not a metadata answer: not a Kafka broker"))
}

fn request() -> Vec<u8> {
    let mut body = Vec::new();
    body.extend(METADATA_KEY.to_be_bytes());
    body.extend(METADATA_VERSION.to_be_bytes());
    body.extend(CORRELATION_ID.to_be_bytes());
    body.extend((-1_i16).to_be_bytes()); // No client id.
    body.extend(0_i32.to_be_bytes()); // No topics.
    body.push(0); // Do not create topics.
    let length = i32::try_from(body.len()).expect("a fixed, short request");
    [length.to_be_bytes().as_slice(), &body].concat()
}

/// Reads correlation id, throttle time and the length of the broker list.
fn broker_count(answer: &[u8]) -> Option<usize> {
    let int = |at: usize| Some(i32::from_be_bytes(answer.get(at..at + 4)?.try_into().ok()?));
    if int(0)? != CORRELATION_ID {
        return None;
    }
    usize::try_from(int(8)?).ok()
}
