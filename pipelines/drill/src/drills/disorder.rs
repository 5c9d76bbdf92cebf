//! Events of a key come in another order than they occurred in.

use std::thread;
use std::time::Duration;

use anyhow::Result;
use sources::generator::GeneratorConfig;

use super::Drill;
use super::crash::finish;
use crate::scene::Scene;
use crate::world::Pace;

pub(super) const DRILL: Drill = Drill {
    name: "disorder",
    about: "every third event comes after newer ones of its key; the job is killed meanwhile",
    faults: &["superseded record", "crash"],
    run,
};

fn run(scene: &mut Scene<'_>) -> Result<()> {
    let mut world = scene.world(GeneratorConfig {
        characters: 500,
        equipment: 6_000,
        likes: 20_000,
        accounts: 2_000,
        late: 0.3,
        unchanged: 0.3,
        unlike: 0.3,
        versioned: 0.8,
        ..GeneratorConfig::default()
    })?;
    let mut job = scene.job(&world)?;
    let watcher = scene.watch(&world, &job)?;
    job.start("")?;
    job.shows_something()?;
    let load = world.begin(Pace::rest_in(&world, Duration::from_secs(5)))?;
    for _ in 0..3 {
        thread::sleep(scene.time(300, 1_500));
        job.kill()?;
        scene.verdict.injected("crash at any moment", 1);
        job.start("")?;
    }
    world.end(load)?;
    finish(scene, &world, &mut job)?;
    let outcomes = world.made()?.oracle.outcomes().values();
    let superseded = outcomes.map(|outcome| outcome.superseded).sum();
    scene.verdict.injected("superseded record", superseded);
    let seen = watcher.end()?;
    scene.held_against_tables(&seen, &job)
}
