//! A consumer group: who is in it, which round it is, who has which partitions, and how far the group is.
//!
//! The eager protocol with the range assignor: in a new round every member gives up everything, joins anew, and gets its
//! share when all have joined or were given up. Partition p of every input goes to the same member.

use std::collections::BTreeMap;

/// A place in the group.
#[derive(Debug)]
struct Seat {
    member: u64,
    instance: String,
    /// Has joined this round.
    joined: bool,
    /// Is silent: out when its session ends.
    silent: bool,
    partitions: Vec<u32>,
}

/// What a member finds when it looks at its group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum View {
    /// It is not in the group any more.
    Out,
    /// It has to join this round.
    Join,
    /// It has joined and waits for the others.
    Wait,
    /// The round is complete: its generation and its share.
    Share(u64, Vec<u32>),
}

/// A consumer group.
#[derive(Debug)]
pub(crate) struct Group {
    partitions: u32,
    generation: u64,
    round: u64,
    watched: u64,
    complete: bool,
    seats: Vec<Seat>,
    numbered: u64,
    committed: BTreeMap<(usize, u32), i64>,
    /// Offsets in transactions whose outcome has not reached the group: transaction, topic, partition.
    pending: Vec<(u32, usize, u32)>,
}

impl Group {
    pub(crate) fn new(partitions: u32) -> Group {
        Group {
            partitions,
            generation: 0,
            round: 0,
            watched: 0,
            complete: true,
            seats: Vec::new(),
            numbered: 0,
            committed: BTreeMap::new(),
            pending: Vec::new(),
        }
    }

    /// Takes a member in. One that takes up the place of its instance while the group is at rest gets that one's share
    /// without a new round (static membership).
    pub(crate) fn join(&mut self, instance: &str) -> u64 {
        self.numbered += 1;
        let member = self.numbered;
        match self.seats.iter_mut().find(|seat| seat.instance == instance) {
            Some(seat) => {
                seat.member = member;
                seat.silent = false;
                seat.joined = true;
            }
            None => {
                self.begin_round();
                let (instance, partitions) = (instance.to_owned(), Vec::new());
                self.seats.push(Seat { member, instance, joined: true, silent: false, partitions });
                self.seats.sort_by(|a, b| a.instance.cmp(&b.instance));
            }
        }
        member
    }

    /// A member joins the round that is under way.
    pub(crate) fn join_round(&mut self, member: u64) {
        if let Some(seat) = self.seats.iter_mut().find(|seat| seat.member == member) {
            seat.joined = true;
        }
    }

    /// A member leaves.
    pub(crate) fn leave(&mut self, member: u64) {
        let before = self.seats.len();
        self.seats.retain(|seat| seat.member != member);
        if self.seats.len() < before {
            self.begin_round();
        }
    }

    /// Everybody gives up everything and joins anew.
    pub(crate) fn begin_round(&mut self) {
        self.round += 1;
        self.complete = false;
        for seat in &mut self.seats {
            seat.joined = false;
        }
    }

    /// A member falls silent; its name, if it is in.
    pub(crate) fn mute(&mut self, member: u64) {
        if let Some(seat) = self.seats.iter_mut().find(|seat| seat.member == member) {
            seat.silent = true;
        }
    }

    /// A member that was silent is heard again; too late if it is out.
    pub(crate) fn unmute(&mut self, member: u64) {
        if let Some(seat) = self.seats.iter_mut().find(|seat| seat.member == member) {
            seat.silent = false;
        }
    }

    /// The session of a member ends; it is out if it is still silent.
    pub(crate) fn expire(&mut self, member: u64) {
        if self.seats.iter().any(|seat| seat.member == member && seat.silent) {
            self.leave(member);
        }
    }

    /// Gives up those who have not joined this round.
    pub(crate) fn give_up(&mut self, round: u64) {
        if !self.complete && self.round == round {
            self.seats.retain(|seat| seat.joined);
        }
    }

    /// Completes the round where everybody has joined.
    pub(crate) fn complete(&mut self) -> bool {
        if self.complete || self.seats.iter().any(|seat| !seat.joined) {
            return false;
        }
        self.complete = true;
        self.generation += 1;
        let count = self.seats.len() as u32;
        let mut from = 0;
        for (place, seat) in self.seats.iter_mut().enumerate() {
            let share = self.partitions / count + u32::from((place as u32) < self.partitions % count);
            seat.partitions = (from..from + share).collect();
            from += share;
        }
        true
    }

    /// The round, where it waits for members and nobody watches over it yet.
    pub(crate) fn newly_waiting(&mut self) -> Option<u64> {
        let is_new = !self.complete && self.watched < self.round;
        is_new.then(|| {
            self.watched = self.round;
            self.round
        })
    }

    /// Whether this member is in the group.
    pub(crate) fn has(&self, member: u64) -> bool {
        self.seats.iter().any(|seat| seat.member == member)
    }

    /// What this member finds.
    pub(crate) fn view(&self, member: u64) -> View {
        match self.seats.iter().find(|seat| seat.member == member) {
            None => View::Out,
            Some(seat) if self.complete => View::Share(self.generation, seat.partitions.clone()),
            Some(seat) if seat.joined => View::Wait,
            Some(_) => View::Join,
        }
    }

    /// Whether this member has its place in this generation: what a commit of offsets is checked by. In a round that is not
    /// complete the last generation still counts.
    pub(crate) fn is_seated(&self, member: u64, generation: u64) -> bool {
        self.generation == generation && self.seats.iter().any(|seat| seat.member == member)
    }

    /// Offsets are part of a transaction that is not settled.
    pub(crate) fn hold(&mut self, txn: u32, (topic, partition): (usize, u32)) {
        self.pending.push((txn, topic, partition));
    }

    /// The outcome of a transaction reaches the group.
    pub(crate) fn settle(&mut self, txn: u32, (topic, partition): (usize, u32), next: Option<i64>) {
        self.pending.retain(|held| *held != (txn, topic, partition));
        if let Some(next) = next {
            self.committed.insert((topic, partition), next);
        }
    }

    /// How far the group is; `None` while that is not settled.
    pub(crate) fn position(&self, topic: usize, partition: u32) -> Option<i64> {
        let unsettled = self.pending.iter().any(|(_, t, p)| (*t, *p) == (topic, partition));
        (!unsettled).then(|| self.committed.get(&(topic, partition)).copied().unwrap_or(0))
    }

    /// What is committed, settled or not; `None` where nothing ever was.
    pub(crate) fn committed(&self, topic: usize, partition: u32) -> Option<i64> {
        self.committed.get(&(topic, partition)).copied()
    }

    /// Whether nothing is under way.
    pub(crate) fn is_settled(&self) -> bool {
        self.pending.is_empty()
    }
}
