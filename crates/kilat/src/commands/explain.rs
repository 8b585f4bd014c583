//! `kilat explain`: what a code of `kilat check` means.
//!
//! A page is made of the code's meaning, a file that it is found in, and what `kilat check` says of that file: so the remedy
//! on the page is the one an author meets.

use std::process::ExitCode;

use kilat_rules::{Severity, check, codes};

use crate::failure::Failure;
use crate::output::Output;

/// Longest line of an example that is shown whole.
const LINE_CHARS_MAX: usize = 110;

/// Explain a code that `kilat check` has told
///
/// Tells what it means, shows a rule file that it is found in, and how to mend that file.
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
    match &args.code {
        None => {
            for code in codes::ALL {
                let severity = severity(code);
                output.line(&format!("{} {severity:<7} {}: {}", code.code, code.name, code.meaning))?;
            }
        }
        Some(code) => {
            let found = codes::find(&code.to_ascii_uppercase());
            let help = "`kilat explain` without a code lists all of them";
            let found = found.ok_or_else(|| Failure::new(format!("there is no code `{code}`"), help))?;
            output.line(page(found).trim_end())?;
        }
    }
    output.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn severity(code: &codes::Code) -> &'static str {
    match code.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// Everything there is to say of a code.
pub(super) fn page(code: &codes::Code) -> String {
    let keeps = match code.severity {
        Severity::Error => "an error: the file is not used until it is mended",
        Severity::Warning => "a warning: the file is used, and probably does not do what is meant",
    };
    let mut page = format!("{} {}, {keeps}.\n\n{}\n\nFor example:\n\n", code.code, code.name, code.meaning);
    for line in code.example.lines() {
        page.push_str("    ");
        page.extend(line.chars().take(LINE_CHARS_MAX));
        page.push_str(if line.chars().count() > LINE_CHARS_MAX { " …\n" } else { "\n" });
    }
    if let Some(found) = check("example.yaml", code.example).diagnostics.first() {
        let (message, help) = (sentence(&found.message), sentence(&found.help));
        page.push_str(&format!("\nIn line {}: {message}\nTo mend it: {help}\n", found.line));
    }
    page
}

/// A text with the end of a sentence.
fn sentence(text: &str) -> String {
    let ends = text.ends_with(['.', '?', '!']);
    format!("{text}{}", if ends { "" } else { "." })
}
