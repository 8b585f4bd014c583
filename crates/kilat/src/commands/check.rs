//! `kilat check`: is everything right in rule files and configuration files?

use std::path::PathBuf;
use std::process::ExitCode;

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
  kilat check kilat.toml")]
pub(crate) struct Args {
    /// Rule files (YAML or JSON) and configuration files (.toml)
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// One JSON object a line: severity, code, file, line, column, message, help
    #[arg(long)]
    json: bool,
    /// Exit with 1 where there are warnings
    #[arg(long)]
    deny_warnings: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let mut output = Output::new();
    let mut checked = Checked::default();
    let mut errors = 0;
    for file in &args.files {
        let (name, text) = (file.display().to_string(), rule_files::read(file)?);
        if file.extension().is_some_and(|extension| extension == "toml") {
            errors += configuration(&name, &text, args.json, &mut output)?;
        } else {
            checked.add(&name, &text);
        }
    }
    for diagnostic in checked.diagnostics() {
        if args.json {
            output.json(diagnostic)?;
        } else {
            output.line(&diagnostic.to_string())?;
        }
    }
    output.flush()?;
    let warnings = checked.diagnostics().iter().filter(|diagnostic| !diagnostic.is_error()).count();
    errors += checked.diagnostics().len() - warnings;
    if !args.json {
        eprintln!("{} file{}: {errors} errors, {warnings} warnings", args.files.len(), plural(args.files.len()));
    }
    Ok(match (errors, warnings) {
        (1.., _) => ExitCode::from(2),
        (0, 1..) if args.deny_warnings => ExitCode::from(1),
        _ => ExitCode::SUCCESS,
    })
}

/// Checks a configuration; how many errors it has.
fn configuration(name: &str, text: &str, as_json: bool, output: &mut Output) -> Result<usize, Failure> {
    let Err(problems) = config::parse(Some((name, text)), std::iter::empty()) else { return Ok(0) };
    for problem in &problems {
        if as_json {
            output.json(problem)?;
        } else {
            output.line(&problem.to_string())?;
        }
    }
    Ok(problems.len())
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
