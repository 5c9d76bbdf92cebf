//! The job dies at any failpoint or any moment, again and again, under load.

use std::time::{Duration, Instant};

use anyhow::Result;
use failpoints::points;
use rand::RngExt as _;
use sources::generator::GeneratorConfig;

use super::Drill;
use crate::history::History;
use crate::job::Job;
use crate::scene::Scene;
use crate::world::{Pace, World};

pub(super) const DRILL: Drill = Drill {
    name: "crash",
    about: "the job dies at failpoints and at any moment, under load, with other numbers of workers",
    faults: &["crash"],
    run,
};

/// The figure that tells how long it took from the last crash until all that was written then was shown.
pub(super) const FRESH: &str = "crash to fresh, seconds";

/// How long a job is waited for that a failpoint is to kill.
const DIES_WITHIN: Duration = Duration::from_millis(2_500);

fn run(scene: &mut Scene<'_>) -> Result<()> {
    let mut world = scene.world(GeneratorConfig {
        characters: 2_000,
        equipment: 3_000,
        likes: 12_000,
        broken: 0.02,
        ..GeneratorConfig::default()
    })?;
    let mut job = scene.job(&world)?;
    // Small epochs, few in flight: many bindings, commits and calls.
    job.setup
        .more
        .insert("epoch", "records_max = 200".to_owned());
    let watcher = scene.watch(&world, &job)?;
    // Mostly the views are complete before the first crash: what follows are differences.
    if scene.chance.random_bool(0.75) {
        job.start("")?;
        job.shows_something()?;
        job.kill()?;
    }
    let pace = Pace::rest_in(&world, Duration::from_secs(4));
    let load = world.begin(pace)?;
    let mut histories = Vec::new();
    let rounds = scene.chance.random_range(2..=4);
    let mut ends = None;
    let mut killed = Instant::now();
    for _ in 0..rounds {
        crash(scene, &mut job)?;
        killed = Instant::now();
        ends = Some(world.ends()?);
        if job.data().join("tables").exists() {
            histories.push(History::of(&job.data())?);
        }
    }
    job.start("")?;
    if let Some(ends) = ends {
        job.catches_up(&ends)?;
        let seconds = killed.elapsed().as_secs_f64();
        scene.verdict.figure(FRESH, seconds);
    }
    world.end(load)?;
    finish(scene, &world, &mut job)?;
    let seen = watcher.end()?;
    scene.held_against_tables(&seen, &job)?;
    histories.push(History::of(&job.data())?);
    for pair in histories.windows(2) {
        pair[0].stands_in(&pair[1])?;
        scene
            .verdict
            .compared("rows of tables that must stand", pair[0].rows());
    }
    Ok(())
}

/// Lets a job catch up with all that was written, ends it, and compares.
pub(super) fn finish(scene: &mut Scene<'_>, world: &World, job: &mut Job) -> Result<()> {
    let ends = world.ends()?;
    job.catches_up(&ends)?;
    // The views may have had everything before this start: tables have it when what was bound is read again.
    job.is_live()?;
    job.stop()?;
    scene.equals_one_pass(world, job)
}

/// Starts the job and lets it die.
fn crash(scene: &mut Scene<'_>, job: &mut Job) -> Result<()> {
    job.setup.workers = [1, 2, 4][scene.chance.random_range(0..3)];
    let point = points::ALL[scene.chance.random_range(0..points::ALL.len())];
    let is_at_point = scene.chance.random_bool(0.75);
    // Some are passed once a start, others hundreds of times.
    let most = if point.is_at_start() { 1 } else { 40 };
    let passing = scene.chance.random_range(1..=most);
    let time = scene.time(20, 1_500);
    let before = job.struck()?.len();
    if is_at_point {
        job.start(&format!("{}=crash@{passing}", point.name()))?;
        if job.dies_within(DIES_WITHIN)? {
            let struck = job.struck()?;
            let strokes = &struck[before..];
            let name = strokes.last().and_then(|line| line.split(' ').next());
            if let Some(name) = name {
                scene.verdict.injected(&format!("crash at {name}"), 1);
                return Ok(());
            }
            anyhow::bail!("the job died by itself:\n{}", job.said()?);
        }
    } else {
        job.start("")?;
        if job.dies_within(time)? {
            anyhow::bail!("the job died by itself:\n{}", job.said()?);
        }
    }
    job.kill()?;
    scene.verdict.injected("crash at any moment", 1);
    Ok(())
}
