use std::collections::BTreeMap;

use lake::{CompactionLimits, Retain, Table};
use model::admission::RowKind::{Head, Id, Row};
use model::tables::Relation;
use model::{Epoch, Millis};

use crate::support::{TestLake, counts, counts_at, input, input_rows};

const RELATION: Relation = Relation::LikeCounts;

/// A generator of numbers that are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// Commits `epochs` of random changes of counts on top of `content`.
fn commit_random(
    table: &mut Table,
    content: &mut BTreeMap<String, i64>,
    numbers: &mut Numbers,
    epochs: std::ops::Range<u64>,
) {
    for epoch in epochs {
        let mut changed = BTreeMap::new();
        for _ in 0..numbers.below(6) {
            changed.insert(format!("t{}", numbers.below(12)), numbers.below(4) as i64);
        }
        let mut rows = Vec::new();
        for (target, new) in &changed {
            let old = content.get(target).copied().unwrap_or(0);
            if old != *new {
                if old != 0 {
                    rows.push((target.as_str(), old, epoch, -1));
                }
                if *new != 0 {
                    rows.push((target.as_str(), *new, epoch, 1));
                }
            }
        }
        table.append(&[counts(&rows)], Epoch(epoch), &[]).unwrap();
        for (target, new) in changed {
            if new == 0 {
                content.remove(&target);
            } else {
                content.insert(target, new);
            }
        }
    }
}

fn compact(table: &mut Table, since: u64, limits: &CompactionLimits) -> Option<(u64, u64)> {
    let retain = Retain {
        since: Epoch(since),
        ..Retain::default()
    };
    let compaction = table.plan_compaction(retain, limits).unwrap()?;
    let compacted = compaction.run().unwrap();
    table.commit_compaction(&compacted).unwrap();
    Some(compacted.rows())
}

#[test]
fn the_content_at_every_epoch_from_the_retained_one_on_stays_the_same() {
    let test = TestLake::new();
    let mut table = test.table(RELATION, 1);
    let mut numbers = Numbers(7);
    let mut content = BTreeMap::new();
    let mut told: BTreeMap<u64, BTreeMap<String, i64>> = BTreeMap::new();
    let part = CompactionLimits {
        files_min: 4,
        run_ratio: 1,
        stretch_bytes: 1,
        ..CompactionLimits::everything()
    };
    for round in 0..8u64 {
        let epochs = round * 10 + 1..round * 10 + 11;
        commit_random(&mut table, &mut content, &mut numbers, epochs.clone());
        for epoch in epochs {
            told.insert(epoch, counts_at(table.view(), epoch));
        }
        let since = numbers.below(round * 10 + 11);
        let limits = if round % 3 == 2 {
            CompactionLimits::everything()
        } else {
            part
        };
        compact(&mut table, since, &limits).unwrap();
        let since = table.since().unwrap().0;
        let view = test.view(RELATION);
        assert_eq!(view.since(), Some(Epoch(since)));
        for (&epoch, content) in told.range(since..) {
            assert_eq!(
                counts_at(&view, epoch),
                *content,
                "as of {epoch}, since {since}, round {round}"
            );
        }
    }
    assert_eq!(counts_at(table.view(), 80), content);
    let rows = compact(&mut table, 80, &CompactionLimits::everything()).unwrap();
    assert_eq!(rows.1, content.len() as u64, "one row a target is left");
}

#[test]
fn rows_are_not_raised_beside_or_above_what_is_left_for_later() {
    let test = TestLake::new();
    let mut table = test.table(RELATION, 1);
    let mut numbers = Numbers(17);
    let mut content = BTreeMap::new();
    let mut told: BTreeMap<u64, BTreeMap<String, i64>> = BTreeMap::new();
    for round in 0..12u64 {
        let epochs = round * 6 + 1..round * 6 + 7;
        commit_random(&mut table, &mut content, &mut numbers, epochs.clone());
        for epoch in epochs.clone() {
            told.insert(epoch, counts_at(table.view(), epoch));
        }
        // Room for one file, or for a few.
        let limits = CompactionLimits {
            files_min: 1,
            appended_bytes_max: if round % 2 == 0 { 1 } else { 6_000 },
            stretch_bytes: 1,
            run_ratio: round % 3,
        };
        compact(&mut table, epochs.end - 1, &limits).unwrap();
        let view = test.view(RELATION);
        let since = view.since().unwrap();
        for file in view.files().unwrap() {
            let (first, _) = file.epochs("epoch").unwrap();
            let is_run = file.name.starts_with("run-");
            assert!(is_run || since < first, "{} since {since}", file.name);
        }
        for (&epoch, content) in told.range(since.0..) {
            assert_eq!(counts_at(&view, epoch), *content, "as of {epoch}");
        }
    }
    assert!(
        table.since().unwrap() > Epoch(1),
        "some of the past is given up"
    );
}

