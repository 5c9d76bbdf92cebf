use std::collections::{BTreeMap, BTreeSet};

use crossbeam_channel::{Receiver, unbounded};
use lake::{CompactionLimits, Lake, Owner, Retain, Table};
use model::admission::{InputRow, RowKind};
use model::tables::InputRows;
use model::{EventId, Millis};

use super::*;
use crate::feeder::{Feed, WorkerHandle};

const WORKERS: usize = 3;
const BASE: Epoch = Epoch(12);
const EPOCHS: u64 = 20;

/// A row as the tests look at it: epoch, key, offset.
type Told = (u64, String, i64);

/// Fills a table: each epoch a commit, keys come again and again; some epochs are compacted into a run.
fn fill(table: &mut Table, seed: u64) -> Vec<Told> {
    let mut told = Vec::new();
    let mut offsets = [0_i64; 2];
    let mut random = seed;
    for epoch in 1..=EPOCHS {
        let mut rows = InputRows::new(Relation::InputEquipment.spec());
        for _ in 0..30 {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let key = (random >> 33) % 16;
            let partition = key % 2;
            let offset = &mut offsets[partition as usize];
            *offset += 1;
            let text = format!("ocid-{key}");
            let mut id = [0; 16];
            id[..8].copy_from_slice(&offset.to_le_bytes());
            id[8] = partition as u8;
            // The version of the form, an instant, and a snapshot that nobody reads here.
            let value = [1, 0, 7];
            let row = InputRow {
                kind: RowKind::Row,
                diff: 1,
                key: text.as_bytes(),
                value: Some(&value),
                event_id: Some(EventId(id)),
                timestamp_millis: Millis(*offset),
                offset: *offset,
            };
            rows.push(partition as i32, Epoch(epoch), &row);
            told.push((epoch, text, *offset));
        }
        table.append(&[rows.finish()], Epoch(epoch), &[]).unwrap();
        if epoch == 9 {
            let retain = Retain {
                since: Epoch(4),
                ..Retain::default()
            };
            let limits = CompactionLimits::everything();
            let plan = table.plan_compaction(retain, &limits).unwrap().unwrap();
            table.commit_compaction(&plan.run().unwrap()).unwrap();
        }
    }
    told
}

fn rows_of(batch: &InputBatch, worker: usize) -> Vec<Told> {
    let rows = batch.shares[worker].iter().map(|&row| row as usize);
    rows.map(|at| {
        let row = batch.columns.row(at).unwrap();
        let key = String::from_utf8(row.key.to_vec()).unwrap();
        (batch.columns.epoch(at).0, key, row.offset)
    })
    .collect()
}

/// What a worker was fed at the base.
fn fed(feeds: &Receiver<Feed>, worker: usize) -> Vec<Told> {
    let mut rows = Vec::new();
    let mut closed = false;
    for feed in feeds.try_iter() {
        match feed {
            Feed::Rows(epoch, batch) => {
                assert_eq!((epoch, closed), (BASE, false));
                rows.extend(rows_of(&batch, worker));
            }
            Feed::Close(epoch) => {
                assert_eq!(epoch, BASE);
                closed = true;
            }
            Feed::Epoch(_) | Feed::ReadOut(_) => panic!("nothing else is fed"),
        }
    }
    assert!(closed);
    rows
}

