//! Deliberate bugs of the simulated log and endpoints and of what stands between them and the product: a run must find each.

/// A deliberate bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// The log takes commits of members and producers that have lost their place.
    NoFencing,
    /// An aborted commit is reported as done: state in memory goes on as if it were committed.
    StateAheadOfLog,
    /// A restore misses one block of the state topic.
    BlockSkipped,
    /// Input offsets are committed at once, whatever becomes of their transaction.
    OffsetsApart,
    /// Decisions are visible at once, whatever becomes of their transaction.
    OutputsApart,
    /// A follower takes the last stable offset for the end: it does not wait for transactions that are open.
    EndTooEarly,
    /// Restored state has lost its duplicate window.
    WindowLost,
    /// A member passes over a record.
    RecordMissed,
    /// Now and then an action goes out under the id of the one before it.
    ActionIdReused,
    /// The blocks of an assignment come from another partition's state.
    StateOfAnother,
    /// A member goes on delivering what it was asked to pause.
    PauseIgnored,
    /// An executor that is given partitions reads none of their results.
    LedgerNotRead,
    /// What an executor says before it does what must not be done twice is not written.
    AnnouncementLost,
    /// Results are visible at once, whatever becomes of their transaction.
    ResultsApart,
    /// A request that is sent again carries another idempotency key.
    KeyChanged,
    /// Now and then a request is taken for answered, and well, as soon as it is sent.
    ResultBeforeAnswer,
}

impl Sabotage {
    /// Every one and its name.
    pub const ALL: [(Sabotage, &'static str); 16] = [
        (Sabotage::NoFencing, "no_fencing"),
        (Sabotage::StateAheadOfLog, "state_ahead_of_log"),
        (Sabotage::BlockSkipped, "block_skipped"),
        (Sabotage::OffsetsApart, "offsets_apart"),
        (Sabotage::OutputsApart, "outputs_apart"),
        (Sabotage::EndTooEarly, "end_too_early"),
        (Sabotage::WindowLost, "window_lost"),
        (Sabotage::RecordMissed, "record_missed"),
        (Sabotage::ActionIdReused, "action_id_reused"),
        (Sabotage::StateOfAnother, "state_of_another"),
        (Sabotage::PauseIgnored, "pause_ignored"),
        (Sabotage::LedgerNotRead, "ledger_not_read"),
        (Sabotage::AnnouncementLost, "announcement_lost"),
        (Sabotage::ResultsApart, "results_apart"),
        (Sabotage::KeyChanged, "key_changed"),
        (Sabotage::ResultBeforeAnswer, "result_before_answer"),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        Sabotage::ALL[self as usize].1
    }

    /// The bug of this name.
    pub fn named(name: &str) -> Option<Sabotage> {
        Sabotage::ALL.iter().find(|(_, known)| *known == name).map(|(sabotage, _)| *sabotage)
    }
}
