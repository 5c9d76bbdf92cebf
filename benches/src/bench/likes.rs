//! Likes from a Kafka topic to table and view: the whole job.

use anyhow::{Result, ensure};
use runtime::JobFolder;
use views::SqliteStore;

use super::Size;
use super::admit::likes;
use crate::answer::{
    self, Answer, accounting_of_table, pairs_of_table, right_accounting, right_pairs,
};
use crate::figure::{Bound, Figure};
use crate::job::{self, Took};
use crate::world::{Server, World};

pub(super) fn run(size: Size) -> Result<Vec<Figure>> {
    let mut world = World::new("likes", likes(size.of(20_000, 2_000_000)))?;
    world.fill(None)?;
    let right = Right {
        answer: answer::right(&world)?,
        pairs: right_pairs(&world),
        accounting: right_accounting(&world),
    };
    let mut figures = Vec::new();
    let places = [
        ("Redis", "redis", size.of(1, 3)),
        ("the embedded store", "embedded", 1),
    ];
    for (place, kind, count) in places {
        let mut runs = Vec::new();
        for _ in 0..count {
            let number = figures.len() * 10 + runs.len();
            runs.push(once(&world, number, kind, &right)?);
        }
        figures.extend(told(&world, place, right.pairs.0, &runs));
    }
    Ok(figures)
}

struct Right {
    answer: Answer,
    pairs: (i64, u64),
    accounting: [u64; 6],
}

fn once(world: &World, number: usize, kind: &str, right: &Right) -> Result<Took> {
    let folder = tempfile::tempdir()?;
    let file = world.job(number, folder.path(), kind)?;
    let took = job::run(&file)?;
    if kind == "redis" {
        let name = world.job_name(number);
        answer::of_redis(&name)?.must_be(&right.answer, "Redis")?;
        Server::connect()?.forget(&name)?;
    } else {
        let store = JobFolder::open(folder.path().join("data"))?.views();
        let mut reader = SqliteStore::open_read_only(&store)?;
        Answer::of_views(&mut reader)?.must_be(&right.answer, "the embedded store")?;
    }
    answer::of_tables(folder.path())?.must_be(&right.answer, "the tables")?;
    ensure!(
        pairs_of_table(folder.path())? == right.pairs,
        "the table of likes holds other pairs"
    );
    ensure!(
        accounting_of_table(folder.path())? == right.accounting,
        "the table of accounting counts otherwise"
    );
    Ok(took)
}

fn told(world: &World, place: &str, pairs: i64, runs: &[Took]) -> Vec<Figure> {
    let of = |value: fn(&Took) -> f64| runs.iter().map(value).collect::<Vec<f64>>();
    let records = world.records() as f64;
    let reading = of(|took| took.shown_seconds - took.live_seconds);
    let whole = of(|took| took.seconds);
    let cpu = of(|took| took.cpu_seconds);
    let peaks: Vec<u64> = runs.iter().map(|took| took.peak_bytes).collect();
    let a_pair = peaks.iter().map(|&peak| peak as f64 / pairs as f64);
    vec![
        Figure::new(
            format!("{records} likes, {pairs} pairs, to {place} and tables"),
            "likes/s",
            reading.iter().map(|seconds| records / seconds).collect(),
        )
        .cost(cpu.clone(), peaks.clone())
        .floor(Bound::AtLeast(5_000.0))
        .goal(Bound::AtLeast(1e6)),
        Figure::new(
            "the same with start and end of the job, tables tended",
            "likes/s",
            whole.iter().map(|seconds| records / seconds).collect(),
        ),
        Figure::new(
            format!("CPU of the job, to {place}"),
            "CPU s per million",
            cpu.iter().map(|cpu| cpu * 1e6 / records).collect(),
        )
        .goal(Bound::AtMost(2.0)),
        Figure::new(
            format!("peak memory of the whole job, to {place}"),
            "bytes a pair",
            a_pair.collect(),
        ),
    ]
}
