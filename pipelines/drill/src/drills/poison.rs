//! Hostile bytes: ten thousand records that nobody should send, under a limit of memory.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use arrow::array::{Array as _, AsArray as _};
use lake::Lake;
use model::tables::Relation;
use model::{Millis, PartitionId, Topic};
use rand::{Rng as _, RngExt as _};
use rustc_hash::FxHasher;
use sources::generator::GeneratorConfig;
use std::hash::Hasher as _;

use super::Drill;
use crate::job::Job;
use crate::scene::Scene;
use crate::world::{Pace, World};

pub(super) const DRILL: Drill = Drill {
    name: "poison",
    about: "10,000 hostile records under a limit of 512 MiB: each is rejected with its bytes, the rest goes on",
    faults: &["hostile"],
    run,
};

/// How many.
const RECORDS: u64 = 10_000;
/// Resident memory of the job.
const LIMIT_KIB: u64 = 512 << 10;

/// What is hostile about a record.
const KINDS: [&str; 9] = [
    "random bytes",
    "cut short",
    "too deep",
    "a string too long",
    "too large",
    "a member twice",
    "no UTF-8",
    "no value",
    "of no known type",
];

fn run(scene: &mut Scene<'_>) -> Result<()> {
    let mut world = scene.world(GeneratorConfig {
        characters: 500,
        equipment: 1_000,
        likes: 5_000,
        documents: 50,
        ..GeneratorConfig::default()
    })?;
    let mut job = scene.job(&world)?;
    // Of what is in flight there are a few copies: as read, as rows, as a file.
    let flow = "bytes_in_flight_max = 33554432";
    job.setup.more.insert("flow", flow.to_owned());
    // As for any job under a tight limit (docs/operations.md): what is freed goes back at once.
    job.environment([
        ("MIMALLOC_PURGE_DELAY", "0"),
        ("MALLOC_MMAP_THRESHOLD_", "262144"),
    ]);
    let epoch = "bytes_max = 4194304";
    job.setup.more.insert("epoch", epoch.to_owned());
    job.start("")?;
    job.shows_something()?;
    // Half before and half between the poison.
    world.write(Pace::at_once(3_000))?;
    let sent = poison(scene, &world, &mut job)?;
    world.write(Pace::at_once(u64::MAX))?;
    job.catches_up(&world.ends()?)?;
    let most = resident_kib(&job, "VmHWM")?;
    scene
        .verdict
        .figure("memory at most, MiB", most as f64 / 1024.0);
    ensure!(most <= LIMIT_KIB, "the job took {most} KiB of memory");
    job.stop()?;
    let (kept, rejected) = kept(&job)?;
    let oracle = world.made()?.oracle.outcomes().values();
    let others: u64 = oracle.flat_map(|outcomes| outcomes.rejected.values()).sum();
    ensure!(
        rejected == others + RECORDS,
        "{rejected} records are rejected, not {others} and {RECORDS} hostile ones"
    );
    for (hash, times) in &sent {
        let found = kept.get(hash).copied().unwrap_or(0);
        ensure!(
            found >= *times,
            "a hostile record was sent {times} times and is kept {found} times with its bytes"
        );
    }
    scene
        .verdict
        .compared("hostile records kept with their bytes", sent.values().sum());
    scene.equals_one_pass_but(&world, &job, RECORDS)
}

/// Sends hostile records; gives the hashes of keys and values, each with how often it was sent.
fn poison(scene: &mut Scene<'_>, world: &World, job: &mut Job) -> Result<BTreeMap<u64, u64>> {
    let mut writer = world.writer()?;
    let mut sent = BTreeMap::new();
    for number in 0..RECORDS {
        let kind = KINDS[scene.chance.random_range(0..KINDS.len())];
        // The large ones are few: what counts is that they come at all.
        let kind = match kind {
            "too large" | "a string too long" if !number.is_multiple_of(8) => "cut short",
            kind => kind,
        };
        let value = hostile(scene, kind);
        let topic = [Topic::Equipment, Topic::Likes][scene.chance.random_range(0..2)];
        let partition = scene.chance.random_range(0..world.config().partitions);
        let key = format!("hostile-{}", number % 100);
        writer.send(
            &world.topics[&topic],
            Some(partition),
            Some(key.as_bytes()),
            value.as_deref(),
            Some(Millis(0)),
        )?;
        let id = PartitionId { topic, partition };
        *sent
            .entry(hash(&id, key.as_bytes(), value.as_deref()))
            .or_default() += 1;
        scene.verdict.injected(&format!("hostile: {kind}"), 1);
        if number.is_multiple_of(500) {
            writer.flush()?;
            let now = resident_kib(job, "VmRSS")?;
            ensure!(now <= LIMIT_KIB, "the job took {now} KiB of memory");
            thread::sleep(Duration::from_millis(20));
        }
    }
    writer.flush()?;
    Ok(sent)
}

