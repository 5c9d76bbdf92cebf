//! Equipment from a Kafka topic to tables and Redis: compact characters and whole documents.

use std::path::Path;

use anyhow::{Result, ensure};
use sources::generator::GeneratorConfig;

use super::Size;
use crate::answer::{self, Answer, accounting_of_table, right_accounting};
use crate::figure::{Bound, Figure};
use crate::job::{self, Took};
use crate::world::{Server, World};

/// Equipment of which every record is another character.
fn equipment(characters: u32, documents: u32) -> GeneratorConfig {
    GeneratorConfig {
        characters,
        documents,
        equipment: characters.into(),
        likes: 0,
        broken: 0.0,
        duplicate: 0.0,
        late: 0.0,
        unchanged: 0.0,
        ..GeneratorConfig::default()
    }
}

pub(super) fn compact(size: Size) -> Result<Vec<Figure>> {
    let count = size.of(1_000, 100_000);
    let mut world = World::new("characters", equipment(count, 0))?;
    let written = world.fill(None)?;
    let (mut runs, mut again, mut view_bytes) = (Vec::new(), Vec::new(), Vec::new());
    let right = answer::right(&world)?;
    for number in 0..size.of(1, 3) {
        let folder = tempfile::tempdir()?;
        let file = world.job(number, folder.path(), "redis")?;
        let mut server = Server::connect()?;
        let before = server.used_bytes()?;
        runs.push(job::run(&file)?);
        let after = server.used_bytes()?;
        view_bytes.push(after.saturating_sub(before) as f64 / f64::from(count));
        check(&world, number, folder.path(), &right)?;
        // Nothing is left to read: the state comes from the input tables.
        let start = job::run(&file)?;
        ensure!(
            start.loaded_rows >= u64::from(count) && start.counts.read() == 0,
            "a second start reads the topic again: {start:?}"
        );
        check(&world, number, folder.path(), &right)?;
        again.push(start);
        server.forget(&world.job_name(number))?;
    }
    let bytes = written.bytes / written.records;
    let started = again.iter().map(|took| took.live_seconds).collect();
    let [reading, whole] = rates(
        format!("{count} compact characters of {bytes} bytes"),
        "characters/s",
        f64::from(count),
        &runs,
    );
    Ok(vec![
        reading
            .floor(Bound::AtLeast(5_000.0))
            .goal(Bound::AtLeast(20_000.0)),
        whole,
        Figure::new("Redis, breakdown included", "bytes a character", view_bytes)
            .goal(Bound::AtMost(2_048.0)),
        Figure::new(
            format!("start with {count} characters in the input table, prices not kept"),
            "s until live",
            started,
        )
        .cost(
            again.iter().map(|took| took.cpu_seconds).collect(),
            again.iter().map(|took| took.peak_bytes).collect(),
        ),
        Figure::new(
            "whole job that starts from the input table and ends",
            "characters/s",
            again
                .iter()
                .map(|took| f64::from(count) / took.seconds)
                .collect(),
        )
        .goal(Bound::AtLeast(100_000.0)),
    ])
}

pub(super) fn documents(size: Size) -> Result<Vec<Figure>> {
    let count = size.of(50, 4_000);
    let mut world = World::new("documents", equipment(count, count))?;
    let written = world.fill(None)?;
    let right = answer::right(&world)?;
    let mut runs = Vec::new();
    for number in 0..size.of(1, 3) {
        let folder = tempfile::tempdir()?;
        let file = world.job(number, folder.path(), "redis")?;
        runs.push(job::run(&file)?);
        check(&world, number, folder.path(), &right)?;
        Server::connect()?.forget(&world.job_name(number))?;
    }
    let kilobytes = written.bytes / written.records / 1_000;
    let [reading, whole] = rates(
        format!("{count} documents of {kilobytes} KB"),
        "documents/s",
        f64::from(count),
        &runs,
    );
    Ok(vec![
        reading
            .floor(Bound::AtLeast(500.0))
            .goal(Bound::AtLeast(2_000.0)),
        whole,
    ])
}

/// How many a second from the first read to the last commit, and with the start of the job.
fn rates(what: String, unit: &str, count: f64, runs: &[Took]) -> [Figure; 2] {
    let reading = runs
        .iter()
        .map(|took| count / (took.shown_seconds - took.live_seconds));
    let whole = runs.iter().map(|took| count / took.seconds);
    let cost = |value: fn(&Took) -> f64| runs.iter().map(value).collect();
    let peaks = runs.iter().map(|took| took.peak_bytes).collect();
    [
        Figure::new(what, unit, reading.collect()).cost(cost(|took| took.cpu_seconds), peaks),
        Figure::new(
            "the same with start and end of the job, tables tended",
            unit,
            whole.collect(),
        ),
    ]
}

fn check(world: &World, number: usize, folder: &Path, right: &Answer) -> Result<()> {
    answer::of_redis(&world.job_name(number))?.must_be(right, "Redis")?;
    answer::of_tables(folder)?.must_be(right, "the tables")?;
    let (got, wanted) = (accounting_of_table(folder)?, right_accounting(world));
    ensure!(
        got == wanted,
        "the table of accounting says {got:?}, not {wanted:?}"
    );
    Ok(())
}
