//! `kilat rules`: templates made into rule files, and rule sets on the log.

mod import;
mod install;
mod templates;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use serde_json::Value;

use super::LogArgs;
use crate::clock;
use crate::failure::Failure;
use crate::output::Output;
use crate::publish;
use crate::rule_files::{Checked, RuleSets, has_rules};

/// Install templates, import rules of other systems, publish rule sets and read them back
///
/// Engines follow the topic kilat.rules.v1: what is published takes effect within seconds, without a restart, and no
/// event ever sees two versions. A rule that is as it was keeps its version, an edited one gets the next.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kilat rules templates                         what there is to begin with
  kilat rules install refund-routing -o rules.yaml
  kilat rules import --from chatwoot rules.json -o rules.yaml
  kilat rules publish rules.yaml                check, then publish every workspace in the file
  kilat rules list                              who has rules, how many, since when
  kilat rules show acme | jq '.rules[].id'")]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Templates(templates::Args),
    Install(install::Args),
    Import(import::Args),
    Publish(PublishArgs),
    List(ListArgs),
    Show(ShowArgs),
}

/// Check rule files and publish their documents
///
/// Nothing is published where any of the files has an error. Rule sets of workspaces that the files do not name stay.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kilat rules publish rules.yaml
  kilat rules publish acme.yaml beta.yaml --config kafka.toml --by \"$USER\"")]
struct PublishArgs {
    /// Rule files
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Who publishes, to be kept with the rule set
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    #[command(flatten)]
    log: LogArgs,
}

/// List the published rule sets
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kilat rules list
  kilat rules list --json | jq -r 'select(.rules > 50).workspace'")]
struct ListArgs {
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    log: LogArgs,
}

/// Print the published rule set of a workspace, as canonical JSON
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kilat rules show acme | jq .settings
  kilat rules show '*' > rules.json && kilat check rules.json")]
struct ShowArgs {
    /// The workspace
    #[arg(value_name = "WORKSPACE")]
    workspace: String,
    #[command(flatten)]
    log: LogArgs,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    match &args.action {
        Action::Templates(args) => templates::run(args)?,
        Action::Install(args) => install::run(args)?,
        Action::Import(args) => return import::run(args),
        Action::Publish(args) => publish(args)?,
        Action::List(args) => list(args)?,
        Action::Show(args) => show(args)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn publish(args: &PublishArgs) -> Result<(), Failure> {
    let documents = Checked::of(&args.files)?.accept()?;
    RuleSets::of(&documents)?;
    let documents = documents.into_iter().filter(has_rules).collect();
    let log = args.log.open()?;
    let mut output = Output::new();
    for receipt in publish::publish(&log, documents, clock::now(), args.by.as_deref())? {
        let verb = if receipt.written { "published" } else { "unchanged" };
        output.line(&format!("{verb} {} {}", receipt.workspace, receipt.hash))?;
        for (rule, version) in &receipt.versions {
            output.line(&format!("  {rule} version {version}"))?;
        }
    }
    output.flush()
}

fn list(args: &ListArgs) -> Result<(), Failure> {
    let log = args.log.open()?;
    let mut output = Output::new();
    for (workspace, published) in publish::read_all(&*log)? {
        let source: Value = serde_json::from_str(&published.source).unwrap_or_default();
        let rules = source["rules"].as_array().map_or(0, Vec::len);
        let at = published.at.to_string();
        if args.json {
            let by = published.by;
            let hash = published.hash;
            output.json(&serde_json::json!(
                {"workspace": workspace, "rules": rules, "published_at": at, "published_by": by, "hash": hash}
            ))?;
        } else {
            let by = published.by.map(|by| format!(" by {by}")).unwrap_or_default();
            output.line(&format!("{workspace:<24} {rules:>5} rules  {at}{by}  {}", published.hash))?;
        }
    }
    output.flush()
}

fn show(args: &ShowArgs) -> Result<(), Failure> {
    let log = args.log.open()?;
    let published = publish::read_all(&*log)?.remove(&args.workspace).ok_or_else(|| {
        let help = "`kilat rules list` names those that have; rules for every workspace are published as `*`";
        Failure::new(format!("workspace `{}` has no published rules", args.workspace), help)
    })?;
    let mut output = Output::new();
    output.line(&published.source)?;
    output.flush()
}
