//! The built command, as a user runs it: arguments and files in, standard output, standard error and exit code out.

mod check;
mod config;
mod demo;
mod eval;
mod help;
mod log;
mod recipes;
mod support;
mod test_cases;
