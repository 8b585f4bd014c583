//! The rules of a demo: read, redirected to the stand-ins, published, watched.
//!
//! Input: a rule file, or the built-in recipes. Output: records of the rules topic, again whenever the file changes. What
//! does not load is told and not published: the old rules stay live.
//!
//! Invariant: no endpoint of the published rules is anything but a stand-in. Absent: compiling; the engine does that when
//! it takes the rules in.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use kilat_log::PartitionedLog;
use kilat_rules::Document;
use serde_json::Value;

use super::partners::{Partner, Partners, Secrets};
use crate::failure::Failure;
use crate::rule_files::{self, Checked, has_rules};
use crate::{clock, publish};

/// The recipes that run where no file is named.
const BUILT_IN: &str = include_str!("../../demo/rules.yaml");
/// How often the file is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// The rules of a running demo.
pub(super) struct RuleFile {
    path: Option<PathBuf>,
    log: Arc<dyn PartitionedLog>,
    stand_ins: StandIns,
    /// What the file looked like when it was last read.
    seen: Option<Looks>,
    looked: Instant,
    problem: Option<String>,
}

/// When a file was changed, and how long it is.
type Looks = (SystemTime, u64);

/// Where endpoints are redirected to.
struct StandIns {
    urls: [(Partner, String); 3],
    references: [(Partner, String); 3],
}

impl RuleFile {
    /// Publishes the rules of `path`, or the built-in ones.
    ///
    /// *Errors:* the file cannot be read or has an error; all of them have been told on standard error.
    pub(super) fn open(
        path: Option<&Path>,
        partners: &Partners,
        secrets: &Secrets,
        log: Arc<dyn PartitionedLog>,
    ) -> Result<RuleFile, Failure> {
        let stand_ins = StandIns {
            urls: Partner::ALL.map(|partner| (partner, partners.url(partner))),
            references: Partner::ALL.map(|partner| (partner, secrets.reference(partner))),
        };
        let path = path.map(Path::to_owned);
        let (seen, looked) = (path.as_deref().and_then(looks), clock::instant());
        let rules = RuleFile { path, log, stand_ins, seen, looked, problem: None };
        rules.publish(&rules.read()?.accept()?)?;
        Ok(rules)
    }

    /// The file's name.
    pub(super) fn name(&self) -> &str {
        let name = self.path.as_deref().and_then(Path::file_name).and_then(|name| name.to_str());
        name.unwrap_or("built-in recipes")
    }

    /// What can be done with it.
    pub(super) fn hint(&self) -> &'static str {
        match self.path {
            Some(_) => "edit the rule file and watch it go live",
            None => "start with --rules FILE to edit rules while it runs",
        }
    }

    /// What is wrong with the file as it is now.
    pub(super) fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// Looks whether the file has changed, and publishes it if so.
    pub(super) fn look(&mut self) {
        if self.looked.elapsed() < LOOK {
            return;
        }
        self.looked = clock::instant();
        let Some(now) = self.path.as_deref().and_then(looks) else { return };
        if self.seen != Some(now) {
            self.seen = Some(now);
            self.problem = self.republish().err();
        }
    }

    fn republish(&self) -> Result<(), String> {
        let checked = self.read().map_err(|failure| failure.to_string())?;
        if let Some(error) = checked.first_error() {
            return Err(format!("not live: {error}"));
        }
        let documents = checked.accept().map_err(|failure| failure.to_string())?;
        self.publish(&documents).map_err(|failure| format!("not live: {failure}"))
    }

    fn read(&self) -> Result<Checked, Failure> {
        let mut checked = Checked::default();
        match &self.path {
            Some(path) => checked.add(&path.display().to_string(), &rule_files::read(path)?),
            None => checked.add("the built-in recipes", BUILT_IN),
        }
        Ok(checked)
    }

    fn publish(&self, documents: &[Document]) -> Result<(), Failure> {
        let redirected = documents.iter().filter(|document| has_rules(document)).map(|document| {
            let text = self.stand_ins.redirect(&document.canonical_json());
            let loaded = kilat_rules::load(document.file(), &text);
            loaded.documents.into_iter().next().ok_or_else(|| {
                let why = loaded.diagnostics.iter().find(|diagnostic| diagnostic.is_error());
                let why = why.map(ToString::to_string).unwrap_or_default();
                Failure::new(format!("redirecting the endpoints: {why}"), "this is a defect of Kilat, please report it")
            })
        });
        let redirected: Vec<Document> = redirected.collect::<Result<_, _>>()?;
        publish::publish(&self.log, redirected, clock::now(), Some("kilat demo"))?;
        Ok(())
    }
}

impl StandIns {
    /// The document, canonical JSON, with every endpoint's address and secret replaced by a stand-in's.
    fn redirect(&self, document: &str) -> String {
        let mut document: Value = serde_json::from_str(document).expect("canonical JSON is JSON");
        let endpoints = document.get_mut("endpoints").and_then(Value::as_object_mut);
        for (name, endpoint) in endpoints.into_iter().flatten() {
            let Some(endpoint) = endpoint.as_object_mut() else { continue };
            let partner = match endpoint.get("kind").and_then(Value::as_str) {
                Some("whatsapp_cloud") => Partner::Whatsapp,
                Some("meta_capi") => Partner::Meta,
                _ => Partner::Webhook,
            };
            let of = |list: &[(Partner, String)]| list[partner as usize].1.clone();
            let url = match partner {
                Partner::Webhook => format!("{}/{name}", of(&self.urls)),
                Partner::Whatsapp | Partner::Meta => of(&self.urls),
            };
            endpoint.insert("url".to_owned(), url.into());
            let key = if partner == Partner::Webhook { "secret" } else { "token" };
            endpoint.insert(key.to_owned(), of(&self.references).into());
            endpoint.remove("previous_secret");
        }
        document.to_string()
    }
}

fn looks(path: &Path) -> Option<Looks> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}