#[test]
fn rows_that_cancel_each_other_are_gone() {
    let test = TestLake::new();
    let mut table = test.table(RELATION, 1);
    table
        .append(&[counts(&[("a", 1, 1, 1), ("b", 1, 1, 1)])], Epoch(1), &[])
        .unwrap();
    table
        .append(&[counts(&[("a", 1, 2, -1)])], Epoch(2), &[])
        .unwrap();
    let limits = CompactionLimits::everything();
    assert_eq!(compact(&mut table, 2, &limits), Some((3, 1)));
    table
        .append(&[counts(&[("b", 1, 3, -1)])], Epoch(3), &[])
        .unwrap();
    assert_eq!(compact(&mut table, 3, &limits), Some((2, 0)));
    assert_eq!(table.view().files().unwrap(), []);
    assert_eq!(table.committed(), Some(Epoch(3)));
}

#[test]
fn the_retained_epoch_never_passes_what_is_committed_and_never_goes_back() {
    let test = TestLake::new();
    let mut table = test.table(RELATION, 1);
    table
        .append(&[counts(&[("a", 1, 5, 1)])], Epoch(5), &[])
        .unwrap();
    compact(&mut table, 99, &CompactionLimits::everything()).unwrap();
    assert_eq!(table.since(), Some(Epoch(5)));
    compact(&mut table, 2, &CompactionLimits::everything()).unwrap();
    assert_eq!(table.since(), Some(Epoch(5)));
}

#[test]
fn what_is_committed_while_a_compaction_runs_stays() {
    let test = TestLake::new();
    let mut table = test.table(RELATION, 1);
    let mut numbers = Numbers(11);
    let mut content = BTreeMap::new();
    commit_random(&mut table, &mut content, &mut numbers, 1..30);
    let retain = Retain {
        since: Epoch(29),
        ..Retain::default()
    };
    let compaction = table
        .plan_compaction(retain, &CompactionLimits::everything())
        .unwrap()
        .unwrap();
    let beside = std::thread::spawn(move || compaction.run().unwrap());
    commit_random(&mut table, &mut content, &mut numbers, 30..40);
    table.commit_compaction(&beside.join().unwrap()).unwrap();
    commit_random(&mut table, &mut content, &mut numbers, 40..50);
    assert_eq!(counts_at(&test.view(RELATION), 50), content);
}

#[test]
fn a_compaction_that_is_given_up_changes_nothing() {
    let test = TestLake::new();
    let mut table = test.table(RELATION, 1);
    let mut numbers = Numbers(13);
    let mut content = BTreeMap::new();
    commit_random(&mut table, &mut content, &mut numbers, 1..30);
    let limits = CompactionLimits::everything();
    let plan = |table: &Table| {
        table
            .plan_compaction(Retain::default(), &limits)
            .unwrap()
            .unwrap()
    };
    // Run to its end, its commit never made: as after a crash.
    drop(plan(&table).run().unwrap());
    assert_eq!(counts_at(&test.view(RELATION), 29), content);
    // And again, with the leftovers beside it.
    let compacted = plan(&table).run().unwrap();
    table.commit_compaction(&compacted).unwrap();
    assert_eq!(counts_at(&test.view(RELATION), 29), content);
}

#[test]
fn few_files_are_not_worth_it() {
    let test = TestLake::new();
    let mut table = test.table(RELATION, 1);
    table
        .append(&[counts(&[("a", 1, 5, 1)])], Epoch(5), &[])
        .unwrap();
    assert_eq!(compact(&mut table, 5, &CompactionLimits::default()), None);
}

