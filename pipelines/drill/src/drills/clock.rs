//! The machine's clock jumps both ways while the job runs and while it does not.

use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use rand::RngExt as _;
use sources::generator::GeneratorConfig;

use super::Drill;
use super::crash::finish;
use crate::scene::Scene;
use crate::shim::Shim;
use crate::world::Pace;

pub(super) const DRILL: Drill = Drill {
    name: "clock",
    about: "the clock jumps hours and days both ways, while the job runs and between two starts",
    faults: &["clock jump", "reading of a clock that was set off"],
    run,
};

const HOUR: i64 = 3_600_000;

fn run(scene: &mut Scene<'_>) -> Result<()> {
    let mut world = scene.world(GeneratorConfig {
        characters: 1_000,
        equipment: 3_000,
        likes: 15_000,
        ..GeneratorConfig::default()
    })?;
    let mut job = scene.job(&world)?;
    let shim = Shim::new(&scene.folder, &job.data())?;
    job.environment(shim.environment());
    let watcher = scene.watch(&world, &job)?;
    job.start("")?;
    job.shows_something()?;
    let load = world.begin(Pace::rest_in(&world, Duration::from_secs(8)))?;
    let mut newest = None;
    for round in 0..8 {
        thread::sleep(scene.time(200, 900));
        let hours = scene.chance.random_range(-72..=72);
        shim.clock(hours * HOUR)?;
        scene.verdict.injected("clock jump", 1);
        if round % 3 == 2 {
            job.kill()?;
            job.start("")?;
        }
        let bound = job.bound()?;
        ensure!(
            bound.is_sorted_by(|a, b| a.epoch < b.epoch),
            "epochs are not in the order in which they were bound"
        );
        let last = bound.last().map(|binding| binding.epoch);
        ensure!(
            newest <= last,
            "the newest epoch went back from {newest:?} to {last:?}"
        );
        newest = last;
        scene
            .verdict
            .compared("epochs in order", bound.len() as u64);
    }
    let reads = shim.clock_reads()?;
    scene
        .verdict
        .injected("reading of a clock that was set off", reads);
    world.end(load)?;
    finish(scene, &world, &mut job)?;
    let seen = watcher.end()?;
    scene.held_against_tables(&seen, &job)
}
