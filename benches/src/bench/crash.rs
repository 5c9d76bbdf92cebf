//! From a crash to fresh views, under load, at random moments.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use sources::generator::GeneratorConfig;
use views::{RedisReader, ViewReader};

use super::Size;
use crate::answer::{self, accounting_of_table, redis_reader, right_accounting};
use crate::figure::{Bound, Figure};
use crate::job::Running;
use crate::world::{PATIENCE, Server, World};

const EVENTS_PER_SECOND: u32 = 5_000;
/// Views that are older than this are not fresh.
const FRESH_MILLIS: u64 = 1_000;
/// The longest time between fresh views and the next crash.
const BETWEEN_MILLIS: u64 = 3_000;
/// Time between two looks of the reader at the marker.
const LOOK: Duration = Duration::from_millis(1);

pub(super) fn run(size: Size) -> Result<Vec<Figure>> {
    let characters = super::recovery::characters(size.of(1_000, 100_000))?;
    let crashes = size.of(3, 40);
    // One record of seven is a character's: all of them at once, then the same mix at a pace, for longer than it
    // takes.
    let first = u64::from(characters) * 7;
    let all = first + u64::from(EVENTS_PER_SECOND) * 1_200;
    let mut world = World::new(
        "crash",
        GeneratorConfig {
            characters,
            equipment: all / 7,
            likes: all - all / 7,
            ..GeneratorConfig::default()
        },
    )?;
    let folder = tempfile::tempdir()?;
    let file = world.job(0, folder.path(), "redis")?;
    let job = world.job_name(0);
    world.fill_some(first, None)?;
    let mut running = Running::start(&file, false)?;
    let mut marker = Marker::new(&job)?;

    let ended = AtomicBool::new(false);
    let (crashed, written) = thread::scope(|scope| {
        let writing = scope.spawn(|| -> Result<()> {
            while !ended.load(Ordering::Relaxed) {
                let records = u64::from(EVENTS_PER_SECOND);
                world.fill_some(records, Some(f64::from(EVENTS_PER_SECOND)))?;
            }
            Ok(())
        });
        let crash = || -> Result<(Vec<f64>, Running)> {
            marker.wait_until(now_millis()?)?;
            let (mut seconds, mut random) = (Vec::new(), 7_u64);
            for _ in 0..crashes {
                random = random
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                thread::sleep(Duration::from_millis((random >> 33) % BETWEEN_MILLIS));
                marker.look()?;
                let (killed, at) = (Instant::now(), now_millis()?);
                running.kill()?;
                running = Running::start(&file, false)?;
                marker.wait_until(at)?;
                seconds.push(killed.elapsed().as_secs_f64());
            }
            Ok((seconds, running))
        };
        let crashed = crash();
        ended.store(true, Ordering::Relaxed);
        (crashed, writing.join())
    });
    written.expect("writing records does not panic")?;
    let (mut seconds, running) = crashed?;
    // The job commits what it has read; what is left is read by another start.
    running.join()?;
    crate::job::run(&file)?;

    let right = answer::right(&world)?;
    answer::of_tables(folder.path())?.must_be(&right, "the tables")?;
    answer::of_redis(&job)?.must_be(&right, "Redis")?;
    let (got, wanted) = (
        accounting_of_table(folder.path())?,
        right_accounting(&world),
    );
    ensure!(
        got == wanted,
        "the table of accounting says {got:?}, not {wanted:?}"
    );
    Server::connect()?.forget(&job)?;

    seconds.sort_by(f64::total_cmp);
    let of = |share: f64| {
        let place = (seconds.len() as f64 * share).ceil() as usize;
        seconds[place.clamp(1, seconds.len()) - 1]
    };
    let what = format!("{characters} characters, {crashes} crashes: crash to fresh views");
    let figure = |name: &str, share| Figure::new(format!("{what}, {name}"), "s", vec![of(share)]);
    Ok(vec![
        figure("median", 0.5),
        figure("p99", 0.99).goal(Bound::AtMost(5.0)),
        figure("longest", 1.0),
    ])
}

/// The marker of the views, which never goes back.
struct Marker {
    reader: RedisReader,
    newest: u64,
}

impl Marker {
    fn new(job: &str) -> Result<Self> {
        Ok(Self {
            reader: redis_reader(job)?,
            newest: 0,
        })
    }

    /// The epoch that the views are true of.
    fn look(&mut self) -> Result<u64> {
        let marker = self.reader.marker()?;
        let as_of = marker.and_then(|marker| marker.as_of);
        if let Some(as_of) = as_of {
            let before = self.newest;
            ensure!(
                as_of.0 >= before,
                "the views went back from {before} to {as_of}"
            );
            self.newest = as_of.0;
        }
        Ok(self.newest)
    }

    /// Waits until the views are fresh, and of an epoch that was minted after an instant.
    fn wait_until(&mut self, millis: u64) -> Result<()> {
        let since = Instant::now();
        loop {
            let as_of = self.look()?;
            if as_of > millis && as_of + FRESH_MILLIS > now_millis()? {
                return Ok(());
            }
            ensure!(
                since.elapsed() < 2 * PATIENCE,
                "the views stay at {as_of}, which is not after {millis}, or too old"
            );
            thread::sleep(LOOK);
        }
    }
}

fn now_millis() -> Result<u64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    u64::try_from(now.as_millis()).context("read the clock")
}
