//! What stands between a worker and the thread that writes its checkpoints: orders one way, one answer the other, neither of
//! them ever waiting for the other.
//!
//! DK-1: at most [`ORDERS_MAX`] slices wait. DK-2: an answer to a checkpoint that was given up reaches nobody: orders and
//! answers carry its number.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kilat_checkpoint::Header;

/// Slices that may wait; with the bytes of a slice the memory a slow store costs a worker.
const ORDERS_MAX: usize = 16;

/// What the worker asks for.
#[derive(Debug)]
pub(crate) enum Order {
    /// Look how far the state topic reaches.
    Prepare { partition: u32 },
    /// Begin the object.
    Open(Box<Header>),
    /// Append entries, encoded.
    Slice { entries: u32, record: Vec<u8> },
    /// End and publish it; these are of the last block committed meanwhile.
    Close { sequence: i64, chain: i64 },
    /// Drop what was begun.
    GiveUp,
}

/// What the thread says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The end of the state topic; the checkpoint may begin.
    Ready { offset: i64 },
    /// It is there.
    Written,
    /// It will not be there.
    Failed,
}

#[derive(Debug, Default)]
struct Papers {
    orders: VecDeque<(u64, Order)>,
    /// Buffers to be used again.
    spare: Vec<Vec<u8>>,
    number: u64,
    answer: Option<Answer>,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Desk(Mutex<Papers>);

impl Desk {
    /// Begins a checkpoint: what is left of an earlier one is given up.
    pub(crate) fn begin(&self, partition: u32) {
        let mut papers = self.papers();
        papers.drop_orders();
        papers.put(Order::Prepare { partition });
    }

    /// Gives the checkpoint up.
    pub(crate) fn give_up(&self) {
        let mut papers = self.papers();
        papers.drop_orders();
        papers.put(Order::GiveUp);
    }

    /// A buffer for the next slice; `None` where enough wait.
    pub(crate) fn buffer(&self) -> Option<Vec<u8>> {
        let mut papers = self.papers();
        (papers.orders.len() < ORDERS_MAX).then(|| papers.spare.pop().unwrap_or_default())
    }

    pub(crate) fn put(&self, order: Order) {
        self.papers().put(order);
    }

    /// What was answered since the last call.
    pub(crate) fn answer(&self) -> Option<Answer> {
        self.papers().answer.take()
    }

    /// The next order and the number of its checkpoint.
    pub(crate) fn take(&self) -> Option<(u64, Order)> {
        self.papers().orders.pop_front()
    }

    /// Answers for the checkpoint of this number.
    pub(crate) fn reply(&self, number: u64, answer: Answer) {
        let mut papers = self.papers();
        if papers.number == number {
            papers.answer = Some(answer);
        }
    }

    /// Takes a buffer back.
    pub(crate) fn give_back(&self, mut buffer: Vec<u8>) {
        buffer.clear();
        let mut papers = self.papers();
        if papers.spare.len() < ORDERS_MAX {
            papers.spare.push(buffer);
        }
    }

    fn papers(&self) -> MutexGuard<'_, Papers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Papers {
    fn put(&mut self, order: Order) {
        let number = self.number;
        self.orders.push_back((number, order));
    }

    fn drop_orders(&mut self) {
        self.orders.clear();
        self.answer = None;
        self.number += 1;
    }
}
