//! Bytes of every released version stay readable: `golden/<schema>/<version>.hex`, and the line they say beside them.
//!
//! The lines are written by hand. `UPDATE_GOLDEN=1` makes the missing bytes of newest versions from them, with apache-avro
//! and not with our own encoder; bytes that are there are never made anew.

use std::fs;
use std::path::PathBuf;

use kilat_codec::{Encoder, Schema, Topic, json};

use crate::oracle;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden")
}

fn bytes_of_hex(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn hex_of_bytes(bytes: &[u8]) -> String {
    let lines = bytes.chunks(32).map(|line| line.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    lines.collect::<Vec<_>>().join("\n") + "\n"
}

#[test]
fn bytes_of_every_released_version_say_what_they_said() {
    for schema in Schema::ALL {
        let topic = Topic::ALL.into_iter().find(|topic| topic.schema() == schema).unwrap();
        let folder = folder().join(schema.name());
        for version in 1..=schema.versions().len() {
            let line = fs::read_to_string(folder.join(format!("{version}.json"))).expect("every version has a line");
            let hex = folder.join(format!("{version}.hex"));
            if std::env::var_os("UPDATE_GOLDEN").is_some() && version == schema.versions().len() && !hex.exists() {
                let plain = serde_json::from_str(&line).unwrap();
                fs::write(&hex, hex_of_bytes(&oracle::encode(schema, &plain))).unwrap();
            }
            let bytes = bytes_of_hex(&fs::read_to_string(&hex).expect("UPDATE_GOLDEN=1 makes the bytes of a line"));
            assert_eq!(json::record_to_line(topic, &bytes).unwrap(), line.trim_end(), "{schema} {version}");
        }
        let files = fs::read_dir(folder).unwrap().count();
        assert_eq!(files, 2 * schema.versions().len(), "{schema} has files of no version");
    }
}

#[test]
fn our_bytes_of_the_newest_version_are_those_of_apache_avro() {
    let line = fs::read_to_string(folder().join("event/2.json")).unwrap();
    let mut ours = Vec::new();
    Encoder::new().event(&json::event_from_line(&line).unwrap(), &mut ours).unwrap();
    // Both write one block an array; maps have one entry here, because apache-avro does not keep their order.
    assert_eq!(hex_of_bytes(&ours), fs::read_to_string(folder().join("event/2.hex")).unwrap());
}

#[test]
fn bytes_written_by_hand_are_read() {
    // Avro 1.12, "Binary Encoding": lengths and numbers are zigzag varints; a union is its branch, then the value.
    let mut bytes = vec![0];
    bytes.extend_from_slice(&Schema::RuleStatus.id().to_be_bytes());
    bytes.extend_from_slice(&[8]);
    bytes.extend_from_slice(b"acme");
    bytes.extend_from_slice(&[4]);
    bytes.extend_from_slice(b"h2");
    bytes.push(0); // not live
    bytes.extend_from_slice(&[2, 6]); // an error of three bytes
    bytes.extend_from_slice(b"bad");
    bytes.extend_from_slice(&[2, 4]); // h1 is live
    bytes.extend_from_slice(b"h1");
    bytes.extend_from_slice(&[0x80, 0x01]); // 64 ms
    assert_eq!(
        json::record_to_line(Topic::RuleStatus, &bytes).unwrap(),
        r#"{"workspace":"acme","hash":"h2","live":false,"error":"bad","live_hash":"h1","at":"1970-01-01T00:00:00.064Z"}"#
    );
}
