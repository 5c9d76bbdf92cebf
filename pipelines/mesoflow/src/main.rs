//! The mesoflow command: argv, environment and exit codes; what it does is in the crates below.

mod accounting;
mod command;
mod failure;
mod instant;
mod job;
mod logging;
mod report;
mod signals;
mod terminal;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::logging::LogArgs;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Values MapleStory equipment: what would it cost, in mesos, to rebuild it?
///
/// Exit codes: 0 done, 1 it failed or the answer is no, 2 the request was wrong.
#[derive(Debug, Parser)]
#[command(name = "mesoflow", version, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    log: LogArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(command::demo::Args),
    Doctor(command::doctor::Args),
    Explain(command::explain::Args),
    Generate(command::generate::Args),
    Get(command::get::Args),
    Query(command::query::Args),
    Run(command::run::Args),
    Tables(command::tables::Args),
    Value(command::value::Args),
}

impl Command {
    /// What is logged unless `--log` says otherwise: a command that answers a question is silent.
    fn log_level(&self) -> &'static str {
        match self {
            // What goes wrong is what it finds.
            Self::Doctor(_) => "error",
            Self::Run(_) => "info,delta_kernel=warn,delta_kernel_default_engine=warn",
            Self::Demo(_)
            | Self::Explain(_)
            | Self::Generate(_)
            | Self::Get(_)
            | Self::Query(_)
            | Self::Tables(_)
            | Self::Value(_) => "warn",
        }
    }

    fn run(&self) -> anyhow::Result<()> {
        match self {
            Self::Demo(args) => command::demo::run(args),
            Self::Doctor(args) => command::doctor::run(args),
            Self::Explain(args) => command::explain::run(args),
            Self::Generate(args) => command::generate::run(args),
            Self::Get(args) => command::get::run(args),
            Self::Query(args) => command::query::run(args),
            Self::Run(args) => command::run::run(args),
            Self::Tables(args) => command::tables::run(args),
            Self::Value(args) => command::value::run(args),
        }
    }
}

fn main() -> ExitCode {
    let Cli { log, command } = Cli::parse();
    let done = logging::start(&log, command.log_level()).and_then(|()| command.run());
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", failure::described(&error));
            failure::exit_code(&error)
        }
    }
}
