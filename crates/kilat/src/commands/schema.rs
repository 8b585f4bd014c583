//! `kilat schema`: the JSON Schema of rule files, the Avro schemas of the topics, the commented configuration.

use std::process::ExitCode;

use kilat_codec::{Schema, Topic};

use crate::config;
use crate::failure::Failure;
use crate::output::Output;

/// Print a schema: of rule files, of a topic's records, or the configuration with every key explained
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kilat schema                              what there is
  kilat schema rules > rules.schema.json    for your editor: completion and checks while you type
  kilat schema event                        the Avro schema of events
  kilat schema kilat.decisions.v1           by topic
  kilat schema config > kilat.toml          every setting with its meaning and default")]
pub(crate) struct Args {
    /// `rules`, `config`, the name of an Avro schema, or a topic; without it, a list
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let mut output = Output::new();
    match args.name.as_deref() {
        None => {
            output.line("rules            JSON Schema of rule files")?;
            output.line("config           the configuration, every key with its meaning and default")?;
            for schema in Schema::ALL {
                let topics: Vec<&str> =
                    Topic::ALL.into_iter().filter(|topic| topic.schema() == schema).map(Topic::name).collect();
                output.line(&format!("{:<16} Avro schema of {}", schema.name(), topics.join(", ")))?;
            }
        }
        Some("rules") => {
            let schema = serde_json::to_string_pretty(&kilat_rules::schema()).expect("a schema is JSON");
            output.line(&schema)?;
        }
        Some("config") => output.line(config::DEFAULTS.trim_end())?,
        Some(name) => {
            let of_topic = || name.parse::<Topic>().ok().map(Topic::schema);
            let schema = Schema::of_name(name).or_else(of_topic).ok_or_else(|| {
                let known = Schema::ALL.map(Schema::name).join(", ");
                Failure::new(
                    format!("there is no schema `{name}`"),
                    format!("one of rules, config, {known}, or a topic"),
                )
            })?;
            output.line(schema.text().trim_end())?;
        }
    }
    output.flush()?;
    Ok(ExitCode::SUCCESS)
}
