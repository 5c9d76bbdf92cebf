//! Counts per key.

use std::collections::BTreeMap;

use dataflow::{count_per_key, testkit, to_collection};
use differential_dataflow::AsCollection;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use timely::dataflow::operators::ToStream;

type Likes = Vec<((String, u64, isize), u64)>;

/// Insertions and retractions of `keys` keys that never go below zero.
fn random_likes(seed: u64, keys: u32) -> Likes {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut counts = BTreeMap::<u32, isize>::new();
    let mut likes = Vec::new();
    for epoch in (0..30).filter(|epoch| epoch % 7 != 3) {
        for _ in 0..random.random_range(0..40) {
            let key = random.random_range(0..keys);
            let count = counts.entry(key).or_default();
            let diff = if *count > 0 && random.random_bool(0.5) {
                -1
            } else {
                1
            };
            *count += diff;
            likes.push(((format!("캐릭터 {key}"), epoch, diff), epoch));
        }
    }
    likes
}

fn counts_by_operator(workers: usize, likes: Likes) -> Vec<testkit::Update<(String, i64)>> {
    testkit::run(workers, likes, |likes| {
        let never = None::<()>.to_stream(likes.scope());
        to_collection(
            count_per_key(likes.as_collection(), never, 0).changes,
            |count| *count,
        )
    })
}

#[test]
fn equals_recomputation_at_every_epoch() {
    for (seed, workers) in [(1, 1), (2, 1), (3, 2), (4, 2), (5, 4), (6, 4)] {
        let likes = random_likes(seed, 12);
        let counted = counts_by_operator(workers, likes.clone());
        for epoch in 0..30 {
            let mut wanted = BTreeMap::<String, i64>::new();
            for ((key, at, diff), _) in &likes {
                if *at <= epoch {
                    *wanted.entry(key.clone()).or_default() += *diff as i64;
                }
            }
            wanted.retain(|_, count| *count != 0);
            let content = testkit::content(&counted, epoch);
            assert!(content.iter().all(|(_, times)| *times == 1));
            let content: BTreeMap<_, _> = content.into_iter().map(|(row, _)| row).collect();
            assert_eq!(
                content, wanted,
                "epoch {epoch}, seed {seed}, {workers} workers"
            );
        }
    }
}

#[test]
fn any_number_of_workers_says_the_same() {
    let likes = random_likes(7, 50);
    let one = counts_by_operator(1, likes.clone());
    assert_eq!(counts_by_operator(2, likes.clone()), one);
    assert_eq!(counts_by_operator(4, likes), one);
}

#[test]
fn a_count_that_did_not_change_says_nothing() {
    let update = |diff| (("kim".to_string(), 1, diff), 1);
    assert_eq!(counts_by_operator(2, vec![update(1), update(-1)]), []);
}

#[test]
fn a_batch_may_hold_updates_of_later_epochs() {
    let likes = vec![
        (("kim".to_string(), 5, 1), 1),
        (("kim".to_string(), 2, 1), 1),
        (("kim".to_string(), 1, 1), 1),
    ];
    let row = |count| ("kim".to_string(), count);
    assert_eq!(
        counts_by_operator(1, likes),
        [
            (row(1), 1, 1),
            (row(1), 2, -1),
            (row(2), 2, 1),
            (row(2), 5, -1),
            (row(3), 5, 1),
        ]
    );
}

#[test]
fn a_read_out_holds_every_count_of_its_epoch() {
    for workers in [1, 2, 4] {
        let likes = random_likes(8, 12);
        let told = counts_by_operator(workers, likes.clone());
        let read = testkit::run2(
            workers,
            likes,
            [((), 9), ((), 20), ((), 29)],
            |likes, read_outs| {
                let held = count_per_key(likes.as_collection(), read_outs, 0).held;
                testkit::as_rows(held, |counts| {
                    let rows: Vec<_> = counts
                        .iter()
                        .map(|(key, count)| (key.to_string(), count))
                        .collect();
                    assert_eq!(rows.len(), counts.len());
                    rows
                })
            },
        );
        for epoch in [9, 20, 29] {
            let held = read
                .iter()
                .filter(|row| row.1 == epoch)
                .flat_map(|row| row.0.clone());
            let held: BTreeMap<_, _> = held.collect();
            let wanted = testkit::content(&told, epoch)
                .into_iter()
                .map(|(row, _)| row)
                .collect();
            assert_eq!(held, wanted);
        }
    }
}

#[test]
fn changes_before_the_first_epoch_to_tell_only_build_the_state() {
    let update = |epoch| (("kim".to_string(), epoch, 1), epoch);
    let counted = testkit::run(2, [update(1), update(2)], |likes| {
        let never = None::<()>.to_stream(likes.scope());
        to_collection(
            count_per_key(likes.as_collection(), never, 2).changes,
            |count| *count,
        )
    });
    let row = |count| ("kim".to_string(), count);
    assert_eq!(counted, [(row(1), 2, -1), (row(2), 2, 1)]);
}
