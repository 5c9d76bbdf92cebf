//! The mesoflow-query command: SQL over the tables of a job, read only.

mod files;
mod message;
mod output;
mod progress;
mod session;
mod tables;

use std::io::{self, Read as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Parser;
use datafusion::arrow::error::ArrowError;
use datafusion::common::DataFusionError;
use model::Epoch;

use message::{Form, Level};
use output::Format;
use progress::Progress;
use tables::Tables;

/// Asks the tables of a job in SQL.
///
/// Every table goes by its name and holds changes, with `epoch` and `diff`; NAME_now is its content as it
/// stands. Statements that write are refused.
#[derive(Debug, Parser)]
#[command(name = "mesoflow-query", version, max_term_width = 100)]
struct Cli {
    /// One statement; `-` reads it from standard input. SHOW TABLES lists what can be asked.
    sql: String,
    /// The folder of the job, or of its tables; `mesoflow query --job JOB.toml` finds it by the job file.
    #[arg(long, default_value = "mesoflow-data")]
    folder: PathBuf,
    /// Answers as of this epoch: later rows are left out, and NAME_now is the content at it.
    #[arg(long, value_name = "EPOCH")]
    as_of: Option<u64>,
    /// Prints one JSON object a row, each on its own line.
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Prints CSV with a head line.
    #[arg(long)]
    csv: bool,
    /// Memory for sorts, joins and groups, in megabytes; beyond it they go to temporary files.
    #[arg(long, value_name = "MB", default_value_t = 1024)]
    memory_mb: u32,
    /// Form of errors and notes on standard error.
    #[arg(long, value_enum, default_value = "text")]
    log_format: Form,
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
    let cli = Cli::parse();
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let wrong = error.downcast_ref::<WrongRequest>().is_some();
            message::say(cli.log_format, Level::Error, &described(&error));
            ExitCode::from(if wrong { 2 } else { 1 })
        }
    }
}

fn run(cli: &Cli) -> Result<()> {
    let sql = if cli.sql == "-" {
        let mut sql = String::new();
        io::stdin()
            .read_to_string(&mut sql)
            .context("read the statement from standard input")?;
        sql
    } else {
        cli.sql.clone()
    };
    let format = match (cli.json, cli.csv) {
        (true, _) => Format::Json,
        (_, true) => Format::Csv,
        (false, false) => Format::Table,
    };
    let inner = cli.folder.join("tables");
    let folder = if inner.is_dir() { &inner } else { &cli.folder };
    let tables = Tables::find(folder, cli.as_of.map(Epoch))?;
    let session = session::start(cli.memory_mb).map_err(failure)?;
    // The tables are opened here, because the kernel may not be called inside a runtime.
    let asked = session::asked(&session, &sql).map_err(failure)?;
    let progress = Progress::start(cli.log_format == Form::Text)?;
    let note = |text: &str| progress.suspend(|| message::say(cli.log_format, Level::Warn, text));
    let sources = tables.open(&asked, &note)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("start the threads that answer")?;
    runtime.block_on(async {
        tables.register(&session, sources).await.map_err(failure)?;
        let rows = session::answer(&session, &sql).await.map_err(failure)?;
        output::print(rows, format, io::stdout().lock(), &progress).await
    })
}

/// An error of the engine for the terminal, with the mark that it is the request's fault if so.
fn failure(error: DataFusionError) -> anyhow::Error {
    let wrong = is_of_the_request(&error);
    let text = anyhow::anyhow!("{}", error.strip_backtrace());
    if wrong {
        text.context(WrongRequest)
    } else {
        text
    }
}

/// Whether other SQL would help: the rest are files, memory and the engine's own faults.
fn is_of_the_request(error: &DataFusionError) -> bool {
    match error.find_root() {
        DataFusionError::SQL(..)
        | DataFusionError::NotImplemented(_)
        | DataFusionError::Plan(_)
        | DataFusionError::Configuration(_)
        | DataFusionError::SchemaError(..)
        | DataFusionError::Execution(_) => true,
        DataFusionError::ArrowError(error, _) => matches!(
            error.as_ref(),
            ArrowError::NotYetImplemented(_)
                | ArrowError::CastError(_)
                | ArrowError::ParseError(_)
                | ArrowError::ComputeError(_)
                | ArrowError::DivideByZero
                | ArrowError::ArithmeticOverflow(_)
                | ArrowError::InvalidArgumentError(_)
        ),
        _ => false,
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
