//! The job goes on with another number of workers.

use std::thread;
use std::time::Duration;

use anyhow::Result;
use sources::generator::GeneratorConfig;

use super::Drill;
use super::crash::finish;
use crate::scene::Scene;
use crate::world::Pace;

pub(super) const DRILL: Drill = Drill {
    name: "rescale",
    about: "the job goes on with 1, 4 and 2 workers, stopped or killed in between",
    faults: &["rescaled"],
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
    let watcher = scene.watch(&world, &job)?;
    job.setup.workers = 1;
    job.start("")?;
    job.shows_something()?;
    let load = world.begin(Pace::rest_in(&world, Duration::from_secs(6)))?;
    for (round, workers) in [4, 2, 1, 4, 2].into_iter().enumerate() {
        thread::sleep(scene.time(300, 1_200));
        let before = job.setup.workers;
        if round % 2 == 0 {
            job.stop()?;
        } else {
            job.kill()?;
        }
        job.setup.workers = workers;
        job.start("")?;
        scene
            .verdict
            .injected(&format!("rescaled from {before} to {workers} workers"), 1);
    }
    world.end(load)?;
    finish(scene, &world, &mut job)?;
    let seen = watcher.end()?;
    scene.held_against_tables(&seen, &job)
}
