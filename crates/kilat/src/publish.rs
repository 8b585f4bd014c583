//! Rule sets onto the log and back.
//!
//! Input: checked documents. Output: records of `kilat.rules.v1`, one a workspace. A rule that is as it was keeps its
//! version, an edited one gets the next; a document that is as it was is not written again. Absent: checks; a document
//! with errors never gets here.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kilat_codec::{Encoder, Topic, cloudevents, decode_rule_set};
use kilat_domain::{RuleSetRecord, Timestamp};
use kilat_log::{PartitionedLog, Start, Transaction};
use kilat_rules::{Document, load};

use crate::failure::Failure;

/// How long to wait for records at a time.
const POLL: Duration = Duration::from_millis(100);

/// A published rule set, as it stands on the topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Published {
    /// Content hash.
    pub(crate) hash: String,
    /// Canonical JSON.
    pub(crate) source: String,
    /// When it was published.
    pub(crate) at: Timestamp,
    /// Who published it.
    pub(crate) by: Option<String>,
}

impl Published {
    /// The document; `None` where this version of Kilat cannot read it.
    fn document(&self, workspace: &str) -> Option<Document> {
        load(workspace, &self.source).documents.into_iter().next()
    }
}

/// What publishing a document came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Receipt {
    /// The workspace.
    pub(crate) workspace: String,
    /// Content hash.
    pub(crate) hash: String,
    /// Whether it differs from what was there, and was written.
    pub(crate) written: bool,
    /// Every rule with its version.
    pub(crate) versions: Vec<(String, i64)>,
}

/// The rule sets on the topic, by workspace.
pub(crate) fn read_all(log: &dyn PartitionedLog) -> Result<BTreeMap<String, Published>, Failure> {
    let mut published = BTreeMap::new();
    let mut follower = log.follow(Topic::Rules.name(), None, Start::Earliest)?;
    loop {
        let followed = follower.poll(POLL, &mut |record| {
            let workspace = String::from_utf8_lossy(record.key.unwrap_or_default()).into_owned();
            match record.value.map(decode_rule_set) {
                Some(Ok(set)) => {
                    let by = set.published_by.map(|by| by.to_string());
                    let (hash, source) = (set.hash.to_string(), set.source.to_string());
                    published.insert(workspace, Published { hash, source, at: set.published_at, by });
                }
                // A record that cannot be read does not take back what was there; engines see it the same way.
                Some(Err(_)) => {}
                None => {
                    published.remove(&workspace);
                }
            }
        })?;
        if followed.caught_up {
            return Ok(published);
        }
    }
}

/// Publishes documents, in one transaction.
pub(crate) fn publish(
    log: &Arc<dyn PartitionedLog>,
    documents: Vec<Document>,
    now: Timestamp,
    by: Option<&str>,
) -> Result<Vec<Receipt>, Failure> {
    let known = read_all(&**log)?;
    let (encoder, mut headers) = (Encoder::new(), cloudevents::Headers::new());
    let mut transaction = Transaction::default();
    let mut receipts = Vec::new();
    for document in documents {
        let workspace = document.workspace().to_owned();
        let before = known.get(&workspace);
        let previous = before.and_then(|published| published.document(&workspace));
        let document = document.published(previous.as_ref(), now);
        let (source, hash) = (document.canonical_json(), document.hash());
        let written = before.is_none_or(|before| before.hash != hash);
        let versions = document.rules().iter().map(|rule| (rule.id().to_owned(), rule.version())).collect();
        if written {
            let record = RuleSetRecord {
                workspace: workspace.as_str().into(),
                hash: hash.as_str().into(),
                source: source.as_str().into(),
                published_at: now,
                published_by: by.map(Into::into),
            };
            let attributes = cloudevents::Attributes {
                kind: cloudevents::Kind::Record(Topic::Rules.schema()),
                id: &hash,
                workspace: &workspace,
                at: now,
                traceparent: None,
            };
            let headers = headers.of(&attributes);
            let appended =
                transaction.append(0, None, workspace.as_bytes(), &headers, |bytes| encoder.rule_set(&record, bytes));
            appended.map_err(|error| {
                let help = "split the workspace, or shorten its keyword lists";
                Failure::because(format!("publishing the rules of `{workspace}`"), error, help)
            })?;
        }
        receipts.push(Receipt { workspace, hash, written, versions });
    }
    if !transaction.is_empty() {
        // One name for all publishers: a newer one fences an older one that is still at it, so that versions cannot cross.
        log.writer("kilat-rules-publish", &[Topic::Rules.name().to_owned()])?.commit(&transaction)?;
    }
    Ok(receipts)
}
