//! Topics that are deleted, created again, grown, or lose records: an alarm with names and ranges, and nothing
//! is reset.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use model::{PartitionId, Topic};
use sources::generator::GeneratorConfig;

use super::Drill;
use crate::job::{Job, lines};
use crate::scene::Scene;
use crate::service::PATIENCE;
use crate::world::{Pace, World};

pub(super) const DRILL: Drill = Drill {
    name: "topics",
    about: "topics are deleted, created again, grown, or lose records before they are read or sealed",
    faults: &[
        "records deleted before they were read",
        "topic created again with fewer records",
        "topic created again and grown past the old offsets",
        "record compacted away before it was sealed",
        "topic grown in partitions",
        "topic deleted while it was read",
    ],
    run,
};

/// How soon a fault must be told.
const TOLD_WITHIN: Duration = Duration::from_secs(5);

fn run(scene: &mut Scene<'_>) -> Result<()> {
    records_deleted(scene).context("records deleted before they were read")?;
    created_again(scene, 100, &["created again"]).context("a topic created again")?;
    created_again(scene, 3_000, &["another record at offset"])
        .context("a topic created again and grown")?;
    compacted(scene).context("a record compacted away")?;
    grown(scene).context("a topic grown in partitions")?;
    deleted(scene).context("a topic deleted while it was read")
}

fn config() -> GeneratorConfig {
    GeneratorConfig {
        characters: 50,
        accounts: 2_000,
        equipment: 1_000,
        likes: 4_000,
        ..GeneratorConfig::default()
    }
}

/// A world of which a job has read the beginning.
fn begun(scene: &mut Scene<'_>, name: &str) -> Result<(World, Job)> {
    let mut world = scene.world(config())?;
    let mut job = scene.job_in(name, &world)?;
    world.write(Pace::at_once(1_000))?;
    job.start("")?;
    job.catches_up(&world.ends()?)?;
    job.stop()?;
    Ok((world, job))
}

/// The job must end, say all words, and leave what it has read as it is.
fn refuses(scene: &mut Scene<'_>, job: &mut Job, words: &[&str]) -> Result<()> {
    let before = job.bound()?;
    let started = Instant::now();
    job.start("")?;
    let said = job.fails()?;
    for word in words {
        ensure!(said.contains(word), "{word:?} is not said:\n{said}");
    }
    ensure!(job.bound()? == before, "bindings were changed");
    scene.verdict.figure(
        "alarm after a start, seconds",
        started.elapsed().as_secs_f64(),
    );
    scene.verdict.compared("alarms by name", 1);
    Ok(())
}

fn records_deleted(scene: &mut Scene<'_>) -> Result<()> {
    let (mut world, mut job) = begun(scene, "gone")?;
    let sealed = world.ends()?;
    world.write(Pace::at_once(1_000))?;
    let (&partition, &at) = sealed.first_key_value().context("there are partitions")?;
    world.admin.delete_records(partition, at + 5)?;
    scene
        .verdict
        .injected("records deleted before they were read", 5);
    let range = format!("{at} to {}", at + 4);
    refuses(scene, &mut job, &[&range, "Nothing was reset"])
}

fn created_again(scene: &mut Scene<'_>, records: u64, words: &[&str]) -> Result<()> {
    let (world, mut job) = begun(scene, &format!("again-{records}"))?;
    world.delete()?;
    // Of a topic that is deleted files may still lie about.
    let deadline = Instant::now() + PATIENCE;
    while let Err(error) = world.create(&[]) {
        ensure!(Instant::now() < deadline, "{error:#}");
        thread::sleep(Duration::from_millis(100));
    }
    // The same names, other records.
    let mut other = world.again(GeneratorConfig {
        seed: scene.verdict.seed.wrapping_add(1),
        ..config()
    })?;
    other.write(Pace::at_once(records))?;
    let what = match records {
        0..1_000 => "topic created again with fewer records",
        _ => "topic created again and grown past the old offsets",
    };
    scene.verdict.injected(what, 2);
    refuses(scene, &mut job, words)?;
    drop(other);
    Ok(())
}

