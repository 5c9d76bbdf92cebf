//! Values of characters.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dataflow::{Document, Setting, testkit, to_collection};
use graphs::expectation::{Equipment, Inputs, Memo, expectation};
use model::snapshot::{Snapshot, binary};
use model::valued::CharacterValuation;
use rand::RngExt;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use timely::dataflow::operators::ToStream;
use valuation::potential::PotentialKind;
use valuation::totals::{CharacterValue, character_value};
use valuation::{Grade, Key, Keyed, Level, Meso, RuleChange, Ruleset, TableId, key};

use crate::wardrobe;

type Characters = Vec<((String, Option<Snapshot>), u64)>;
type Changes = Vec<(RuleChange, u64)>;
type Values = Vec<testkit::Update<(String, String)>>;

const EPOCHS: u64 = 12;

fn rules() -> Ruleset {
    odds::shipped("kms_2026_03").unwrap()
}

fn documents(characters: &Characters) -> Vec<(Document, u64)> {
    let encoded = characters.iter().map(|((ocid, snapshot), epoch)| {
        let document = snapshot
            .as_ref()
            .map(|snapshot| binary::encode(snapshot).into_vec());
        ((ocid.clone(), document), *epoch)
    });
    encoded.collect()
}

/// Everything of a value that is compared: `{:?}` of floats tells every bit.
fn digest(value: &CharacterValuation) -> String {
    let presets = value.presets.each_ref().map(|preset| {
        let items: Vec<_> = preset
            .items
            .iter()
            .map(|item| {
                (
                    &item.item,
                    &item.table_part,
                    &item.components,
                    item.cost_mesos,
                    item.missing_parts,
                )
            })
            .collect();
        format!(
            "{} {} {:?} {:?} {items:?}",
            preset.cost_mesos, preset.missing_parts, preset.sd_mesos, preset.p90_mesos
        )
    });
    format!("{} {} {presets:?}", value.class, value.preset)
}

/// The same from the valuation's own plain function.
fn digest_of(snapshot: &Snapshot, value: &CharacterValue) -> String {
    let presets = [0, 1, 2].map(|preset| {
        let (total, items) = &value.presets[preset];
        let items: Vec<_> = snapshot.presets[preset]
            .iter()
            .zip(items)
            .map(|(item, value)| {
                let total = value.total;
                (
                    item,
                    &value.table_part,
                    &value.components,
                    total.cost_mesos,
                    total.missing_parts,
                )
            })
            .collect();
        format!(
            "{} {} {:?} {:?} {items:?}",
            total.cost_mesos, total.missing_parts, total.sd_mesos, total.p90_mesos
        )
    });
    format!("{} {} {presets:?}", snapshot.class, value.preset)
}

fn values(
    workers: usize,
    characters: &Characters,
    changes: Changes,
    setting: Setting<u64, Equipment>,
) -> Values {
    testkit::run2(
        workers,
        documents(characters),
        changes,
        move |documents, changes| {
            let read_outs = None::<()>.to_stream(documents.scope());
            let inputs = Inputs {
                documents,
                changes,
                read_outs,
            };
            to_collection(expectation(inputs, setting.clone()).changes, digest)
        },
    )
}

fn random_characters(seed: u64, ocids: u32) -> Characters {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let catalogue: Vec<_> = (0..25).map(|_| wardrobe::item(&mut random)).collect();
    let mut characters = Vec::new();
    for epoch in (0..EPOCHS).filter(|epoch| epoch % 5 != 4) {
        let first = random.random_range(0..ocids);
        for ocid in first..ocids.min(first + random.random_range(0..4)) {
            let snapshot = random
                .random_bool(0.85)
                .then(|| wardrobe::character(&mut random, &catalogue));
            characters.push(((format!("ocid {ocid}"), snapshot), epoch));
        }
    }
    characters
}

fn fee(grade: Grade, mesos: i128) -> RuleChange {
    RuleChange::Fee {
        kind: PotentialKind::Main,
        grade,
        level: Level(200),
        mesos: Meso(mesos),
    }
}

