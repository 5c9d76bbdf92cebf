//! Two faults at once.

use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use failpoints::points;
use rand::RngExt as _;
use sources::generator::GeneratorConfig;

use super::Drill;
use super::crash::finish;
use crate::job::Job;
use crate::scene::Scene;
use crate::service::{Fault, PATIENCE};
use crate::shim::Shim;
use crate::watcher::Watcher;
use crate::world::Pace;

pub(super) const DRILL: Drill = Drill {
    name: "pairs",
    about: "two faults at once, of the job, the broker, Redis, the disk and the clock",
    faults: &["first", "second"],
    run,
};

/// What can happen to a job that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    Crash,
    CrashAtPoint,
    TakenOver,
    BrokerKilled,
    BrokerCut,
    BrokerSlow,
    RedisFlushed,
    RedisRestarted,
    RedisDropped,
    RedisSlow,
    DiskFull,
    SyncFailed,
    ClockJump,
}

const ALL: [Trouble; 13] = [
    Trouble::Crash,
    Trouble::CrashAtPoint,
    Trouble::TakenOver,
    Trouble::BrokerKilled,
    Trouble::BrokerCut,
    Trouble::BrokerSlow,
    Trouble::RedisFlushed,
    Trouble::RedisRestarted,
    Trouble::RedisDropped,
    Trouble::RedisSlow,
    Trouble::DiskFull,
    Trouble::SyncFailed,
    Trouble::ClockJump,
];

const ROUNDS: usize = 4;

fn run(scene: &mut Scene<'_>) -> Result<()> {
    let mut world = scene.world(GeneratorConfig {
        characters: 1_000,
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
    let load = world.begin(Pace::rest_in(&world, Duration::from_secs(10)))?;
    for _ in 0..ROUNDS {
        thread::sleep(scene.time(300, 1_000));
        let first = ALL[scene.chance.random_range(0..ALL.len())];
        let second = loop {
            let second = ALL[scene.chance.random_range(0..ALL.len())];
            if second != first {
                break second;
            }
        };
        for (place, trouble) in [("first", first), ("second", second)] {
            inject(scene, &mut job, &shim, &watcher, trouble)?;
            let what = format!("{place}: {trouble:?}");
            scene.verdict.injected(&what, 1);
        }
        thread::sleep(scene.time(100, 1_000));
        recover(scene, &mut job, &shim)?;
    }
    world.end(load)?;
    finish(scene, &world, &mut job)?;
    let seen = watcher.end()?;
    scene.held_against_tables(&seen, &job)
}

fn inject(
    scene: &mut Scene<'_>,
    job: &mut Job,
    shim: &Shim,
    watcher: &Watcher,
    trouble: Trouble,
) -> Result<()> {
    match trouble {
        Trouble::Crash => {
            job.kill()?;
            job.start("")
        }
        Trouble::CrashAtPoint => {
            job.kill()?;
            let point = points::ALL[scene.chance.random_range(0..points::ALL.len())];
            job.start(&format!("{}=crash", point.name()))
        }
        Trouble::TakenOver => {
            let newer = job.another("")?;
            let mut old = job.replace(newer)?;
            let status = old.wait(PATIENCE)?;
            // One that is in other trouble may end of that.
            ensure!(!status.success(), "a copy that was taken over ended well");
            Ok(())
        }
        Trouble::BrokerKilled => scene.stage.kafka()?.kill(),
        Trouble::BrokerCut => {
            scene.stage.kafka()?.proxy().cut();
            Ok(())
        }
        Trouble::BrokerSlow => {
            let delay = Fault::Delay(scene.time(50, 300));
            scene.stage.kafka()?.proxy().set(delay);
            Ok(())
        }
        Trouble::RedisFlushed => {
            watcher.pause();
            let mut connection = scene.stage.redis()?.connect()?;
            redis::cmd("FLUSHALL").exec(&mut connection)?;
            watcher.forget();
            Ok(())
        }
        Trouble::RedisRestarted => {
            watcher.pause();
            let redis = scene.stage.redis()?;
            redis.kill()?;
            redis.restart()?;
            watcher.forget();
            Ok(())
        }
        Trouble::RedisDropped => {
            scene.stage.redis()?.proxy().set(Fault::DropReply);
            Ok(())
        }
        Trouble::RedisSlow => {
            let delay = Fault::Delay(scene.time(50, 500));
            scene.stage.redis()?.proxy().set(delay);
            Ok(())
        }
        Trouble::DiskFull => shim.room(Some(scene.chance.random_range(0..100_000))),
        Trouble::SyncFailed => shim.fail_sync_after(Some(scene.chance.random_range(0..10))),
        Trouble::ClockJump => shim.clock(scene.chance.random_range(-48..=48) * 3_600_000),
    }
}

/// Ends what lasts, and starts a job that could not go on.
fn recover(scene: &mut Scene<'_>, job: &mut Job, shim: &Shim) -> Result<()> {
    scene.stage.kafka()?.proxy().set(Fault::None);
    scene.stage.redis()?.proxy().set(Fault::None);
    shim.room(None)?;
    shim.fail_sync_after(None)?;
    let kafka = scene.stage.kafka()?;
    if !kafka.runs() {
        kafka.restart()?;
    }
    // One that ends does so soon.
    thread::sleep(Duration::from_millis(500));
    if job.process()?.ended()?.is_some() {
        job.fails()?;
        job.start("")?;
    }
    Ok(())
}
