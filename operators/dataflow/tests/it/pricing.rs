//! Prices computed once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dataflow::testkit::toy::{Toy, ToyChange, ToyRules};
use dataflow::{Memo, PriceCounts, Pricing, Request, price_once, testkit};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

type Asked = Vec<(Request<char>, u64)>;
type Changes = Vec<(ToyChange, u64)>;
type Said = Vec<testkit::Update<(u32, u32, i64, bool)>>;

fn answers(workers: usize, asked: Asked, changes: Changes, memo: Memo<Toy>) -> (Said, u64) {
    let counts = Arc::<PriceCounts>::default();
    let counter = Arc::clone(&counts);
    let memo = Arc::new(memo);
    let said = testkit::run2(workers, asked, changes, move |asked, changes| {
        let (memo, count) = (Arc::clone(&memo), Arc::clone(&counter));
        let prices =
            price_once::<_, Toy>(asked, changes, Arc::new(ToyRules::default()), memo, count);
        testkit::as_rows(prices.answers, |answer| {
            (answer.asker, answer.ticket, answer.price, answer.first)
        })
    });
    (said, counts.computed())
}

fn request(key: char, asker: u32, ticket: u32, epoch: u64) -> (Request<char>, u64) {
    (
        Request {
            key,
            asker,
            ticket,
            wanted: true,
        },
        epoch,
    )
}

/// Requests, some taken back, and changes of prices; no two of the same asker and key at one epoch.
fn random_run(seed: u64) -> (Asked, Changes) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut standing = BTreeMap::new();
    let (mut asked, mut changes) = (Vec::new(), Vec::new());
    for epoch in 0..40 {
        for _ in 0..random.random_range(0..3) {
            changes.push((
                ToyChange(random.random_range('a'..='f'), random.random_range(0..4)),
                epoch,
            ));
        }
        let mut taken = BTreeSet::new();
        for _ in 0..random.random_range(0..4) {
            let place = (random.random_range(0..3), random.random_range('a'..='f'));
            if !taken.insert(place) {
                continue;
            }
            let (asker, key) = place;
            match standing.remove(&place) {
                Some(ticket) => asked.push((
                    Request {
                        key,
                        asker,
                        ticket,
                        wanted: false,
                    },
                    epoch,
                )),
                None => {
                    let ticket = asked.len() as u32;
                    standing.insert(place, ticket);
                    asked.push((
                        Request {
                            key,
                            asker,
                            ticket,
                            wanted: true,
                        },
                        epoch,
                    ));
                }
            }
        }
    }
    (asked, changes)
}

/// Every request's price at every epoch, and what of it must have been said.
fn recomputed(asked: &Asked, changes: &Changes) -> Said {
    let mut rules = ToyRules::default();
    let mut standing = BTreeMap::<(u32, u32), (char, Option<i64>)>::new();
    let mut said = Vec::new();
    for epoch in 0..40 {
        for (change, _) in changes.iter().filter(|row| row.1 == epoch) {
            Toy::apply(&mut rules, change);
        }
        for (request, _) in asked.iter().filter(|row| row.1 == epoch) {
            let place = (request.asker, request.ticket);
            if request.wanted {
                standing.insert(place, (request.key, None));
            } else {
                standing.remove(&place);
            }
        }
        for ((asker, ticket), (key, known)) in &mut standing {
            let price = Toy::price(&rules, key);
            if *known != Some(price) {
                said.push(((*asker, *ticket, price, known.is_none()), epoch, 1));
                *known = Some(price);
            }
        }
    }
    said.sort();
    said
}

#[test]
fn equals_recomputation_at_every_epoch() {
    for (seed, workers) in (0..12).zip([1, 2, 4].into_iter().cycle()) {
        let (asked, changes) = random_run(seed);
        let wanted = recomputed(&asked, &changes);
        let (said, _) = answers(workers, asked, changes, Memo::<Toy>::default());
        assert_eq!(said, wanted, "seed {seed}, {workers} workers");
    }
}

#[test]
fn a_key_is_priced_once_for_all_workers() {
    for workers in [1, 2, 4] {
        let mut asked = Vec::new();
        for (place, key) in ('a'..='z').enumerate() {
            for asker in 0..workers as u32 {
                asked.push(request(key, asker, place as u32, 1 + u64::from(asker)));
            }
        }
        let (said, computed) = answers(workers, asked, Vec::new(), Memo::<Toy>::default());
        assert_eq!((said.len(), computed), (26 * workers, 26));
    }
}

#[test]
fn a_change_computes_only_what_depends_on_it() {
    let asked = ('a'..='z')
        .map(|key| request(key, 0, key as u32, 1))
        .collect();
    let (said, computed) = answers(
        2,
        asked,
        vec![(ToyChange('q', 9), 2)],
        Memo::<Toy>::default(),
    );
    assert_eq!(computed, 26 + 1);
    let changed: Vec<_> = said.into_iter().filter(|row| row.1 == 2).collect();
    assert_eq!(changed, [((0, 'q' as u32, 9, false), 2, 1)]);
}

#[test]
fn a_price_that_came_out_the_same_is_not_said_again() {
    let changes = vec![(ToyChange('a', 5), 0), (ToyChange('a', 5), 2)];
    let (said, computed) = answers(
        2,
        vec![request('a', 1, 3, 1)],
        changes,
        Memo::<Toy>::default(),
    );
    assert_eq!((said, computed), (vec![((1, 3, 5, true), 1, 1)], 2));
}

#[test]
fn a_memo_spares_the_computation_until_the_rules_change() {
    let memo: Memo<Toy> = [('a', 70), ('b', 71)].into_iter().collect();
    let asked = vec![
        request('a', 0, 0, 1),
        request('b', 0, 1, 3),
        request('c', 0, 2, 1),
    ];
    let (said, computed) = answers(2, asked, vec![(ToyChange('b', 5), 2)], memo);
    assert_eq!(
        said,
        [
            ((0, 0, 70, true), 1, 1),
            ((0, 1, 5, true), 3, 1),
            ((0, 2, 0, true), 1, 1),
        ]
    );
    assert_eq!(computed, 2);
}

#[test]
fn more_keys_than_fit_a_turn_are_all_answered_in_their_epoch() {
    let keys = (0..5_000).filter_map(|number| char::from_u32(0x4e00 + number));
    let asked: Asked = keys.map(|key| request(key, 0, key as u32, 1)).collect();
    let (said, computed) = answers(4, asked, Vec::new(), Memo::<Toy>::default());
    assert_eq!((said.len(), computed), (5_000, 5_000));
    assert!(said.iter().all(|row| row.1 == 1));
}