fn distinct_keys(rules: &Ruleset, characters: &Characters) -> BTreeSet<Key> {
    let snapshots = characters.iter().filter_map(|row| row.0.1.as_ref());
    let items = snapshots.flat_map(|snapshot| {
        snapshot
            .presets
            .iter()
            .flatten()
            .map(|item| (&*snapshot.class, item))
    });
    let keyed = items.flat_map(|(class, item)| key::components(rules, class, item));
    keyed
        .filter_map(|keyed| match keyed {
            Keyed::Settled(_) => None,
            Keyed::Priced(key) => Some(key),
        })
        .collect()
}

#[test]
fn equals_recomputation_at_every_epoch() {
    for (seed, workers) in [(1, 1), (2, 2), (3, 4)] {
        let characters = random_characters(seed, 6);
        let changes = vec![
            (fee(Grade::Legendary, 1_000), 3),
            (fee(Grade::Unique, 77), 6),
            (fee(Grade::Legendary, 5), 8),
        ];
        let said = values(workers, &characters, changes.clone(), Setting::new(rules()));
        let mut rules = rules();
        for epoch in 0..EPOCHS {
            for (change, _) in changes.iter().filter(|row| row.1 == epoch) {
                rules.apply(change.clone()).unwrap();
            }
            let mut latest = BTreeMap::new();
            for ((ocid, snapshot), _) in characters.iter().filter(|row| row.1 <= epoch) {
                latest.insert(ocid.clone(), snapshot.clone());
            }
            let wanted = latest.into_iter().filter_map(|(ocid, snapshot)| {
                let snapshot = snapshot?;
                let value = character_value(&rules, &snapshot.class, &snapshot.presets);
                Some(((ocid, digest_of(&snapshot, &value)), 1))
            });
            assert!(
                testkit::content(&said, epoch).into_iter().eq(wanted),
                "epoch {epoch}, {workers} workers"
            );
        }
    }
}

#[test]
fn any_number_of_workers_says_the_same_and_prices_each_key_once() {
    let characters = random_characters(4, 40);
    let keys = distinct_keys(&rules(), &characters).len() as u64;
    let run = |workers| {
        let setting = Setting::new(rules());
        let said = values(workers, &characters, Vec::new(), setting.clone());
        (said, setting.prices.computed())
    };
    let (one, computed) = run(1);
    assert!(keys > 20 && !one.is_empty());
    // A key that nobody holds any more may be forgotten and priced again.
    assert!(
        (keys..keys + 10).contains(&computed),
        "{computed} of {keys}"
    );
    for workers in [2, 4] {
        assert_eq!(run(workers).0, one);
    }
}

#[test]
fn a_changed_row_computes_only_the_keys_that_depend_on_it() {
    let mut characters = random_characters(5, 1_000);
    let mut seen = BTreeSet::new();
    characters.retain(|row| row.0.1.is_some() && seen.insert(row.0.0.clone()));
    let rules = rules();
    let keys = distinct_keys(&rules, &characters);
    let legendary_fee = |table: &TableId| {
        matches!(table, TableId::Fee { kind: PotentialKind::Main, grade: Grade::Legendary, min_level }
            if *min_level == Level(200))
    };
    let touched = keys
        .iter()
        .filter(|key| key::dependencies(&rules, key).iter().any(legendary_fee))
        .count() as u64;
    assert!(
        touched > 0 && touched < keys.len() as u64 / 2,
        "{touched} of {}",
        keys.len()
    );
    for workers in [1, 2, 4] {
        let setting = Setting::new(rules.clone());
        values(
            workers,
            &characters,
            vec![(fee(Grade::Legendary, 1), EPOCHS)],
            setting.clone(),
        );
        assert_eq!(setting.prices.computed(), keys.len() as u64 + touched);
    }
}

#[test]
fn a_memo_of_all_prices_computes_none() {
    let characters = random_characters(6, 10);
    let rules = rules();
    let known = distinct_keys(&rules, &characters).into_iter().map(|key| {
        let price = key::price(&rules, &key).into();
        (key, price)
    });
    let memo: Memo = known.collect();
    let fresh = values(2, &characters, Vec::new(), Setting::new(rules.clone()));
    let known = memo.len() as u64;
    let setting = Setting {
        memo: Arc::new(memo),
        ..Setting::new(rules)
    };
    let counts = Arc::clone(&setting.prices);
    assert_eq!(values(2, &characters, Vec::new(), setting), fresh);
    assert_eq!((counts.computed(), counts.remembered()), (0, known));
}
