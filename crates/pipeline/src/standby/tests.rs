//! The slots and their shadow against a log of blocks, compared with what a restore gives.

use std::ops::Range;
use std::sync::Arc;

use kilat_codec::{Encoder, Topic, json};
use kilat_domain::{Action, ChainPosition, Decision, InputRange, Timestamp};
use kilat_engine::{BatchHeader, Outputs, Partition};
use kilat_log::{Embedded, EmbeddedOptions, PartitionedLog, Retention, SystemClock, TopicSpec, Transaction, Writer};

use super::{Shadow, Slots};
use crate::config::{StandbyCopies, Topics};
use crate::outputs::append_block;
use crate::restore::{self, RestoreProgress, Restored, Sources};
use crate::service::{PipelineError, Progress};

/// Turns after which a shadow should have come to the end; each waits for a tenth of a second at most.
const TURNS_MAX: usize = 300;

struct Nowhere;

impl Outputs for Nowhere {
    fn decision(&mut self, _: &Decision<'_>) {}
    fn action(&mut self, _: &Action<'_>) {}
}

/// Two partitions of a state topic, and their owner.
struct Scene {
    _dir: tempfile::TempDir,
    log: Arc<dyn PartitionedLog>,
    writer: Box<dyn Writer>,
    owner: [Partition; 2],
    read: i64,
}

impl Scene {
    fn new() -> Scene {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let log: Arc<dyn PartitionedLog> =
            Arc::new(Embedded::open(dir.path(), EmbeddedOptions::default()).expect("opens"));
        let topics: Vec<TopicSpec> = [Topics::inputs(), Topics::outputs()]
            .concat()
            .into_iter()
            .map(|name| TopicSpec { name, partitions: 2, retention: Retention::Unlimited, replication: 1 })
            .collect();
        log.create_topics(&topics).expect("creates topics");
        let writer = log.writer("owner", &Topics::outputs()).expect("writes");
        Scene { _dir: dir, log, writer, owner: Default::default(), read: 0 }
    }

    /// Blocks of one message each, of seven conversations.
    fn write(&mut self, partition: u32, ids: Range<usize>) {
        for id in ids {
            apply(&mut self.owner[partition as usize], id);
            self.commit(partition);
        }
    }

    fn commit(&mut self, partition: u32) {
        let inputs = vec![InputRange { input: 0, from: self.read, next: self.read + 1 }];
        self.read += 1;
        let header = BatchHeader { partition, inputs, rule_epoch: self.read, ..BatchHeader::default() };
        let (mut transaction, mut encoder) = (Transaction::default(), Encoder::new());
        let state = &mut self.owner[partition as usize];
        for block in &state.blocks(header) {
            append_block(&mut transaction, &mut encoder, block).expect("encodes");
        }
        self.writer.commit(&transaction).expect("commits");
        state.settle();
    }

    fn slots(&self, copies: StandbyCopies) -> Arc<Slots> {
        Arc::new(Slots::new(copies, Arc::new(SystemClock::new())))
    }

    /// Runs a shadow on these slots until it holds what the owner has of all `partitions`.
    fn shadow(&self, slots: &Arc<Slots>, partitions: &[u32]) {
        let expected: Vec<(u32, i64)> =
            partitions.iter().map(|at| (*at, self.owner[*at as usize].position().sequence)).collect();
        let clock = Arc::new(SystemClock::new());
        let progress = Arc::new(Progress::new(0, clock.clone()));
        let mut shadow = Shadow::new(slots.clone(), self.log.clone(), None, progress, clock);
        for _ in 0..TURNS_MAX {
            if slots.positions() == expected {
                return;
            }
            shadow.turn().expect("the log answers");
        }
        panic!("the shadow holds {:?}, not {expected:?}", slots.positions());
    }

    fn take_over(&self, slots: &Slots, partition: u32) -> Result<Restored, PipelineError> {
        let progress = RestoreProgress::new(Arc::new(SystemClock::new()));
        let sources = Sources {
            log: &*self.log,
            checkpoints: None,
            group: "group",
            progress: &progress,
            standby: slots,
            worker: 0,
        };
        let mut restored = restore::partitions(&sources, &[partition], 1)?;
        Ok(restored.pop().expect("one was asked for").1)
    }
}

fn apply(state: &mut Partition, id: usize) {
    let line = serde_json::json!({"id": format!("e{id}"), "workspace": "acme", "type": "message.created",
        "occurred_at": "2026-11-20T03:00:00.000Z", "conversation": {"id": format!("c{}", id % 7)},
        "lead": {"id": format!("l{}", id % 7)}, "channel": {"kind": "whatsapp", "account": "1"},
        "sender": {"kind": "customer", "id": format!("62812000000{}", id % 7)},
        "message": {"id": format!("m{id}"), "text": "halo"}});
    let event = json::event_from_line(&line.to_string()).expect("an event");
    state.apply(&event, None, Timestamp(1_790_000_000_000), &mut Nowhere);
}

/// Everything that can be told of a partition from outside.
fn shown(restored: &Restored) -> (ChainPosition, (usize, usize), Vec<String>, String, i64) {
    let mut leads = Vec::new();
    restored.state.for_each_lead(|lead| leads.push(format!("{lead:?}")));
    let read = format!("{:?}", restored.read);
    (restored.state.position(), restored.state.len(), leads, read, restored.rule_epoch)
}

#[test]
fn a_take_over_from_a_copy_gives_what_a_restore_gives_and_reads_only_what_came_since() {
    let mut scene = Scene::new();
    scene.write(0, 0..10);
    scene.write(1, 10..40);
    let slots = scene.slots(StandbyCopies::All);
    scene.shadow(&slots, &[0, 1]);
    let followed = scene.log.extent(Topic::State.name(), 1).expect("known").end;
    scene.write(1, 40..60);
    let restored = scene.take_over(&scene.slots(StandbyCopies::None), 1).expect("restores");
    assert_eq!(restored.state.position(), scene.owner[1].position());

    // Nothing but the copy can help now.
    scene.log.trim(Topic::State.name(), 1, followed).expect("trims");
    let without = scene.take_over(&scene.slots(StandbyCopies::None), 1).expect_err("blocks are gone").to_string();
    assert!(without.contains("begins with block 31"), "{without}");
    let taken = scene.take_over(&slots, 1).expect("takes over");
    assert_eq!(shown(&taken), shown(&restored));
    assert_eq!(slots.positions(), [(0, 10)], "the other copy stays");
}

#[test]
fn state_that_is_handed_back_settled_is_taken_again_with_what_another_wrote_meanwhile() {
    for copies in [StandbyCopies::None, StandbyCopies::All] {
        let mut scene = Scene::new();
        scene.write(0, 0..20);
        let slots = scene.slots(copies);
        let restored = scene.take_over(&slots, 0).expect("restores");
        let (before, held) = (scene.log.extent(Topic::State.name(), 0).expect("known").end, scene.owner[0].position());
        slots.hand_back(0, 0, restored);
        assert_eq!(slots.positions(), [(0, held.sequence)]);
        scene.write(0, 100..110);
        let expected = scene.take_over(&scene.slots(StandbyCopies::None), 0).expect("restores");
        scene.log.trim(Topic::State.name(), 0, before).expect("trims");
        let again = scene.take_over(&slots, 0).expect("takes it again");
        assert_eq!(again.state.position(), scene.owner[0].position());
        assert_eq!(shown(&again), shown(&expected));
    }
}

/// Holds to SB-1.
#[test]
fn state_that_is_not_settled_or_not_its_owners_is_never_kept() {
    let mut scene = Scene::new();
    scene.write(0, 0..20);
    let slots = scene.slots(StandbyCopies::All);
    let keeps = |restored: Restored, worker: usize| {
        slots.hand_back(worker, 0, restored);
        !slots.positions().is_empty()
    };

    let mut folded = scene.take_over(&slots, 0).expect("restores");
    apply(&mut folded.state, 100);
    assert!(!folded.state.is_settled());
    assert!(!keeps(folded, 0), "an event that is in no block");

    let mut written = scene.take_over(&slots, 0).expect("restores");
    apply(&mut written.state, 100);
    drop(written.state.blocks(BatchHeader::default()));
    assert!(!keeps(written, 0), "a block that is not committed");

    let mut read = scene.take_over(&slots, 0).expect("restores");
    let header = BatchHeader { inputs: vec![InputRange { input: 0, from: 90, next: 91 }], ..BatchHeader::default() };
    assert_eq!(read.state.blocks(header).len(), 1);
    assert!(!keeps(read, 0), "a block that is not committed and changes nothing");

    let of_another = scene.take_over(&slots, 0).expect("restores");
    assert!(!keeps(of_another, 1), "handed back by who does not own it");

    slots.release_all(0);
    let late = scene.take_over(&scene.slots(StandbyCopies::None), 0).expect("restores");
    assert!(!keeps(late, 0), "handed back by who has lost it");

    let settled = scene.take_over(&slots, 0).expect("restores");
    assert!(keeps(settled, 0));
}

/// Holds to SB-2.
#[test]
fn a_copy_that_the_topic_does_not_fit_is_dropped_and_a_restore_decides() {
    let mut scene = Scene::new();
    scene.write(0, 0..20);
    let (seen, unseen) = (scene.slots(StandbyCopies::All), scene.slots(StandbyCopies::All));
    scene.shadow(&seen, &[0, 1]);
    scene.shadow(&unseen, &[0, 1]);
    // A second first block.
    scene.owner[0] = Partition::new();
    scene.write(0, 500..501);

    let clock = Arc::new(SystemClock::new());
    let progress = Arc::new(Progress::new(0, clock.clone()));
    let mut shadow = Shadow::new(seen.clone(), scene.log.clone(), None, progress, clock);
    let mut turns = 0;
    while seen.positions() != [(1, 0)] {
        shadow.turn().expect("goes on");
        turns += 1;
        assert!(turns < TURNS_MAX, "still there: {:?}", seen.positions());
    }
    for slots in [seen, unseen] {
        let error = scene.take_over(&slots, 0).expect_err("the chain is broken").to_string();
        assert!(error.contains("does not follow on the blocks before it"), "{error}");
        assert_eq!(slots.positions(), [(1, 0)]);
    }
}
