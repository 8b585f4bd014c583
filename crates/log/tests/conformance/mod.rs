//! What every [`PartitionedLog`] must do, as one suite that runs on each implementation.
//!
//! Input: a function that opens the log, or gives `None` where it cannot be had here. Output: one test per case, named after
//! the invariant (LOG-1 … LOG-9 of `src/port.rs`) it checks. Every case makes topics, groups and writers of its own names,
//! so that cases run at the same time on one log and leftovers of an earlier run do not matter.
//!
//! A test target uses it so:
//!
//! ```ignore
//! #[path = "../conformance/mod.rs"]
//! mod conformance;
//!
//! fn open() -> Option<conformance::Subject> { … }
//!
//! conformance::suite!(open);
//! ```
//!
//! Absent: times. [`PATIENCE`] only turns a test that hangs into one that fails.

mod cases;
pub(crate) mod stage;

pub(crate) use cases::*;
#[allow(unused_imports, reason = "each test target takes what it needs")]
pub(crate) use stage::{PATIENCE, Seen, Stage};

use std::sync::Arc;

use kilat_log::PartitionedLog;
use tempfile::TempDir;

/// The log under test.
pub(crate) struct Subject {
    /// The log.
    pub(crate) log: Arc<dyn PartitionedLog>,
    /// What it stands on, removed after the case.
    pub(crate) directory: Option<TempDir>,
}

/// One `#[test]` per case on the log that `$open` gives.
macro_rules! suite {
    ($open:path) => {
        $crate::conformance::suite! {
            $open:
            log_1_records_of_a_partition_arrive_in_offset_order_and_none_twice
            log_1_a_record_comes_back_as_it_was_appended
            log_1_large_records_pass
            log_1_keys_go_to_the_partitions_that_javas_murmur2_gives_them
            log_2_a_record_seen_on_one_topic_implies_the_whole_transaction
            log_2_a_transaction_never_committed_is_never_seen
            log_2_what_was_begun_ahead_of_its_commit_is_seen_with_it_or_never
            log_2_a_transaction_of_records_alone_or_offsets_alone_is_whole_too
            log_3_a_member_resumes_at_the_committed_offset
            log_3_a_group_without_an_offset_starts_at_the_earliest_record
            log_3_groups_do_not_move_each_other
            log_4_partition_p_of_every_input_goes_to_one_member
            log_4_a_member_that_joins_and_leaves_loses_and_repeats_nothing
            log_4_a_poll_for_no_records_serves_the_group_and_loses_nothing
            log_5_a_member_whose_instance_joined_again_cannot_commit
            log_5_a_later_writer_of_the_same_id_fences_the_earlier
            log_6_the_newest_record_of_each_key_stays_and_tombstones_hold
            log_7_a_follower_that_has_caught_up_has_everything_committed_before_it_opened
            log_7_a_follower_of_nothing_has_caught_up
            log_10_a_paused_partition_delivers_nothing_and_loses_nothing
            log_9_trimming_removes_nothing_at_or_after_its_offset
            the_offset_a_group_has_committed_is_told_to_those_outside_it
            a_log_keeps_its_identity_and_tells_the_extent_of_a_partition
            followers_start_where_they_are_told
            topics_are_created_once_and_missing_ones_are_named
        }
    };
    ($open:path: $($case:ident)+) => {
        $(
            #[test]
            fn $case() {
                match $open() {
                    Some(subject) => {
                        $crate::conformance::$case(&$crate::conformance::Stage::new(stringify!($case), &subject));
                        drop(subject.directory);
                    }
                    None => eprintln!("skipped: {}: no log to run on", stringify!($case)),
                }
            }
        )+
    };
}
pub(crate) use suite;
