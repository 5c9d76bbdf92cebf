//! `mesoflow drill`: breaks a job on purpose and compares what comes out with the right answer.

use std::env;
use std::fmt::Write as _;

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args as ClapArgs;
use drill::{Drill, Ground, Sizes, Verdict};
use failpoints::points;

use crate::failure::Failed as _;
use crate::table::{Cell, Table};
use crate::terminal::{self, Colour};

/// Breaks a job on purpose and compares what comes out with the right answer.
///
/// Starts a broker and a Redis server of its own, writes generated records, runs this program as a user does, breaks
/// it or what it depends on, and compares views and tables with one pass over all records. A drill whose fault did
/// not happen fails. Needs Java, Maven (once, for the broker's jars) and redis-server.
#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    /// The drills, by name; `all` for all but `schedules`, which takes long. Without one they are listed.
    #[arg(value_name = "DRILL")]
    drills: Vec<String>,
    /// Where all chance begins: an equal seed makes the same choices.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How often each drill is run, with seeds that follow one another.
    #[arg(long, default_value_t = 1, value_name = "TIMES")]
    rounds: u64,
    /// Simulated schedules of the drill `schedules`.
    #[arg(long, default_value_t = 900, value_name = "TIMES")]
    simulated: u64,
    /// Real schedules of the drill `schedules`.
    #[arg(long, default_value_t = 100, value_name = "TIMES")]
    real: u64,
    /// Lists the failpoints of a job.
    #[arg(long, conflicts_with_all = ["drills", "seed", "rounds"])]
    failpoints: bool,
}

pub(crate) fn run(args: &Args, json: bool) -> Result<()> {
    if args.failpoints {
        return list_failpoints(json);
    }
    if args.drills.is_empty() {
        return list_drills(json);
    }
    let drills = chosen(&args.drills)?;
    let binary = env::current_exe().context("find this program")?;
    let folder = tempfile::Builder::new()
        .prefix("mesoflow-drill-")
        .tempdir()
        .context("make a folder for the drills")?;
    let sizes = Sizes {
        simulated: args.simulated,
        real: args.real,
    };
    let mut ground = Ground::new(&binary, folder.path(), sizes);
    let mut verdicts = Vec::new();
    for drill in drills {
        for round in 0..args.rounds {
            let seed = args.seed.wrapping_add(round);
            let waiting = terminal::spinner(format!("{} with seed {seed}", drill.name));
            let verdict = ground.run(drill, seed);
            waiting.finish_and_clear();
            if !json {
                terminal::print(&told(&verdict))?;
            }
            verdicts.push(verdict);
        }
    }
    if json {
        terminal::print_json(&verdicts)?;
    }
    drop(ground);
    let failed = verdicts.iter().filter(|verdict| !verdict.is_good()).count();
    if !json {
        let passed = verdicts.len() - failed;
        terminal::print(&format!("{passed} passed, {failed} failed\n"))?;
    }
    if failed == 0 {
        return Ok(());
    }
    let kept = folder.keep();
    Err(anyhow!(
        "{failed} of {} drills failed; what they left is in {}",
        verdicts.len(),
        kept.display()
    ))
}

/// The drills of these names, each once, in their own order.
fn chosen(names: &[String]) -> Result<Vec<&'static Drill>> {
    for name in names {
        if name != "all" && drill::named(name).is_none() {
            return Err(anyhow!("there is no drill {name:?}"))
                .advise("name one of those that `mesoflow drill` lists, or all")
                .wrong();
        }
    }
    let is_chosen = |drill: &&Drill| {
        names
            .iter()
            .any(|name| name == drill.name || name == "all" && drill.name != "schedules")
    };
    let chosen: Vec<_> = drill::ALL.iter().filter(is_chosen).collect();
    if chosen.is_empty() {
        bail!("no drill was chosen");
    }
    Ok(chosen)
}

fn told(verdict: &Verdict) -> String {
    let (colour, word) = if verdict.is_good() {
        (Colour::Good, "holds")
    } else {
        (Colour::Bad, "FAILED")
    };
    let mut text = format!(
        "{} {} (seed {}, {:.1} s)\n",
        verdict.drill,
        terminal::coloured(colour, word),
        verdict.seed,
        verdict.seconds
    );
    let mut list = |head: &str, entries: Vec<String>| {
        if !entries.is_empty() {
            writeln!(text, "  {head}: {}", entries.join(", "))
                .expect("a text takes what is written");
        }
    };
    let counts = |of: &std::collections::BTreeMap<String, u64>| {
        of.iter()
            .map(|(what, times)| format!("{what} {times}"))
            .collect()
    };
    list("injected", counts(&verdict.injected));
    list("compared", counts(&verdict.compared));
    let figures = verdict.figures.iter();
    list(
        "figures",
        figures
            .map(|(what, value)| format!("{what} {value:.3}"))
            .collect(),
    );
    if let Some(failure) = &verdict.failure {
        list("why", vec![failure.clone()]);
        let again = format!("mesoflow drill {} --seed {}", verdict.drill, verdict.seed);
        list("again", vec![again]);
    }
    text
}

fn list_drills(json: bool) -> Result<()> {
    let drills = drill::ALL.iter();
    list(
        json,
        drills.map(|drill| (drill.name, drill.about)),
        "drill",
        "breaks",
    )
}

fn list_failpoints(json: bool) -> Result<()> {
    let points = points::ALL.iter();
    list(
        json,
        points.map(|point| (point.name(), point.about())),
        "failpoint",
        "when it is passed",
    )
}

fn list(
    json: bool,
    entries: impl Iterator<Item = (&'static str, &'static str)>,
    name: &str,
    about: &str,
) -> Result<()> {
    if json {
        let entries: std::collections::BTreeMap<_, _> = entries.collect();
        return terminal::print_json(&entries);
    }
    let mut table = Table::new([name, about]).prose(1);
    for (name, about) in entries {
        table.add_row([Cell::from(name), Cell::from(about)]);
    }
    terminal::print(&format!("{table}\n"))
}
