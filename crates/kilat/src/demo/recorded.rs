//! Recorded conversations as traffic: a file of message rows, gzipped JSON lines.
//!
//! Input: rows `{id, source, role, conversation, text}`. Output: one `message.created` a row, in file order: workspace =
//! `source`, event id = `id`, conversation = `conversation`, role `agent` → team, any other → customer, times from a fixed
//! start. A customer's id follows from the conversation, so that a conversation has a lead.
//! Absent: redeliveries and poison; the file is taken as it is.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use kilat_domain::{
    Channel, Chat, ChatKind, ConversationFacts, Event, EventKind, Message, MessageType, Sender, SenderKind, Timestamp,
};
use serde::Deserialize;

use super::random::Random;
use super::traffic::Occurrence;
use crate::event_lines::LINE_BYTES_MAX;
use crate::failure::Failure;

/// When the first message was written: 2026-11-20T03:00:00Z, a Friday morning in Jakarta.
pub(super) const START: Timestamp = Timestamp(1_795_143_600_000);
/// Between two messages of the file.
pub(super) const STEP_MS: i64 = 1000;
/// The WhatsApp number all of them wrote to.
const ACCOUNT: &str = "6281110009";

/// A message row; other keys are ignored.
#[derive(Deserialize)]
struct Row {
    id: String,
    source: String,
    role: String,
    conversation: String,
    text: String,
}

/// The rows of a file.
pub(super) struct Recorded {
    lines: BufReader<Box<dyn Read + Send>>,
    path: PathBuf,
    number: u64,
    line: Vec<u8>,
}

impl Recorded {
    /// Opens a file; gzipped where its name ends in `.gz`.
    pub(super) fn open(path: &Path) -> Result<Recorded, Failure> {
        let file = File::open(path).map_err(|error| {
            let help = "name a file of rows {id, source, role, conversation, text}, gzipped where it ends in .gz";
            Failure::because(format!("opening `{}`", path.display()), error, help)
        })?;
        let bytes: Box<dyn Read + Send> = if path.extension().is_some_and(|extension| extension == "gz") {
            Box::new(MultiGzDecoder::new(BufReader::new(file)))
        } else {
            Box::new(file)
        };
        Ok(Recorded { lines: BufReader::new(bytes), path: path.to_owned(), number: 0, line: Vec::new() })
    }

    fn row(&mut self) -> Result<Option<Row>, Failure> {
        self.line.clear();
        let place = |number| format!("{}:{number}", self.path.display());
        let limit = LINE_BYTES_MAX as u64;
        let read = Read::by_ref(&mut self.lines).take(limit).read_until(b'\n', &mut self.line);
        let read =
            read.map_err(|error| Failure::because(place(self.number + 1), error, "check that the file is complete"))?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        let row = serde_json::from_slice(&self.line).map_err(|error| {
            Failure::because(place(self.number), error, "a row is {id, source, role, conversation, text}, all texts")
        })?;
        Ok(Some(row))
    }
}

impl Iterator for Recorded {
    type Item = Result<Occurrence, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.row().transpose()?;
        Some(row.map(|row| Occurrence::Event(Box::new(event(row, self.number)))))
    }
}

fn event(row: Row, number: u64) -> Event<'static> {
    let at = Timestamp(START.0 + (number as i64 - 1) * STEP_MS);
    let kind = if row.role == "agent" { SenderKind::Team } else { SenderKind::Customer };
    let customer = format!("6289{:09}", Random::named(0, &row.conversation).below(1_000_000_000));
    let mut event = Event::new(row.id, row.source.clone(), EventKind::MessageCreated, at);
    event.lead = Some(kilat_domain::LeadFacts { id: Some(format!("wa:{customer}").into()), ..Default::default() });
    event.conversation = Some(ConversationFacts { id: Some(row.conversation.into()), ..Default::default() });
    event.channel =
        Some(Channel { kind: "whatsapp".into(), account: Some(ACCOUNT.into()), source: Some("wa_api".into()) });
    event.chat = Some(Chat { kind: ChatKind::Direct });
    let id = (kind == SenderKind::Customer).then(|| customer.into());
    event.sender = Some(Sender { kind, id, name: None, roles: None, attrs: None });
    event.message = Some(Message { kind: Some(MessageType::Text), text: Some(row.text.into()), ..Default::default() });
    event
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    #[test]
    fn rows_become_messages_in_file_order() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("rows.jsonl.gz");
        let mut gzip = GzEncoder::new(File::create(&path).expect("a file"), Compression::fast());
        gzip.write_all(
            b"{\"id\":\"a#1\",\"lang\":\"id\",\"source\":\"stif\",\"role\":\"agent\",\"conversation\":\"a\",\"turn\":0,\"text\":\"halo\"}\n\
              {\"id\":\"a#2\",\"source\":\"stif\",\"role\":\"unknown\",\"conversation\":\"a\",\"text\":\"mau order\"}\n",
        )
        .expect("written");
        gzip.finish().expect("finished");

        let events: Vec<Event<'_>> = Recorded::open(&path)
            .expect("the file is there")
            .map(|occurrence| match occurrence.expect("a row") {
                Occurrence::Event(event) => *event,
                Occurrence::Poison { .. } => panic!("no poison in a file"),
            })
            .collect();
        let told: Vec<_> = events
            .iter()
            .map(|event| {
                let sender = event.sender.as_ref().expect("a sender").kind;
                let text = event.message.as_ref().and_then(|message| message.text.as_deref()).expect("a text");
                (event.id.as_str(), event.workspace.as_str(), sender, text, event.occurred_at.to_string())
            })
            .collect();
        assert_eq!(
            told,
            [
                ("a#1", "stif", SenderKind::Team, "halo", "2026-11-20T03:00:00.000Z".to_owned()),
                ("a#2", "stif", SenderKind::Customer, "mau order", "2026-11-20T03:00:01.000Z".to_owned()),
            ]
        );
        assert_eq!(events[0].lead, events[1].lead);
    }

    #[test]
    fn a_row_that_is_none_ends_the_file_with_its_line() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("rows.jsonl");
        std::fs::write(&path, "{\"id\":1}\n").expect("written");
        let failure = Recorded::open(&path).expect("there").next().expect("a line").expect_err("not a row");
        assert!(failure.to_string().contains("rows.jsonl:1: "), "{failure}");
    }
}
