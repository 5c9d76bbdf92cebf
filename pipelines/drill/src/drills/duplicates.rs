//! Producers send records again, and the job reads many of them twice.

use std::thread;
use std::time::Duration;

use anyhow::Result;
use sources::generator::GeneratorConfig;

use super::Drill;
use super::crash::finish;
use crate::scene::Scene;
use crate::world::Pace;

pub(super) const DRILL: Drill = Drill {
    name: "duplicates",
    about: "producers send every third record again, at once and much later; the job is killed meanwhile",
    faults: &["record sent again", "duplicate record", "crash"],
    run,
};

fn run(scene: &mut Scene<'_>) -> Result<()> {
    let mut world = scene.world(GeneratorConfig {
        characters: 1_000,
        equipment: 4_000,
        likes: 20_000,
        duplicate: 0.2,
        bare_toggle: 0.5,
        ..GeneratorConfig::default()
    })?;
    let mut job = scene.job(&world)?;
    let watcher = scene.watch(&world, &job)?;
    job.start("")?;
    job.shows_something()?;
    let pace = Pace {
        again: 0.3,
        ..Pace::rest_in(&world, Duration::from_secs(5))
    };
    let load = world.begin(pace)?;
    for _ in 0..3 {
        thread::sleep(scene.time(300, 1_500));
        job.kill()?;
        scene.verdict.injected("crash at any moment", 1);
        job.start("")?;
    }
    let again = world.end(load)?;
    scene.verdict.injected("record sent again", again);
    finish(scene, &world, &mut job)?;
    let outcomes = world.made()?.oracle.outcomes().values();
    let duplicates = outcomes.map(|outcome| outcome.duplicate).sum();
    scene.verdict.injected("duplicate record", duplicates);
    let seen = watcher.end()?;
    scene.held_against_tables(&seen, &job)
}
