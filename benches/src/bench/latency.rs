//! An open loop at 5,000 events a second: from the broker's timestamp to a reader of Redis.
//!
//! For every record: the epoch that holds it is the first one whose cut lies behind its offset, by the
//! table of accounting. It is readable from the moment at which a reader, who asks for the marker all
//! the time, first gets an `as_of` at or after that epoch; the moment counts after the answer came.
//! Its age then, by the timestamp that the broker gave it when it was appended, is its latency. The
//! broker's clock has whole milliseconds, rounded down: the figures are up to 1 ms too high.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use sources::generator::GeneratorConfig;
use sources::{KafkaSource, Limits, Polled, RecordBatch, Source};
use views::ViewReader;

use super::Size;
use crate::answer::{self, accounting_of_table, cuts_of_table, redis_reader, right_accounting};
use crate::figure::{Bound, Figure, median};
use crate::job::Running;
use crate::world::{PATIENCE, Server, World};

const EVENTS_PER_SECOND: f64 = 5_000.0;
/// Time between two looks of the reader at the marker.
const LOOK: Duration = Duration::from_micros(500);
/// What passes until the broker has compiled its own code, which keeps both cores busy, and producer, caches
/// and prices have their pace.
const WARM_UP_SECONDS: u64 = 30;

/// Microseconds since 1970.
type Micros = i64;

pub(super) fn run(size: Size) -> Result<Vec<Figure>> {
    let warm_up = size.of(1, WARM_UP_SECONDS);
    let seconds = size.of(3, 60) + warm_up;
    let mut world = World::new(
        "latency",
        GeneratorConfig {
            characters: 20_000,
            equipment: 100 * seconds,
            likes: 4_900 * seconds,
            ..GeneratorConfig::default()
        },
    )?;
    let folder = tempfile::tempdir()?;
    let file = world.job(0, folder.path(), "redis")?;
    let job = world.job_name(0);
    let running = Running::start(&file, false)?;
    await_marker(&job)?;

    let records = world.records();
    let filled = AtomicBool::new(false);
    let seen = thread::scope(|scope| -> Result<_> {
        let reader = scope.spawn(|| watch(&job, &filled));
        let written = world.fill(Some(EVENTS_PER_SECOND));
        // What was written last comes through while the reader still looks.
        thread::sleep(Duration::from_secs(3));
        filled.store(true, Ordering::Relaxed);
        let seen = reader.join().expect("the reader does not panic")?;
        written?;
        Ok(seen)
    })?;
    let cost = running.join()?;

    let right = answer::right(&world)?;
    answer::of_redis(&job)?.must_be(&right, "Redis")?;
    answer::of_tables(folder.path())?.must_be(&right, "the tables")?;
    ensure!(
        accounting_of_table(folder.path())? == right_accounting(&world),
        "the table of accounting counts otherwise"
    );
    Server::connect()?.forget(&job)?;

    let latencies = latencies(&world, folder.path(), &seen)?;
    ensure!(
        latencies.len() as u64 == records,
        "{} of {records} records were seen",
        latencies.len()
    );
    let appended = || latencies.iter().map(|&(appended, _)| appended);
    let last = appended().max().context("find a record")?;
    let window = (seconds - warm_up).cast_signed() * 1_000_000;
    let (early, measured): (Vec<_>, Vec<_>) = latencies
        .iter()
        .partition(|&&(appended, _)| appended <= last - window);
    let offered = measured.len() as f64 / (seconds - warm_up) as f64;
    // A few seconds show that it works, on a machine that may be busy; they are no figure.
    ensure!(
        (offered / EVENTS_PER_SECOND - 1.0).abs() < size.of(f64::INFINITY, 0.01),
        "{offered:.0} events a second were offered"
    );
    let only = |of: Vec<(Micros, Micros)>| of.into_iter().map(|(_, latency)| latency).collect();
    let what = format!("{} events in {} s", measured.len(), seconds - warm_up);
    let mut figures = percentiles(&what, only(measured), true);
    figures[0] = figures[0]
        .clone()
        .cost(vec![cost.cpu_seconds], vec![cost.peak_bytes]);
    figures.extend(percentiles(
        &format!("the first {warm_up} s, which do not count"),
        only(early),
        false,
    ));
    figures.push(Figure::new("events offered", "events/s", vec![offered]));
    for (stage, millis) in cost.stages {
        let what = format!("an event that the job followed: to {stage}, median");
        figures.push(Figure::new(what, "ms", vec![median(&millis)]));
    }
    let distance = seen.windows(2).map(|two| two[1].0 - two[0].0);
    figures.extend(percentiles(
        "time between two new epochs at the reader",
        distance.collect(),
        false,
    ));
    Ok(figures)
}

