//! Windows against an independent implementation, and calendars against D-48's text.

use std::path::PathBuf;

use jiff::tz::TimeZone;
use kilat_domain::Timestamp;
use serde_json::Value;

use super::{BusinessHours, Clock, Days, Local, Window};

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).expect("a zone")
}

fn hours(week: &[(&str, &[(&str, &str)])], holidays: &[&str]) -> BusinessHours {
    let mut hours = BusinessHours::default();
    for (day, intervals) in week {
        hours.week[Days::index(day).expect("a day")] = intervals
            .iter()
            .map(|(start, end)| (Clock::parse(start).expect("a time"), Clock::parse(end).expect("a time")))
            .collect();
    }
    hours.holidays = holidays.iter().map(|date| date.parse().expect("a date")).collect();
    hours
}

/// Proves F-34 and D-48.
#[test]
fn every_window_of_the_oracle_agrees() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/time_windows.jsonl");
    let Ok(rows) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: {} is not there", path.display());
        return;
    };
    let mut agreed = 0;
    for row in rows.lines() {
        let row: Value = serde_json::from_str(row).expect("a row");
        let text = |key: &str| row["window"][key].as_str().expect("text");
        let days = row["window"]["days"].as_array().expect("days");
        let days = days.iter().fold(Days::NONE, |days, day| days.with(day.as_u64().expect("a day") as usize - 1));
        let window = Window::parse(&format!("{}-{}", text("start"), text("end")), days).expect("a window");
        let now = Timestamp(row["epoch"].as_i64().expect("seconds") * 1_000);
        let local = Local::at(now, &zone(row["tz"].as_str().expect("a zone")));
        assert_eq!(window.contains(&local), row["expected"].as_bool().expect("an answer"), "{row}");
        agreed += 1;
    }
    assert_eq!(agreed, 2_295);
}

#[test]
fn windows_are_half_open() {
    let window = Window::parse("09:00-17:00", Days::ALL).expect("a window");
    let inside = |time: &str| window.contains(&Local::at(at(&format!("2026-11-20T{time}Z")), &zone("Asia/Jakarta")));
    assert!(!inside("01:59:59.999"));
    assert!(inside("02:00:00"));
    assert!(inside("09:59:59.999"));
    assert!(!inside("10:00:00"));
}

#[test]
fn a_window_over_midnight_belongs_to_the_day_it_starts_on() {
    let friday = Days::NONE.with(4);
    let window = Window::parse("22:00-06:00", friday).expect("a window");
    // 2026-11-20 is a Friday.
    for (instant, expected) in [
        ("2026-11-20T21:59:00Z", false),
        ("2026-11-20T22:00:00Z", true),
        ("2026-11-21T05:59:59Z", true),
        ("2026-11-21T06:00:00Z", false),
        ("2026-11-20T05:00:00Z", false),
        ("2026-11-21T22:00:00Z", false),
    ] {
        assert_eq!(window.contains(&Local::at(at(instant), &TimeZone::UTC)), expected, "{instant}");
    }
}

/// Proves D-48.
#[test]
fn a_local_time_that_dst_skips_is_never_inside() {
    // New York skips 02:00 to 03:00 on 2026-03-08.
    let window = Window::parse("02:00-03:00", Days::ALL).expect("a window");
    for minute in 0..24 * 60 {
        let now = at("2026-03-08T00:00:00Z").after(std::time::Duration::from_secs(minute * 60));
        let local = Local::at(now, &zone("America/New_York"));
        let is_sunday = local.day == 6;
        assert!(!(window.contains(&local) && is_sunday), "{now}");
    }
}

#[test]
fn sunday_late_in_utc_is_monday_in_jakarta() {
    assert_eq!(Local::at(at("2026-11-22T23:30:00Z"), &zone("Asia/Jakarta")).day, 0);
}

#[test]
fn closed_hours_begin_where_the_last_interval_ended() {
    let jakarta = zone("Asia/Jakarta");
    let hours = hours(
        &[
            ("thu", &[("09:00", "17:00")]),
            ("fri", &[("09:00", "12:00"), ("13:00", "17:00")]),
            ("mon", &[("09:00", "17:00")]),
        ],
        &["2026-11-23"],
    );
    let since = |instant: &str| hours.closed_since(at(instant), &jakarta);
    assert_eq!(since("2026-11-20T03:00:00Z"), None, "Friday 10:00");
    assert_eq!(since("2026-11-20T05:30:00Z"), Some(at("2026-11-20T05:00:00Z")), "Friday noon");
    assert_eq!(since("2026-11-20T06:00:00Z"), None, "Friday 13:00");
    assert_eq!(since("2026-11-20T10:00:00Z"), Some(at("2026-11-20T10:00:00Z")), "Friday 17:00 is closed");
    assert_eq!(since("2026-11-22T05:00:00Z"), Some(at("2026-11-20T10:00:00Z")), "Sunday");
    assert_eq!(since("2026-11-23T03:00:00Z"), Some(at("2026-11-20T10:00:00Z")), "Monday is a holiday");
    assert_eq!(since("2026-11-19T22:00:00Z"), Some(at("2026-11-19T10:00:00Z")), "Friday 05:00");
}

#[test]
fn hours_over_midnight_close_the_next_day_even_before_a_holiday() {
    let hours = hours(&[("thu", &[("20:00", "04:00")])], &["2026-11-20"]);
    assert_eq!(hours.closed_since(at("2026-11-20T03:59:00Z"), &TimeZone::UTC), None);
    assert_eq!(hours.closed_since(at("2026-11-20T04:30:00Z"), &TimeZone::UTC), Some(at("2026-11-20T04:00:00Z")));
}

#[test]
fn a_calendar_that_never_opens_has_been_closed_since_the_epoch() {
    let hours = BusinessHours::default();
    assert_eq!(hours.closed_since(at("2026-11-20T04:30:00Z"), &TimeZone::UTC), Some(Timestamp::MIN));
}

#[test]
fn times_of_day_that_do_not_exist_are_refused() {
    for text in ["24:01", "9", "09:60", "-1:00", "09:0", "", "09:00:00", "ab:cd", "١٢:٠٠"] {
        assert!(Clock::parse(text).is_none(), "{text}");
    }
    assert_eq!(Clock::parse("9:05").map(|clock| clock.to_string()).as_deref(), Some("09:05"));
    assert!(Window::parse("24:00-06:00", Days::ALL).is_none());
}
