//! Runs the benches: each verifies its answers before it gives a figure.

mod answer;
mod bench;
mod figure;
mod job;
mod machine;
mod measure;
mod report;
mod start;
mod world;

use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};

use crate::bench::{Bench, Size};
use crate::figure::Figure;
use crate::report::Section;

/// The one that the job has.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures the budgets of the design. Start it by `benches/run`, which brings the services up.
#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand)]
enum Act {
    /// Runs benches, each in a process of its own, and prints a table.
    Run {
        /// Which; all if none is named.
        names: Vec<Bench>,
        /// Small sizes: shows that the benches work, not how fast anything is.
        #[arg(long)]
        quick: bool,
        /// Writes the table into this file, between its two marker lines.
        #[arg(long)]
        write: Option<PathBuf>,
    },
    /// Runs one bench in this process and prints its figures as JSON.
    #[command(hide = true)]
    One {
        name: Bench,
        #[arg(long)]
        quick: bool,
    },
    /// Runs a job in this process and prints what it took as JSON.
    #[command(hide = true)]
    Job {
        file: PathBuf,
        /// Ends when everything is read, not when the standard input ends.
        #[arg(long)]
        until_end: bool,
        /// Prints how the start went once offsets up to this sum over all partitions are read and shown, then
        /// goes on until it is killed.
        #[arg(long)]
        until_shown: Option<i64>,
    },
}

fn main() -> ExitCode {
    match act(Args::parse().act) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn act(act: Act) -> Result<()> {
    match act {
        Act::Run {
            names,
            quick,
            write,
        } => run(&names, quick, write),
        Act::One { name, quick } => {
            let figures = name.run(if quick { Size::Quick } else { Size::Full })?;
            println!("{}", serde_json::to_string(&figures)?);
            Ok(())
        }
        Act::Job {
            file,
            until_shown: Some(offsets),
            ..
        } => start::run_here(&file, offsets),
        Act::Job {
            file, until_end, ..
        } => job::run_here(&file, until_end),
    }
}

fn run(names: &[Bench], quick: bool, write: Option<PathBuf>) -> Result<()> {
    let names = if names.is_empty() { &Bench::ALL } else { names };
    let machine = machine::describe()?;
    let mut sections = Vec::new();
    let mut failed = Vec::new();
    for &bench in names {
        eprintln!("== {}: {}", bench.name(), bench.question());
        match in_own_process(bench, quick) {
            Ok(figures) => {
                let section = Section::now(bench, figures);
                println!("{}", section.table());
                sections.push(section);
            }
            Err(error) => {
                eprintln!("{}: {error:#}", bench.name());
                failed.push(bench.name());
            }
        }
    }
    println!("{machine}");
    if let Some(file) = write {
        report::write(&file, &machine, &sections)?;
    }
    if failed.is_empty() {
        Ok(())
    } else {
        bail!("no figures of {}", failed.join(", "))
    }
}

/// A process a bench: none finds the memory of another, and peaks are its own.
fn in_own_process(bench: Bench, quick: bool) -> Result<Vec<Figure>> {
    let mut command = Command::new(std::env::current_exe().context("find the own binary")?);
    command.args(["one", bench.name()]);
    if quick {
        command.arg("--quick");
    }
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .context("start the bench")?;
    if !output.status.success() {
        bail!("the bench ended with {}", output.status);
    }
    serde_json::from_slice(&output.stdout).context("read the figures of the bench")
}
