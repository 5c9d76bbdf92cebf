//! Logs on standard error, as text or JSON.

use std::io;

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::failure::Failed as _;
use crate::terminal::{self, Stream};

/// What is logged, and how.
#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    /// Form of the log on standard error.
    #[arg(
        long,
        value_enum,
        default_value = "text",
        global = true,
        help_heading = "Log"
    )]
    log_format: LogFormat,
    /// What is logged: error, warn, info, debug, trace or off, also by crate, as info,lake=debug.
    /// Default: info for what runs a job, else warn.
    #[arg(long, value_name = "LEVEL", global = true, help_heading = "Log")]
    log: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

/// Logs from here on; `level` is what is logged unless the arguments say otherwise.
pub(crate) fn start(args: &LogArgs, level: &str) -> Result<()> {
    let directives = args.log.as_deref().unwrap_or(level);
    let filter = EnvFilter::try_new(directives)
        .with_context(|| format!("--log {directives}"))
        .advise("give error, warn, info, debug, trace or off, or such of single crates: info,lake=debug")
        .wrong()?;
    let registry = tracing_subscriber::registry().with(filter);
    let begun = match args.log_format {
        LogFormat::Text => {
            let colours = terminal::has_colours(Stream::Error);
            let text = layer().with_writer(io::stderr).with_ansi(colours);
            registry.with(text).try_init()
        }
        LogFormat::Json => {
            let json = layer().json().flatten_event(true).with_writer(io::stderr);
            registry.with(json).try_init()
        }
    };
    begun.context("begin the log")
}
