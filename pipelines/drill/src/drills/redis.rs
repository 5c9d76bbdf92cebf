//! Redis loses answers, is flushed, restarted empty, and failed over by a Sentinel to a replica that lacks
//! writes.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use model::Epoch;
use rand::seq::SliceRandom as _;
use sources::generator::GeneratorConfig;

use super::Drill;
use super::crash::finish;
use crate::job::Job;
use crate::scene::Scene;
use crate::service::{Fault, PATIENCE, Proxy, Redis, Sentinel};
use crate::watcher::Watcher;
use crate::world::Pace;

pub(super) const DRILL: Drill = Drill {
    name: "redis",
    about: "Redis loses answers, is flushed, restarted empty, and failed over by Sentinel with lost writes",
    faults: &[
        "answer of Redis dropped",
        "answer of Redis halved",
        "Redis flushed",
        "Redis restarted empty",
        "Redis failed over, epochs of writes lost",
    ],
    run,
};

/// A fault of Redis.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    Dropped,
    Halved,
    Flushed,
    Restarted,
    FailedOver,
}

/// A master that the job writes to, and how it is reached.
struct Views {
    master: Redis,
    /// Between the drill and the master: readers follow a failover as the job does.
    reading: Proxy,
    /// What a failed-over pair was made of; it must live on.
    others: Vec<Redis>,
}

fn run(scene: &mut Scene<'_>) -> Result<()> {
    let mut world = scene.world(GeneratorConfig {
        characters: 2_000,
        equipment: 4_000,
        likes: 20_000,
        ..GeneratorConfig::default()
    })?;
    let folder = scene.folder.join("redis");
    let master = Redis::start(&folder, "master", &[])?;
    let reading = Proxy::start(master.port())?;
    let mut views = Views {
        master,
        reading,
        others: Vec::new(),
    };
    let mut job = scene.job(&world)?;
    job.setup.views = format!("redis://127.0.0.1:{}", views.master.proxy().port());
    job.setup.views_direct = format!("redis://127.0.0.1:{}", views.reading.port());
    let watcher = scene.watch(&world, &job)?;
    job.start("")?;
    job.shows_something()?;
    let load = world.begin(Pace::rest_in(&world, Duration::from_secs(15)))?;
    let mut troubles = [
        Trouble::Dropped,
        Trouble::Halved,
        Trouble::Flushed,
        Trouble::Restarted,
        Trouble::FailedOver,
        Trouble::Dropped,
        Trouble::Halved,
    ];
    troubles.shuffle(&mut scene.chance);
    for trouble in troubles {
        thread::sleep(scene.time(200, 900));
        match trouble {
            Trouble::Dropped => views.master.proxy().set(Fault::DropReply),
            Trouble::Halved => views.master.proxy().set(Fault::HalveReply),
            Trouble::Flushed => {
                flushed(&views, &watcher)?;
                scene.verdict.injected("Redis flushed", 1);
            }
            Trouble::Restarted => {
                views.reading.set(Fault::Refuse);
                views.master.kill()?;
                watcher.forget();
                thread::sleep(scene.time(50, 1_200));
                views.master.restart()?;
                views.reading.set(Fault::None);
                scene.verdict.injected("Redis restarted empty", 1);
            }
            Trouble::FailedOver => {
                let lost = failed_over(scene, &mut views, &mut job, &watcher)?;
                scene
                    .verdict
                    .injected("Redis failed over, epochs of writes lost", lost);
            }
        }
    }
    // A fault that strikes the next answer has its time.
    thread::sleep(Duration::from_millis(500));
    for (what, times) in views.master.proxy().take_counts() {
        scene
            .verdict
            .injected(&format!("answer of Redis {what}"), times);
    }
    world.end(load)?;
    finish(scene, &world, &mut job)?;
    let seen = watcher.end()?;
    scene.held_against_tables(&seen, &job)
}

fn flushed(views: &Views, watcher: &Watcher) -> Result<()> {
    // Nobody reads while it happens.
    views.reading.set(Fault::Refuse);
    let mut connection = views.master.connect()?;
    redis::cmd("FLUSHALL")
        .exec(&mut connection)
        .context("flush Redis")?;
    watcher.forget();
    views.reading.set(Fault::None);
    Ok(())
}

/// Lets a replica fall behind, kills the master, and waits until Sentinel has made the replica the master.
///
/// - returns the number of epochs that were in the old master and are not in the new one.
fn failed_over(
    scene: &mut Scene<'_>,
    views: &mut Views,
    job: &mut Job,
    watcher: &Watcher,
) -> Result<u64> {
    let folder = scene.folder.join("redis");
    let copying = Proxy::start(views.master.port())?;
    let copies = ["--replicaof", "127.0.0.1", &copying.port().to_string()];
    let replica = Redis::start(&folder, "replica", &copies)?;
    let mut connection = replica.connect()?;
    let in_step = |connection: &mut redis::Connection| -> Result<bool> {
        let info: String = redis::cmd("INFO").arg("replication").query(connection)?;
        Ok(info.contains("master_link_status:up"))
    };
    until("the replica is in step", || in_step(&mut connection))?;
    let sentinel = Sentinel::start(&folder, views.master.port())?;
    until("Sentinel knows the replica", || sentinel.knows_a_replica())?;
    copying.set(Fault::Stall);
    let before = marker_of(job, &replica)?;
    until("the master is ahead of the replica", || {
        Ok(marker_of(job, &views.master)? > marker_of(job, &replica)?.max(before))
    })?;
    thread::sleep(scene.time(50, 500));
    let bound = job.bound()?;
    let was = marker_of(job, &views.master)?;
    views.reading.set(Fault::Refuse);
    views.master.kill()?;
    until("the replica is the master", || {
        Ok(sentinel.master()? == replica.port())
    })?;
    let is = marker_of(job, &replica)?;
    let lost = bound
        .iter()
        .filter(|binding| Some(binding.epoch) > is && Some(binding.epoch) <= was)
        .count();
    ensure!(lost > 0, "the replica lacked nothing: {was:?} and {is:?}");
    watcher.forget();
    views.master.proxy().lead_to(replica.port());
    views.reading.lead_to(replica.port());
    views.reading.set(Fault::None);
    // The proxy of the old master leads the job to the new one.
    let mut master = replica;
    master.stays_master();
    master.swap_proxy(&mut views.master);
    views
        .others
        .push(std::mem::replace(&mut views.master, master));
    Ok(lost as u64)
}

/// What a server's marker is true of.
fn marker_of(job: &Job, of: &Redis) -> Result<Option<Epoch>> {
    let marker = job.reader_of(&of.url())?;
    Ok(marker.and_then(|marker| marker.as_of))
}

fn until(what: &str, mut is_so: impl FnMut() -> Result<bool>) -> Result<()> {
    let begun = Instant::now();
    while !is_so()? {
        ensure!(
            begun.elapsed() < PATIENCE,
            "{what}: not within {PATIENCE:?}"
        );
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
