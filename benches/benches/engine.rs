//! P7: one event through decode, state, pass and encode, 100 rules, about one event in ten matching.
//!
//! Every event is new to the engine: repeated messages would warm caches and lazy automata.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use kilat_bench::workload;
use kilat_codec::Encoder;
use kilat_domain::{Action, Decision};
use kilat_engine::{Applied, Outputs, Partition};
use kilat_rules::{Evaluated, RuleSet};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SEED: u64 = 20_261_120;
const EVENTS: u64 = 200_000;

/// Encodes every answer, as the pipeline does.
struct Encoded {
    encoder: Encoder,
    bytes: Vec<u8>,
    decisions: usize,
}

impl Outputs for Encoded {
    fn decision(&mut self, decision: &Decision<'_>, _: &[Evaluated]) {
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

fn run(records: &[Vec<u8>], rules: &RuleSet, partition: &mut Partition, encoded: &mut Encoded) -> usize {
    let mut evaluated = 0;
    for record in records {
        let event = kilat_codec::decode_event(record).expect("decodable");
        let applied = partition.apply(&event, Some(rules), event.occurred_at, encoded);
        evaluated += usize::from(matches!(applied, Applied::Evaluated { .. }));
        encoded.bytes.clear();
    }
    evaluated
}

fn per_event(criterion: &mut Criterion) {
    let mut encoder = Encoder::new();
    let records: Vec<Vec<u8>> = (0..EVENTS)
        .map(|number| {
            let mut bytes = Vec::new();
            encoder.event(&workload::event(SEED, number), &mut bytes).expect("encodable");
            bytes
        })
        .collect();
    let rules = rule_set(100);
    let fresh = || (Partition::new(), Encoded { encoder: Encoder::new(), bytes: Vec::new(), decisions: 0 });

    let (mut partition, mut encoded) = fresh();
    assert_eq!(run(&records, &rules, &mut partition, &mut encoded), records.len(), "no event is taken for a duplicate");
    let share = encoded.decisions as f64 / records.len() as f64;
    eprintln!("{:.1} decisions per hundred events", share * 100.0);
    assert!((0.05..0.25).contains(&share), "{share} of the events bring a decision");

    let mut group = criterion.benchmark_group("engine");
    group.sample_size(10);
    group.throughput(Throughput::Elements(EVENTS));
    group.bench_function("decode_apply_encode/100", |bencher| {
        bencher.iter_batched(
            fresh,
            |(mut partition, mut encoded)| black_box(run(&records, &rules, &mut partition, &mut encoded)),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, per_event);
criterion_main!(benches);
