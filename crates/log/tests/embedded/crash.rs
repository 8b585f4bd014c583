//! Hard stops: a child process that is killed while it commits, and one whose disk is full.
//!
//! The child is this test program again, told by [`DIRECTORY`] to play it. It copies records from an input to five output
//! partitions, one transaction a record, from two members at once, and says so on its standard output once a commit has
//! returned. Whatever happens to it, the outputs must then hold the same unbroken run of records, the group's offset must
//! stand right behind it, and the run must be at least as long as what the child said.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use kilat_domain::Class;
use kilat_log::{
    Embedded, EmbeddedError, EmbeddedOptions, LogError, MemberSpec, PartitionedLog as _, Retention, TopicSpec,
    Transaction, each,
};

use super::conformance::Subject;
use super::conformance::stage::{Stage, append, assigned, take};
use super::open_in;

const DIRECTORY: &str = "KILAT_TEST_DIRECTORY";
const KILLS: usize = 20;
const INPUT_PARTITIONS: u32 = 2;
/// More than all children together copy.
const INPUT_RECORDS: usize = 4_000;
const OUTPUTS: [(&str, u32); 2] = [("left", 2), ("right", 3)];

fn topic(name: &str, partitions: u32) -> TopicSpec {
    TopicSpec { name: name.to_owned(), partitions, retention: Retention::Unlimited, replication: 1 }
}

fn spec(instance: &str) -> MemberSpec {
    MemberSpec {
        group: "copy".to_owned(),
        instance: instance.to_owned(),
        inputs: vec!["input".to_owned()],
        outputs: OUTPUTS.iter().map(|(name, _)| (*name).to_owned()).collect(),
    }
}

fn prepare(directory: &Path) {
    let log = open_in(directory);
    log.create_topics(&[topic("input", INPUT_PARTITIONS)]).expect("created");
    log.create_topics(&OUTPUTS.map(|(name, partitions)| topic(name, partitions))).expect("created");
    let mut writer = log.writer("feed", &["input".to_owned()]).expect("opens");
    for partition in 0..INPUT_PARTITIONS {
        let mut transaction = Transaction::default();
        for number in 0..INPUT_RECORDS {
            append(&mut transaction, 0, Some(partition), "key", &format!("{partition} {number}"));
        }
        writer.commit(&transaction).expect("commits");
    }
}

/// Not a case of its own: what the child does. Without [`DIRECTORY`] it does nothing.
#[test]
fn child_copies_until_it_dies() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let log = open_in(Path::new(&directory));
    let failed = AtomicBool::new(false);
    thread::scope(|scope| {
        for instance in ["one", "two"] {
            let (log, failed) = (&log, &failed);
            scope.spawn(move || {
                if let Err(error) = copy(log, instance, failed) {
                    failed.store(true, Ordering::SeqCst);
                    println!("\nfailed {:?} {error}", error.class());
                }
            });
        }
    });
}

fn copy(log: &Embedded, instance: &str, failed: &AtomicBool) -> Result<(), LogError> {
    let mut member = log.join(&spec(instance))?;
    let mut transaction = Transaction::default();
    while !failed.load(Ordering::SeqCst) {
        transaction.clear();
        let mut told = String::new();
        let mut copy = each(|record| {
            let text = std::str::from_utf8(record.value.unwrap_or_default()).unwrap_or_default();
            told = format!("copied {text}");
            for (output, (_, partitions)) in OUTPUTS.iter().enumerate() {
                for partition in 0..*partitions {
                    append(&mut transaction, output, Some(partition), "key", text);
                }
            }
            transaction.advance(0, record.partition, record.offset + 1);
        });
        member.poll(Duration::from_millis(20), 1, &mut copy)?;
        drop(copy);
        if !transaction.is_empty() {
            member.commit(&transaction)?;
            println!("\n{told}");
        }
    }
    Ok(())
}

/// The test program again, to run only [`child_copies_until_it_dies`].
fn child(mut command: Command, directory: &Path) -> Child {
    command
        .args(["--exact", "crash::child_copies_until_it_dies", "--nocapture"])
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the child starts")
}

/// Notes what a line of the child says was copied: a partition of the input, and a record of it.
fn told(line: &str, acknowledged: &mut BTreeMap<u32, usize>) -> bool {
    let Some((partition, number)) = line.strip_prefix("copied ").and_then(|told| told.split_once(' ')) else {
        return false;
    };
    let (Ok(partition), Ok(number)) = (partition.parse(), number.parse::<usize>()) else { return false };
    let longest = acknowledged.entry(partition).or_default();
    *longest = (*longest).max(number + 1);
    true
}

