//! The built command, as a user runs it: arguments and files in, standard output, standard error and exit code out.

#![allow(clippy::unwrap_used, reason = "a test ends where something is not as it should be")]

mod audit;
mod bad_input;
mod check;
mod checkpoints;
mod config;
mod defects;
mod demo;
mod documentation;
mod eval;
mod help;
mod import;
mod log;
mod recipes;
mod support;
mod templates;
mod test_cases;
mod timezone;
mod why;
