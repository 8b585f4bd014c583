//! `kilat explain`: what a code of `kilat check` means.

use std::process::ExitCode;

use kilat_rules::{Severity, codes};

use crate::failure::Failure;
use crate::output::Output;

/// Explain a code that `kilat check` has told
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kilat explain K0202
  kilat explain          every code")]
pub(crate) struct Args {
    /// The code; without it, all of them
    #[arg(value_name = "CODE")]
    code: Option<String>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let mut output = Output::new();
    let mut tell = |code: &codes::Code| {
        let severity = match code.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        output.line(&format!("{} {severity:<7} {}: {}", code.code, code.name, code.meaning))
    };
    match &args.code {
        None => codes::ALL.iter().try_for_each(|code| tell(code))?,
        Some(code) => {
            let found = codes::find(&code.to_ascii_uppercase());
            let help = "`kilat explain` without a code lists all of them";
            tell(found.ok_or_else(|| Failure::new(format!("there is no code `{code}`"), help))?)?;
        }
    }
    output.flush()?;
    Ok(ExitCode::SUCCESS)
}
