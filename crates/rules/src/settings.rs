//! The settings of a workspace: its clock, its money and its status registry.
//!
//! In: the `settings` object. Out: [`Settings`], every default spelled out.
//! SE-1: the first status of the registry is the one a new lead gets.
//! Absent: anything an executor needs; that is an endpoint's.

use jiff::tz::TimeZone;
use kilat_domain::{Spread, Timestamp};
use serde_json::{Map, Value, json};

use crate::calendar::{BusinessHours, Clock, DAYS, Days, Local};
use crate::codes;
use crate::diagnostic::{Report, did_you_mean};
use crate::iso;
use crate::money::Locale;
use crate::object::{self, Object, wrong_type};
use crate::sample::Sample;
use crate::shape::{Key, Shape};
use crate::syntax::{Content, Node};

const DEFAULT_TIMEZONE: &str = "Asia/Jakarta";
const DEFAULT_LOCALE: &str = "id-ID";
const DEFAULT_CURRENCY: &str = "IDR";
/// Most partitions a workspace may be spread over.
const SHARES_MAX: i64 = Spread::SHARES_MAX as i64;
/// Most statuses in a registry.
const STATUSES_MAX: usize = 200;
/// Most intervals of one day and most holidays.
const INTERVALS_MAX: usize = 24;
const HOLIDAYS_MAX: usize = 2_000;

/// The default registry (D-8): id, aliases, English and Indonesian label.
const DEFAULT_STATUSES: &[(&str, &[&str], &str, &str)] = &[
    ("new", &[], "New", "Baru"),
    ("pageview", &[], "Page view", "Kunjungan"),
    ("contacted", &[], "Contacted", "Dihubungi"),
    ("responded", &[], "Responded", "Merespons"),
    ("qualified", &[], "Qualified", "Memenuhi syarat"),
    ("hot", &[], "Hot", "Panas"),
    ("proposal", &[], "Proposal", "Proposal"),
    ("negotiation", &[], "Negotiation", "Negosiasi"),
    ("invoice", &[], "Invoice", "Faktur"),
    ("won", &["purchase"], "Won", "Berhasil"),
    ("lost", &[], "Lost", "Gagal"),
];

const STATUS_KEYS: &[Key] = &[
    Key::new("id", Shape::Text, "The id rules and events use."),
    Key::new("label", Shape::Either(&[Shape::Text, Shape::Map(&Shape::Text)]), "What people read, by language."),
    Key::new("aliases", Shape::OneOrMany(&Shape::Text), "Other ids that mean this status."),
];

const HOURS: Shape = Shape::List(&Shape::Any);

const BUSINESS_HOURS_KEYS: &[Key] = &[
    Key::new("mon", HOURS, "Intervals that start on Monday, such as [[\"09:00\", \"17:00\"]]."),
    Key::new("tue", HOURS, "Intervals that start on Tuesday."),
    Key::new("wed", HOURS, "Intervals that start on Wednesday."),
    Key::new("thu", HOURS, "Intervals that start on Thursday."),
    Key::new("fri", HOURS, "Intervals that start on Friday."),
    Key::new("sat", HOURS, "Intervals that start on Saturday."),
    Key::new("sun", HOURS, "Intervals that start on Sunday."),
    Key::new("holidays", Shape::List(&Shape::Text), "Dates on which no interval starts."),
];

pub(crate) const SETTINGS_KEYS: &[Key] = &[
    Key::new("timezone", Shape::Text, "IANA time zone; Asia/Jakarta by default."),
    Key::new("locale", Shape::Text, "How amounts are written, such as id-ID (D-2)."),
    Key::new("currency", Shape::Text, "ISO 4217 code of amounts without one; IDR by default."),
    Key::new(
        "statuses",
        Shape::List(&Shape::Either(&[Shape::Text, Shape::Object(STATUS_KEYS, &["id"])])),
        "The lead statuses of the workspace; the first is a new lead's.",
    ),
    Key::new("business_hours", Shape::Object(BUSINESS_HOURS_KEYS, &[]), "When the team is at work."),
    Key::new("strict_loops", Shape::Flag, "Disable a looping rule at once, for the whole workspace (D-38)."),
    Key::new(
        "channels",
        Shape::OneOrMany(&Shape::Text),
        "The channel accounts that are connected; `kilat check` tells which rules none of their messages reach (F-85).",
    ),
    Key::new(
        "explain",
        Shape::Object(EXPLAIN_KEYS, &["sample"]),
        "Explain some events on kilat.explain.v1; none by default.",
    ),
    Key::new(
        "spread",
        Shape::Integer(1, SHARES_MAX),
        "Over how many neighbouring partitions the workspace's leads are spread; 1 by default. May be changed at any time.",
    ),
];

