//! P8 at size: a stopped engine with millions of idle leads comes back.
//!
//! `cargo run --release -p kilat-bench --example restore -- make DIR [LEADS] [PARTITIONS]` writes an embedded log into DIR whose state
//! topic begins where a checkpoint of each partition ends: 99 of 100 leads, with their conversations, are in the checkpoint, the last
//! is in the blocks after it, and so is a change of one lead of a hundred. `… -- restore DIR` then starts the engine's service on it
//! and says what that took until it is ready: CPU of the whole process, and its memory. The keys of the leads' events are not in the
//! checkpoint: they have left the window of a lead that is idle.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use kilat_bench::clock::process_cpu;
use kilat_bench::leads::{Nothing, first_message};
use kilat_checkpoint::{Header, Origin, Shelf};
use kilat_codec::{Encoder, Topic};
use kilat_domain::Timestamp;
use kilat_engine::{BatchHeader, Partition, ScanCursor};
use kilat_log::{Embedded, EmbeddedOptions, PartitionedLog, Retention, TopicSpec, Transaction, Writer};
use kilat_pipeline::{CheckpointConfig, Config, Service};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Leads a batch sees first.
const BATCH: u64 = 500;
/// Bytes of a slice of a checkpoint, as the engine hands them over.
const SLICE_BYTES: usize = 128 << 10;
const LEADS: u64 = 10_000_000;
const PARTITIONS: u32 = 16;
const READY_WITHIN: Duration = Duration::from_secs(280);

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, otherwise: u64| match arguments.get(at) {
        Some(text) => text.parse().with_context(|| format!("`{text}` is no number")),
        None => Ok(otherwise),
    };
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["make", dir, ..] => make(Path::new(dir), number(2, LEADS)?, u32::try_from(number(3, PARTITIONS.into())?)?),
        ["restore", dir] => restore(Path::new(dir)),
        _ => bail!("say `make DIR [LEADS] [PARTITIONS]`, then `restore DIR`"),
    }
}

fn open(dir: &Path) -> anyhow::Result<Arc<dyn PartitionedLog>> {
    Ok(Arc::new(Embedded::open(&dir.join("log"), EmbeddedOptions::default())?))
}

fn place(dir: &Path) -> anyhow::Result<String> {
    Ok(dir.join("checkpoints").to_str().context("the directory's name is no text")?.to_owned())
}

fn make(dir: &Path, leads: u64, partitions: u32) -> anyhow::Result<()> {
    let log = open(dir)?;
    let mut topics = Vec::new();
    for topic in Topic::ALL {
        let partitions = if matches!(topic, Topic::Rules | Topic::RuleStatus) { 1 } else { partitions };
        let retention = if topic.is_compacted() { Retention::Compacted } else { Retention::Unlimited };
        let spec = |name: &str| TopicSpec { name: name.to_owned(), partitions, retention, replication: 1 };
        topics.extend([spec(topic.name()), spec(topic.dlq_name())]);
    }
    log.create_topics(&topics)?;
    let store = kilat_checkpoint::open(&place(dir)?, [])?;
    let mut writer = log.writer("make", &[Topic::State.name().to_owned()])?;
    let identity = log.identity()?;
    for partition in 0..partitions {
        let origin = Origin {
            log: identity.clone(),
            topic: Topic::State.name().to_owned(),
            partition,
            group: Config::default().group,
        };
        let shelf = Shelf::new(Arc::clone(&store), origin);
        let mut numbers = (0..leads).filter(|number| number % u64::from(partitions) == u64::from(partition));
        let mut made = Made { partition: Partition::new(), number: partition, encoder: Encoder::new() };
        let all = leads / u64::from(partitions);
        let (early, late) = (all - all / 100, all / 100);
        made.leads(numbers.by_ref().take(usize::try_from(early)?), None)?;
        let bytes = made.checkpoint(&shelf)?;
        let late: Vec<u64> = numbers.take(usize::try_from(late)?).collect();
        made.leads(late.iter().copied(), Some(&mut *writer))?;
        made.changes(late.iter().map(|number| number / 2), &mut *writer)?;
        println!(
            "partition {partition}: {:?} leads and conversations, {bytes} bytes of checkpoint",
            made.partition.len()
        );
    }
    Ok(())
}

