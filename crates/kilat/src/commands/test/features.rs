//! The features of the specification, as rule files with cases: `golden/features`, one file a feature or family.
//!
//! Each file is run as `kilat test` runs it, and says in a comment which rows it proves (`cargo xtask features`). What they
//! expect was written from features.md and semantics.md, never from what came out.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{gaps, rules_for};
use crate::rule_files::Checked;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/features");

macro_rules! suite {
    ($($file:ident)+) => {
        $(
            #[test]
            fn $file() {
                check(stringify!($file));
            }
        )+
        const FILES: &[&str] = &[$(stringify!($file)),+];
    };
}

suite! {
    d7_required_actions
    d10_folding
    d15_missing_fields
    d40_one_of_a_group
    d49_fallback
    f2_data_rules
    f3_message_rules
    f9_keyword_lists
    f11_sender_type
    f12_value_targets
    f13_action_order
    f17_conditions_together
    f25_every_session
    f31_sender_id
    f32_message_type
    f33_group_chat
    f34_time_window
    f35_chat_count
    f36_room_tags
    f38_reply
    f39_first_contact
    f40_lead_facts
    f44_lead_status
    f45_lead_rank
    f48_lead_notes
    f51_country
    f83_voucher
    f87_click_code
    f96_order_and_stop
    f142_conversation_triggers
    f148_conversation_conditions
    f156_business_hours
    f160_any_of_groups
    f161_no_operations
    f191_new_conversations
    f218_loops
    f222_split
    f228_history
}

/// Runs the cases of a file; every gap of every case is told.
fn check(name: &str) {
    let path: PathBuf = Path::new(FOLDER).join(format!("{}.yaml", name.replace('_', "-")));
    let checked = Checked::of(&[path]).unwrap();
    assert!(checked.diagnostics().is_empty(), "{:#?}", checked.diagnostics());
    let documents = checked.accept().unwrap();
    let mut told = String::new();
    for document in &documents {
        let rules = rules_for(document, &documents).unwrap();
        assert!(!document.tests().is_empty(), "the document of `{}` has no cases", document.workspace());
        for case in document.tests() {
            let gaps = gaps(case, document.workspace(), &rules);
            if !gaps.is_empty() {
                told.push_str(&format!("\n{}:{}: {}\n  {}", document.file(), case.line, case.name, gaps.join("\n  ")));
            }
        }
    }
    assert!(told.is_empty(), "{told}");
}

#[test]
fn every_file_is_a_test() {
    let files: BTreeSet<String> = std::fs::read_dir(FOLDER)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().replace('-', "_"))
        .collect();
    let tests: BTreeSet<String> = FILES.iter().map(|file| (*file).to_owned()).collect();
    assert_eq!(files, tests);
}
