//! P7: one event through decode, state, pass and encode, 100 rules, about one event in ten bringing a decision; beside it
//! the typical workspace (F-181) and one of 1,000 rules.
//!
//! Every event is new to the engine, in a state that knows most of its leads: repeated messages would warm caches and lazy
//! automata, and an empty state would measure how leads are made.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use kilat_bench::clock::thread_cpu;
use kilat_bench::cpu::ThreadCpu;
use kilat_bench::workload;
use kilat_codec::Encoder;
use kilat_domain::{Action, Decision, Event, EventKind, Timestamp};
use kilat_engine::{Applied, BatchHeader, Foreseen, Outputs, Partition};
use kilat_rules::RuleSet;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SEED: u64 = 20_261_120;
/// Events that fill the state before anything is timed.
const WARM: u64 = 600_000;
/// Events between two commits.
const BATCH: u64 = 5_000;
/// Events decoded before the first of them is applied, as the pipeline does.
const WINDOW: usize = 8;

/// Encodes every answer, as the pipeline does.
struct Encoded {
    encoder: Encoder,
    bytes: Vec<u8>,
    decisions: u64,
}

impl Outputs for Encoded {
    fn decision(&mut self, decision: &Decision<'_>) {
        self.decisions += 1;
        self.encoder.decision(decision, &mut self.bytes).expect("encodable");
    }

    fn action(&mut self, action: &Action<'_>) {
        self.encoder.action(action, &mut self.bytes).expect("encodable");
    }
}

fn rule_set(count: usize) -> RuleSet {
    let loaded = kilat_rules::load("workload.yaml", &workload::rules(SEED, count));
    kilat_rules::compile(&loaded.documents[0]).expect("the workload's rules compile")
}

/// An engine that is fed one batch after the other, never the same event twice.
struct Fed<'r> {
    rules: &'r RuleSet,
    partition: Partition,
    encoded: Encoded,
    encoder: Encoder,
    records: Vec<Vec<u8>>,
    next: u64,
}

impl<'r> Fed<'r> {
    fn new(rules: &'r RuleSet) -> Fed<'r> {
        let encoded = Encoded { encoder: Encoder::new(), bytes: Vec::new(), decisions: 0 };
        let (partition, encoder) = (Partition::new(), Encoder::new());
        let mut fed = Fed { rules, partition, encoded, encoder, records: vec![Vec::new(); BATCH as usize], next: 0 };
        while fed.next < WARM {
            fed.draw();
            fed.apply();
            fed.partition.settle();
        }
        let share = fed.encoded.decisions as f64 / fed.next as f64;
        eprintln!("{:.1} decisions per hundred events", share * 100.0);
        // A few rules match less than a hundred do.
        assert!((0.02..0.2).contains(&share), "{share} of the events bring a decision");
        fed
    }

    /// Encodes the next batch of records.
    fn draw(&mut self) {
        for record in &mut self.records {
            record.clear();
            self.encoder.event(&workload::event(SEED, self.next), record).expect("encodable");
            self.next += 1;
        }
    }

    /// Takes the batch through the engine; every event of it is evaluated.
    fn apply(&mut self) {
        self.encoded.bytes.clear();
        let rules = Some(self.rules);
        let blank = |_| (Event::new("", "", EventKind::MessageCreated, Timestamp(0)), None);
        let mut window: [(Event<'_>, Option<Foreseen>); WINDOW] = std::array::from_fn(blank);
        for records in self.records.chunks(WINDOW) {
            for (record, (event, foreseen)) in records.iter().zip(&mut window) {
                kilat_codec::decode_event_into(record, event).expect("decodable");
                *foreseen = Some(self.partition.foresee(event, rules));
            }
            for foreseen in window[..records.len()].iter_mut().filter_map(|(_, foreseen)| foreseen.as_mut()) {
                self.partition.approach(foreseen, None);
            }
            for foreseen in window[..records.len()].iter().filter_map(|(_, foreseen)| foreseen.as_ref()) {
                self.partition.reach(foreseen, None);
            }
            for (event, foreseen) in &window[..records.len()] {
                let (now, foreseen) = (event.occurred_at, foreseen.as_ref().expect("just foreseen"));
                let applied = self.partition.apply_foreseen(event, foreseen, rules, now, &mut self.encoded);
                assert!(matches!(applied, Applied::Evaluated { .. }), "{} is taken for a duplicate", event.id);
            }
        }
    }

    /// Encodes the batch's state block.
    fn block(&mut self) {
        self.encoded.bytes.clear();
        for block in &self.partition.blocks(BatchHeader::default()) {
            self.encoded.encoder.state_block(block, &mut self.encoded.bytes).expect("encodable");
        }
        black_box(&self.encoded.bytes);
    }
}

fn main() {
    let mut criterion = Criterion::default().with_measurement(ThreadCpu).sample_size(10).configure_from_args();
    for count in [workload::TYPICAL_RULES, 100, 1_000] {
        let rules = rule_set(count);
        let mut fed = Fed::new(&rules);
        let mut group = criterion.benchmark_group("engine");
        group.throughput(Throughput::Elements(BATCH));
        group.bench_function(format!("decode_apply_encode/{count}"), |bencher| {
            bencher.iter_custom(|batches| {
                (0..batches)
                    .map(|_| {
                        fed.draw();
                        let cpu = thread_cpu();
                        fed.apply();
                        let cpu = thread_cpu() - cpu;
                        fed.partition.settle();
                        cpu
                    })
                    .sum()
            });
        });
        group.bench_function(format!("state_block/{count}"), |bencher| {
            bencher.iter_custom(|batches| {
                (0..batches)
                    .map(|_| {
                        fed.draw();
                        fed.apply();
                        let cpu = thread_cpu();
                        fed.block();
                        let cpu = thread_cpu() - cpu;
                        fed.partition.settle();
                        cpu
                    })
                    .sum()
            });
        });
        group.finish();
    }
    criterion.final_summary();
}
