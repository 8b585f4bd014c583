//! The loop guard (D-38).
//!
//! Within the chain of one root event, a rule's second and later fires on the same conversation are cycles. The fifth cycle
//! still runs; the next is refused, and the rule is taken out of service: for this conversation, or for the whole workspace
//! once three conversations hit it within ten minutes (at once with `strict_loops`).

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::time::Duration;

use kilat_domain::{DisabledRule, LoopHit, Str, Timestamp};

/// A chain's events go no deeper.
pub(crate) const DEPTH_MAX: u16 = 16;
/// Fires of one rule on one conversation in one chain: the first, and five cycles.
const FIRES_MAX: u8 = 6;
/// Conversations that must hit the guard within [`HIT_WINDOW`] to disable a rule for its workspace.
const CONVERSATIONS_MAX: usize = 3;
const HIT_WINDOW: Duration = Duration::from_secs(10 * 60);

/// How often each rule has fired in the chain of one root event.
#[derive(Debug, Default)]
pub(crate) struct Chain {
    /// By rule, in a fixed order of hashing: an author chooses the names, a replay must agree.
    fires: HashMap<Box<str>, u8, BuildHasherDefault<DefaultHasher>>,
}

impl Chain {
    /// Forgets the last chain.
    pub(crate) fn clear(&mut self) {
        self.fires.clear();
    }

    /// Whether the rule has fired.
    pub(crate) fn has_fired(&self, rule: &str) -> bool {
        self.fires.contains_key(rule)
    }

    /// Counts a fire of the rule; whether it may still run.
    pub(crate) fn allows(&mut self, rule: &str) -> bool {
        match self.fires.get_mut(rule) {
            Some(fires) => {
                *fires = fires.saturating_add(1);
                *fires <= FIRES_MAX
            }
            None => {
                self.fires.insert(rule.into(), 1);
                true
            }
        }
    }
}

/// Notes that `rule` ran into the guard; whether it is now disabled for the whole workspace.
pub(crate) fn hit(
    loops: &mut Vec<DisabledRule<'static>>,
    workspace: &str,
    rule: (&str, i64),
    conversation: &str,
    at: Timestamp,
    strict: bool,
) -> bool {
    let (id, version) = rule;
    let found = loops.iter().position(|known| known.rule == id);
    let entry = match found {
        Some(found) => &mut loops[found],
        None => {
            let (workspace, rule) = (Str::from(workspace.to_owned()), Str::from(id.to_owned()));
            loops.push(DisabledRule { workspace, rule, version, hits: Vec::new(), disabled: false });
            loops.last_mut().expect("just pushed")
        }
    };
    if entry.version != version {
        entry.version = version;
        entry.hits.clear();
        entry.disabled = false;
    }
    entry.hits.retain(|hit| at.since(hit.at) <= HIT_WINDOW && *hit.conversation != *conversation);
    entry.hits.push(LoopHit { conversation: conversation.into(), at });
    entry.disabled |= strict || entry.hits.len() >= CONVERSATIONS_MAX;
    entry.disabled
}

/// Whether this version of the rule is disabled for its workspace.
pub(crate) fn is_disabled(loops: &[DisabledRule<'static>], rule: &str, version: i64) -> bool {
    loops.iter().any(|known| known.disabled && known.rule == rule && known.version == version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_fires_once_and_five_cycles_more() {
        let mut chain = Chain::default();
        let allowed = (0..10).filter(|_| chain.allows("ping")).count();
        assert_eq!(allowed, 6);
        assert!(chain.allows("pong"));
    }

    #[test]
    fn three_conversations_within_ten_minutes_disable_a_rule() {
        let minute = |n: i64| Timestamp(n * 60_000);
        let mut loops = Vec::new();
        assert!(!hit(&mut loops, "acme", ("ping", 1), "a", minute(0), false));
        assert!(!hit(&mut loops, "acme", ("ping", 1), "a", minute(1), false), "the same conversation counts once");
        assert!(!hit(&mut loops, "acme", ("ping", 1), "b", minute(2), false));
        assert!(!hit(&mut loops, "acme", ("ping", 1), "c", minute(12), false), "the first hits are out of the window");
        assert!(hit(&mut loops, "acme", ("ping", 1), "d", minute(12), false));
        assert!(is_disabled(&loops, "ping", 1));
        assert!(!is_disabled(&loops, "ping", 2), "a new version starts afresh");
    }

    #[test]
    fn strict_mode_disables_at_the_first_hit() {
        let mut loops = Vec::new();
        assert!(hit(&mut loops, "acme", ("ping", 1), "a", Timestamp(0), true));
    }
}
