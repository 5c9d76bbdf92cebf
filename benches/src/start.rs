//! The start of a job in a process of its own, as far as the first new records are shown; then it is killed.

use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use runtime::{Handle, Job, Phase, Report, Until};
use serde::{Deserialize, Serialize};
use tracing_subscriber::filter::LevelFilter;

use crate::job::command;
use crate::measure::{peak_bytes, process_cpu_seconds};

/// How often the job's status is looked at.
const LOOK: Duration = Duration::from_millis(2);
/// How long a start may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// How a start went; times are seconds since the job was called.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Started {
    /// Until the status said how many rows are loaded of how many.
    pub(crate) progress_seconds: f64,
    /// Until the generation was taken, all sinks were open and fenced, and loading began.
    pub(crate) open_seconds: f64,
    /// Until all rows were loaded and admission restored.
    pub(crate) loaded_seconds: f64,
    /// Until new records were read.
    pub(crate) live_seconds: f64,
    /// Until the first epoch with new records was shown in the views.
    pub(crate) shown_seconds: f64,
    /// CPU seconds up to then.
    pub(crate) cpu_seconds: f64,
    pub(crate) peak_bytes: u64,
    pub(crate) loaded_rows: u64,
}

/// Runs a job in this process until it is killed. Prints [`Started`] as soon as every record below
/// `offsets` (the sum of next offsets over all partitions) is shown.
pub(crate) fn run_here(file: &Path, offsets: i64) -> Result<()> {
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::WARN)
        .with_writer(io::stderr)
        .init();
    let job = Job::read(file)?;
    let handle = Handle::default();
    let started = Instant::now();
    thread::scope(|scope| {
        let watching = scope.spawn(|| -> Result<()> {
            let told = watch(&handle, offsets, started);
            match &told {
                Ok(told) => {
                    let mut out = io::stdout().lock();
                    writeln!(out, "{}", serde_json::to_string(told)?)?;
                    out.flush()?;
                }
                Err(_) => handle.stop(),
            }
            told.map(drop)
        });
        let ran = runtime::run(&job, Until::Stopped, &handle);
        let watched = watching.join().expect("watching a status does not panic");
        ran?;
        watched
    })
}

fn watch(handle: &Handle, offsets: i64, started: Instant) -> Result<Started> {
    let mut progress = None;
    loop {
        let report = handle.status().report();
        let now = started.elapsed().as_secs_f64();
        if report.loading.is_some() {
            progress.get_or_insert(now);
        }
        if is_shown(&report, offsets) {
            let after = |phase| {
                let mut entered = report.phases.iter();
                let entered = entered.find(|entered| entered.phase == phase);
                entered.map_or(f64::NAN, |entered| entered.after_seconds)
            };
            return Ok(Started {
                progress_seconds: progress.unwrap_or(now),
                open_seconds: after(Phase::Loading),
                loaded_seconds: after(Phase::Replaying),
                live_seconds: after(Phase::Live),
                shown_seconds: now,
                cpu_seconds: process_cpu_seconds()?,
                peak_bytes: peak_bytes()?,
                loaded_rows: report.loaded_rows(),
            });
        }
        ensure!(
            report.phase != Phase::Ended && started.elapsed() < PATIENCE,
            "the job shows nothing new: {report:?}"
        );
        thread::sleep(LOOK);
    }
}

/// Whether all that was read is shown, and that is enough.
fn is_shown(report: &Report, offsets: i64) -> bool {
    let read: i64 = report.partitions.values().map(|of| of.next_offset).sum();
    // A job whose files are at their end goes on to stop.
    matches!(report.phase, Phase::Live | Phase::Stopping | Phase::Ended)
        && read >= offsets
        && report.finished >= report.sealed
        && report.views_as_of >= Some(report.sealed)
}

/// Starts a job, waits until new records are shown, and kills it.
pub(crate) fn start_and_kill(file: &Path, offsets: i64) -> Result<Started> {
    let child = command()?
        .arg("job")
        .arg(file)
        .arg("--until-shown")
        .arg(offsets.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("start the job")?;
    let mut killed = Killed(child);
    let output = killed.0.stdout.take().context("read the job's output")?;
    for line in BufReader::new(output).lines() {
        let line = line.context("read the job's output")?;
        if line.starts_with('{') {
            let told: Started = serde_json::from_str(&line).context("read how the start went")?;
            eprintln!(
                "   start: progress after {:.2} s, loading from {:.2} to {:.2} s, live after {:.2} s, shown after \
                 {:.2} s; {:.2} CPU s, {} MiB, {} rows",
                told.progress_seconds,
                told.open_seconds,
                told.loaded_seconds,
                told.live_seconds,
                told.shown_seconds,
                told.cpu_seconds,
                told.peak_bytes >> 20,
                told.loaded_rows
            );
            return Ok(told);
        }
    }
    anyhow::bail!("the job ended before new records were shown")
}

/// A process that is killed, and its end awaited, whatever happens.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        if let Err(error) = self.0.kill().and_then(|()| self.0.wait()) {
            eprintln!("   the job could not be killed: {error}");
        }
    }
}
