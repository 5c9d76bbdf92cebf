//! The mesoflow command: argv, environment and exit codes; what it does is in the crates below.

mod command;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Values MapleStory equipment: what would it cost, in mesos, to rebuild it?
#[derive(Debug, Parser)]
#[command(name = "mesoflow", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Generate(command::generate::Args),
    Tables(command::tables::Args),
    Value(command::value::Args),
}

/// A request that cannot be carried out as it was made: exit code 2, where a failure has 1.
#[derive(Debug)]
struct WrongRequest;

impl std::fmt::Display for WrongRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the request was wrong")
    }
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Generate(args) => command::generate::run(&args),
        Command::Tables(args) => command::tables::run(&args),
        Command::Value(args) => command::value::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let wrong = error.downcast_ref::<WrongRequest>().is_some();
            eprintln!("error: {}", described(&error));
            ExitCode::from(if wrong { 2 } else { 1 })
        }
    }
}

/// The error and its causes on one line, without the mark that only chooses the exit code.
fn described(error: &anyhow::Error) -> String {
    let mark = WrongRequest.to_string();
    let parts: Vec<String> = error
        .chain()
        .map(ToString::to_string)
        .filter(|part| *part != mark)
        .collect();
    parts.join(": ")
}
