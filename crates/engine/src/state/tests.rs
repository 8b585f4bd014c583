//! What is counted, and how much lies unpacked.

use super::*;

/// A state that leads and conversations come and go in, as batches do it.
#[derive(Default)]
struct Stage {
    state: State,
}

impl Stage {
    /// A batch that touches these leads, each with a mark more of a length of its own.
    fn batch(&mut self, leads: std::ops::Range<u32>) {
        for number in leads {
            let (at, sought) = self.lead(number);
            let cell = self.state.leads.touch(at);
            cell.mark_mut(&"r".repeat(1 + number as usize % 7)).version += 1;
            let workspace = self.state.find("acme");
            let (at, _) = self.state.conversation(sought, workspace, &format!("c{number}"), Timestamp(1));
            self.state.conversations.touch(at);
        }
        self.settle();
    }

    fn lead(&mut self, number: u32) -> (u32, Sought) {
        let (workspace, id) = (self.state.find("acme"), format!("lead-{number}"));
        let sought = self.state.sought(workspace, &id);
        (self.state.lead(sought, workspace, &id, "new").0, sought)
    }

    fn settle(&mut self) {
        self.state.write(|_| {}, |_| {});
        self.state.settle();
    }

    /// Of all leads: two bytes of length, one for the first workspace, id and packed form, and an eighth on top.
    fn counted_anew(&self) -> usize {
        let mut bytes = 0;
        self.state.leads.packed(0, |_, _, id, value| {
            let long = 3 + id.len() + value.len();
            bytes += long + long / 8;
            true
        });
        bytes
    }

    fn unpacked(&self) -> usize {
        self.state.leads.cells.iter().flatten().flatten().count()
    }
}

#[test]
fn bytes_at_rest_are_those_of_every_packed_form_whatever_became_of_it() {
    let mut stage = Stage::default();
    stage.batch(0..3_000);
    assert_eq!(stage.state.leads.resting, stage.counted_anew());
    stage.batch(1_000..5_000);
    assert_eq!(stage.state.leads.resting, stage.counted_anew());
    // Some go to another partition, some of these come back, and blocks bring values and changes.
    (0..500).for_each(|place| stage.state.leads.leave(place));
    stage.settle();
    stage.batch(250..600);
    assert_eq!(stage.state.leads.resting, stage.counted_anew());
    stage.state.rest();
    assert_eq!(stage.state.leads.resting, stage.counted_anew());
    let (identity, rest) = (stage.lead(4_000).1.identity, Resting::new(0, "lead-4000", &[]));
    stage.settle();
    stage.state.leads.put(identity, None, rest).unwrap();
    assert_eq!(stage.state.leads.resting, stage.counted_anew());

    let homes = 5 * CHUNK * size_of::<Home>();
    assert!(stage.state.leads.bytes() >= stage.counted_anew() + homes);
}

/// Half of the bytes are for leads: of their mean size, which is a cell and twice a packed form.
#[test]
fn no_more_lies_unpacked_than_there_is_room_for() {
    let mut stage = Stage::default();
    stage.batch(0..4_000);
    assert_eq!(stage.unpacked(), 4_000);
    let room = 1 << 20;
    stage.state.limit_unpacked(room);
    stage.batch(100..200);
    let mean = size_of::<Option<Cell<Lead>>>() + 2 * (stage.counted_anew() / 4_000);
    assert_eq!(stage.unpacked(), room / 2 / mean);
    // Those used last.
    let places = (0..4_000).filter(|place| matches!(stage.state.leads.home(*place).at, At::Cell(_)));
    assert_eq!(places.filter(|place| (100..200).contains(place)).count(), 100);

    stage.state.limit_unpacked(0);
    stage.batch(0..10);
    assert_eq!(stage.unpacked(), 0);
}

/// Room for some 200 cells; 100 were used once, and 50 others in each of four batches after.
#[test]
fn a_cell_takes_its_room_once_however_often_it_was_used() {
    let mut stage = Stage::default();
    stage.batch(0..150);
    let mean = size_of::<Option<Cell<Lead>>>() + 2 * (stage.counted_anew() / 150);
    stage.state.limit_unpacked(2 * 200 * mean);
    (0..4).for_each(|_| stage.batch(100..150));
    assert_eq!(stage.unpacked(), 150);
    // Those used longest ago go first.
    stage.batch(150..230);
    let is_unpacked = |place: &u32| matches!(stage.state.leads.home(*place).at, At::Cell(_));
    let room = stage.state.leads.cells_max();
    assert!((180..220).contains(&room), "{room}");
    assert_eq!((0..100).filter(is_unpacked).count(), room - 130);
    assert_eq!((100..230).filter(is_unpacked).count(), 130);
}

#[test]
fn what_comes_from_another_partition_is_written_with_what_it_counts() {
    let mut stage = Stage::default();
    stage.batch(0..1);
    let workspace = stage.state.find("acme");
    let sought = stage.state.sought(workspace, "lead-0");
    let (mut known, mut coming) = (Vec::new(), Vec::new());
    let mut conversation = Conversation::new(Timestamp(1));
    conversation.pack(&[], &mut known);
    *conversation.counters().customer_messages = 7;
    conversation.pack(&[], &mut coming);
    let conversations = &mut stage.state.conversations;
    conversations.enter(sought.identity, (workspace, "c0"), &coming, |_, _| false).unwrap();
    let mut merged = Vec::new();
    stage.state.write(
        |lead| panic!("{lead:?} did not change"),
        |entry| match entry {
            Entry::Delta { place: 0, delta } => Conversation::merge(&known, delta, &mut merged).unwrap(),
            other => panic!("{other:?} is known"),
        },
    );
    assert_eq!(merged, coming);
}

/// What an event waits for: benches/README.md.
#[test]
fn a_conversation_takes_six_lines_of_the_cache_and_a_lead_three() {
    assert!(size_of::<Option<Cell<Conversation>>>() <= 6 * 64);
    assert!(size_of::<Option<Cell<Lead>>>() <= 3 * 64);
}