fn percentiles(what: &str, mut latencies: Vec<Micros>, with_bounds: bool) -> Vec<Figure> {
    latencies.sort_unstable();
    let of = |share: f64| {
        let place = ((latencies.len() as f64 * share).ceil() as usize).clamp(1, latencies.len());
        latencies[place - 1] as f64 / 1e3
    };
    let figure = |name: &str, share| Figure::new(format!("{what}: {name}"), "ms", vec![of(share)]);
    let mut figures = vec![
        figure("p50", 0.5),
        figure("p99", 0.99),
        figure("p99.9", 0.999),
        figure("highest", 1.0),
    ];
    if with_bounds {
        let [_, p99, p999, _] = &mut figures[..] else {
            return figures;
        };
        p99.floor = Some(Bound::AtMost(50.0));
        p99.goal = Some(Bound::AtMost(10.0));
        p999.goal = Some(Bound::AtMost(50.0));
    }
    figures
}

/// Waits until the job has claimed the views and is about to read.
fn await_marker(job: &str) -> Result<()> {
    let mut reader = redis_reader(job)?;
    let deadline = Instant::now() + PATIENCE;
    while reader.marker()?.is_none() {
        ensure!(Instant::now() < deadline, "the job does not start");
        thread::sleep(Duration::from_millis(20));
    }
    thread::sleep(Duration::from_secs(1));
    Ok(())
}

/// The moments at which the marker was first seen at a newer epoch.
fn watch(job: &str, end: &AtomicBool) -> Result<Vec<(Micros, u64)>> {
    let mut reader = redis_reader(job)?;
    let mut seen = Vec::new();
    let mut newest = None;
    while !end.load(Ordering::Relaxed) {
        let as_of = reader.marker()?.and_then(|marker| marker.as_of);
        if as_of > newest
            && let Some(epoch) = as_of
        {
            let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros();
            seen.push((Micros::try_from(now)?, epoch.0));
            newest = as_of;
        }
        thread::sleep(LOOK);
    }
    Ok(seen)
}

/// For every record when it was appended and how long it then took.
fn latencies(
    world: &World,
    folder: &std::path::Path,
    seen: &[(Micros, u64)],
) -> Result<Vec<(Micros, Micros)>> {
    let mut cuts: BTreeMap<String, Vec<(i64, u64)>> = BTreeMap::new();
    for (epoch, partition, next_offset) in cuts_of_table(folder)? {
        let cuts = cuts.entry(partition).or_default();
        cuts.push((next_offset, epoch.cast_unsigned()));
    }
    let source = KafkaSource::new(world.kafka.clone())?;
    let limits = Limits {
        records: 10_000,
        bytes: 8 << 20,
    };
    let mut latencies = Vec::new();
    let mut batch = RecordBatch::new();
    for (partition, end) in source.end_offsets()? {
        let cuts = cuts
            .get(&partition.to_string())
            .with_context(|| format!("find {partition} in the table of accounting"))?;
        let mut reader = source.open(partition, 0)?;
        while reader.poll(&mut batch, limits, Some(end), PATIENCE)? == Polled::Records {
            for record in batch.iter() {
                let at = cuts.partition_point(|&(next_offset, _)| next_offset <= record.offset);
                let (_, epoch) = cuts.get(at).context("find the epoch of a record")?;
                let shown = seen.partition_point(|(_, as_of)| as_of < epoch);
                let (moment, _) = seen.get(shown).context("see the epoch of a record")?;
                let appended = record.timestamp_millis.0 * 1_000;
                latencies.push((appended, moment - appended));
            }
        }
    }
    Ok(latencies)
}