const EXPLAIN_KEYS: &[Key] = &[Key::new(
    "sample",
    Shape::Share,
    "The share of events, 0 to 1, by the hash of the id of the first event of their chain.",
)];

/// One lead status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The id that rules, events and state use.
    pub id: Box<str>,
    /// Other ids that mean this status.
    pub aliases: Vec<Box<str>>,
    /// What people read: language and text.
    pub labels: Vec<(Box<str>, Box<str>)>,
}

/// The settings of a workspace.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The workspace's clock.
    pub timezone: TimeZone,
    /// How people there write amounts.
    pub locale: Locale,
    /// ISO 4217 code of amounts that name none.
    pub currency: Box<str>,
    /// Whether a looping rule is disabled for the whole workspace at once (D-38).
    pub strict_loops: bool,
    /// The channel accounts that are connected; `None` where the workspace does not say.
    channels: Option<Vec<Box<str>>>,
    /// Which events are explained.
    explain: Sample,
    spread: u32,
    timezone_name: Box<str>,
    statuses: Vec<Status>,
    business_hours: Option<BusinessHours>,
}

impl Default for Settings {
    fn default() -> Settings {
        let statuses = DEFAULT_STATUSES.iter().map(|(id, aliases, english, indonesian)| Status {
            id: (*id).into(),
            aliases: aliases.iter().map(|alias| (*alias).into()).collect(),
            labels: vec![("en".into(), (*english).into()), ("id".into(), (*indonesian).into())],
        });
        Settings {
            timezone: TimeZone::get(DEFAULT_TIMEZONE).unwrap_or(TimeZone::UTC),
            timezone_name: DEFAULT_TIMEZONE.into(),
            locale: Locale::parse(DEFAULT_LOCALE).unwrap_or_default(),
            currency: DEFAULT_CURRENCY.into(),
            strict_loops: false,
            channels: None,
            explain: Sample::NONE,
            spread: 1,
            statuses: statuses.collect(),
            business_hours: None,
        }
    }
}

impl Settings {
    /// The status a new lead gets: the registry's first.
    pub fn first_status(&self) -> &str {
        self.statuses.first().map_or("new", |status| &status.id)
    }

    /// The id of the status that `word` is the id or an alias of.
    pub fn status(&self, word: &str) -> Option<&str> {
        let by_id = self.statuses.iter().find(|status| &*status.id == word);
        let found = by_id.or_else(|| self.statuses.iter().find(|s| s.aliases.iter().any(|alias| &**alias == word)));
        found.map(|status| &*status.id)
    }

    /// The registry, in order.
    pub fn statuses(&self) -> &[Status] {
        &self.statuses
    }

    /// When the closed hours around `now` began; `None` while open, and where the workspace has no business hours.
    pub fn closed_since(&self, now: Timestamp) -> Option<Timestamp> {
        self.business_hours.as_ref()?.closed_since(now, &self.timezone)
    }

    /// Whether the chain of events that begins with the event `root` is explained.
    pub fn explains(&self, root: &str) -> bool {
        self.explain.takes(root)
    }

    /// Over how many partitions the workspace's leads are to be spread; 1 where they are not.
    pub fn spread(&self) -> u32 {
        self.spread
    }

    #[cfg(test)]
    pub(crate) fn explain(&self) -> Sample {
        self.explain
    }

    /// Whether the workspace has business hours at all.
    pub(crate) fn has_business_hours(&self) -> bool {
        self.business_hours.is_some()
    }

    /// Whether there are days on which the team does not work although the week says so.
    pub(crate) fn has_holidays(&self) -> bool {
        self.business_hours.as_ref().is_some_and(|hours| !hours.holidays.is_empty())
    }

    /// The channel accounts that are connected; `None` where the workspace does not say.
    pub(crate) fn channels(&self) -> Option<&[Box<str>]> {
        self.channels.as_deref()
    }

    /// Whether the wall clock is inside business hours.
    pub(crate) fn is_open(&self, local: &Local) -> bool {
        self.business_hours.as_ref().is_some_and(|hours| hours.is_open(local))
    }

