//! `time.window`: whether the workspace's clock is inside a window of the day (D-48, F-34, F-69).
//!
//! `value` is `"09:00-17:00"` or a list of windows; `days` beside it are the days on which the windows start.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Condition, Cost, Kind, Reading};
use crate::calendar::{Days, Window};
use crate::codes;
use crate::facts::Env;
use crate::fields::FieldRef;
use crate::object;
use crate::operators::Op;
use crate::shape::Shape;

pub(crate) const KIND: Kind =
    Kind { name: "window", operators: &[Op::Equals, Op::In, Op::Between], value: Shape::OneOrMany(&Shape::Text), read };

#[derive(Debug)]
struct Windows(Vec<Window>);

fn read(reading: &mut Reading<'_>) -> Option<Arc<dyn Condition>> {
    let days = match reading.object.get("days") {
        None => Days::ALL,
        Some(_) => {
            let names = reading.object.texts("days", reading.report)?;
            read_days(&names, reading.object.get("days")?.at, reading)?
        }
    };
    if reading.op == Op::Between {
        let ends = reading.each(|value, reading| object::text(value, "`value`", reading.report))?;
        let window = match &*ends {
            [start, end] => Window::parse(&format!("{start}-{end}"), days),
            [window] => Window::parse(window, days),
            _ => None,
        };
        return match window {
            Some(window) => Some(Arc::new(Windows(vec![window]))),
            None => {
                let help = "write [\"09:00\", \"17:00\"]";
                reading.report.add(codes::BAD_TIME, reading.value.at, "this is no window of the day", help);
                None
            }
        };
    }
    let windows = reading.each(|value, reading| {
        let text = object::text(value, "`value`", reading.report)?;
        let window = Window::parse(&text, days);
        if window.is_none() {
            let message = format!("`{text}` is no window of the day");
            reading.report.add(codes::BAD_TIME, value.at, message, "write it like \"09:00-17:00\"");
        }
        window
    })?;
    Some(Arc::new(Windows(windows)))
}

/// Reads names of days into a set.
pub(super) fn read_days(names: &[String], at: crate::diagnostic::Position, reading: &mut Reading<'_>) -> Option<Days> {
    let mut days = Days::NONE;
    for name in names {
        let Some(index) = Days::index(name) else {
            let message = format!("`{name}` is no day of the week");
            reading.report.add(codes::BAD_TIME, at, message, "write mon, tue, wed, thu, fri, sat or sun");
            return None;
        };
        days = days.with(index);
    }
    Some(days)
}

impl Condition for Windows {
    fn holds(&self, _: &FieldRef, env: &mut Env<'_, '_>) -> Option<bool> {
        let local = env.local();
        Some(self.0.iter().any(|window| window.contains(&local)))
    }

    fn canonical(&self, condition: &mut Map<String, Value>) {
        if condition.get("op").is_some_and(|op| op == Op::Between.name()) {
            condition.insert("op".into(), Op::In.name().into());
        }
        condition.insert("value".into(), self.0.iter().map(|window| Value::from(window.to_string())).collect());
        let days = self.0.first().map_or(Days::ALL, |window| window.days);
        if days != Days::ALL {
            condition.insert("days".into(), days.names().map(Value::from).collect());
        }
    }

    fn cost(&self) -> Cost {
        Cost::Text
    }
}
