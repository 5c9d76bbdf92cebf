//! Values of documents.

use std::collections::BTreeMap;
use std::sync::Arc;

use dataflow::testkit::toy::{self, Toy, ToyChange, ToyRules, ToyValue, toy_inputs, worth};
use dataflow::{Document, Inputs, Pricing, Setting, appraise, testkit, to_collection};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

type Documents = Vec<(Document, u64)>;
type Changes = Vec<(ToyChange, u64)>;
type Values = Vec<testkit::Update<(String, ToyValue)>>;

const EPOCHS: u64 = 40;

fn values(
    workers: usize,
    documents: Documents,
    changes: Changes,
    setting: Setting<u64, Toy>,
) -> Values {
    testkit::run2(workers, documents, changes, move |documents, changes| {
        let appraised = appraise::<_, Toy>(toy::inputs(documents, changes), setting.clone());
        to_collection(appraised.changes, ToyValue::clone)
    })
}

fn fresh() -> Setting<u64, Toy> {
    Setting::new(ToyRules::default())
}

/// Documents that come, change, stay the same and go; prices that change, also in the same epoch.
fn random_run(seed: u64, keys: u32) -> (Documents, Changes) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let (mut documents, mut changes) = (Vec::new(), Vec::new());
    for epoch in (0..EPOCHS).filter(|epoch| epoch % 5 != 4) {
        if random.random_bool(0.3) {
            changes.push((
                ToyChange(random.random_range('a'..='e'), random.random_range(0..5)),
                epoch,
            ));
        }
        let first = random.random_range(0..keys);
        for key in first..keys.min(first + random.random_range(0..4)) {
            let context = ["", "vip", "x"][random.random_range(0..3)];
            let words = (0..random.random_range(0..5)).map(|_| {
                let letters =
                    (0..random.random_range(1..3)).map(|_| random.random_range('^'..='e'));
                letters.collect::<String>()
            });
            let document = format!("{context}:{}", words.collect::<Vec<_>>().join(" "));
            let document = random.random_bool(0.8).then(|| document.into_bytes());
            documents.push(((format!("key {key}"), document), epoch));
        }
    }
    (documents, changes)
}

fn recomputed(documents: &Documents, changes: &Changes, epoch: u64) -> BTreeMap<String, ToyValue> {
    let mut rules = ToyRules::default();
    for (change, _) in changes.iter().filter(|row| row.1 <= epoch) {
        Toy::apply(&mut rules, change);
    }
    let mut latest = BTreeMap::new();
    for ((key, document), _) in documents.iter().filter(|row| row.1 <= epoch) {
        latest.insert(key.clone(), document.clone());
    }
    let present = latest.into_iter().filter_map(|(key, document)| {
        let document = String::from_utf8(document?).unwrap();
        Some((key, worth(&rules, &document)))
    });
    present.collect()
}

#[test]
fn equals_recomputation_at_every_epoch() {
    for (seed, workers) in (0..18).zip([1, 2, 4].into_iter().cycle()) {
        let (documents, changes) = random_run(seed, 6);
        let said = values(workers, documents.clone(), changes.clone(), fresh());
        for epoch in 0..EPOCHS {
            let content = testkit::content(&said, epoch);
            assert!(content.iter().all(|(_, times)| *times == 1));
            let content: BTreeMap<_, _> = content.into_iter().map(|(row, _)| row).collect();
            let wanted = recomputed(&documents, &changes, epoch);
            assert_eq!(
                content, wanted,
                "epoch {epoch}, seed {seed}, {workers} workers"
            );
        }
    }
}

#[test]
fn any_number_of_workers_says_the_same() {
    let (documents, changes) = random_run(100, 40);
    let one = values(1, documents.clone(), changes.clone(), fresh());
    assert_eq!(values(2, documents.clone(), changes.clone(), fresh()), one);
    assert_eq!(values(4, documents, changes, fresh()), one);
}

