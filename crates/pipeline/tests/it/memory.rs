//! The ceiling of memory bounds what a transaction gathers.

use kilat_codec::Topic;
use kilat_pipeline::Config;

use crate::house::{House, wait};

/// Fewer than the megabyte that the embedded log hands over at a time.
const RECORDS: usize = 6_000;
/// Of a record that cannot be read, and goes on as it is.
const RECORD_BYTES: usize = 40;
/// 64 MiB for the process, 32 for the clients, 4 for what is fetched ahead, 4 for what lies unpacked, and 16 for the batch: the
/// least for one worker.
const LEAST_MB: usize = 120;
const BATCH_BYTES: usize = 16 << 20;
/// A poll is taken to its end.
const POLL_RECORDS_MAX: usize = 1_024;

/// How many records each transaction answered, and how many bytes the dead letter of one takes, key and headers included.
fn drained(memory_mb: usize) -> (Vec<i64>, usize) {
    let dir = tempfile::tempdir().unwrap();
    let mut house = House::open(dir.path());
    house.raws(RECORDS, &[b'x'; RECORD_BYTES]);
    let (batch_bytes_max, batch_records_max) = (usize::MAX, usize::MAX);
    let bounds = Config { batch_ms_max: 60_000, batch_bytes_max, batch_records_max, ..Config::default() };
    let service = house.start_with(&Config { threads: 1, memory_mb, ..bounds });
    wait(|| service.totals().dead_lettered == RECORDS as u64, "drained");
    service.stop();
    service.join();
    let (mut records, mut bytes) = (Vec::new(), 0);
    house.read(Topic::State.name(), &mut |record| {
        let block = kilat_codec::decode_state_block(record.value.unwrap()).unwrap();
        records.push(block.inputs.iter().map(|range| range.next - range.from).sum());
    });
    assert_eq!(records.iter().sum::<i64>(), RECORDS as i64);
    house.read(Topic::Messages.dlq_name(), &mut |record| {
        bytes += record.key.unwrap_or_default().len() + record.value.unwrap().len();
        bytes += record.headers().iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
    });
    (records, bytes / RECORDS)
}

/// A record taken counts 2 KiB, a byte of output four.
#[test]
fn a_backlog_is_taken_in_transactions_that_fit_under_the_ceiling() {
    let (bounded, letter_bytes) = drained(LEAST_MB);
    let most = BATCH_BYTES / (2_048 + 4 * letter_bytes) + POLL_RECORDS_MAX;
    assert!(bounded.iter().all(|records| *records <= most as i64), "{bounded:?}, at most {most}");
    // Nothing else would have.
    let (free, _) = drained(100_000);
    assert!(free.iter().any(|records| *records > most as i64), "{free:?}, at most {most}");
}
