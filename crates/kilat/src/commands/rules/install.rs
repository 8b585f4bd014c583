//! `kilat rules install`: a template made into a rule file.
//!
//! Input: a template, values for its params, a language. Output: a rule file with its corpora and cases.
//! Nothing is installed whose corpus is broken or whose cases fail, with the template's own values or with those given.

use std::path::PathBuf;

use kilat_rules::{Language, load, templates};

use super::templates::{Lang, refused, source};
use crate::commands::test::{self, Verdict};
use crate::failure::Failure;
use crate::output::Output;
use crate::rule_files;

/// Make a rule file of a template
///
/// The file is yours to edit. It holds the template's rules with your values, the corpora that prove its keywords and
/// patterns whenever it is loaded, and the cases that `kilat test` runs. A template is proven before it is installed:
/// where a text of its corpus or one of its cases breaks, nothing is written.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kilat rules install mark-active-lead -o rules.yaml
  kilat rules install identify-hot-lead --set keywords='order,\"buy one, get one\",mau beli' --workspace acme
  kilat rules install after-hours-reply --lang id --set weekdays=08:00-12:00,13:00-17:00 --set saturday=closed
  kilat rules install ./our-template.yaml --set pool=team-b -o team-b.yaml

`kilat rules templates` lists the templates, `kilat rules templates NAME` what can be set in one.")]
pub(super) struct Args {
    /// A template that ships, or a rule file with params
    #[arg(value_name = "TEMPLATE")]
    template: String,
    /// A param and its value; may be given again
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// The language of names and texts
    #[arg(long, value_enum, default_value_t = Lang::En)]
    lang: Lang,
    /// The workspace whose rules they become; by default as the template says
    #[arg(long, value_name = "WORKSPACE")]
    workspace: Option<String>,
    /// The file to write; standard output by default
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write over a file that exists
    #[arg(long)]
    force: bool,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let (name, text) = source(&args.template)?;
    let set: Vec<(&str, &str)> = args
        .set
        .iter()
        .map(|pair| {
            pair.split_once('=')
                .map(|(name, value)| (name.trim(), value))
                .ok_or_else(|| Failure::new(format!("`--set {pair}` has no value"), "write --set NAME=VALUE"))
        })
        .collect::<Result<_, _>>()?;
    let language: Language = args.lang.into();
    // The template itself first: what is broken in it is not the values' fault.
    let proven = templates::install(&name, &text, &[], language, None);
    prove(&proven.map_err(|findings| refused(&name, &findings))?.text, &name, "as it ships")?;
    let installed = templates::install(&name, &text, &set, language, args.workspace.as_deref())
        .map_err(|findings| refused(&name, &findings))?;
    installed.warnings.iter().for_each(|warning| eprintln!("{warning}"));
    let cases = prove(&installed.text, &name, "with these values")?;
    let Some(path) = &args.output else {
        let mut output = Output::new();
        output.line(installed.text.trim_end())?;
        return output.flush();
    };
    rule_files::write(path, &installed.text, args.force)?;
    let mut output = Output::new();
    let path = path.display();
    let pass = if cases == 1 { "case passes" } else { "cases pass" };
    output.line(&format!("wrote {path}: {cases} {pass}; next: kilat test {path}"))?;
    output.flush()
}

/// Runs the cases of an installed file; how many there are.
///
/// *Errors:* one of them fails.
fn prove(text: &str, name: &str, how: &str) -> Result<usize, Failure> {
    let loaded = load(name, text);
    let verdicts = test::run_cases(&loaded.documents)?;
    let failed: Vec<&Verdict> = verdicts.iter().filter(|verdict| !verdict.passed()).collect();
    if failed.is_empty() && loaded.documents.len() == 1 {
        return Ok(verdicts.len());
    }
    failed.iter().flat_map(|verdict| verdict.lines()).for_each(|line| eprintln!("{line}"));
    let help = "the template's cases say what it must do: change the values, or write a rule of your own";
    Err(Failure::new(format!("the template `{name}` {how} fails {} of its cases", failed.len()), help))
}
