//! `kilat rules templates`: what can be installed, and what can be set in it.

use std::path::Path;

use clap::ValueEnum;
use kilat_rules::{Diagnostic, Language, templates};

use crate::failure::Failure;
use crate::output::Output;
use crate::rule_files;

/// List the templates, or show what can be set in one
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kilat rules templates
  kilat rules templates identify-hot-lead
  kilat rules templates identify-hot-lead --lang id
  kilat rules templates --json | jq -r .template")]
pub(super) struct Args {
    /// A template that ships, or a rule file with params
    #[arg(value_name = "TEMPLATE")]
    template: Option<String>,
    /// The language of names and descriptions
    #[arg(long, value_enum, default_value_t = Lang::En)]
    lang: Lang,
    /// One JSON object a template
    #[arg(long)]
    json: bool,
}

/// A language of shipped texts.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Lang {
    /// English
    En,
    /// Bahasa Indonesia
    Id,
}

impl From<Lang> for Language {
    fn from(lang: Lang) -> Language {
        match lang {
            Lang::En => Language::English,
            Lang::Id => Language::Indonesian,
        }
    }
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let chosen = match &args.template {
        Some(template) => vec![source(template)?],
        None => templates::ALL.iter().map(|shipped| (shipped.name.to_owned(), shipped.text.to_owned())).collect(),
    };
    let mut output = Output::new();
    for (name, text) in &chosen {
        let described =
            templates::describe(name, text, args.lang.into()).map_err(|findings| refused(name, &findings))?;
        if args.json {
            output.json(&described)?;
        } else if args.template.is_none() {
            output.line(&format!("{:<28} {}", described.template, described.description))?;
        } else {
            output.line(&format!("{}: {}", described.name, described.description))?;
            for param in &described.params {
                output.line("")?;
                output.line(&format!("  {} ({})", param.name, param.type_name))?;
                output.line(&format!("      {}", param.description))?;
                output.line(&format!("      default: {}", param.default))?;
                if let Some(example) = &param.example {
                    output.line(&format!("      example: {example}"))?;
                }
            }
        }
    }
    output.flush()
}

/// The name and the text of a template that ships, or of a rule file.
pub(super) fn source(template: &str) -> Result<(String, String), Failure> {
    if let Some(shipped) = templates::find(template) {
        return Ok((shipped.name.to_owned(), shipped.text.to_owned()));
    }
    let path = Path::new(template);
    if path.extension().is_some() || path.components().count() > 1 || path.exists() {
        return Ok((template.to_owned(), rule_files::read(path)?));
    }
    let names = templates::ALL.iter().map(|shipped| shipped.name);
    let near = names.max_by(|a, b| strsim::jaro_winkler(template, a).total_cmp(&strsim::jaro_winkler(template, b)));
    let help = match near.filter(|near| strsim::jaro_winkler(template, near) > 0.8) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`kilat rules templates` lists them; a file of your own is named by its path".to_owned(),
    };
    Err(Failure::new(format!("there is no template `{template}`"), help))
}

/// The failure of a template that cannot be used, with every finding on standard error but the last.
pub(super) fn refused(name: &str, findings: &[Diagnostic]) -> Failure {
    let errors: Vec<&Diagnostic> = findings.iter().filter(|finding| finding.is_error()).collect();
    let Some((last, others)) = errors.split_last() else {
        return Failure::new(format!("the template `{name}` cannot be used"), "see `kilat check`");
    };
    others.iter().for_each(|finding| eprintln!("{finding}"));
    let Diagnostic { code, file, line, column, message, help, .. } = last;
    Failure::new(format!("{file}:{line}:{column}: [{code}] {message}"), help.clone())
}
