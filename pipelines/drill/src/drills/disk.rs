//! The disk fills up, and a sync fails.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use rand::RngExt as _;
use sources::generator::GeneratorConfig;

use super::Drill;
use super::crash::finish;
use crate::job::Job;
use crate::scene::Scene;
use crate::shim::Shim;
use crate::world::Pace;

pub(super) const DRILL: Drill = Drill {
    name: "disk",
    about: "the disk of the job's folder is full for a while, and syncs fail",
    faults: &["write to a full disk", "sync failed"],
    run,
};

fn run(scene: &mut Scene<'_>) -> Result<()> {
    let mut world = scene.world(GeneratorConfig {
        characters: 2_000,
        equipment: 4_000,
        likes: 20_000,
        ..GeneratorConfig::default()
    })?;
    let mut job = scene.job(&world)?;
    let shim = Shim::new(&scene.folder, &job.data())?;
    job.environment(shim.environment());
    // What a full disk ends may take a while to end.
    job.is_supervised = true;
    let watcher = scene.watch(&world, &job)?;
    job.start("")?;
    job.shows_something()?;
    let load = world.begin(Pace::rest_in(&world, Duration::from_secs(12)))?;
    for round in 0..6 {
        thread::sleep(scene.time(200, 800));
        // Syncs first: a job that a full disk ends has none to fail while it ends.
        if round >= 3 {
            let before = shim.full()?;
            shim.room(Some(scene.chance.random_range(0..200_000)))?;
            until_counted(|| Ok(shim.full()? > before))?;
            thread::sleep(scene.time(100, 1_500));
            shim.room(None)?;
        } else {
            let before = shim.syncs_failed()?;
            shim.fail_sync_after(Some(scene.chance.random_range(0..20)))?;
            until_counted(|| Ok(shim.syncs_failed()? > before))?;
            shim.fail_sync_after(None)?;
        }
        goes_on(scene, &mut job)?;
    }
    scene.verdict.injected("write to a full disk", shim.full()?);
    scene.verdict.injected("sync failed", shim.syncs_failed()?);
    world.end(load)?;
    finish(scene, &world, &mut job)?;
    let seen = watcher.end()?;
    scene.held_against_tables(&seen, &job)
}

/// Waits until a fault has struck, or for some seconds: a job that has nothing to write meets none.
fn until_counted(is_so: impl Fn() -> Result<bool>) -> Result<()> {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(5) && !is_so()? {
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// A binding that did not reach the disk ends the job, with its name: the operator starts it again.
fn goes_on(scene: &mut Scene<'_>, job: &mut Job) -> Result<()> {
    // It ends at once or not at all.
    thread::sleep(Duration::from_millis(300));
    if job.process()?.ended()?.is_none() {
        return Ok(());
    }
    let said = job.fails()?;
    let is_named = ["os error 28", "os error 5", "sync"];
    ensure!(
        is_named.iter().any(|name| said.contains(name)),
        "the job ended and did not name the disk:\n{said}"
    );
    scene.verdict.compared("ends that named the disk", 1);
    job.start("")
}
