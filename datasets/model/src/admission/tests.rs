//! Admission against a model that keeps everything, over sequences that a seed makes.

mod replays;

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::{EventId, Millis, RawRecord, Topic};

/// A record of a small world: few keys, ids and hashes, so that they meet.
#[derive(Clone, Debug)]
struct Sent {
    key: usize,
    id: u8,
    version: Option<i64>,
    timestamp: i64,
    /// Of likes the state that is wanted; of equipment whether it comes with a snapshot.
    choice: Option<bool>,
    hash: u8,
    /// The offset that it replays.
    replays: Option<i64>,
}

impl Sent {
    fn random(rng: &mut ChaCha8Rng, now: &mut i64, offset: i64) -> Self {
        *now += rng.random_range(0..20);
        Self {
            key: rng.random_range(0..4),
            id: rng.random_range(0..24),
            version: rng.random_bool(0.3).then(|| rng.random_range(0..30)),
            timestamp: *now
                - if rng.random_bool(0.2) {
                    rng.random_range(0..200)
                } else {
                    0
                },
            choice: [None, Some(true), Some(false)][rng.random_range(0..3)],
            hash: rng.random_range(0..3),
            replays: (offset > 0 && rng.random_bool(0.2)).then(|| rng.random_range(0..offset)),
        }
    }

