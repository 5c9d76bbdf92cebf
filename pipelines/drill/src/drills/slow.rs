//! Redis takes five seconds for every answer: nobody else is to notice.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use lake::Lake;
use model::Epoch;
use model::tables::Relation;
use sources::generator::GeneratorConfig;

use super::Drill;
use super::crash::finish;
use crate::job::Job;
use crate::scene::Scene;
use crate::service::Fault;
use crate::world::Pace;

pub(super) const DRILL: Drill = Drill {
    name: "slow",
    about: "Redis answers five seconds late: workers and tables go on as before",
    faults: &["answer of Redis delayed"],
    run,
};

/// How long a step of a worker may take, but for one in a thousand.
const STEP_MILLIS: f64 = 10.0;

fn run(scene: &mut Scene<'_>) -> Result<()> {
    let mut world = scene.world(GeneratorConfig {
        characters: 2_000,
        equipment: 4_000,
        likes: 40_000,
        ..GeneratorConfig::default()
    })?;
    let mut job = scene.job(&world)?;
    let watcher = scene.watch(&world, &job)?;
    job.start("")?;
    job.shows_something()?;
    let slow = Duration::from_secs(5);
    scene.stage.redis()?.proxy().take_counts();
    scene.stage.redis()?.proxy().set(Fault::Delay(slow));
    let load = world.begin(Pace::rest_in(&world, Duration::from_secs(18)))?;
    let mut ages: Vec<f64> = Vec::new();
    let begun = Instant::now();
    while !load.is_written() {
        thread::sleep(Duration::from_millis(250));
        // How far behind the newest bound epoch the slowest table is.
        let (bound, committed) = (newest_bound(&job)?, committed(&job)?);
        if let (Some(bound), Some(committed)) = (bound, committed)
            && begun.elapsed() > Duration::from_secs(2)
        {
            ages.push(bound.0.saturating_sub(committed.0) as f64 / 1e3);
        }
    }
    let delayed = scene.stage.redis()?.proxy().take_counts();
    let delayed = delayed.iter().find(|(what, _)| *what == "delayed");
    let delayed = delayed.map_or(0, |&(_, times)| times);
    scene.verdict.injected("answer of Redis delayed", delayed);
    let standing = job.marker()?.and_then(|marker| marker.as_of);
    let bound = job.bound()?;
    let standing = standing.max(bound.first().map(|binding| binding.epoch));
    let behind = newest_bound(&job)?.unwrap_or_default().0 - standing.unwrap_or_default().0;
    scene
        .verdict
        .figure("views behind at the end, seconds", behind as f64 / 1e3);
    let oldest = ages.iter().copied().fold(0.0, f64::max);
    scene
        .verdict
        .figure("tables behind at most, seconds", oldest);
    ensure!(
        oldest < 5.0,
        "a table was {oldest} s behind while Redis was slow"
    );
    scene.stage.redis()?.proxy().set(Fault::None);
    scene.stage.redis()?.proxy().cut();
    world.end(load)?;
    finish(scene, &world, &mut job)?;
    let report = job.report()?;
    let steps = &report["worker_steps"];
    let p999 = steps["p999_millis"].as_f64().context("steps are told")?;
    scene.verdict.figure("worker step p99.9, ms", p999);
    scene
        .verdict
        .compared("steps of workers", steps["steps"].as_u64().unwrap_or(0));
    ensure!(
        p999 <= STEP_MILLIS,
        "one in a thousand steps of a worker took {p999} ms or more"
    );
    let seen = watcher.end()?;
    scene.held_against_tables(&seen, &job)
}

fn newest_bound(job: &Job) -> Result<Option<Epoch>> {
    Ok(job.bound()?.last().map(|binding| binding.epoch))
}

/// The epoch that all tables of changes are committed through.
fn committed(job: &Job) -> Result<Option<Epoch>> {
    let lake = Lake::open(&job.data().join("tables"))?;
    let mut least = None;
    for relation in [
        Relation::InputLikes,
        Relation::LikeCounts,
        Relation::CharacterValuations,
    ] {
        let Some(committed) = lake.view(relation)?.and_then(|view| view.committed()) else {
            return Ok(None);
        };
        least = Some(least.map_or(committed, |least: Epoch| least.min(committed)));
    }
    Ok(least)
}
