//! What a seed may do to a run, by name, and how often it did.

use crate::random::Random;

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(usize)]
pub enum Fault {
    /// The process ends where a member would be opened.
    CrashAtJoin,
    /// … within a poll.
    CrashAtPoll,
    /// … while a partition's state is read back.
    CrashAtRestore,
    /// … where a transaction begins.
    CrashAtBegin,
    /// … with some records of a transaction appended.
    CrashAtProduce,
    /// … with offsets in the open transaction.
    CrashAtOffsets,
    /// … with the commit on its way, which may arrive.
    CrashAtCommit,
    /// … after the commit was acknowledged.
    CrashAfterCommit,
    /// The group is made to share out its partitions anew.
    Revocation,
    /// A process stands still for longer than its session, and goes on.
    Zombie,
    /// A process stands still for less than its session.
    Stall,
    /// A transaction is aborted instead of committed.
    AbortedCommit,
    /// No answer to a commit that never arrived.
    IndefiniteLost,
    /// No answer to a commit that was carried out.
    IndefiniteDone,
    /// No answer to a commit that arrives later.
    IndefiniteLate,
    /// The outcome of a transaction takes long to reach its partitions.
    LateMarkers,
    /// No broker answers a call.
    Unreachable,
    /// An event is delivered again.
    DuplicateEvent,
    /// An event arrives long after it happened.
    LateEvent,
    /// A record that is no event.
    Poison,
    /// A producer of events gives up a transaction.
    AbortedInput,
    /// A workspace's rules are replaced.
    RuleSwap,
    /// Rules that do not compile are published.
    BrokenRules,
    /// The wall clock is stepped.
    ClockStep,
    /// A process is stopped in good order, and started again later.
    CleanStop,
    /// An endpoint takes no connection.
    HttpRefused,
    /// A connection breaks with the request out; what it asks for may be done.
    HttpHalfOpen,
    /// No answer within the deadline; what was asked for may be done.
    HttpStall,
    /// An endpoint asks to slow down.
    Http429,
    /// … and says for how long.
    Http429RetryAfter,
    /// An endpoint fails.
    Http5xx,
    /// An endpoint says 200, with an error in the body.
    Http200ErrorBody,
    /// An endpoint refuses a request.
    Http4xx,
    /// … for its credentials.
    Http401,
    /// … for good.
    Http410,
    /// The process of an executor ends with a request out.
    CrashAtSend,
    /// … with an answer in, and its result not written.
    CrashAtAnswer,
    /// An action is in its topic again.
    DuplicateAction,
    /// A record in a topic of actions that is none.
    ActionPoison,
    /// The store of checkpoints takes long to answer.
    StoreSlow,
    /// It fails every call for a while.
    StoreDown,
    /// It has no room for what is being written.
    StoreFull,
    /// A checkpoint ends early, though the store said that it has all of it.
    ObjectTorn,
    /// A bit of a checkpoint changes where it lies.
    ObjectFlipped,
    /// A checkpoint is gone.
    ObjectLost,
}

impl Fault {
    /// Every kind and its name.
    pub const ALL: [(Fault, &'static str); 45] = [
        (Fault::CrashAtJoin, "crash_at_join"),
        (Fault::CrashAtPoll, "crash_at_poll"),
        (Fault::CrashAtRestore, "crash_at_restore"),
        (Fault::CrashAtBegin, "crash_at_begin"),
        (Fault::CrashAtProduce, "crash_at_produce"),
        (Fault::CrashAtOffsets, "crash_at_offsets"),
        (Fault::CrashAtCommit, "crash_at_commit"),
        (Fault::CrashAfterCommit, "crash_after_commit"),
        (Fault::Revocation, "revocation"),
        (Fault::Zombie, "zombie"),
        (Fault::Stall, "stall"),
        (Fault::AbortedCommit, "aborted_commit"),
        (Fault::IndefiniteLost, "indefinite_commit_lost"),
        (Fault::IndefiniteDone, "indefinite_commit_done"),
        (Fault::IndefiniteLate, "indefinite_commit_late"),
        (Fault::LateMarkers, "late_markers"),
        (Fault::Unreachable, "unreachable"),
        (Fault::DuplicateEvent, "duplicate_event"),
        (Fault::LateEvent, "late_event"),
        (Fault::Poison, "poison"),
        (Fault::AbortedInput, "aborted_input"),
        (Fault::RuleSwap, "rule_swap"),
        (Fault::BrokenRules, "broken_rules"),
        (Fault::ClockStep, "clock_step"),
        (Fault::CleanStop, "clean_stop"),
        (Fault::HttpRefused, "http_refused"),
        (Fault::HttpHalfOpen, "http_half_open"),
        (Fault::HttpStall, "http_stall"),
        (Fault::Http429, "http_429"),
        (Fault::Http429RetryAfter, "http_429_retry_after"),
        (Fault::Http5xx, "http_5xx"),
        (Fault::Http200ErrorBody, "http_200_error_body"),
        (Fault::Http4xx, "http_4xx"),
        (Fault::Http401, "http_401"),
        (Fault::Http410, "http_410"),
        (Fault::CrashAtSend, "crash_at_send"),
        (Fault::CrashAtAnswer, "crash_at_answer"),
        (Fault::DuplicateAction, "duplicate_action"),
        (Fault::ActionPoison, "action_poison"),
        (Fault::StoreSlow, "store_slow"),
        (Fault::StoreDown, "store_down"),
        (Fault::StoreFull, "store_full"),
        (Fault::ObjectTorn, "checkpoint_torn"),
        (Fault::ObjectFlipped, "checkpoint_flipped"),
        (Fault::ObjectLost, "checkpoint_lost"),
    ];

    /// How many kinds there are.
    pub const COUNT: usize = Fault::ALL.len();

    /// Its name.
    pub fn name(self) -> &'static str {
        Fault::ALL[self as usize].1
    }

