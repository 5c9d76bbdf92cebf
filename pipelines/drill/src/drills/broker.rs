//! The broker is killed and restarted, and what passes between it and the job is held, cut and lost.

use std::thread;
use std::time::Duration;

use anyhow::Result;
use sources::generator::GeneratorConfig;

use super::Drill;
use super::crash::finish;
use crate::scene::Scene;
use crate::service::Fault;
use crate::world::Pace;

pub(super) const DRILL: Drill = Drill {
    name: "broker",
    about: "the broker is killed and restarted; answers of it are late, cut in half or lost",
    faults: &[
        "broker killed",
        "connection to the broker cut",
        "answer of the broker",
    ],
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
    job.start("")?;
    job.shows_something()?;
    let load = world.begin(Pace::rest_in(&world, Duration::from_secs(8)))?;
    for _ in 0..2 {
        for fault in [Fault::HalveReply, Fault::DropReply] {
            scene.stage.kafka()?.proxy().set(fault);
            thread::sleep(scene.time(100, 500));
        }
        scene.stage.kafka()?.proxy().cut();
        thread::sleep(scene.time(100, 500));
        let delay = scene.time(20, 120);
        scene.stage.kafka()?.proxy().set(Fault::Delay(delay));
        thread::sleep(scene.time(300, 900));
        scene.stage.kafka()?.proxy().set(Fault::None);
    }
    let down = scene.time(500, 2_500);
    let kafka = scene.stage.kafka()?;
    kafka.kill()?;
    thread::sleep(down);
    kafka.restart()?;
    scene.verdict.injected("broker killed", 1);
    world.end(load)?;
    finish(scene, &world, &mut job)?;
    let seen = watcher.end()?;
    scene.held_against_tables(&seen, &job)?;
    let counts = scene.stage.kafka()?.proxy().take_counts();
    for (what, times) in counts {
        let what = match what {
            "cut" => "connection to the broker cut".to_owned(),
            other => format!("answer of the broker {other}"),
        };
        scene.verdict.injected(&what, times);
    }
    Ok(())
}