    /// The calling code that a leading 0 of a phone number stands for, by the locale's region.
    pub fn calling_code(&self) -> Option<&'static str> {
        self.locale.calling_code()
    }

    /// Reads the `settings` object.
    pub(crate) fn read(node: &Node, report: &mut Report) -> Settings {
        let mut settings = Settings::default();
        let Some(object) = Object::of(node, "settings", SETTINGS_KEYS, report) else { return settings };
        if let Some(name) = object.text("timezone", report) {
            match TimeZone::get(&name) {
                Ok(zone) => {
                    settings.timezone_name = zone.iana_name().unwrap_or(&name).into();
                    settings.timezone = zone;
                }
                Err(_) => {
                    let at = object.get("timezone").map_or(object.at, |node| node.at);
                    let message = format!("`{name}` is no time zone");
                    report.add(codes::UNKNOWN_TIMEZONE, at, message, "write an IANA name such as Asia/Jakarta");
                }
            }
        }
        if let Some(name) = object.text("locale", report) {
            match Locale::parse(&name) {
                Some(locale) => settings.locale = locale,
                None => {
                    let at = object.get("locale").map_or(object.at, |node| node.at);
                    let help = "write a language and a region, such as id-ID or en-US";
                    report.add(codes::UNKNOWN_WORD, at, format!("`{name}` is no locale"), help);
                }
            }
        }
        if let Some(code) = object.text("currency", report) {
            let code = code.to_ascii_uppercase();
            if iso::is_currency(&code) {
                settings.currency = code.into();
            } else {
                let at = object.get("currency").map_or(object.at, |node| node.at);
                report.add(codes::BAD_CURRENCY, at, format!("`{code}` is no currency"), "write its ISO 4217 code");
            }
        }
        if let Some(node) = object.get("statuses")
            && let Some(statuses) = read_statuses(node, report)
        {
            settings.statuses = statuses;
        }
        if let Some(node) = object.get("business_hours") {
            settings.business_hours = read_business_hours(node, report);
        }
        settings.strict_loops = object.flag("strict_loops", report).unwrap_or(false);
        settings.channels = object
            .texts("channels", report)
            .map(|channels| channels.iter().map(|channel| channel.trim().into()).collect());
        if let Some(node) = object.get("explain")
            && let Some(object) = Object::of(node, "explain", EXPLAIN_KEYS, report)
        {
            settings.explain = Sample::read(object, report);
        }
        let spread = object.integer("spread", 1, SHARES_MAX, report);
        settings.spread = spread.and_then(|spread| u32::try_from(spread).ok()).unwrap_or(1);
        settings
    }

    /// The settings as canonical JSON.
    pub(crate) fn canonical(&self) -> Value {
        let statuses = self.statuses.iter().map(|status| {
            let labels: Map<String, Value> =
                status.labels.iter().map(|(language, text)| (language.to_string(), json!(text))).collect();
            json!({"id": status.id, "label": labels, "aliases": status.aliases})
        });
        let hours = self.business_hours.as_ref().map(|hours| {
            let mut object = Map::new();
            for (day, intervals) in DAYS.iter().zip(&hours.week) {
                let intervals = intervals.iter().map(|(start, end)| json!([start.to_string(), end.to_string()]));
                object.insert((*day).to_owned(), intervals.collect());
            }
            let holidays = hours.holidays.iter().map(|date| json!(date.to_string()));
            object.insert("holidays".to_owned(), holidays.collect());
            Value::Object(object)
        });
        json!({
            "timezone": self.timezone_name,
            "locale": self.locale.tag(),
            "currency": self.currency,
            "statuses": statuses.collect::<Vec<_>>(),
            "business_hours": hours,
            "strict_loops": self.strict_loops,
            "channels": self.channels,
            "explain": self.explain.canonical(),
            "spread": self.spread,
        })
    }
}

fn read_statuses(node: &Node, report: &mut Report) -> Option<Vec<Status>> {
    let Content::List(items) = &node.content else {
        wrong_type(node, "`statuses`", "a list", report);
        return None;
    };
    if items.is_empty() || items.len() > STATUSES_MAX {
        let message = format!("the registry has {} statuses", items.len());
        report.add(codes::BAD_REGISTRY, node.at, message, format!("list between 1 and {STATUSES_MAX}"));
        return None;
    }
    let mut statuses: Vec<Status> = Vec::new();
    for item in items {
        let Some(status) = read_status(item, report) else { continue };
        let names = || std::iter::once(&status.id).chain(&status.aliases);
        let taken = statuses.iter().flat_map(|known| std::iter::once(&known.id).chain(&known.aliases));
        if let Some(name) = taken.into_iter().find(|known| names().any(|name| name == *known)) {
            let message = format!("the registry names `{name}` twice");
            report.add(codes::BAD_REGISTRY, item.at, message, "keep one of the two");
            continue;
        }
        statuses.push(status);
    }
    (!statuses.is_empty()).then_some(statuses)
}