    fn value(&self, topic: Topic) -> String {
        let id = EventId([self.id; 16]);
        let version = self
            .version
            .map_or(String::new(), |version| format!(r#""version":{version},"#));
        let key = self.key;
        let (kind, payload) = match topic {
            Topic::Likes => {
                let liked = self
                    .choice
                    .map_or(String::new(), |liked| format!(r#","liked":{liked}"#));
                (
                    "LikeToggled",
                    format!(r#"{{"likerAccountId":"acc","targetOcid":"k{key}"{liked}}}"#),
                )
            }
            Topic::Equipment => {
                let hash = self.hash;
                let snapshot = if self.choice == Some(true) {
                    r#","snapshot":{"class":"에반","presets":[[],[],[]]}"#
                } else {
                    ""
                };
                (
                    "EquipmentUpdated",
                    format!(r#"{{"ocid":"k{key}","equipmentHash":"h{hash}"{snapshot}}}"#),
                )
            }
            _ => unreachable!("the tests send likes and equipment"),
        };
        format!(
            r#"{{"eventId":"{id}","eventType":"{kind}","occurredAt":"2026-11-24T10:15:30.123Z","aggregateId":"k{key}",{version}"payload":{payload}}}"#
        )
    }
}

/// The rules of the contract over everything that was ever sent.
struct Model {
    topic: Topic,
    settings: AdmissionSettings,
    running_max: i64,
    /// (timestamp, offset, id, key) of accepted records.
    accepted: Vec<(i64, i64, u8, usize)>,
    versions: BTreeMap<usize, i64>,
    hashes: BTreeMap<usize, u8>,
    liked: BTreeMap<usize, bool>,
    /// The place of the newest accepted record.
    places: BTreeMap<usize, i64>,
}

impl Model {
    fn new(topic: Topic, settings: AdmissionSettings) -> Self {
        Self {
            topic,
            settings,
            running_max: i64::MIN,
            accepted: Vec::new(),
            versions: BTreeMap::new(),
            hashes: BTreeMap::new(),
            liked: BTreeMap::new(),
            places: BTreeMap::new(),
        }
    }

    fn outcome(&mut self, sent: &Sent, offset: i64) -> Outcome {
        self.running_max = self.running_max.max(sent.timestamp);
        let horizon = self.settings.dedup_horizon_millis;
        let mut remembered = self.accepted.clone();
        remembered.sort_unstable();
        let crowded = remembered.len().saturating_sub(self.settings.dedup_ids_max);
        let is_duplicate = remembered[crowded..]
            .iter()
            .any(|&(timestamp, _, id, key)| {
                self.running_max - timestamp <= horizon && (id, key) == (sent.id, sent.key)
            });
        if is_duplicate {
            return Outcome::Duplicate;
        }
        if let (Some(version), Some(highest)) = (sent.version, self.versions.get(&sent.key))
            && version <= *highest
        {
            return Outcome::Superseded;
        }
        if let (Some(place), Some(&newest)) = (sent.replays, self.places.get(&sent.key))
            && place <= newest
        {
            return Outcome::Superseded;
        }
        let outcome = match self.topic {
            Topic::Likes => {
                let liked = self.liked.entry(sent.key).or_default();
                *liked = sent.choice.unwrap_or(!*liked);
                Outcome::Applied
            }
            _ if self.hashes.get(&sent.key) == Some(&sent.hash) => Outcome::Unchanged,
            _ if sent.choice == Some(true) => {
                self.hashes.insert(sent.key, sent.hash);
                Outcome::Applied
            }
            _ => return Outcome::Rejected,
        };
        if let Some(version) = sent.version {
            self.versions.insert(sent.key, version);
        }
        self.accepted
            .push((sent.timestamp, offset, sent.id, sent.key));
        let place = sent.replays.unwrap_or(offset);
        let before = self.places.insert(sent.key, place);
        assert!(before < Some(place), "places of a key only grow");
        outcome
    }
}

/// A row of a table: what [`InputRow`] borrows.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    kind: RowKind,
    diff: i8,
    key: Vec<u8>,
    value: Option<Vec<u8>>,
    event_id: Option<EventId>,
    timestamp_millis: Millis,
    offset: i64,
}

impl Row {
    fn of(row: &InputRow<'_>) -> Self {
        Self {
            kind: row.kind,
            diff: row.diff,
            key: row.key.to_vec(),
            value: row.value.map(<[u8]>::to_vec),
            event_id: row.event_id,
            timestamp_millis: row.timestamp_millis,
            offset: row.offset,
        }
    }

    fn borrow(&self) -> InputRow<'_> {
        InputRow {
            kind: self.kind,
            diff: self.diff,
            key: &self.key,
            value: self.value.as_deref(),
            event_id: self.event_id,
            timestamp_millis: self.timestamp_millis,
            offset: self.offset,
        }
    }
}

fn restored(topic: Topic, settings: AdmissionSettings, rows: &[Row]) -> Partition {
    let mut restore = Restore::new(topic, settings);
    for row in rows {
        restore.row(&row.borrow()).unwrap();
    }
    restore.finish()
}

/// What a compaction leaves of the rows, as tables do it key by key.
fn compacted(rows: &[Row], horizon: i64) -> Vec<Row> {
    let running_max = rows.iter().map(|row| row.timestamp_millis).max().unwrap();
    let mut keys: BTreeMap<&[u8], Vec<InputRow<'_>>> = BTreeMap::new();
    for row in rows {
        keys.entry(&row.key).or_default().push(row.borrow());
    }
    let mut kept = Vec::new();
    for rows in keys.values() {
        consolidate_key(rows, running_max, horizon, |row| kept.push(Row::of(&row)));
    }
    kept
}

/// Sends records to a partition that is restored from its rows now and then, and to the model.
fn check(topic: Topic, seed: u64, settings: AdmissionSettings) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut model = Model::new(topic, settings);
    let mut partition = Partition::new(topic, settings);
    let mut out = Admitted::new(topic);
    let mut rows: Vec<Row> = Vec::new();
    let mut now = 1_000;
    for offset in 0..400 {
        let sent = Sent::random(&mut rng, &mut now, offset);
        let value = sent.value(topic);
        let key = format!("k{}", sent.key);
        let record = RawRecord {
            key: Some(key.as_bytes()),
            value: Some(value.as_bytes()),
            timestamp_millis: Millis(sent.timestamp),
            offset,
            replays: sent.replays,
        };
        let outcome = partition.admit(&record, &mut out);
        assert_eq!(
            outcome,
            model.outcome(&sent, offset),
            "seed {seed}, offset {offset}: {sent:?}"
        );
        if rng.random_bool(0.1) {
            partition.close_batch(&mut out);
            assert_eq!(out.rejected().len() as u64, out.counts().rejected);
            rows.extend(out.rows().map(|row| Row::of(&row)));
            out.clear();
            if rng.random_bool(0.3) {
                rows = compacted(&rows, settings.dedup_horizon_millis);
            }
            if rng.random_bool(0.5) {
                let ids = partition.ids();
                partition = restored(topic, settings, &rows);
                assert_eq!(partition.ids(), ids, "seed {seed}, offset {offset}");
            }
        }
    }
    if topic == Topic::Likes {
        rows.extend(out.rows().map(|row| Row::of(&row)));
        let mut liked: BTreeMap<String, i64> = BTreeMap::new();
        let rows = compacted(&rows, settings.dedup_horizon_millis);
        for row in &rows {
            if let Some(Change::Like(change)) = Change::from_row(topic, &row.borrow()).unwrap() {
                *liked.entry(change.target.to_owned()).or_default() += change.diff();
            }
        }
        let expected: BTreeMap<String, i64> = model
            .liked
            .iter()
            .filter(|(_, liked)| **liked)
            .map(|(key, _)| (format!("k{key}"), 1))
            .collect();
        assert_eq!(liked, expected, "seed {seed}");
    }
}

#[test]
fn outcomes_equal_the_model_whatever_is_restored_or_compacted_in_between() {
    for seed in 0..60 {
        for topic in [Topic::Likes, Topic::Equipment] {
            for (dedup_horizon_millis, dedup_ids_max) in
                [(100, 1_000), (1_000_000, 7), (300, 12), (0, 0)]
            {
                check(
                    topic,
                    seed,
                    AdmissionSettings {
                        dedup_horizon_millis,
                        dedup_ids_max,
                    },
                );
            }
        }
    }
}

#[test]
fn the_horizon_in_effect_shrinks_when_ids_are_crowded_out() {
    let settings = AdmissionSettings {
        dedup_horizon_millis: 1_000,
        dedup_ids_max: 2,
    };
    let mut partition = Partition::new(Topic::Likes, settings);
    let mut out = Admitted::new(Topic::Likes);
    for offset in 0..4 {
        let sent = Sent {
            key: 0,
            id: offset as u8,
            version: None,
            timestamp: offset * 10,
            choice: None,
            hash: 0,
            replays: None,
        };
        let value = sent.value(Topic::Likes);
        let record = RawRecord {
            key: None,
            value: Some(value.as_bytes()),
            timestamp_millis: Millis(offset * 10),
            offset,
            replays: None,
        };
        assert_eq!(partition.admit(&record, &mut out), Outcome::Applied);
    }
    assert_eq!(partition.ids(), 2);
    assert_eq!(partition.horizon_in_effect_millis(), 20);
}

#[test]
fn a_settled_row_that_a_newer_one_has_overtaken_changes_nothing_but_likes_add_up() {
    let settings = AdmissionSettings {
        dedup_horizon_millis: 1_000,
        dedup_ids_max: 10,
    };
    let row = |topic, kind, offset, diff| {
        let key: &[u8] = match topic {
            Topic::Likes => b"target\x1faccount",
            _ => b"ocid",
        };
        InputRow {
            kind,
            diff,
            key,
            value: None,
            event_id: None,
            timestamp_millis: Millis(offset),
            offset,
        }
    };
    let mut equipment = Restore::new(Topic::Equipment, settings);
    let mut taken = |kind, offset| {
        let row = row(Topic::Equipment, kind, offset, 1);
        equipment.settled_row(&row).unwrap()
    };
    assert!(taken(RowKind::Row, 5));
    assert!(!taken(RowKind::Row, 4));
    assert!(!taken(RowKind::Id, 6), "an id changes no state");
    assert!(taken(RowKind::Row, 7));

    // What is not settled overtakes nothing that is.
    let mut equipment = Restore::new(Topic::Equipment, settings);
    equipment
        .row(&row(Topic::Equipment, RowKind::Row, 9, 1))
        .unwrap();
    let settled = row(Topic::Equipment, RowKind::Row, 8, 1);
    assert!(equipment.settled_row(&settled).unwrap());

    let mut likes = Restore::new(Topic::Likes, settings);
    for (offset, diff) in [(5, 1), (4, -1), (3, 1)] {
        let row = row(Topic::Likes, RowKind::Row, offset, diff);
        assert!(likes.settled_row(&row).unwrap());
    }
}