/// A partition in the making.
struct Made {
    partition: Partition,
    number: u32,
    encoder: Encoder,
}

impl Made {
    /// Lets these leads write for the first time; their blocks go to `writer`, where there is one.
    fn leads(
        &mut self,
        numbers: impl Iterator<Item = u64>,
        mut writer: Option<&mut (dyn Writer + '_)>,
    ) -> anyhow::Result<()> {
        let mut waiting = 0;
        for number in numbers {
            for event in first_message(number) {
                self.partition.apply(&event, None, event.occurred_at, &mut Nothing);
            }
            waiting += 1;
            if waiting == BATCH {
                waiting = 0;
                self.commit(writer.as_deref_mut())?;
            }
        }
        self.commit(writer)
    }

    /// Leads that are known, or others of their numbers, write again.
    fn changes(&mut self, numbers: impl Iterator<Item = u64>, writer: &mut dyn Writer) -> anyhow::Result<()> {
        for number in numbers {
            let [mut message, _] = first_message(number - number % u64::from(PARTITIONS) + u64::from(self.number));
            message.id = format!("again-{number}").into();
            message.message.iter_mut().for_each(|message| message.id = None);
            message.occurred_at = Timestamp(message.occurred_at.0 + 900_000_000);
            self.partition.apply(&message, None, message.occurred_at, &mut Nothing);
        }
        self.commit(Some(writer))
    }

    fn commit(&mut self, writer: Option<&mut (dyn Writer + '_)>) -> anyhow::Result<()> {
        let blocks = self.partition.blocks(BatchHeader { partition: self.number, ..BatchHeader::default() });
        if let Some(writer) = writer {
            let mut transaction = Transaction::default();
            for block in &blocks {
                let (key, encoder) = (self.number.to_string(), &mut self.encoder);
                transaction.append(0, Some(self.number), key.as_bytes(), &[], |out| encoder.state_block(block, out))?;
            }
            writer.commit(&transaction)?;
        }
        self.partition.settle();
        Ok(())
    }

    /// Writes a checkpoint of what there is; its bytes.
    fn checkpoint(&mut self, shelf: &Shelf) -> anyhow::Result<u64> {
        let position = self.partition.position();
        let header = Header {
            origin: shelf.origin().clone(),
            sequence: position.sequence,
            chain: position.chain,
            offset: 0,
            rule_epoch: 0,
            inputs: Vec::new(),
            begun_at: 0,
            written_by: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let mut writer = shelf.begin(&header)?;
        let (mut cursor, mut record) = (ScanCursor::default(), Vec::new());
        while let Some(mut slice) = self.partition.scan(self.number, &mut cursor, SLICE_BYTES) {
            slice.seen.clear();
            record.clear();
            self.encoder.state_block(&slice, &mut record)?;
            let entries = slice.lead_entries.len() + slice.conversation_entries.len();
            writer.entries(u32::try_from(entries)?, &record)?;
        }
        Ok(writer.finish(position.sequence, position.chain)?)
    }
}

fn restore(dir: &Path) -> anyhow::Result<()> {
    let checkpoints = CheckpointConfig { place: place(dir)?, interval_s: 0, ..CheckpointConfig::default() };
    let config = Config { checkpoints, ..Config::default() };
    let (before, log) = (memory("VmRSS")?, open(dir)?);
    let (cpu, mut waited) = (process_cpu(), Duration::ZERO);
    let service = Service::start(log, &config);
    let mut restored = 0;
    while !service.health().ready {
        let health = service.health();
        if let Some(error) = health.error {
            bail!("{error}");
        }
        restored = health.restoring.map_or(restored, |status| status.entries.max(restored));
        let step = Duration::from_millis(20);
        std::thread::park_timeout(step);
        waited += step;
        ensure!(waited < READY_WITHIN, "not ready after {waited:?}");
    }
    let seconds = (process_cpu() - cpu) as f64 / 1e9;
    let (now, most) = (memory("VmRSS")?, memory("VmHWM")?);
    println!("{restored} entries of checkpoints seen last, ready after {seconds:.1} CPU-s");
    println!("memory: {} MB before, {} MB when ready, {} MB at most", before >> 10, now >> 10, most >> 10);
    service.stop();
    service.join();
    Ok(())
}

/// A line of /proc/self/status, in kilobytes.
fn memory(name: &str) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).context("no such line")
}
