//! `mesoflow status`: what does a running job do, and what holds it up?

mod alive;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, anyhow};
use clap::Args as ClapArgs;
use model::{Epoch, Millis};
use serde::Deserialize;
use serde_json::Value;

use self::alive::{Life, Writer, life};
use crate::failure::Failed as _;
use crate::instant::{epoch_with_time, time_text};
use crate::job;
use crate::table::Table;
use crate::terminal::{self, Colour, Stream, coloured};

/// How often it is looked again with `--watch`: as often as a job writes.
const PERIOD: Duration = Duration::from_secs(1);

/// Says what a job does: phase, partitions, sinks, and what it waits for, with age and what to do.
///
/// A running job writes it into its folder each second. Exit code 0 when it is live and waits for nothing, else 1.
#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    /// The job file, or the job's folder.
    #[arg(value_name = "JOB.toml|FOLDER")]
    job: PathBuf,
    /// Looks again each second, until it is stopped.
    #[arg(long)]
    watch: bool,
}

/// What a job has written of itself. What is not shown is left out.
#[derive(Debug, Deserialize)]
struct Told {
    job: String,
    generation: Option<u64>,
    writer: Writer,
    started_millis: u64,
    written_millis: u64,
    error: Option<String>,
    phase: String,
    phase_since_millis: u64,
    loading: Option<Loading>,
    sealed: Epoch,
    finished: Epoch,
    partitions: BTreeMap<String, Partition>,
    tables: BTreeMap<String, Tables>,
    views_as_of: Option<Epoch>,
    waits: BTreeMap<String, Wait>,
}

#[derive(Debug, Deserialize)]
struct Loading {
    rows: u64,
    rows_of: u64,
    share: f64,
}

#[derive(Debug, Deserialize)]
struct Partition {
    next_offset: i64,
    end_offset: Option<i64>,
    read: u64,
    rejected: u64,
    residual: i64,
}

#[derive(Debug, Deserialize)]
struct Tables {
    committed: Option<Epoch>,
    rows: u64,
}

#[derive(Debug, Deserialize)]
struct Wait {
    since_millis: u64,
    why: String,
    advice: String,
}

pub(crate) fn run(args: &Args, json: bool) -> Result<()> {
    let folder = if args.job.is_dir() {
        args.job.clone()
    } else {
        job::read(&args.job)?.folder
    };
    if !args.watch {
        return Seen::look(&folder)?.show(json);
    }
    loop {
        let seen = Seen::look(&folder)?;
        if !json && terminal::is_terminal(Stream::Output) {
            // The screen is cleared, and the cursor put into its corner.
            terminal::print("\u{1b}[2J\u{1b}[H")?;
        }
        // What it says of the job is shown; the exit code is that of who stops it.
        if let Err(error) = seen.show(json) {
            terminal::print(&format!("{error}\n"))?;
        }
        thread::sleep(PERIOD);
    }
}

/// What is known of a job at a moment.
struct Seen {
    told: Told,
    /// As it was written.
    whole: Value,
    life: Life,
    now_millis: u64,
}