#[test]
fn compacted_files_are_sorted_so_that_readers_skip_them() {
    let test = TestLake::new();
    let mut table = test.table(RELATION, 1);
    for epoch in 1..5u64 {
        let rows: Vec<(String, i64)> = (0..50)
            .map(|n| (format!("t{:03}", (n * 37 + epoch) % 100), 1))
            .collect();
        let rows: Vec<_> = rows
            .iter()
            .map(|(target, likes)| (target.as_str(), *likes, epoch, 1))
            .collect();
        table.append(&[counts(&rows)], Epoch(epoch), &[]).unwrap();
    }
    compact(&mut table, 4, &CompactionLimits::everything()).unwrap();
    let targets: Vec<String> = table
        .view()
        .scan()
        .columns(&["target_ocid"])
        .batches()
        .unwrap()
        .flat_map(|batch| {
            use arrow::array::{Array, AsArray};
            let batch = batch.unwrap();
            let column = batch["target_ocid"].as_string::<i32>().clone();
            (0..column.len())
                .map(|row| column.value(row).to_owned())
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(targets.is_sorted());
}

fn compact_input(table: &mut Table, since: u64, ids_from: i64, limits: &CompactionLimits) {
    let retain = Retain {
        since: Epoch(since),
        ids_from: [(0, Millis(ids_from))].into(),
    };
    let compaction = table.plan_compaction(retain, limits).unwrap().unwrap();
    let compacted = compaction.run().unwrap();
    table.commit_compaction(&compacted).unwrap();
}

#[test]
fn an_input_table_keeps_the_newest_row_and_the_ids_of_the_horizon() {
    let test = TestLake::new();
    let mut table = test.table(Relation::InputEquipment, 1);
    let commits = [
        (
            1,
            vec![
                (Row, "a", 1, 1, 1),
                (Head, "a", 1, 1, 1),
                (Row, "b", 1, 2, 1),
            ],
        ),
        (
            2,
            vec![
                (Row, "a", 2, 3, 1),
                (Head, "a", 2, 3, 1),
                (Id, "a", 2, 4, 1),
            ],
        ),
        (3, vec![(Row, "b", 3, 5, -1), (Row, "c", 3, 6, 1)]),
        (4, vec![(Row, "a", 4, 7, 1)]),
    ];
    for (epoch, rows) in &commits {
        table.append(&[input(rows)], Epoch(*epoch), &[]).unwrap();
    }
    compact_input(&mut table, 3, 3, &CompactionLimits::everything());
    let own = |kind, key: &str, epoch, offset, diff| (kind, key.to_owned(), epoch, offset, diff);
    assert_eq!(
        input_rows(&test.view(Relation::InputEquipment)),
        [
            own(Head, "a", 2, 3, 1),
            own(Row, "a", 2, 3, 1),
            own(Id, "a", 2, 4, 1),
            own(Row, "a", 4, 7, 1),
            own(Id, "b", 3, 5, 1),
            own(Row, "c", 3, 6, 1),
        ]
        .map(|row| row)
        .to_vec(),
        "offsets 1 and 2 are outside the horizon; 7 is above the retained epoch"
    );
}

#[test]
fn a_deletion_outlives_a_compaction_that_leaves_older_rows_out() {
    let test = TestLake::new();
    let mut table = test.table(Relation::InputEquipment, 1);
    // An old run, too large to be taken along.
    let keys: Vec<String> = (0..400).map(|n| format!("k{n:03}")).collect();
    let many: Vec<_> = keys
        .iter()
        .enumerate()
        .map(|(n, key)| (Row, key.as_str(), 1, n as i64, 1))
        .collect();
    table.append(&[input(&many)], Epoch(1), &[]).unwrap();
    compact_input(&mut table, 1, 0, &CompactionLimits::everything());

    table
        .append(&[input(&[(Row, "k005", 2, 500, -1)])], Epoch(2), &[])
        .unwrap();
    let part = CompactionLimits {
        files_min: 1,
        run_ratio: 0,
        ..CompactionLimits::everything()
    };
    compact_input(&mut table, 2, 1_000, &part);
    let of_key = |view: &lake::View| {
        input_rows(view)
            .into_iter()
            .filter(|row| row.1 == "k005")
            .map(|row| (row.3, row.4))
            .collect::<Vec<_>>()
    };
    assert_eq!(of_key(table.view()), [(5, 1), (500, -1)]);

    compact_input(&mut table, 2, 1_000, &CompactionLimits::everything());
    // Its id tells which record of the key was the newest.
    assert_eq!(of_key(table.view()), [(500, 1)]);
}

#[test]
fn the_rows_of_a_key_are_read_in_the_order_of_their_offsets() {
    let test = TestLake::new();
    let mut table = test.table(Relation::InputEquipment, 1);
    let mut numbers = Numbers(3);
    let part = CompactionLimits {
        files_min: 3,
        appended_bytes_max: 10_000,
        stretch_bytes: 1,
        run_ratio: 1,
    };
    for epoch in 1..60u64 {
        let keys: Vec<String> = (0..20).map(|_| format!("k{}", numbers.below(9))).collect();
        let rows: Vec<_> = keys
            .iter()
            .enumerate()
            .map(|(n, key)| (Row, key.as_str(), epoch, (epoch * 20) as i64 + n as i64, 1))
            .collect();
        table.append(&[input(&rows)], Epoch(epoch), &[]).unwrap();
        if epoch % 5 == 0 {
            let since = epoch.saturating_sub(7);
            compact_input(&mut table, since, (since * 20) as i64, &part);
        }
        let mut last: BTreeMap<String, i64> = BTreeMap::new();
        for (_, key, _, offset, _) in input_rows(table.view()) {
            let before = last.insert(key, offset);
            assert!(before.is_none_or(|before| before < offset), "epoch {epoch}");
        }
    }
}