#[test]
fn each_key_is_priced_once_in_the_world() {
    for workers in [1, 2, 4] {
        let setting = fresh();
        let documents =
            (0..200).map(|key| ((format!("{key}"), Some(b":ab bc cd".to_vec())), 1 + key % 7));
        values(workers, documents.collect(), Vec::new(), setting.clone());
        assert_eq!(setting.prices.computed(), 4);
    }
}

#[test]
fn one_changed_price_computes_and_says_only_what_depends_on_it() {
    let setting = fresh();
    let documents = toy_inputs([("cat", ":ab", 1), ("dog", ":b", 1), ("owl", ":cd", 1)]);
    let said = values(2, documents, vec![(ToyChange('a', 3), 2)], setting.clone());

    assert_eq!(setting.prices.computed(), 4 + 1);
    let changed: Vec<_> = said
        .iter()
        .filter(|row| row.1 == 2)
        .map(|row| (&*row.0.0, row.0.1.total, row.2))
        .collect();
    assert_eq!(changed, [("cat", 0, -1), ("cat", 3, 1)]);
}

#[test]
fn the_same_document_again_says_nothing() {
    let documents = toy_inputs([("cat", "x:ab", 1), ("cat", "x:ab", 2)]);
    assert_eq!(values(2, documents, Vec::new(), fresh()).len(), 1);
}

#[test]
fn what_nobody_holds_is_forgotten_and_can_come_again() {
    // Each round of documents uses letters of its own; when the last holder of a key is gone, the
    // key is given back, and priced again when it returns.
    let setting = fresh();
    let rounds = ["ab", "cd", "ab", "cd"];
    let documents = (1..).zip(rounds).map(|(round, word)| {
        (
            ("cat".to_string(), Some(format!(":{word}").into_bytes())),
            100 * round,
        )
    });
    let said = values(
        1,
        documents.collect(),
        vec![(ToyChange('a', 2), 0)],
        setting.clone(),
    );

    assert_eq!(testkit::content(&said, 300)[0].0.1.total, 2);
    let computed = setting.prices.computed();
    assert!((4..=8).contains(&computed), "{computed}");
}

#[test]
fn the_last_document_of_an_epoch_counts() {
    let documents = toy_inputs([
        ("cat", ":a", 1),
        ("cat", ":bb", 1),
        ("cat", "", 2),
        ("cat", ":c", 2),
    ]);
    let changes = vec![(ToyChange('b', 1), 0), (ToyChange('c', 7), 0)];
    let said = values(1, documents, changes, fresh());
    let totals: Vec<_> = said
        .iter()
        .map(|row| (row.0.1.total, row.1, row.2))
        .collect();
    assert_eq!(totals, [(2, 1, 1), (2, 2, -1), (7, 2, 1)]);
}

#[test]
fn more_documents_than_fit_a_turn_change_in_one_epoch() {
    let documents = (0..20_000).map(|key| {
        let word = if key % 2 == 0 { "a" } else { "b" };
        (
            (
                format!("{key}"),
                Some(format!(":{word}{}", key % 900).into_bytes()),
            ),
            1,
        )
    });
    let changes = vec![(ToyChange('a', 5), 2)];
    let said = values(2, documents.collect(), changes, fresh());
    assert_eq!(testkit::content(&said, 1).len(), 20_000);
    assert_eq!(
        said.iter().filter(|row| row.1 == 2 && row.2 == 1).count(),
        10_000
    );
}

