//! Event lines from a file or standard input, each with its number.
//!
//! Input: bytes. Output: one [`Line`] after another, in a reused buffer. A line may hold [`LINE_BYTES_MAX`] bytes; of a
//! longer one nothing is kept. Blank lines are skipped, and counted in the numbers. Absent: what becomes of the events.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use kilat_codec::json;
use kilat_domain::Event;

use crate::failure::Failure;

/// The largest event line: as much as a record on the log may hold.
pub(crate) const LINE_BYTES_MAX: usize = 1 << 20;

/// What stands on a line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// Its text, without the line end.
    Text(&'a str),
    /// Bytes that are no UTF-8.
    NotText,
    /// More than [`LINE_BYTES_MAX`] bytes.
    TooLong,
}

impl Line<'_> {
    /// What is odd about a line that is an event: words that are read as `unknown`.
    pub(crate) fn notes(&self) -> Vec<String> {
        match self {
            Line::Text(text) => json::unknown_words(text).iter().map(ToString::to_string).collect(),
            Line::NotText | Line::TooLong => Vec::new(),
        }
    }

    /// Reads the line as an event; what is wrong with it, and the remedy, where it is none.
    pub(crate) fn event(&self) -> Result<Event<'static>, String> {
        match self {
            Line::Text(text) => json::event_from_line(text).map_err(|error| error.to_string()),
            Line::NotText => Err("the line is not UTF-8. help: write event lines in UTF-8".to_owned()),
            Line::TooLong => {
                Err(format!("the line has more than {LINE_BYTES_MAX} bytes. help: leave out facts no rule reads"))
            }
        }
    }
}

/// Lines of an input.
pub(crate) struct EventLines {
    input: BufReader<Box<dyn Read>>,
    name: String,
    number: u64,
    buffer: Vec<u8>,
}

impl EventLines {
    /// Opens `path`; `-` is standard input.
    pub(crate) fn open(path: &Path) -> Result<EventLines, Failure> {
        let name = if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() };
        let input: Box<dyn Read> = if path == Path::new("-") {
            Box::new(std::io::stdin())
        } else {
            let file = File::open(path).map_err(|error| {
                Failure::because(
                    format!("opening `{name}`"),
                    error,
                    "give a file of event lines, or `-` for standard input",
                )
            })?;
            Box::new(file)
        };
        Ok(EventLines::new(name, input))
    }

    fn new(name: String, input: Box<dyn Read>) -> EventLines {
        EventLines { input: BufReader::with_capacity(1 << 20, input), name, number: 0, buffer: Vec::new() }
    }

    /// What is read, for messages.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether the next line may have to be waited for: the moment to flush what was written.
    pub(crate) fn may_wait(&self) -> bool {
        !self.input.buffer().contains(&b'\n')
    }

    /// The next line that is not blank, with its number from 1; `None` at the end.
    pub(crate) fn next_line(&mut self) -> Result<Option<(u64, Line<'_>)>, Failure> {
        loop {
            self.buffer.clear();
            // One byte more than allowed, and one for the line end.
            let limit = LINE_BYTES_MAX as u64 + 2;
            let failure = |name: &str, error| {
                Failure::because(format!("reading `{name}`"), error, "check the file and run again")
            };
            let read = Read::by_ref(&mut self.input)
                .take(limit)
                .read_until(b'\n', &mut self.buffer)
                .map_err(|error| failure(&self.name, error))?;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            if self.buffer.last() == Some(&b'\n') {
                self.buffer.pop();
            } else if self.buffer.len() > LINE_BYTES_MAX {
                self.input.skip_until(b'\n').map_err(|error| failure(&self.name, error))?;
            }
            if self.buffer.len() > LINE_BYTES_MAX {
                return Ok(Some((self.number, Line::TooLong)));
            }
            // The borrow of a line returned from inside a loop does not end before the next turn, so ask again outside.
            if !self.buffer.trim_ascii().is_empty() {
                break;
            }
        }
        let line = std::str::from_utf8(self.buffer.trim_ascii()).map_or(Line::NotText, Line::Text);
        Ok(Some((self.number, line)))
    }
}

#[cfg(test)]
mod tests;
