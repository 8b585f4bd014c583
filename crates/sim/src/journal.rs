//! The journal of a long run: a line a seed, so that a run that was interrupted goes on where it was, and can be counted.
//!
//! In: a file, which is made or continued. Out: the seeds in it and what they came to. CSV with a header: seed, events, the
//! invariant that was broken (empty where none was), and how often each fault happened.
//! Absent: the commit. A journal is evidence for one binary: name the file after its commit.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};

use kilat_sim::{Fault, Outcome};

/// What a seed came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) seed: u64,
    pub(crate) events: u64,
    /// The invariant.
    pub(crate) broke: String,
    pub(crate) counts: [u64; Fault::COUNT],
}

impl Line {
    pub(crate) fn new(seed: u64, events: u64, outcome: &Outcome) -> Line {
        let broke = outcome.violation.as_ref().map_or("", |violation| violation.invariant).to_owned();
        Line { seed, events, broke, counts: outcome.faults }
    }

    fn parse(text: &str) -> Option<Line> {
        let mut fields = text.split(',');
        let (seed, events) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        let broke = fields.next()?.to_owned();
        let mut counts = [0; Fault::COUNT];
        for count in &mut counts {
            *count = fields.next()?.parse().ok()?;
        }
        fields.next().is_none().then_some(Line { seed, events, broke, counts })
    }

    fn text(&self) -> String {
        let counts = self.counts.map(|count| count.to_string()).join(",");
        format!("{},{},{},{counts}\n", self.seed, self.events, self.broke)
    }
}

fn header() -> String {
    format!("seed,events,broke,{}\n", Fault::ALL.map(|(_, name)| name).join(","))
}

/// A journal that is written on.
pub(crate) struct Journal {
    file: File,
}

impl Journal {
    /// Opens a journal for runs of so many events, and gives what stands in it. The last line of a run that was killed may
    /// be torn: it is cut off.
    ///
    /// *Errors:* the file cannot be read or written, or is the journal of other runs.
    pub(crate) fn open(path: &str, events: u64) -> Result<(Journal, Vec<Line>), String> {
        let failed = |error: io::Error| format!("{path}: {error}");
        let file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(failed)?;
        let mut reader = BufReader::new(&file);
        let (mut lines, mut whole, mut text) = (Vec::new(), 0, String::new());
        loop {
            text.clear();
            let read = reader.read_line(&mut text).map_err(failed)?;
            if !text.ends_with('\n') {
                break;
            }
            if whole == 0 && text != header() {
                return Err(format!("{path} is no journal of this binary's faults: name another file"));
            }
            if whole > 0 {
                let line = Line::parse(text.trim_end()).filter(|line| line.events == events);
                lines.push(line.ok_or_else(|| format!("{path} has a line of another run: name another file: {text}"))?);
            }
            whole += read as u64;
        }
        file.set_len(whole).map_err(failed)?;
        let mut journal = Journal { file };
        if whole == 0 {
            journal.file.write_all(header().as_bytes()).map_err(failed)?;
        }
        Ok((journal, lines))
    }

    /// Writes a line down.
    pub(crate) fn write(&mut self, line: &Line) -> io::Result<()> {
        self.file.write_all(line.text().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_goes_on_where_it_was_and_cuts_off_a_torn_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.csv");
        let path = path.to_str().unwrap();
        let line = Line { seed: 7, events: 300, broke: "order".to_owned(), counts: [3; Fault::COUNT] };
        let (mut journal, lines) = Journal::open(path, 300).unwrap();
        assert_eq!(lines, []);
        journal.write(&line).unwrap();
        journal.file.write_all(b"8,300,,1,1").unwrap();
        let (mut journal, lines) = Journal::open(path, 300).unwrap();
        assert_eq!(lines, std::slice::from_ref(&line));
        journal.write(&Line { seed: 8, ..line.clone() }).unwrap();
        let (_, lines) = Journal::open(path, 300).unwrap();
        assert_eq!(lines, [line.clone(), Line { seed: 8, ..line }]);
        assert!(Journal::open(path, 10_000).is_err(), "runs of another length are not counted with these");
    }
}
