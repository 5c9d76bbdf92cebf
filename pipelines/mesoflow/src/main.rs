//! The mesoflow command: argv, environment and exit codes; what it does is in the crates below.

mod accounting;
mod command;
mod failure;
mod instant;
mod job;
mod logging;
mod report;
mod signals;
mod table;
mod terminal;

use std::env;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use rustix::fs::Mode;
use rustix::process::umask;

use crate::failure::Failed as _;
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
    /// Prints the answer as JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(command::demo::Args),
    Doctor(command::doctor::Args),
    Drill(command::drill::Args),
    Explain(command::explain::Args),
    Generate(command::generate::Args),
    Get(command::get::Args),
    Query(command::query::Args),
    Rejected(command::rejected::Args),
    Run(command::run::Args),
    Scrub(command::scrub::Args),
    Status(command::status::Args),
    Tables(command::tables::Args),
    Value(command::value::Args),
}

impl Command {
    /// What is logged unless `--log` says otherwise: a command that answers a question is silent.
    fn log_level(&self) -> &'static str {
        match self {
            // What goes wrong is what it finds.
            Self::Doctor(_) | Self::Scrub(_) => "error",
            Self::Run(_) => "info,delta_kernel=warn,delta_kernel_default_engine=warn",
            Self::Demo(_)
            | Self::Drill(_)
            | Self::Explain(_)
            | Self::Generate(_)
            | Self::Get(_)
            | Self::Query(_)
            | Self::Rejected(_)
            | Self::Status(_)
            | Self::Tables(_)
            | Self::Value(_) => "warn",
        }
    }

    fn run(&self, json: bool, json_log: bool) -> anyhow::Result<()> {
        match self {
            Self::Demo(args) => command::demo::run(args, json),
            Self::Doctor(args) => command::doctor::run(args, json),
            Self::Drill(args) => command::drill::run(args, json),
            Self::Explain(args) => command::explain::run(args, json),
            Self::Generate(args) => command::generate::run(args, json),
            Self::Get(args) => command::get::run(args, json),
            Self::Query(args) => command::query::run(args, json, json_log),
            Self::Rejected(args) => command::rejected::run(args, json),
            Self::Run(args) => command::run::run(args, json),
            Self::Scrub(args) => command::scrub::run(args, json),
            Self::Status(args) => command::status::run(args, json),
            Self::Tables(args) => command::tables::run(args, json),
            Self::Value(args) => command::value::run(args, json),
        }
    }
}

/// What is written is for the user and the group at most, also what libraries write; a stricter mask stays.
fn mask_rights() {
    let others = Mode::RWXO | Mode::WGRP;
    let own = umask(others);
    umask(own | others);
}

fn main() -> ExitCode {
    mask_rights();
    let Cli { log, json, command } = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() && logging::json_is_asked(env::args_os()) => {
            let text = error.render().to_string();
            let text = text.trim().trim_start_matches("error: ");
            eprintln!("{}", logging::json_error(text, None));
            return ExitCode::from(2);
        }
        Err(error) => error.exit(),
    };
    let json_log = log.is_json();
    terminal::show_bars(!json && !json_log);
    let done = logging::start(&log, command.log_level())
        .and_then(|()| {
            failpoints::arm_from_environment()
                .context(failpoints::PLAN)
                .wrong()
        })
        .and_then(|()| command.run(json, json_log));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if json_log {
                let (text, advice) = (failure::causes(&error), failure::advice(&error));
                eprintln!("{}", logging::json_error(&text, advice));
            } else {
                eprintln!("error: {}", failure::described(&error));
            }
            failure::exit_code(&error)
        }
    }
}
