//! Event lines of the kind that arrive when a producer is broken, new or hostile: each is read or refused, and none panics.

use kilat_codec::json;
use kilat_domain::{Message, MessageType, Timestamp};
use proptest::prelude::*;

use crate::contract_event;

const LINE: &str = r#"{"id":"e","workspace":"acme","type":"message.created","occurred_at":"2026-11-20T03:00:00Z","message":{"type":"text","text":"hi"},"lead":{"id":"l","score":5,"attrs":{"a":1}}}"#;

/// The code a line is refused with; nothing where it is read.
fn code(line: &str) -> Option<&'static str> {
    json::event_from_line(line).err().map(|error| error.code)
}

/// The line with one piece replaced.
fn with(from: &str, to: &str) -> String {
    assert!(LINE.contains(from));
    LINE.replace(from, to)
}

#[test]
fn a_surrogate_without_its_other_half_is_no_text() {
    for half in [r"\ud83d", r"\udc00", r"\ud83dx", r"\ud83d\ud83d", r"\ude00\ud83d"] {
        assert_eq!(code(&with("hi", half)), Some("K2101"), "{half}");
    }
    let whole = json::event_from_line(&with("hi", r"\ud83d\ude00")).unwrap();
    assert_eq!(whole.message.unwrap().text.unwrap(), "😀");
}

#[test]
fn characters_that_are_not_printed_are_text_like_any_other() {
    for text in [r"\u0000", r"\u202e\u2066", "\u{202e}ab\u{200b}", r"\ufeff", "\u{fffe}", r"\u007f"] {
        assert_eq!(code(&with("hi", text)), None, "{text:?}");
    }
    // Raw control characters are no JSON, and a mark before the object is none either.
    assert_eq!(code(&with("hi", "\u{1}")), Some("K2101"));
    assert_eq!(code(&format!("\u{feff}{LINE}")), Some("K2101"));
}

#[test]
fn dates_out_of_all_reason_are_refused_by_name() {
    for date in [
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "-000001-01-01T00:00:00Z",
        "-292277-01-01T00:00:00Z",
        "+292277-12-31T23:59:59Z",
        "+010000-01-01T00:00:00Z",
        "1969-12-31T23:59:59.999Z",
        "9999-12-31T23:59:59Z",
        "2026-02-30T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-11-20T25:00:00Z",
        "2026-11-20",
        "",
        "now",
        "NaN",
    ] {
        let error = json::event_from_line(&with("2026-11-20T03:00:00Z", date)).unwrap_err();
        assert_eq!(error.path, "occurred_at", "{date}: {error}");
        assert!(["K2103", "K2105"].contains(&error.code), "{date}: {error}");
    }
    for (date, ms) in [
        ("1970-01-01T00:00:00Z", 0),
        ("9999-12-30T22:00:00Z", Timestamp::MAX.0),
        ("2026-11-20T10:00:00+07:00", 1_795_143_600_000),
    ] {
        assert_eq!(json::event_from_line(&with("2026-11-20T03:00:00Z", date)).unwrap().occurred_at.0, ms, "{date}");
    }
}

#[test]
fn numbers_are_read_as_far_as_a_double_goes() {
    let score = |text: &str| json::event_from_line(&with("\"score\":5", &format!("\"score\":{text}")));
    for text in ["-1", "-0.5", "1e308", "-1e308", "5e-324", "9007199254740993", "18446744073709551615", "-0"] {
        let read: f64 = text.parse().unwrap();
        let event = score(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let line = json::event_to_line(&event);
        let again: f64 = serde_json::from_str::<serde_json::Value>(&line).unwrap()["lead"]["score"].as_f64().unwrap();
        assert!(again == read, "{text}: {line}");
    }
    for text in ["1e400", "-1e400", "NaN", "Infinity", "-Infinity", "0x10", "01", "+1", "1.", ".5", "1e"] {
        assert_eq!(score(text).unwrap_err().code, "K2101", "{text}");
    }
    for depth in ["-1", "65536", "1e3", "0.5", "99999999999999999999"] {
        let line = with("\"lead\":", &format!("\"depth\":{depth},\"lead\":"));
        assert!(matches!(code(&line), Some("K2103" | "K2105")), "{depth}: {:?}", code(&line));
    }
}

#[test]
fn of_a_key_that_stands_twice_the_last_counts() {
    let event = json::event_from_line(&with("\"text\":\"hi\"", "\"text\":\"hi\",\"text\":\"ho\"")).unwrap();
    assert_eq!(event.message.unwrap().text.unwrap(), "ho");
    assert_eq!(code(&with("\"score\":5", "\"score\":5,\"score\":\"x\"")), Some("K2103"));
}

#[test]
fn a_message_type_that_is_not_known_yet_is_kept_as_unknown() {
    let event = json::event_from_line(&with("\"type\":\"text\"", "\"type\":\"poll_vote\"")).unwrap();
    assert_eq!(event.message.unwrap().kind, Some(MessageType::Unknown));

    // And so is one in a record.
    let known = kilat_domain::Event {
        message: Some(Message { kind: Some(MessageType::Sticker), ..Message::default() }),
        ..contract_event()
    };
    let mut bytes = Vec::new();
    kilat_codec::Encoder::new().event(&known, &mut bytes).unwrap();
    let at = bytes.windows(7).position(|window| window == b"sticker").unwrap();
    bytes[at..at + 7].copy_from_slice(b"spoiler");
    let read = kilat_codec::decode_event(&bytes).unwrap();
    assert_eq!(read.message.unwrap().kind, Some(MessageType::Unknown));
}

#[test]
fn an_object_of_a_hundred_thousand_keys_is_read_or_refused() {
    let keys: Vec<String> = (0..50_000).map(|n| format!("\"k{n}\":{n}")).collect();
    assert_eq!(code(&with("\"a\":1", &keys.join(","))), None);
    assert_eq!(code(&format!("{{{}}}", keys.join(","))), Some("K2102"));
}

#[test]
fn an_id_is_no_novel() {
    let long = "x".repeat(1_025);
    for (from, to, path) in [
        ("\"id\":\"e\"", format!("\"id\":\"{long}\""), "id"),
        ("\"id\":\"l\"", format!("\"id\":\"{long}\""), "lead.id"),
        ("\"acme\"", format!("\"{long}\""), "workspace"),
        ("\"type\":\"text\"", format!("\"id\":\"{long}\""), "message.id"),
    ] {
        let error = json::event_from_line(&with(from, &to)).unwrap_err();
        assert_eq!((error.code, &*error.path), ("K2105", path), "{error}");
        assert_eq!(code(&with(from, &to.replace(&long, &long[1..]))), None, "{path}");
    }
}

proptest! {
    #[test]
    fn no_line_panics(line in "\\PC{0,200}") {
        let _ = json::event_from_line(&line);
    }

    #[test]
    fn no_mutilated_line_panics(cuts in proptest::collection::vec((any::<prop::sample::Index>(), 0..6_usize, "[\\[\\]{}\":,\\\\0-9a-zA-Z.+ \u{202e}-]{0,4}"), 1..5)) {
        let mut line: Vec<char> = LINE.chars().collect();
        for (at, length, piece) in cuts {
            let at = at.index(line.len());
            let end = (at + length).min(line.len());
            line.splice(at..end, piece.chars());
        }
        let line: String = line.into_iter().collect();
        if let Ok(event) = json::event_from_line(&line) {
            // What is read can be written, and reads back as the same.
            prop_assert_eq!(json::event_from_line(&json::event_to_line(&event)), Ok(event));
        }
    }
}