impl Seen {
    fn look(folder: &Path) -> Result<Self> {
        let path = folder.join("status.json");
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(anyhow!("no job has run in {}", folder.display()))
                    .advise("start it: `mesoflow run JOB.toml`");
            }
            Err(error) => {
                return Err(error)
                    .with_context(|| format!("read {}", path.display()))
                    .advise("ask as a user who may read the job's folder");
            }
        };
        let parsed = serde_json::from_slice(&bytes)
            .and_then(|whole: Value| Ok((Told::deserialize(&whole)?, whole)));
        let (told, whole) = parsed
            .with_context(|| format!("{} is no status of a job", path.display()))
            .advise("use the version of mesoflow that runs the job")?;
        let since_1970 = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let now_millis = u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX);
        let age = Duration::from_millis(now_millis.saturating_sub(told.written_millis));
        Ok(Self {
            life: life(told.phase == "ended", age, told.writer.is_there()),
            told,
            whole,
            now_millis,
        })
    }

    fn show(&self, json: bool) -> Result<()> {
        if json {
            let mut whole = self.whole.clone();
            whole["life"] = serde_json::to_value(self.life)?;
            terminal::print_json(&whole)?;
        } else {
            terminal::print(&self.text())?;
        }
        self.verdict()
    }

    /// Whether all is well, as the exit code says it.
    fn verdict(&self) -> Result<()> {
        let generation = self.generation();
        match &self.life {
            Life::Running if self.told.waits.is_empty() && self.told.phase == "live" => Ok(()),
            Life::Running if self.told.waits.is_empty() => Err(anyhow!(
                "the job is not live yet: it is {}",
                self.told.phase
            )),
            Life::Running => {
                let names: Vec<&str> = self.told.waits.keys().map(String::as_str).collect();
                Err(anyhow!("the job waits for {}", names.join(", ")))
            }
            Life::Silent => Err(anyhow!(
                "{generation} has said nothing for {}",
                length(self.age(self.told.written_millis))
            ))
            .advise("see whether the process hangs, or the disk of its folder is full"),
            Life::Ended => match &self.told.error {
                None => Err(anyhow!("{generation} has ended")),
                Some(error) => Err(anyhow!("{generation} has failed: {error}")),
            },
            Life::Gone => Err(anyhow!("{generation} is gone: it was killed, or crashed")).advise(
                "start it again: it goes on where it was; its log says why it ended, or the system's",
            ),
        }
    }

    fn generation(&self) -> String {
        match self.told.generation {
            Some(generation) => format!("generation {generation}"),
            None => "a start that took no generation yet".to_owned(),
        }
    }

    fn age(&self, since_millis: u64) -> Duration {
        Duration::from_millis(self.now_millis.saturating_sub(since_millis))
    }

    fn text(&self) -> String {
        let told = &self.told;
        let state = match &self.life {
            Life::Running if told.waits.is_empty() => coloured(Colour::Good, &told.phase),
            Life::Running => coloured(Colour::Odd, &told.phase),
            Life::Silent => coloured(Colour::Bad, format!("{}, silent", told.phase)),
            Life::Ended if told.error.is_none() => coloured(Colour::Odd, "ended"),
            Life::Ended => coloured(Colour::Bad, "failed"),
            Life::Gone => coloured(Colour::Bad, format!("gone while {}", told.phase)),
        };
        let mut text = format!("job {}, {}: {state}\n", told.job, self.generation());
        let started = i64::try_from(told.started_millis).ok().map(Millis);
        text += &format!(
            "process {} on {}, started {}; told {} ago; in this phase for {}\n",
            told.writer.pid,
            told.writer.host,
            started.and_then(time_text).unwrap_or_default(),
            length(self.age(told.written_millis)),
            length(self.age(told.phase_since_millis)),
        );
        if let Some(Loading {
            rows,
            rows_of,
            share,
        }) = told.loading.as_ref().filter(|_| told.phase == "loading")
        {
            let percent = share * 100.0;
            text += &format!(
                "{rows} of {rows_of} rows of the input tables are loaded, {percent:.0} %\n"
            );
        }
        for (what, wait) in &told.waits {
            let age = length(self.age(wait.since_millis));
            let head = coloured(Colour::Odd, format!("waiting {age} for {what}"));
            text += &format!("{head}: {}\n  to do: {}\n", wait.why, wait.advice);
        }
        // Before the source answers there is none.
        if !told.partitions.is_empty() {
            text += &format!("\n{}\n", self.partitions());
        }
        format!("{text}\n{}\n", self.sinks())
    }

    fn partitions(&self) -> Table {
        let names = [
            "partition",
            "read",
            "next offset",
            "lag",
            "rejected",
            "residual",
        ];
        let mut table = Table::new(names).right(1..);
        for (name, of) in &self.told.partitions {
            let lag = of
                .end_offset
                .map(|end| (end - of.next_offset).max(0).to_string());
            table.add_row([
                name.clone(),
                of.read.to_string(),
                of.next_offset.to_string(),
                lag.unwrap_or_else(|| "not known".to_owned()),
                of.rejected.to_string(),
                of.residual.to_string(),
            ]);
        }
        table
    }

    fn sinks(&self) -> Table {
        let told = &self.told;
        let mut table = Table::new(["stage", "epoch", "behind", "rows"]).right(2..);
        let mut row = |name: &str, epoch: Option<Epoch>, rows: Option<u64>| {
            let behind = epoch
                .filter(|epoch| epoch.0 > 0)
                .map(|epoch| length(Duration::from_millis(told.sealed.0.saturating_sub(epoch.0))));
            table.add_row([
                name.to_owned(),
                epoch
                    .filter(|epoch| epoch.0 > 0)
                    .map(epoch_with_time)
                    .unwrap_or_default(),
                behind.unwrap_or_default(),
                rows.map(|rows| rows.to_string()).unwrap_or_default(),
            ]);
        };
        row("sealed", Some(told.sealed), None);
        row("dataflow", Some(told.finished), None);
        for (name, group) in &told.tables {
            row(name, group.committed, Some(group.rows));
        }
        row("views", told.views_as_of, None);
        table
    }
}

/// A length of time as people say it.
fn length(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{:.1} s", time.as_secs_f64()),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_as_people_say_them() {
        let told = [0.25, 59.94, 61.0, 3_660.0, 90_000.0]
            .map(Duration::from_secs_f64)
            .map(length);
        assert_eq!(
            told,
            ["0.2 s", "59.9 s", "1 min 1 s", "1 h 1 min", "1 d 1 h"]
        );
    }
}
