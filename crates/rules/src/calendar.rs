//! Time windows and business hours on a workspace's own clock (D-48).
//!
//! In: an instant and a time zone. Out: inside or outside, and since when a calendar has been closed.
//! CA-1: windows are half-open, `[start, end)`; `end ≤ start` runs over midnight and belongs to the day it starts on.
//! CA-2: what counts is what the wall clock shows: a local time that DST skips is never inside, one that it repeats is
//! inside both times.
//! Absent: the machine's zone and clock; `now` is always the event's time.
//! Source: IANA time zones as bundled with jiff.

use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;
use kilat_domain::Timestamp;

/// Minutes of a day.
const DAY_MINUTES: u16 = 24 * 60;
/// How far back a closing is looked for, in days; a calendar closed for longer counts as closed since the epoch.
const LOOK_BACK_DAYS: i32 = 400;

/// The names of the days, Monday first.
pub(crate) const DAYS: &[&str] = &["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// A set of weekdays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Days(u8);

impl Days {
    pub(crate) const NONE: Days = Days(0);
    pub(crate) const ALL: Days = Days(0b111_1111);

    /// The set with the day `index`, Monday = 0.
    pub(crate) fn with(self, index: usize) -> Days {
        Days(self.0 | 1 << (index % 7))
    }

    pub(crate) fn has(self, index: usize) -> bool {
        self.0 >> (index % 7) & 1 != 0
    }

    /// The members' names, Monday first.
    pub(crate) fn names(self) -> impl Iterator<Item = &'static str> {
        DAYS.iter().enumerate().filter(move |(index, _)| self.has(*index)).map(|(_, name)| *name)
    }

    /// The index of a day's name: three letters, or the whole English or Indonesian name.
    pub(crate) fn index(name: &str) -> Option<usize> {
        const NAMES: [[&str; 2]; 7] = [
            ["monday", "senin"],
            ["tuesday", "selasa"],
            ["wednesday", "rabu"],
            ["thursday", "kamis"],
            ["friday", "jumat"],
            ["saturday", "sabtu"],
            ["sunday", "minggu"],
        ];
        let name = name.trim().to_ascii_lowercase();
        let short = DAYS.iter().position(|day| *day == name);
        short.or_else(|| NAMES.iter().position(|names| names.contains(&&*name)))
    }
}

/// What the wall clock of a zone shows at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Local {
    /// Weekday, Monday = 0.
    pub(crate) day: usize,
    /// Minute of the day; windows have whole minutes, so seconds cannot matter.
    minute: u16,
    date: Date,
}

impl Local {
    /// A minute of an ordinary week, Monday = 0, too long ago for anybody's holidays.
    pub(crate) fn of_week(day: usize, minute: u16) -> Local {
        let days = i8::try_from(day % 7).unwrap_or(0);
        // The first of January 1900 was a Monday.
        Local { day: day % 7, minute, date: Date::constant(1900, 1, 1 + days) }
    }

    /// What the clock of `zone` shows at `now`.
    pub(crate) fn at(now: Timestamp, zone: &TimeZone) -> Local {
        let instant = jiff::Timestamp::from_millisecond(now.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let shown = zone.to_datetime(instant);
        Local {
            day: weekday_index(shown.weekday()),
            minute: shown.hour() as u16 * 60 + shown.minute() as u16,
            date: shown.date(),
        }
    }
}

fn weekday_index(weekday: Weekday) -> usize {
    weekday.to_monday_zero_offset() as usize
}

/// A time of day in whole minutes; 24:00 is allowed as an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Clock(u16);

impl Clock {
    /// Reads `9:00` or `09:00`, up to `24:00`.
    pub(crate) fn parse(text: &str) -> Option<Clock> {
        let (hour, minute) = text.trim().split_once(':').or_else(|| text.trim().split_once('.'))?;
        let number = |digits: &str, most: usize| {
            ((1..=most).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit()))
                .then(|| digits.parse::<u16>().ok())
                .flatten()
        };
        let (hour, minute) = (number(hour, 2)?, number(minute, 2).filter(|_| minute.len() == 2)?);
        let total = hour * 60 + minute;
        (minute < 60 && total <= DAY_MINUTES).then_some(Clock(total))
    }
}

impl std::fmt::Display for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

/// A window of the day that starts on some days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) start: Clock,
    pub(crate) end: Clock,
    pub(crate) days: Days,
}

impl Window {
    /// Reads `09:00-17:00`; `–` and `to` may stand for the hyphen.
    pub(crate) fn parse(text: &str, days: Days) -> Option<Window> {
        let (start, end) = text.split_once('-').or_else(|| text.split_once('–')).or_else(|| text.split_once(" to "))?;
        let window = Window { start: Clock::parse(start)?, end: Clock::parse(end)?, days };
        (window.start.0 < DAY_MINUTES).then_some(window)
    }

    fn is_overnight(&self) -> bool {
        self.end <= self.start
    }

    /// Whether the wall clock is inside.
    pub(crate) fn contains(&self, local: &Local) -> bool {
        let minute = Clock(local.minute);
        let started = minute >= self.start && self.days.has(local.day);
        if self.is_overnight() {
            started || (minute < self.end && self.days.has(local.day + 6))
        } else {
            started && minute < self.end
        }
    }
}

impl std::fmt::Display for Window {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.start, self.end)
    }
}

/// Business hours: intervals by weekday, and days on which none starts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct BusinessHours {
    /// Intervals by weekday, Monday first.
    pub(crate) week: [Vec<(Clock, Clock)>; 7],
    /// Sorted.
    pub(crate) holidays: Vec<Date>,
}

impl BusinessHours {
    /// The intervals that start on `date`.
    fn starting_on(&self, date: Date) -> &[(Clock, Clock)] {
        if self.holidays.binary_search(&date).is_ok() {
            return &[];
        }
        &self.week[weekday_index(date.weekday())]
    }

    /// Whether the wall clock is inside business hours.
    pub(crate) fn is_open(&self, local: &Local) -> bool {
        let minute = Clock(local.minute);
        let today = self.starting_on(local.date);
        if today.iter().any(|(start, end)| minute >= *start && (minute < *end || end <= start)) {
            return true;
        }
        let yesterday = local.date.yesterday().map_or(&[][..], |date| self.starting_on(date));
        yesterday.iter().any(|(start, end)| end <= start && minute < *end)
    }

    /// When the closed hours around `now` began; `None` while open.
    pub(crate) fn closed_since(&self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let local = Local::at(now, zone);
        if self.is_open(&local) {
            return None;
        }
        let mut date = local.date;
        for _ in 0..LOOK_BACK_DAYS {
            let closings = self.starting_on(date).iter().filter_map(|(start, end)| closing(date, *start, *end, zone));
            if let Some(last) = closings.filter(|closing| *closing <= now).max() {
                return Some(last);
            }
            date = date.yesterday().ok()?;
        }
        Some(Timestamp::MIN)
    }
}

/// The instant at which an interval that starts on `date` ends.
fn closing(date: Date, start: Clock, end: Clock, zone: &TimeZone) -> Option<Timestamp> {
    let next_day = end <= start || end.0 == DAY_MINUTES;
    let date = if next_day { date.tomorrow().ok()? } else { date };
    let minute = end.0 % DAY_MINUTES;
    let shown = DateTime::from_parts(date, jiff::civil::time((minute / 60) as i8, (minute % 60) as i8, 0, 0));
    // The later of two: a clock that is put back shows an open hour again.
    let instant = zone.to_ambiguous_timestamp(shown).later().ok()?;
    Some(Timestamp(instant.as_millisecond()))
}

#[cfg(test)]
mod tests;
