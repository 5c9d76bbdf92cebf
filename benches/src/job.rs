//! A job in a process of its own, and what it took.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use model::admission::Counts;
use runtime::{Handle, Job, Phase, Until};
use serde::{Deserialize, Serialize};
use tracing_subscriber::filter::LevelFilter;

use crate::measure::{peak_bytes, process_cpu_seconds};

/// Names a command that the job's process is started by, such as `perf record -g -o FILE`.
const WRAP: &str = "BENCHES_WRAP";

/// What a whole job took, from its first to its last act.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Took {
    /// From the call that runs the job to its return: everything is committed and shown then.
    pub(crate) seconds: f64,
    /// Until everything that was read was committed and shown; what is tended afterwards (compaction,
    /// copies of what stands now) does not count.
    pub(crate) shown_seconds: f64,
    /// Until the job had loaded its state and read what was bound.
    pub(crate) live_seconds: f64,
    pub(crate) cpu_seconds: f64,
    pub(crate) peak_bytes: u64,
    pub(crate) epochs: u64,
    pub(crate) loaded_rows: u64,
    pub(crate) view_values: u64,
    pub(crate) counts: Counts,
    /// Milliseconds from the broker's timestamp to each stage, of the events that the job followed.
    pub(crate) stages: BTreeMap<String, Vec<f64>>,
}

/// The command by which a process of a job is started.
pub(crate) fn command() -> Result<Command> {
    let own = std::env::current_exe().context("find the own binary")?;
    let wrap = std::env::var(WRAP).unwrap_or_default();
    let mut words = wrap.split_whitespace();
    Ok(match words.next() {
        Some(program) => {
            let mut command = Command::new(program);
            command.args(words).arg(own);
            command
        }
        None => Command::new(own),
    })
}

/// Runs a job in this process and prints [`Took`].
pub(crate) fn run_here(file: &Path, until_end: bool) -> Result<()> {
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::WARN)
        .with_writer(io::stderr)
        .init();
    let job = Job::read(file)?;
    let handle = Handle::default();
    if !until_end {
        let handle = handle.clone();
        thread::spawn(move || {
            let mut nothing = Vec::new();
            if let Err(error) = io::stdin().read_to_end(&mut nothing) {
                eprintln!("the standard input failed: {error}");
            }
            handle.stop();
        });
    }
    let until = if until_end {
        Until::End
    } else {
        Until::Stopped
    };
    let ended = AtomicBool::new(false);
    let started = Instant::now();
    let (ran, seconds, watched) = thread::scope(|scope| {
        let watching = scope.spawn(|| watch(&handle, &ended, started));
        let ran = runtime::run(&job, until, &handle);
        let seconds = started.elapsed().as_secs_f64();
        ended.store(true, Ordering::Relaxed);
        let watched = watching.join().expect("watching a status does not panic");
        (ran, seconds, watched)
    });
    ran?;
    let report = handle.status().report();
    for (name, partition) in &report.partitions {
        ensure!(
            partition.residual == 0,
            "the accounting of {name} does not close"
        );
    }
    let took = Took {
        seconds,
        shown_seconds: watched.shown,
        live_seconds: watched.live.unwrap_or(seconds),
        cpu_seconds: process_cpu_seconds()?,
        peak_bytes: peak_bytes()?,
        epochs: report.epochs,
        loaded_rows: report.loaded_rows(),
        view_values: report.view_values,
        counts: report.counts(),
        stages: watched.stages,
    };
    println!("{}", serde_json::to_string(&took)?);
    Ok(())
}

/// What was seen of a running job, in seconds since its start.
#[derive(Default)]
struct Watched {
    live: Option<f64>,
    shown: f64,
    stages: BTreeMap<String, Vec<f64>>,
}

/// Looks at a job until it has ended.
fn watch(handle: &Handle, ended: &AtomicBool, started: Instant) -> Watched {
    let mut watched = Watched::default();
    let (mut progress, mut followed) = (None, None);
    let mut is_last = false;
    while !is_last {
        is_last = ended.load(Ordering::Relaxed);
        let report = handle.status().report();
        let now = started.elapsed().as_secs_f64();
        match report.phase {
            Phase::Starting | Phase::Loading | Phase::Replaying => {}
            Phase::Live | Phase::Stopping | Phase::Ended => {
                watched.live.get_or_insert(now);
            }
        }
        let rows: u64 = report.tables.values().map(|group| group.rows).sum();
        let reached = (report.counts().read(), report.views_as_of, rows);
        if progress.replace(reached) != Some(reached) {
            watched.shown = now;
        }
        if let Some(trace) = report.trace
            && followed.replace(trace.epoch) != Some(trace.epoch)
        {
            for (stage, millis) in trace.millis_after {
                let stages = watched.stages.entry(stage).or_default();
                stages.push(millis as f64);
            }
        }
        thread::sleep(Duration::from_millis(10));
    }
    watched
}

/// A job that runs beside this process.
pub(crate) struct Running(Child);

impl Running {
    /// Starts a job that ends when it is stopped, or with `until_end` when everything is read.
    pub(crate) fn start(file: &Path, until_end: bool) -> Result<Self> {
        let mut command = command()?;
        command.arg("job").arg(file);
        if until_end {
            command.arg("--until-end");
        }
        let child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("start the job")?;
        Ok(Self(child))
    }

    /// Kills the job as a crash does.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.0.kill().context("kill the job")?;
        self.0.wait().context("wait for the job")?;
        Ok(())
    }

    /// Stops the job if it runs still, and waits for its end.
    pub(crate) fn join(mut self) -> Result<Took> {
        drop(self.0.stdin.take());
        let output = self.0.wait_with_output().context("wait for the job")?;
        if !output.status.success() {
            bail!("the job ended with {}", output.status);
        }
        // Whoever started the process may print lines of its own.
        let text = String::from_utf8_lossy(&output.stdout);
        let line = text.lines().find(|line| line.starts_with('{'));
        serde_json::from_str(line.context("find what the job took")?).context("read it")
    }
}

/// Runs a job until everything is read.
pub(crate) fn run(file: &Path) -> Result<Took> {
    let took = Running::start(file, true)?.join()?;
    eprintln!(
        "   job: live after {:.2} s, all shown after {:.2} s, ended after {:.2} s; {:.2} CPU s, \
         {} MiB, {} epochs, {} values to the views",
        took.live_seconds,
        took.shown_seconds,
        took.seconds,
        took.cpu_seconds,
        took.peak_bytes >> 20,
        took.epochs,
        took.view_values
    );
    Ok(took)
}
