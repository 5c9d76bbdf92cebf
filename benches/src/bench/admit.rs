//! Likes from JSON to what is admitted, and what a pair costs in memory.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use model::admission::{AdmissionSettings, Admitted, Change, Counts, Partition};
use model::{PartitionId, Topic};
use sources::RecordBatch;
use sources::generator::{Generator, GeneratorConfig, Oracle};

use super::Size;
use crate::figure::{Bound, Figure};
use crate::measure::{peak_bytes, resident_bytes, timed};

/// Records that are generated and then admitted at once.
const BATCH: usize = 30_000;

/// Likes of which every event id is new: 2,000,000 of them name about 1,960,000 pairs.
pub(super) fn likes(count: u64) -> GeneratorConfig {
    GeneratorConfig {
        characters: 10_000,
        accounts: 6_667,
        equipment: 0,
        likes: count,
        broken: 0.0,
        duplicate: 0.0,
        late: 0.0,
        unlike: 0.0,
        bare_toggle: 0.0,
        versioned: 0.0,
        ..GeneratorConfig::default()
    }
}

struct Pass {
    rate: f64,
    cpu_seconds: f64,
    bytes_a_pair: f64,
    pairs: usize,
    counts: Counts,
    /// Sum of the changes, which is the number of pairs that stand.
    standing: i64,
}

pub(super) fn run(size: Size, with_ids: bool) -> Result<Vec<Figure>> {
    let config = likes(size.of(50_000, 2_000_000));
    let settings = AdmissionSettings {
        dedup_horizon_millis: 86_400_000,
        dedup_ids_max: if with_ids { 10_000_000 } else { 0 },
    };
    // Memory is that of the first pass: later ones find what it gave back.
    let first = pass(&config, settings)?;
    let peak = peak_bytes()?;
    let mut passes = vec![first];
    for _ in 1..size.of(1, 3) {
        passes.push(pass(&config, settings)?);
    }
    check(&config, &passes)?;

    let rates = passes.iter().map(|pass| pass.rate).collect();
    let cpu = passes.iter().map(|pass| pass.cpu_seconds).collect();
    let pairs = passes[0].pairs;
    let bytes = Figure::new(
        format!("state of {pairs} pairs"),
        "bytes a pair",
        vec![passes[0].bytes_a_pair],
    );
    let goal = if with_ids { 170.0 } else { 130.0 };
    Ok(vec![
        Figure::new(
            format!("{} likes, {pairs} pairs", config.likes),
            "likes a second and core",
            rates,
        )
        .cost(cpu, vec![peak]),
        bytes.goal(Bound::AtMost(goal)),
    ])
}

fn pass(config: &GeneratorConfig, settings: AdmissionSettings) -> Result<Pass> {
    let mut generator = Generator::new(config.clone())?;
    let mut batches: BTreeMap<PartitionId, RecordBatch> = BTreeMap::new();
    let mut admitted = Admitted::new(Topic::Likes);
    // Buffers have their size before memory is looked at.
    let mut more = fill(&mut generator, &mut batches);
    let mut warm = BTreeMap::new();
    for (&partition, batch) in &batches {
        let state = Partition::new(Topic::Likes, settings);
        admit(warm.entry(partition).or_insert(state), batch, &mut admitted);
    }
    drop(warm);

    let before = resident_bytes()?;
    let mut partitions: BTreeMap<PartitionId, Partition> = batches
        .keys()
        .map(|&partition| (partition, Partition::new(Topic::Likes, settings)))
        .collect();
    let (mut counts, mut standing, mut cpu_seconds) = (Counts::default(), 0, 0.0);
    while more {
        for (partition, batch) in &batches {
            let Some(state) = partitions.get_mut(partition) else {
                continue;
            };
            let ((), took) = timed(|| {
                admit(state, batch, &mut admitted);
                Ok(())
            })?;
            cpu_seconds += took;
            counts += admitted.counts();
            standing += net(&admitted);
        }
        more = fill(&mut generator, &mut batches);
    }
    let after = resident_bytes()?;
    let pairs: usize = partitions.values().map(Partition::keys).sum();
    Ok(Pass {
        rate: counts.read() as f64 / cpu_seconds,
        cpu_seconds,
        bytes_a_pair: after.saturating_sub(before) as f64 / pairs as f64,
        pairs,
        counts,
        standing,
    })
}

/// The next records by partition; whether there are any.
fn fill(generator: &mut Generator, batches: &mut BTreeMap<PartitionId, RecordBatch>) -> bool {
    for batch in batches.values_mut() {
        batch.clear();
    }
    let mut count = 0;
    while count < BATCH
        && let Some(generated) = generator.next()
    {
        let batch = batches.entry(generated.partition).or_default();
        batch.push(generated.record);
        count += 1;
    }
    count > 0
}

fn admit(state: &mut Partition, batch: &RecordBatch, admitted: &mut Admitted) {
    admitted.clear();
    for record in batch.iter() {
        state.admit(&record, admitted);
    }
    state.close_batch(admitted);
}

fn net(admitted: &Admitted) -> i64 {
    let changes = admitted.changes().map(|change| match change {
        Change::Like(like) => like.diff(),
        Change::Equipment(_) | Change::Enrich(_) | Change::Donation(_) => 0,
    });
    changes.sum()
}

/// The generator's own model says the same.
fn check(config: &GeneratorConfig, passes: &[Pass]) -> Result<()> {
    let mut generator = Generator::new(config.clone())?;
    let mut oracle = Oracle::new(86_400_000);
    while let Some(generated) = generator.next() {
        let at = generated.record.timestamp_millis;
        oracle.see(generated.partition, at, &generated.fact);
    }
    let applied: u64 = oracle
        .outcomes()
        .values()
        .map(|outcomes| outcomes.applied)
        .sum();
    let pairs = oracle.pairs().len();
    for pass in passes {
        let wanted = (config.likes, applied, pairs, pairs as i64);
        let got = (
            pass.counts.read(),
            pass.counts.applied,
            pass.pairs,
            pass.standing,
        );
        ensure!(
            got == wanted,
            "read, applied, pairs and standing pairs are {got:?}, not {wanted:?}"
        );
    }
    Ok(())
}
