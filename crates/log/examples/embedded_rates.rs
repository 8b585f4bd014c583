//! How fast the embedded log takes and gives records: `cargo run --release -p kilat-log --example embedded_rates -- DIR`.
//!
//! Output: one line per measurement: records a second, and CPU of the whole process per record. Each answer is checked
//! before it is printed. Absent: anything but this log; for Kafka see `cargo xtask bench`.

use std::error::Error;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use kilat_log::{Embedded, EmbeddedOptions, MemberSpec, PartitionedLog as _, Retention, Start, TopicSpec, Transaction};

const PARTITIONS: u32 = 8;
const RECORD_BYTES: usize = 300;

#[allow(clippy::disallowed_methods, reason = "this measures time")]
fn timed(
    what: &str,
    records: usize,
    run: impl FnOnce() -> Result<usize, Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let (start, cpu) = (Instant::now(), cpu_time());
    let count = run()?;
    assert_eq!(count, records, "{what}");
    let (wall, cpu) = (start.elapsed(), cpu_time() - cpu);
    let rate = records as f64 / wall.as_secs_f64();
    println!("{what:44} {rate:10.0} records/s  {:7.0} ns CPU a record", cpu.as_nanos() as f64 / records as f64);
    Ok(())
}

/// User and system time of this process.
fn cpu_time() -> Duration {
    let usage = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Fields 14 and 15, counted from 1; the second may hold spaces and ends with the last parenthesis. Source: proc(5).
    let fields = usage.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

fn fill(log: &Embedded, topic: &str, transactions: usize, size: usize) -> Result<usize, Box<dyn Error>> {
    let mut writer = log.writer(topic, &[topic.to_owned()])?;
    let mut transaction = Transaction::default();
    let value: Vec<u8> = (0..RECORD_BYTES).map(|index| (index * 7) as u8).collect();
    let mut number = 0_usize;
    for _ in 0..transactions {
        transaction.clear();
        for _ in 0..size {
            let partition = (number / (size / 4)) as u32 % PARTITIONS;
            transaction
                .append::<()>(0, Some(partition), &number.to_be_bytes(), &[("ce_id", b"0123456789")], |buffer| {
                    buffer.extend_from_slice(&value);
                    Ok(())
                })
                .map_err(|()| "the value is written")?;
            number += 1;
        }
        writer.commit(&transaction)?;
    }
    Ok(number)
}

fn follow(log: &Embedded, topic: &str) -> Result<usize, Box<dyn Error>> {
    let mut follower = log.follow(topic, None, Start::Earliest)?;
    let (mut count, mut bytes) = (0, 0);
    loop {
        let followed = follower.poll(Duration::from_secs(1), &mut |record| {
            count += 1;
            bytes += record.value.map_or(0, <[u8]>::len);
        })?;
        if followed.caught_up {
            assert_eq!(bytes, count * RECORD_BYTES);
            return Ok(count);
        }
    }
}

fn consume(log: &Embedded, topic: &str, records: usize) -> Result<usize, Box<dyn Error>> {
    let spec = MemberSpec {
        group: "group".to_owned(),
        instance: "one".to_owned(),
        inputs: vec![topic.to_owned()],
        outputs: Vec::new(),
    };
    let mut member = log.join(&spec)?;
    let mut count = 0;
    while count < records {
        member.poll(Duration::from_secs(1), 500, &mut |records| count += records.len())?;
    }
    Ok(count)
}

fn main() -> Result<(), Box<dyn Error>> {
    let dir = PathBuf::from(std::env::args().nth(1).ok_or("name a directory that does not exist yet")?);
    let open = || Embedded::open(&dir, EmbeddedOptions::default());
    let topic = |name: &str| TopicSpec {
        name: name.to_owned(),
        partitions: PARTITIONS,
        retention: Retention::Unlimited,
        replication: 1,
    };
    let log = open()?;
    log.create_topics(&[topic("large"), topic("small"), topic("shared-0"), topic("shared-1")])?;
    timed("append, 200 a transaction", 400_000, || fill(&log, "large", 2000, 200))?;
    timed("append, 20 a transaction", 40_000, || fill(&log, "small", 2000, 20))?;
    timed("append, 20 a transaction, 2 writers", 80_000, || {
        std::thread::scope(|scope| {
            let log = &log;
            let writers = ["shared-0", "shared-1"]
                .map(|topic| scope.spawn(move || fill(log, topic, 2000, 20).map_err(|error| error.to_string())));
            let mut count = 0;
            for writer in writers {
                count += writer.join().map_err(|_| "a writer panicked")??;
            }
            Ok(count)
        })
    })?;
    timed("follow, from memory and disk", 400_000, || follow(&log, "large"))?;
    timed("follow small batches, from memory", 40_000, || follow(&log, "small"))?;
    timed("consume, 500 a poll", 400_000, || consume(&log, "large", 400_000))?;
    drop(log);
    let log = open()?;
    timed("follow, from disk", 400_000, || follow(&log, "large"))?;
    timed("follow small batches, from disk", 40_000, || follow(&log, "small"))?;
    Ok(())
}
