//! `kilat check`: is everything right in rule files and configuration files?

mod sarif;

use std::path::PathBuf;
use std::process::ExitCode;

use serde::Serialize;
use serde_json::Value;

use crate::config;
use crate::failure::Failure;
use crate::output::Output;
use crate::rule_files::{self, Checked};

/// Check rule files and configuration files, offline
///
/// Tells every error and warning of every file at once, each with file, line, column, code and remedy, and starts nothing.
/// A file whose name ends in .toml is a configuration. `kilat explain K0202` tells more about a code.
///
/// The exit code is 0 where there is no error, 1 where there are warnings and --deny-warnings is given, 2 where there are
/// errors.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kilat check rules.yaml
  kilat check rules/*.yaml --deny-warnings      for continuous integration
  kilat check rules.yaml --json | jq -r .help
  kilat check rules/*.yaml --sarif > kilat.sarif
  kilat check kilat.toml")]
pub(crate) struct Args {
    /// Rule files (YAML or JSON) and configuration files (.toml)
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// One JSON object a line: severity, code, file, line, column, message, help
    #[arg(long)]
    json: bool,
    /// One SARIF 2.1.0 log, for code hosts and editors
    #[arg(long, conflicts_with = "json")]
    sarif: bool,
    /// Exit with 1 where there are warnings
    #[arg(long)]
    deny_warnings: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let mut checked = Checked::default();
    let mut findings: Vec<Value> = Vec::new();
    let mut output = Output::new();
    for file in &args.files {
        let (name, text) = (file.display().to_string(), rule_files::read(file)?);
        if file.extension().is_some_and(|extension| extension == "toml") {
            let problems = config::parse(Some((&name, &text)), std::iter::empty()).err().unwrap_or_default();
            for problem in &problems {
                args.line(&problem.to_string(), &mut output)?;
                findings.push(to_json(problem));
            }
        } else {
            checked.add(&name, &text);
        }
    }
    checked.lint();
    for diagnostic in checked.diagnostics() {
        args.line(&diagnostic.to_string(), &mut output)?;
        findings.push(to_json(diagnostic));
    }
    if args.sarif {
        output.json(&sarif::log(&findings))?;
    } else if args.json {
        findings.iter().try_for_each(|finding| output.json(finding))?;
    }
    output.flush()?;
    let errors = findings.iter().filter(|finding| finding["severity"] == "error").count();
    let warnings = findings.len() - errors;
    if !args.json && !args.sarif {
        let (files, s) = (args.files.len(), plural);
        eprintln!("{files} file{}: {errors} error{}, {warnings} warning{}", s(files), s(errors), s(warnings));
    }
    Ok(match (errors, warnings) {
        (1.., _) => ExitCode::from(2),
        (0, 1..) if args.deny_warnings => ExitCode::from(1),
        _ => ExitCode::SUCCESS,
    })
}

impl Args {
    /// Prints a finding for people, where they are whom it is printed for.
    fn line(&self, line: &str, output: &mut Output) -> Result<(), Failure> {
        if self.json || self.sarif { Ok(()) } else { output.line(line) }
    }
}

fn to_json(finding: &impl Serialize) -> Value {
    serde_json::to_value(finding).expect("a finding is JSON")
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
