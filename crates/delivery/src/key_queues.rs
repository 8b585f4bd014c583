//! Queues per key: within a key strictly one after the other, keys independent of each other.
//!
//! Input: items pushed under a key, and heads that are done. Output: who is the head of its key now.
//! KQ-1: the order within a key is the order of pushes. KQ-2: only a head may be worked on, so parking a head parks its key.
//! KQ-3: a key without items takes no memory. Absent: bounds (the machine holds them), time.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// Items waiting, by key.
#[derive(Debug)]
pub struct KeyQueues<K, I> {
    queues: HashMap<K, VecDeque<I>>,
}

/// What removing an item changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removed<I> {
    /// It was not there.
    Nothing,
    /// It waited behind its head; nothing else changed.
    Waiting,
    /// It was the head; the next one, if any, is now.
    Head(Option<I>),
}

impl<K, I> Default for KeyQueues<K, I> {
    fn default() -> Self {
        KeyQueues { queues: HashMap::new() }
    }
}

impl<K: Eq + Hash + Clone, I: Copy + Eq> KeyQueues<K, I> {
    /// Puts an item last under its key; `true` where it is the head.
    pub fn push(&mut self, key: &K, item: I) -> bool {
        match self.queues.get_mut(key) {
            Some(queue) => {
                queue.push_back(item);
                false
            }
            None => {
                self.queues.insert(key.clone(), VecDeque::from([item]));
                true
            }
        }
    }

    /// Takes an item out, wherever in its queue it stands.
    pub fn remove(&mut self, key: &K, item: I) -> Removed<I> {
        let Some(queue) = self.queues.get_mut(key) else { return Removed::Nothing };
        match queue.iter().position(|waiting| *waiting == item) {
            None => Removed::Nothing,
            Some(0) => {
                queue.pop_front();
                let next = queue.front().copied();
                if next.is_none() {
                    self.queues.remove(key);
                }
                Removed::Head(next)
            }
            Some(place) => {
                queue.remove(place);
                Removed::Waiting
            }
        }
    }

    /// Keys with items.
    pub fn keys(&self) -> usize {
        self.queues.len()
    }
}

#[cfg(test)]
mod tests;