    /// The kind of this name.
    pub fn named(name: &str) -> Option<Fault> {
        Fault::ALL.iter().find(|(_, known)| *known == name).map(|(fault, _)| *fault)
    }

    /// How many times a run of 10,000 events meets it, on average, where the seed chose it.
    fn per_run(self) -> f64 {
        match self {
            Fault::DuplicateEvent | Fault::LateEvent => 200.0,
            Fault::Poison | Fault::AbortedInput | Fault::DuplicateAction => 20.0,
            Fault::HttpRefused
            | Fault::HttpHalfOpen
            | Fault::HttpStall
            | Fault::Http429
            | Fault::Http429RetryAfter
            | Fault::Http5xx
            | Fault::Http200ErrorBody
            | Fault::Http4xx => 30.0,
            Fault::LateMarkers => 100.0,
            Fault::RuleSwap => 10.0,
            // One call of the store in about ten is of the kind that the last of these strike at.
            Fault::StoreSlow | Fault::StoreFull => 8.0,
            Fault::ObjectTorn | Fault::ObjectFlipped | Fault::ObjectLost => 20.0,
            Fault::Revocation => 6.0,
            Fault::Zombie
            | Fault::ClockStep
            | Fault::BrokenRules
            | Fault::CleanStop
            | Fault::Http401
            | Fault::Http410
            | Fault::ActionPoison => 3.0,
            Fault::CrashAtJoin | Fault::CrashAtRestore => 1.0,
            _ => 2.0,
        }
    }
}

/// The faults of a run: which may happen, how often, and how often they did.
#[derive(Clone, Debug)]
pub struct Faults {
    chosen: [bool; Fault::COUNT],
    /// No more of them: the run is to come to its end.
    over: bool,
    random: Random,
    counts: [u64; Fault::COUNT],
}

impl Faults {
    /// None at all.
    pub fn none() -> Faults {
        Faults { chosen: [false; Fault::COUNT], over: false, random: Random::new(0, 0), counts: [0; Fault::COUNT] }
    }

    /// The faults this seed chooses: each kind in every second run.
    pub fn of_seed(seed: u64) -> Faults {
        let mut random = Random::new(seed, 1);
        let mut chosen = [false; Fault::COUNT];
        for chosen in &mut chosen {
            *chosen = random.chance(0.5);
        }
        Faults { chosen, random, ..Faults::none() }
    }

    /// Leaves out this kind.
    pub fn without(mut self, fault: Fault) -> Faults {
        self.chosen[fault as usize] = false;
        self
    }

    /// Whether this kind may happen.
    pub fn has(&self, fault: Fault) -> bool {
        self.chosen[fault as usize]
    }

    /// Whether it happens now, where there are so many occasions in a run.
    pub(crate) fn strikes(&mut self, fault: Fault, occasions: f64) -> bool {
        if !self.chosen[fault as usize] || self.over {
            return false;
        }
        let strikes = self.random.chance(fault.per_run() / occasions.max(1.0));
        self.counts[fault as usize] += u64::from(strikes);
        strikes
    }

    /// From now on nothing happens any more.
    pub(crate) fn end(&mut self) {
        self.over = true;
    }

    /// How often each kind happened.
    pub fn counts(&self) -> &[u64; Fault::COUNT] {
        &self.counts
    }
}
