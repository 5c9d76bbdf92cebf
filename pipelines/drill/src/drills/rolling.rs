//! Old and new generations overlap: the old one is stopped in the middle of a write, and goes on after the new
//! one has written.

use std::time::Duration;

use anyhow::{Result, ensure};
use failpoints::{Failpoint, points};
use rand::RngExt as _;
use rustix::process::Signal;
use sources::generator::GeneratorConfig;

use super::Drill;
use super::crash::finish;
use crate::job::lines;
use crate::scene::Scene;
use crate::service::PATIENCE;
use crate::world::Pace;

pub(super) const DRILL: Drill = Drill {
    name: "rolling",
    about: "a copy of the job is stopped in the middle of a write, a newer one takes over, and the old one wakes up",
    faults: &["stopped at", "refused by"],
    run,
};

/// Where the old copy is stopped, and what then refuses it.
const STOPS: [(&Failpoint, &str, &[&str]); 5] = [
    (
        &points::CALL_BUILT,
        "the view store",
        &["view store", "superseded"],
    ),
    (&points::COMMIT_STAGED, "a table", &["table", "superseded"]),
    (&points::FILES_WRITTEN, "a table", &["table", "superseded"]),
    (
        &points::BINDING_WRITTEN,
        "the job's folder",
        &["superseded"],
    ),
    (&points::BINDING_SYNCED, "the job's folder", &["superseded"]),
];

fn run(scene: &mut Scene<'_>) -> Result<()> {
    let mut world = scene.world(GeneratorConfig {
        characters: 1_000,
        equipment: 40_000,
        likes: 200_000,
        ..GeneratorConfig::default()
    })?;
    let mut job = scene.job(&world)?;
    let watcher = scene.watch(&world, &job)?;
    job.start("")?;
    job.shows_something()?;
    let load = world.begin(Pace::rest_in(&world, Duration::from_secs(120)))?;
    for (point, sink, words) in STOPS {
        // The copy that runs takes over without a stop, and is stopped later, in the middle of a write.
        let passing = scene.chance.random_range(20..60);
        let before = job.struck()?.len();
        let taken_over = job.another(&format!("{}=stop@{passing}", point.name()))?;
        let mut old = job.replace(taken_over)?;
        let status = old.wait(PATIENCE)?;
        ensure!(!status.success(), "a copy that was taken over ended well");
        is_named(&old.said()?, &["superseded"])?;
        scene.verdict.injected("taken over while it ran", 1);
        let log = job.failpoint_log();
        job.process()?
            .until("it is stopped", || Ok(lines(&log)?.len() > before))?;
        scene
            .verdict
            .injected(&format!("stopped at {}", point.name()), 1);
        let newer = job.another("")?;
        let mut old = job.replace(newer)?;
        let ends = world.ends()?;
        job.catches_up(&ends)?;
        old.signal(Signal::CONT)?;
        let status = old.wait(PATIENCE)?;
        let said = old.said()?;
        ensure!(
            !status.success(),
            "a copy that woke up late ended well:\n{said}"
        );
        is_named(&said, words)?;
        scene.verdict.injected(&format!("refused by {sink}"), 1);
    }
    load.stop();
    world.end(load)?;
    finish(scene, &world, &mut job)?;
    let seen = watcher.end()?;
    scene.held_against_tables(&seen, &job)
}

fn is_named(said: &str, words: &[&str]) -> Result<()> {
    ensure!(
        words.iter().any(|word| said.contains(word)),
        "a copy that was taken over ended, and did not say so by name:\n{said}"
    );
    Ok(())
}