#[test]
fn each_worker_gets_the_newest_change_of_its_keys_last_whatever_thread_reads_it() {
    for seed in 0..12 {
        let dir = tempfile::tempdir().unwrap();
        let lake = Lake::open(dir.path()).unwrap();
        let owner = Owner {
            job: "job".to_owned(),
            generation: 1,
        };
        let mut table = lake.table(Relation::InputEquipment, &owner).unwrap();
        let told = fill(&mut table, seed);
        let (senders, feeds): (Vec<_>, Vec<_>) = (0..WORKERS).map(|_| unbounded()).unzip();
        let handle = |feeds| WorkerHandle {
            feeds,
            thread: thread::current(),
        };
        let (said, _said) = unbounded();
        let workers = senders.into_iter().map(handle).collect();
        let feeder = Feeder::new(workers, said, Epoch(EPOCHS), Epoch(EPOCHS));
        let status = Status::default();
        let how = How {
            base: BASE,
            admission: AdmissionSettings {
                dedup_horizon_millis: 1_000_000,
                dedup_ids_max: 1_000_000,
            },
            threads: 1 + seed as usize % 4,
        };
        let scan = (
            Topic::Equipment,
            Relation::InputEquipment,
            table.view().scan(),
        );
        let recovered = recover(&[scan], how, &feeder, &status, &StopFlag::default()).unwrap();

        let mut last = BTreeMap::new();
        let mut homes: BTreeMap<String, usize> = BTreeMap::new();
        for (worker, feeds) in feeds.iter().enumerate() {
            for (epoch, key, offset) in fed(feeds, worker) {
                assert!(epoch <= BASE.0);
                assert_eq!(*homes.entry(key.clone()).or_insert(worker), worker);
                let before = last.insert(key, offset);
                assert!(
                    before < Some(offset),
                    "seed {seed}: {before:?} then {offset}"
                );
            }
        }
        let mut newest = BTreeMap::new();
        for (_, key, offset) in told.iter().filter(|row| row.0 <= BASE.0) {
            newest.insert(key.clone(), *offset);
        }
        assert_eq!(last, newest, "seed {seed}");

        // Above the base every change, at its epoch, in the order of the offsets of its key.
        let mut tail: Vec<Told> = Vec::new();
        for (epoch, batches) in &recovered.tail {
            for worker in 0..WORKERS {
                let mut offsets = BTreeMap::new();
                for row in batches.iter().flat_map(|batch| rows_of(batch, worker)) {
                    assert_eq!(row.0, epoch.0);
                    assert!(offsets.insert(row.1.clone(), row.2) < Some(row.2));
                    tail.push(row);
                }
            }
        }
        tail.sort();
        let mut wanted: Vec<Told> = told.into_iter().filter(|row| row.0 > BASE.0).collect();
        wanted.sort();
        assert_eq!(tail, wanted, "seed {seed}");

        let loading = status.loading().unwrap();
        assert!(loading.rows > 0 && loading.rows == loading.rows_of);
        let found: BTreeSet<_> = recovered.partitions.keys().map(|id| id.partition).collect();
        assert_eq!(found, [0, 1].into());
        let ids: usize = recovered.partitions.values().map(|of| of.ids()).sum();
        assert_eq!(ids, 30 * EPOCHS as usize, "every event id is known again");
    }
}

#[test]
fn a_start_that_is_stopped_loads_nothing_more() {
    let dir = tempfile::tempdir().unwrap();
    let lake = Lake::open(dir.path()).unwrap();
    let owner = Owner {
        job: "job".to_owned(),
        generation: 1,
    };
    let mut table = lake.table(Relation::InputEquipment, &owner).unwrap();
    fill(&mut table, 1);
    let (said, _said) = unbounded();
    let feeder = Feeder::new(Vec::new(), said, Epoch(EPOCHS), Epoch(EPOCHS));
    let (status, stop) = (Status::default(), StopFlag::default());
    stop.set();
    let how = How {
        base: BASE,
        admission: AdmissionSettings {
            dedup_horizon_millis: 0,
            dedup_ids_max: 0,
        },
        threads: 2,
    };
    let scan = (
        Topic::Equipment,
        Relation::InputEquipment,
        table.view().scan(),
    );
    let recovered = recover(&[scan], how, &feeder, &status, &stop).unwrap();
    assert!(recovered.partitions.is_empty() && recovered.tail.is_empty());
    assert_eq!(status.loading().unwrap().rows, 0);
}
