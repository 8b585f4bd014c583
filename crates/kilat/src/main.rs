//! The command `kilat`: arguments in, one command run, an exit code out.
//!
//! Every command is one file under [`commands`]; this file only picks it, prints its failure as
//! `error: what. help: remedy`, and says how the process ends. A closed standard output (`kilat tap … | head`) is no error.

mod clock;
mod commands;
mod config;
mod connect;
mod demo;
mod event_lines;
mod failure;
mod http;
mod intake;
mod output;
mod publish;
mod rule_files;
mod service;
mod signals;
mod topics;
mod unfulfilled;
mod verdict;

use std::process::ExitCode;

use clap::Parser as _;

use crate::failure::Failure;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match commands::Kilat::parse().run() {
        Ok(code) => code,
        Err(Failure::StdoutClosed) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}
