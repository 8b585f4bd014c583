//! `kilat rules import`: rules of other systems, made into a rule file.
//!
//! Input: what the other system's API gives. Output: a rule file, and a report of what means something else here and what
//! Kilat does not have.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;
use kilat_rules::import::{Kind, System, import};

use crate::failure::Failure;
use crate::output::Output;
use crate::rule_files;

/// Make the rules of another system into a rule file
///
/// Every part that means something else here is told, and stands as a comment above its rule. A part that Kilat does not
/// have is an error with its path and a remedy, and nothing is written, unless --partial leaves such rules out. The exit
/// code is 0 where all rules were imported and 1 where one was not.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kilat rules import --from chatwoot automation_rules.json -o rules.yaml
  kilat rules import --from askvault rule.json --workspace acme
  kilat rules import --from chatwoot rules.json --json | jq -r 'select(.kind == \"unsupported\").path'

Chatwoot: the answer of GET /api/v1/accounts/ID/automation_rules. AskVault: a rule, or a list of them, as its API takes \
them; such files also load as they are.")]
pub(super) struct Args {
    /// Whose rules they are
    #[arg(long, value_enum, value_name = "SYSTEM")]
    from: From,
    /// The rules, in JSON
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The file to write; standard output by default
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The workspace whose rules they become
    #[arg(long, value_name = "WORKSPACE", default_value = "*")]
    workspace: String,
    /// Write the rules that can be imported, and leave the others out
    #[arg(long)]
    partial: bool,
    /// The report instead of the rules on standard output, one JSON object a line
    #[arg(long)]
    json: bool,
    /// Write over a file that exists
    #[arg(long)]
    force: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum From {
    Askvault,
    Chatwoot,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let text = rule_files::read(&args.file)?;
    let system = match args.from {
        From::Askvault => System::AskVault,
        From::Chatwoot => System::Chatwoot,
    };
    let imported = import(system, &args.file.display().to_string(), &text, &args.workspace);
    let failed = imported.notes.iter().any(|note| note.kind == Kind::Unsupported);
    let written = imported.rules > 0 && (!failed || args.partial);
    let mut output = Output::new();
    if args.json {
        imported.notes.iter().try_for_each(|note| output.json(note))?;
        let (rules, left_out) = (imported.rules, imported.left_out);
        output.json(&serde_json::json!({"imported": rules, "left_out": left_out, "written": written}))?;
    } else {
        imported.notes.iter().for_each(|note| eprintln!("{note}"));
    }
    match &args.output {
        Some(path) if written => rule_files::write(path, &imported.text, args.force)?,
        None if written && !args.json => output.line(imported.text.trim_end())?,
        _ => {}
    }
    output.flush()?;
    if !args.json {
        let s = if imported.rules == 1 { "" } else { "s" };
        let what = if written { "imported" } else { "could be imported" };
        eprintln!("{} rule{s} {what}, {} left out", imported.rules, imported.left_out);
        if failed && !written && imported.rules > 0 {
            eprintln!("nothing was written; --partial writes what can be imported");
        }
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