fn hostile(scene: &mut Scene<'_>, kind: &str) -> Option<Vec<u8>> {
    let chance = &mut scene.chance;
    let like = br#"{"eventId":"0191d5a0-7f3a-7c51-9c1e-2b7c5a0f9d11","eventType":"LikeToggled","occurredAt":"2026-11-24T10:15:30Z","aggregateId":"ocid-a","payload":{"likerAccountId":"acc-1","targetOcid":"ocid-a"}"#;
    let with = |member: &[u8]| {
        let mut value = like.to_vec();
        value.push(b',');
        value.extend_from_slice(member);
        value.push(b'}');
        value
    };
    Some(match kind {
        "random bytes" => {
            let mut bytes = vec![0; chance.random_range(1..4_000)];
            chance.fill_bytes(&mut bytes);
            // No JSON begins so.
            bytes[0] |= 0x80;
            bytes
        }
        "cut short" => like[..chance.random_range(1..like.len())].to_vec(),
        "too deep" => {
            let depth = chance.random_range(60..20_000);
            let mut member = br#""note":"#.to_vec();
            member.extend(std::iter::repeat_n(b'[', depth));
            member.extend(std::iter::repeat_n(b']', depth));
            with(&member)
        }
        "a string too long" => {
            let length = chance.random_range(100_001..1_000_000);
            let mut member = br#""note":""#.to_vec();
            member.extend(std::iter::repeat_n(b'a', length));
            member.push(b'"');
            with(&member)
        }
        "too large" => {
            let length = chance.random_range((2 << 20) + 1..3 << 20);
            let mut member = br#""note":["#.to_vec();
            while member.len() < length {
                member.extend_from_slice(b"\"0123456789\",");
            }
            member.extend_from_slice(b"0]");
            with(&member)
        }
        "a member twice" => with(br#""eventType":"LikeToggled""#),
        "no UTF-8" => with(b"\"note\":\"\xff\xfe\""),
        "of no known type" => {
            let text = String::from_utf8_lossy(like).replace("LikeToggled", "Robbery");
            format!("{text}}}").into_bytes()
        }
        _ => return None,
    })
}

fn hash(partition: &PartitionId, key: &[u8], value: Option<&[u8]>) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(partition.topic.name().as_bytes());
    hasher.write_i32(partition.partition);
    hasher.write(key);
    hasher.write(value.unwrap_or(b"no value"));
    hasher.finish()
}

/// What the table of rejected records holds: hashes with their numbers, and the number of rows.
fn kept(job: &Job) -> Result<(BTreeMap<u64, u64>, u64)> {
    let lake = Lake::open(&job.data().join("tables"))?;
    let view = lake
        .view(Relation::Rejected)?
        .context("the table is there")?;
    let (mut kept, mut rows) = (BTreeMap::new(), 0);
    for batch in view.scan().batches()? {
        let batch = batch?;
        let topics = batch["topic"].as_string::<i32>();
        let partitions = batch["partition"].as_primitive::<arrow::datatypes::Int32Type>();
        let keys = batch["key"].as_binary::<i32>();
        let values = batch["value"].as_binary::<i32>();
        for row in 0..batch.num_rows() {
            rows += 1;
            let topic = Topic::ALL
                .into_iter()
                .find(|topic| topic.name() == topics.value(row));
            let id = PartitionId {
                topic: topic.context("a topic of the table")?,
                partition: partitions.value(row),
            };
            let value = values.is_valid(row).then(|| values.value(row));
            *kept.entry(hash(&id, keys.value(row), value)).or_default() += 1;
        }
    }
    Ok((kept, rows))
}

/// Memory of the job's process, in KiB.
fn resident_kib(job: &Job, field: &str) -> Result<u64> {
    let path = format!("/proc/{}/status", job.pid()?);
    let text = std::fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
    let line = text.lines().find(|line| line.starts_with(field));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number
        .with_context(|| format!("find {field} in {path}"))?
        .parse()
        .context("read a number of KiB")
}
