//! Retention and compaction as readers see them; what they do when is tested beside `clean`.

use std::collections::BTreeMap;
use std::time::Duration;

use kilat_log::{Retention, Transaction};

use super::conformance::stage::append;
use super::conformance::{Stage, Subject};
use super::open_in;

#[test]
fn compaction_goes_with_the_commits_and_keeps_the_newest_of_each_key() {
    const KEYS: usize = 50;
    const ROUNDS: usize = 200;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let padding = "x".repeat(500);
    let topic = {
        let subject = Subject { log: std::sync::Arc::new(open_in(directory.path())), directory: None };
        let stage = Stage::new("compacted", &subject);
        let topic = stage.topic_kept("topic", 2, Retention::Compacted);
        let mut writer = stage.writer("writer", &[&topic]);
        let mut transaction = Transaction::default();
        for round in 0..ROUNDS {
            transaction.clear();
            for key in 0..KEYS {
                append(&mut transaction, 0, None, &key.to_string(), &format!("{round} {padding}"));
            }
            writer.commit(&transaction).expect("commits");
        }
        topic
    };
    // Opened anew, so that what is read comes from disk.
    let subject = Subject { log: std::sync::Arc::new(open_in(directory.path())), directory: None };
    let stage = Stage::new("compacted", &subject);
    let seen = stage.read(&topic);
    assert!(seen.len() < KEYS * ROUNDS / 2, "{} of {} records are left", seen.len(), KEYS * ROUNDS);
    let newest: BTreeMap<String, String> = seen.iter().map(|record| (record.key_text(), record.text())).collect();
    assert_eq!(newest.len(), KEYS);
    assert!(newest.values().all(|text| *text == format!("{} {padding}", ROUNDS - 1)));
    for partition in 0..2 {
        let offsets: Vec<i64> =
            seen.iter().filter(|record| record.partition == partition).map(|record| record.offset).collect();
        assert!(offsets.is_sorted_by(|a, b| a < b), "offsets keep their order");
    }
}

#[test]
fn expired_records_go_and_the_group_goes_on_at_the_first_that_is_left() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let subject = Subject { log: std::sync::Arc::new(open_in(directory.path())), directory: None };
    let stage = Stage::new("expired", &subject);
    // Everything but the newest is past its time at once.
    let topic = stage.topic_kept("topic", 1, Retention::Time(Duration::ZERO));
    let texts: Vec<String> = (0..100).map(|number| number.to_string()).collect();
    stage.feed(&topic, 0, &texts, 1);
    let left: Vec<i64> = stage.read(&topic).iter().map(|record| record.offset).collect();
    assert!(left.len() < 100 && left.last() == Some(&99), "{left:?}");
    let mut member = stage.join("group", "one", &[&topic], &[]);
    let seen = super::conformance::stage::take(member.as_mut(), left.len());
    assert_eq!(seen.iter().map(|record| record.offset).collect::<Vec<_>>(), left);
    assert!(subject.log.partitions(&topic).is_ok());
}
