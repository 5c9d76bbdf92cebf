//! The graphs as a worker of the job runs them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use graphs::{Output, Settings, build};
use model::Epoch;
use model::snapshot::{Snapshot, binary};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::wardrobe;

/// What all workers said, as maps.
#[derive(Default)]
struct Said {
    totals: BTreeMap<(u64, String), Option<i128>>,
    likes: BTreeMap<(u64, String), Option<i64>>,
    characters: BTreeMap<(u64, String), i128>,
    like_counts: BTreeMap<(u64, String), i64>,
    prices: usize,
}

impl Said {
    fn take(&mut self, Epoch(epoch): Epoch, output: Output) {
        match output {
            Output::Valuations(changes) => {
                for change in changes {
                    let total = change.new.map(|value| value.best().cost_mesos.0);
                    assert!(
                        self.totals
                            .insert((epoch, change.key.into()), total)
                            .is_none()
                    );
                }
            }
            Output::Likes(changes) => {
                for change in changes {
                    assert!(
                        self.likes
                            .insert((epoch, change.key.into()), change.new)
                            .is_none()
                    );
                }
            }
            Output::Characters(held) => {
                let rows = held
                    .iter()
                    .map(|(ocid, value)| ((epoch, ocid.to_string()), value.best().cost_mesos.0));
                self.characters.extend(rows);
            }
            Output::LikeCounts(counts) => {
                let rows = counts
                    .iter()
                    .map(|(ocid, count)| ((epoch, ocid.to_string()), count));
                self.like_counts.extend(rows);
            }
            Output::Prices(prices) => self.prices += prices.len(),
        }
    }
}

fn snapshots(count: usize) -> Vec<Vec<u8>> {
    let mut random = ChaCha8Rng::seed_from_u64(11);
    let catalogue: Vec<_> = (0..10).map(|_| wardrobe::item(&mut random)).collect();
    let mut snapshot = || -> Snapshot { wardrobe::character(&mut random, &catalogue) };
    (0..count)
        .map(|_| binary::encode(&snapshot()).into_vec())
        .collect()
}

/// Six epochs on every worker: characters and likes; at epoch 30 everything is read out, at 40 one
/// character and one like go.
fn run(workers: usize, tell_from: u64) -> Said {
    let said = Arc::new(Mutex::new(Said::default()));
    let collected = Arc::clone(&said);
    let snapshots = Arc::new(snapshots(30));
    let settings = Settings {
        tell_from: Epoch(tell_from),
        ..Settings::new(odds::shipped("kms_2026_03").unwrap())
    };
    let guards = timely::execute(timely::Config::process(workers), move |worker| {
        let said = Arc::clone(&collected);
        let (mut inputs, progress) = build(worker, &settings, move |epoch, output| {
            said.lock().unwrap().take(epoch, output);
        });
        for epoch in [10, 20, 30, 40] {
            inputs.advance_to(Epoch(epoch));
            assert_eq!(inputs.epoch(), Epoch(epoch));
            for (number, snapshot) in snapshots.iter().enumerate() {
                if number % worker.peers() == worker.index()
                    && (number as u64).is_multiple_of(epoch / 10)
                {
                    let snapshot = (epoch != 40).then_some(&**snapshot);
                    inputs.character(&format!("ocid {number}"), snapshot);
                    inputs.like(&format!("ocid {number}"), if epoch == 40 { -1 } else { 1 });
                }
            }
            if epoch == 30 && worker.index() == 0 {
                inputs.read_out_characters();
                inputs.read_out_likes();
            }
            inputs.advance_to(Epoch(epoch));
            inputs.flush();
            assert!(
                !progress.is_beyond(Epoch(epoch)),
                "an epoch is open until all workers went on"
            );
        }
        inputs.advance_to(Epoch(50));
        while !progress.is_beyond(Epoch(40)) {
            worker.step_or_park(None);
        }
        assert_eq!(progress.frontier(), Some(Epoch(50)));
        drop(inputs);
        while progress.frontier().is_some() {
            worker.step_or_park(None);
        }
    });
    for result in guards.unwrap().join() {
        result.unwrap();
    }
    std::mem::take(&mut *said.lock().unwrap())
}

#[test]
fn every_output_comes_before_the_frontier_and_is_the_same_for_any_number_of_workers() {
    let one = run(1, 0);
    assert_eq!(
        one.totals
            .iter()
            .filter(|((epoch, _), _)| *epoch == 10)
            .count(),
        30
    );
    assert_eq!(
        one.totals
            .iter()
            .filter(|((epoch, _), total)| *epoch == 40 && total.is_none())
            .count(),
        8
    );
    assert_eq!(one.likes[&(20, "ocid 4".into())], Some(2));
    assert_eq!(one.likes[&(40, "ocid 4".into())], Some(1));
    for workers in [2, 4] {
        let more = run(workers, 0);
        assert_eq!((&more.totals, &more.likes), (&one.totals, &one.likes));
        assert_eq!(
            (&more.characters, &more.like_counts),
            (&one.characters, &one.like_counts)
        );
        assert_eq!(more.prices, one.prices);
    }
}

#[test]
fn a_read_out_is_as_of_the_end_of_its_epoch() {
    let said = run(2, 0);
    assert_eq!((said.characters.len(), said.like_counts.len()), (30, 30));
    assert!(said.characters.keys().all(|(epoch, _)| *epoch == 30));
    for ((_, ocid), total) in &said.characters {
        assert_eq!(said.totals[&(10, ocid.clone())], Some(*total));
    }
    // Liked at 10, at 20 as an even one, at 30 as a third one.
    assert_eq!(said.like_counts[&(30, "ocid 6".into())], 3);
    assert_eq!(said.like_counts[&(30, "ocid 7".into())], 1);
}

#[test]
fn epochs_before_the_first_to_tell_only_build_the_state() {
    let (all, late) = (run(2, 0), run(2, 30));
    let since = |epoch: u64| move |((at, _), _): &(&(u64, String), &Option<i64>)| *at >= epoch;
    assert!(late.likes.iter().eq(all.likes.iter().filter(since(30))));
    assert!(late.totals.keys().all(|(epoch, _)| *epoch >= 30));
    assert_eq!(late.characters, all.characters);
}