#[test]
fn a_read_out_holds_every_document_of_its_epoch() {
    for workers in [1, 2, 4] {
        let (documents, changes) = random_run(9, 20);
        let mut wanted = Vec::new();
        for epoch in [10, 25, EPOCHS] {
            wanted.extend(
                recomputed(&documents, &changes, epoch)
                    .into_iter()
                    .map(|row| (row, epoch, 1)),
            );
        }
        let feed = documents
            .into_iter()
            .map(|(document, epoch)| (Some(document), epoch));
        let feed: Vec<_> = feed
            .chain([(None, 10), (None, 25), (None, EPOCHS)])
            .collect();
        let mut read = testkit::run2(workers, feed, changes, |feed, changes| {
            use timely::dataflow::operators::vec::Map;
            let inputs = Inputs {
                documents: feed.clone().flat_map(|row| row),
                read_outs: feed.flat_map(|row| row.is_none().then_some(())),
                changes,
            };
            let held = appraise::<_, Toy>(inputs, fresh()).held;
            testkit::as_rows(held, |held| {
                let rows: Vec<_> = held
                    .iter()
                    .map(|(key, value)| (key.to_string(), value))
                    .collect();
                assert_eq!(rows.len(), held.len());
                let keys = rows.iter().map(|(key, _)| key.as_str());
                assert!(held.keys().eq(keys));
                // A part of it says the same of its keys, and nothing of others.
                let is_wanted = |key: &str| key.len().is_multiple_of(2);
                let part = held.only(is_wanted);
                for (key, value) in &rows {
                    assert_eq!(held.find(key).as_ref(), Some(value));
                    let wanted = is_wanted(key).then_some(value);
                    assert_eq!(part.find(key).as_ref(), wanted);
                }
                let wanted = rows.iter().filter(|(key, _)| is_wanted(key)).count();
                assert_eq!((part.len(), part.iter().count()), (wanted, wanted));
                rows
            })
        })
        .into_iter()
        .flat_map(|(rows, epoch, _)| rows.into_iter().map(move |row| (row, epoch, 1)))
        .collect::<Vec<_>>();
        read.sort();
        wanted.sort();
        assert_eq!(read, wanted, "{workers} workers");
    }
}

#[test]
fn changes_after_silent_epochs_are_those_of_a_run_that_told_everything() {
    // Documents of silent epochs are kept as they come: replaced, gone and come again, several times an epoch.
    for (seed, workers) in (30..48).zip([1, 2, 4].into_iter().cycle()) {
        let (mut documents, changes) = random_run(seed, 12);
        let tell_from = 1 + seed % 30;
        // A start gives all that it loads at one epoch; of one key in the order of its versions, by one worker.
        for (_, epoch) in documents.iter_mut().filter(|row| row.1 < tell_from) {
            *epoch = 0;
        }
        let mut last = BTreeMap::new();
        for (row, epoch) in &documents {
            last.insert((row.0.clone(), *epoch), row.1.clone());
        }
        let once = last
            .into_iter()
            .map(|((key, epoch), document)| ((key, document), epoch));
        let mut told = values(workers, once.collect(), changes.clone(), fresh());
        told.retain(|row| row.1 >= tell_from);

        if workers > 1 {
            // Several workers would give the versions of one key without an order.
            let mut seen = std::collections::BTreeSet::new();
            documents.reverse();
            documents.retain(|row| row.1 > 0 || seen.insert(row.0.0.clone()));
            documents.reverse();
        }
        let setting = Setting {
            tell_from,
            ..fresh()
        };
        let said = values(workers, documents, changes, setting);
        assert_eq!(said, told, "seed {seed}, {workers} workers");
    }
}

#[test]
fn a_memo_and_silent_epochs_serve_a_restart() {
    let mut setting = fresh();
    setting.memo = Arc::new([('a', 9)].into_iter().collect());
    setting.tell_from = 2;
    let documents = toy_inputs([("cat", ":a", 1), ("dog", ":a", 2)]);
    let said = values(2, documents, Vec::new(), setting.clone());

    assert_eq!(said.len(), 1);
    assert_eq!((&*said[0].0.0, said[0].0.1.total), ("dog", 9));
    assert_eq!(setting.prices.computed(), 0);
    assert_eq!(setting.prices.remembered(), 1);
}