fn compacted(scene: &mut Scene<'_>) -> Result<()> {
    let mut world = scene.world(config())?;
    world.delete()?;
    let settings = [
        ("cleanup.policy", "compact"),
        ("min.cleanable.dirty.ratio", "0.001"),
        ("min.compaction.lag.ms", "0"),
        ("max.compaction.lag.ms", "100"),
        ("segment.ms", "100"),
        ("delete.retention.ms", "0"),
    ];
    world.create(&settings)?;
    let mut job = scene.job_in("compacted", &world)?;
    // Epochs are bound and shown; no input table is sealed.
    job.start("sealed.first=stop")?;
    world.write(Pace::at_once(500))?;
    let log = job.failpoint_log();
    job.process()?
        .until("the commit is held", || Ok(!lines(&log)?.is_empty()))?;
    job.kill()?;
    let bound = job.bound()?;
    let read = bound.last().context("epochs are bound")?.cut.clone();
    ensure!(
        read.values().any(|read| read.next_offset > 0),
        "nothing was bound"
    );
    // Newer records of the same keys, in other segments.
    let begun = Instant::now();
    let lost = loop {
        thread::sleep(Duration::from_millis(150));
        world.write(Pace::at_once(100))?;
        let lost = missing(
            &world,
            &read
                .iter()
                .map(|(&id, read)| (id, read.next_offset))
                .collect(),
        )?;
        if lost > 0 {
            break lost;
        }
        ensure!(begun.elapsed() < PATIENCE, "the broker compacts nothing");
    };
    scene
        .verdict
        .injected("record compacted away before it was sealed", lost);
    refuses(scene, &mut job, &["from offset", "lost or changed records"])
}

/// How many of the records below some offsets are not there any more.
fn missing(world: &World, ends: &BTreeMap<PartitionId, i64>) -> Result<u64> {
    let mut missing = 0;
    for (&partition, &end) in ends {
        let kept = world.count_below(partition, end)?;
        missing += end.cast_unsigned() - kept;
    }
    Ok(missing)
}

fn grown(scene: &mut Scene<'_>) -> Result<()> {
    let (mut world, mut job) = begun(scene, "grown")?;
    job.start("")?;
    job.shows_something()?;
    world.admin.grow_topic(&world.topics[&Topic::Likes], 5)?;
    scene.verdict.injected("topic grown in partitions", 2);
    tells(scene, &mut job, "is held, the others are read on")?;
    world.write(Pace::at_once(1_000))?;
    let mut ends = world.ends()?;
    ends.retain(|partition, _| partition.topic == Topic::Equipment);
    job.catches_up(&ends)?;
    job.stop()
}

fn deleted(scene: &mut Scene<'_>) -> Result<()> {
    let (world, mut job) = begun(scene, "deleted")?;
    job.start("")?;
    job.shows_something()?;
    world.admin.delete_topics(&[&world.topics[&Topic::Likes]])?;
    scene.verdict.injected("topic deleted while it was read", 1);
    tells(scene, &mut job, "topic like.toggle is gone")?;
    job.fails().map(drop)
}

/// The job must tell of a fault in time.
fn tells(scene: &mut Scene<'_>, job: &mut Job, what: &str) -> Result<()> {
    let begun = Instant::now();
    let before = job.said()?.matches(what).count();
    while job.said()?.matches(what).count() == before {
        ensure!(
            begun.elapsed() < TOLD_WITHIN,
            "{what:?} is not told within {TOLD_WITHIN:?}:\n{}",
            job.said()?
        );
        thread::sleep(Duration::from_millis(20));
    }
    scene
        .verdict
        .figure("told after, seconds", begun.elapsed().as_secs_f64());
    scene.verdict.compared("alarms by name", 1);
    Ok(())
}
