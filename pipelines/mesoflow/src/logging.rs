//! Logs on standard error, as text or JSON.

use std::ffi::OsString;

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use jiff::Timestamp;
use serde::Serialize;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::failure::Failed as _;
use crate::terminal::{self, AboveBars, Stream};

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

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

impl LogArgs {
    /// Whether programs read the log.
    pub(crate) fn is_json(&self) -> bool {
        self.log_format == LogFormat::Json
    }
}

/// Whether a request that could not be read asks for a log as JSON.
pub(crate) fn json_is_asked(words: impl IntoIterator<Item = OsString>) -> bool {
    let words: Vec<OsString> = words.into_iter().collect();
    let apart = words.windows(2);
    words.iter().any(|word| word == "--log-format=json")
        || apart
            .into_iter()
            .any(|pair| pair == ["--log-format", "json"])
}

/// Why the program ends, as a line of a log in JSON.
pub(crate) fn json_error(message: &str, to_do: Option<&str>) -> String {
    #[derive(Serialize)]
    struct Line<'a> {
        timestamp: String,
        level: &'a str,
        message: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        to_do: Option<&'a str>,
        target: &'a str,
    }
    let line = Line {
        timestamp: format!("{:.6}", Timestamp::now()),
        level: "ERROR",
        message,
        to_do,
        target: "mesoflow",
    };
    serde_json::to_string(&line).expect("texts are JSON")
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
            let text = layer().with_writer(|| AboveBars).with_ansi(colours);
            registry.with(text).try_init()
        }
        LogFormat::Json => {
            let json = layer().json().flatten_event(true).with_writer(|| AboveBars);
            registry.with(json).try_init()
        }
    };
    begun.context("begin the log")
}