fn read_status(node: &Node, report: &mut Report) -> Option<Status> {
    if let Content::Text(id) = &node.content {
        return Some(Status { id: (&**id).into(), aliases: Vec::new(), labels: Vec::new() });
    }
    let object = Object::of(node, "a status", STATUS_KEYS, report)?;
    let id = object::text(object.require("id", "give the status an id", report)?, "`id`", report)?;
    let aliases = object.texts("aliases", report).unwrap_or_default();
    let labels = match object.get("label").map(|node| (&node.content, node)) {
        None => Vec::new(),
        Some((Content::Map(entries), _)) => {
            let read = entries.iter().filter_map(|entry| {
                Some(((&*entry.key).into(), object::text(&entry.value, "a label", report)?.into_boxed_str()))
            });
            read.collect()
        }
        Some((_, node)) => {
            object::text(node, "a label", report).map(|text| vec![("en".into(), text.into())]).unwrap_or_default()
        }
    };
    Some(Status { id: id.into(), aliases: aliases.into_iter().map(Into::into).collect(), labels })
}

fn read_business_hours(node: &Node, report: &mut Report) -> Option<BusinessHours> {
    let object = Object::of(node, "business_hours", BUSINESS_HOURS_KEYS, report)?;
    let before = report.errors();
    let mut hours = BusinessHours::default();
    for key in BUSINESS_HOURS_KEYS.iter().take(DAYS.len()) {
        let (Some(day), Some(node)) = (Days::index(key.name), object.get(key.name)) else { continue };
        hours.week[day] = read_intervals(node, report);
    }
    if let Some(node) = object.get("holidays") {
        for date in object.texts("holidays", report).unwrap_or_default().iter().take(HOLIDAYS_MAX) {
            match date.parse() {
                Ok(date) => hours.holidays.push(date),
                Err(_) => {
                    report.add(codes::BAD_TIME, node.at, format!("`{date}` is no date"), "write it like 2026-12-25");
                }
            }
        }
        hours.holidays.sort_unstable();
        hours.holidays.dedup();
    }
    (report.errors() == before).then_some(hours)
}

/// Reads `[["09:00", "12:00"], ["13:00", "17:00"]]`, or `["09:00-17:00"]`.
fn read_intervals(node: &Node, report: &mut Report) -> Vec<(Clock, Clock)> {
    let Content::List(items) = &node.content else {
        wrong_type(node, "the hours of a day", "a list of intervals", report);
        return Vec::new();
    };
    let mut intervals = Vec::new();
    for item in items.iter().take(INTERVALS_MAX) {
        let ends = match &item.content {
            Content::List(ends) => ends.iter().filter_map(|end| object::text(end, "a time", report)).collect(),
            _ => object::text(item, "an interval", report)
                .map(|text| text.split('-').map(str::to_owned).collect::<Vec<_>>())
                .unwrap_or_default(),
        };
        let clocks: Option<Vec<Clock>> = ends.iter().map(|end| Clock::parse(end)).collect();
        match clocks.as_deref() {
            Some([start, end]) if start.to_string() != "24:00" => intervals.push((*start, *end)),
            _ => {
                let help = "write it like [\"09:00\", \"17:00\"]";
                report.add(codes::BAD_TIME, item.at, "this is no interval of two times of day", help);
            }
        }
    }
    intervals.sort_unstable();
    intervals
}

/// Reports a word that is no status; with the nearest that is.
pub(crate) fn unknown_status(word: &str, at: crate::diagnostic::Position, settings: &Settings, report: &mut Report) {
    let known: Vec<&str> =
        settings.statuses.iter().flat_map(|s| std::iter::once(&*s.id).chain(s.aliases.iter().map(|a| &**a))).collect();
    let message = format!("`{word}` is no lead status of this workspace");
    report.add(codes::UNKNOWN_STATUS, at, message, did_you_mean(word, known));
}

#[cfg(test)]
mod tests;