/// Opens the directory and checks it against what was acknowledged.
fn verify(directory: &Path, acknowledged: &BTreeMap<u32, usize>) {
    let log = open_in(directory);
    let subject = Subject { log: std::sync::Arc::new(log), directory: None };
    let stage = Stage::new("verify", &subject);
    let mut lengths: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (name, partitions) in OUTPUTS {
        let records = stage.read(name);
        for partition in 0..partitions {
            for input in 0..INPUT_PARTITIONS {
                let of_input: Vec<String> = records
                    .iter()
                    .filter(|record| record.partition == partition)
                    .map(|record| record.text())
                    .filter(|text| text.starts_with(&format!("{input} ")))
                    .collect();
                let unbroken: Vec<String> = (0..of_input.len()).map(|number| format!("{input} {number}")).collect();
                assert_eq!(of_input, unbroken, "{name} {partition}: nothing lost, repeated or reordered");
                lengths.entry(input).or_default().push(of_input.len());
            }
        }
    }
    let mut member = subject.log.join(&spec("verifier")).expect("joins");
    assigned(member.as_mut(), INPUT_PARTITIONS as usize);
    let mut behind: BTreeMap<u32, usize> =
        member.lag().iter().map(|lag| (lag.partition, INPUT_RECORDS - lag.records as usize)).collect();
    for (input, lengths) in lengths {
        assert!(lengths.windows(2).all(|pair| pair[0] == pair[1]), "no transaction is torn: {lengths:?}");
        assert_eq!(behind.remove(&input), Some(lengths[0]), "offsets are committed with their records");
        let told = acknowledged.get(&input).copied().unwrap_or_default();
        assert!(lengths[0] >= told, "of input {input}, {told} were acknowledged and {} are there", lengths[0]);
    }
}

#[test]
fn a_process_killed_at_any_moment_leaves_every_acknowledged_transaction_whole_and_no_torn_one() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    prepare(directory.path());
    let mut acknowledged = BTreeMap::new();
    // Fixed: where the kill falls within a commit differs from run to run anyway.
    let mut seed: u32 = 1;
    for _ in 0..KILLS {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let mut lines_left = (seed >> 16) % 40;
        let mut child = child(Command::new(std::env::current_exe().expect("this program")), directory.path());
        let mut output = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        while lines_left > 0 {
            line.clear();
            assert!(output.read_line(&mut line).expect("the child talks") > 0, "the child goes on until it is killed");
            lines_left -= u32::from(told(line.trim_end(), &mut acknowledged));
        }
        child.kill().expect("killed");
        let mut rest = String::new();
        output.read_to_string(&mut rest).expect("what it said before it died");
        child.wait().expect("it is gone");
        // The last line may be cut short; only whole ones count.
        for line in rest.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
            told(line, &mut acknowledged);
        }
        verify(directory.path(), &acknowledged);
    }
    assert!(acknowledged.values().sum::<usize>() > KILLS, "the children did something: {acknowledged:?}");
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_told_clearly_and_loses_nothing_acknowledged() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    prepare(directory.path());
    let used = std::fs::metadata(directory.path().join("log.redb")).expect("the store's file").len();
    // No file of the child grows past this; the signal that goes with it is ignored, so that the write fails instead.
    let blocks = used / 512 + 1;
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\""));
    command.arg(std::env::current_exe().expect("this program"));
    let mut child = child(command, directory.path());
    let mut output = String::new();
    child.stdout.take().expect("piped").read_to_string(&mut output).expect("what the child said");
    child.wait().expect("it has ended");

    let mut acknowledged = BTreeMap::new();
    let mut failures = Vec::new();
    for line in output.lines() {
        told(line, &mut acknowledged);
        failures.extend(line.strip_prefix("failed "));
    }
    assert!(!failures.is_empty(), "the disk was never full: {output}");
    let shown = directory.path().display().to_string();
    for failure in &failures {
        assert!(failure.starts_with(&format!("{:?} ", Class::Fatal)), "{failure}");
        assert!(failure.contains(&shown) && failure.contains("is full"), "{failure}");
    }
    // There is space again: the log opens, has it all, and takes more.
    verify(directory.path(), &acknowledged);
    let log = open_in(directory.path());
    let mut writer = log.writer("writer", &["left".to_owned()]).expect("opens");
    let mut transaction = Transaction::default();
    append(&mut transaction, 0, Some(0), "key", &"x".repeat(1_000_000));
    writer.commit(&transaction).expect("commits");
}

/// Not a case of its own: a child that holds the directory until its input ends.
#[test]
fn child_holds_the_directory() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let _log = open_in(Path::new(&directory));
    println!("\nopen");
    std::io::stdin().read_to_end(&mut Vec::new()).expect("waits");
}

#[test]
fn a_second_process_is_refused_and_the_lock_ends_with_the_first() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "crash::child_holds_the_directory", "--nocapture"])
        .env(DIRECTORY, directory.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the child starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    assert!(lines.any(|line| line.expect("the child talks") == "open"), "the child opens the log");

    let refused = Embedded::open(directory.path(), EmbeddedOptions::default()).err().expect("it is open elsewhere");
    assert!(matches!(refused, LogError::Embedded(EmbeddedError::Locked { .. })), "{refused}");
    assert!(refused.to_string().contains(&directory.path().display().to_string()), "{refused}");
    assert_eq!(refused.class(), Class::Fatal);

    child.kill().expect("killed");
    child.wait().expect("it is gone");
    let log = open_in(directory.path());
    log.create_topics(&[topic("input", 1)]).expect("created");
    let subject = Subject { log: std::sync::Arc::new(log), directory: None };
    Stage::new("after", &subject).feed("input", 0, &["works".to_owned()], 1);
    let mut member = subject.log.join(&spec_of("input")).expect("joins");
    assert_eq!(take(member.as_mut(), 1)[0].text(), "works");
}

fn spec_of(input: &str) -> MemberSpec {
    MemberSpec {
        group: "group".to_owned(),
        instance: "one".to_owned(),
        inputs: vec![input.to_owned()],
        outputs: Vec::new(),
    }
}
