use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use lake::{Cleaned, CompactionLimits, Retain, Retention, Table};
use model::Epoch;
use model::tables::Relation;

use crate::support::{TestLake, counts, counts_at};

const RELATION: Relation = Relation::LikeCounts;
const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn positions_and_rows_survive_checkpoint_and_clean_up() {
    let test = TestLake::new();
    let mut table = test.table(RELATION, 1);
    for epoch in 1..30u64 {
        let rows = counts(&[(&format!("t{epoch}"), 1, epoch, 1)]);
        let offset = [(format!("offset/{}", epoch % 3), epoch as i64)];
        table.append(&[rows], Epoch(epoch), &offset).unwrap();
        if epoch % 10 == 0 {
            table.checkpoint().unwrap();
        }
    }
    let retention = Retention {
        log: HOUR,
        files: HOUR,
    };
    let now = SystemTime::now();
    assert_eq!(table.clean(retention, now).unwrap(), Cleaned::default());
    let cleaned = table.clean(retention, now + 2 * HOUR).unwrap();
    assert!(cleaned.log_files > 20, "{cleaned:?}");
    assert_eq!(cleaned.data_files, 0);

    table.append(&[], Epoch(30), &[]).unwrap();
    let again = test.table(RELATION, 2);
    assert_eq!(again.committed(), Some(Epoch(30)));
    assert_eq!(again.position("offset/0"), Some(27));
    assert_eq!(again.position("offset/2"), Some(29));
    assert_eq!(counts_at(again.view(), 30).len(), 29);
}

#[test]
fn a_log_is_kept_without_a_good_checkpoint() {
    let test = TestLake::new();
    let mut table = test.table(RELATION, 1);
    for epoch in 1..5 {
        table.append(&[], Epoch(epoch), &[]).unwrap();
    }
    let retention = Retention {
        log: Duration::ZERO,
        files: HOUR,
    };
    let cleaned = table.clean(retention, SystemTime::now()).unwrap();
    assert_eq!(cleaned.log_files, 0);

    // A checkpoint that a loss of power left torn does not count.
    table.checkpoint().unwrap();
    let version = table.view().version();
    let log = table.view().folder().join("_delta_log");
    fs::write(log.join(format!("{version:020}.checkpoint.parquet")), b"").unwrap();
    let before = fs::read_dir(&log).unwrap().count();
    // Opening would stumble over it too; the clean-up on its own must not make things worse.
    let _ = table.clean(retention, SystemTime::now());
    assert_eq!(fs::read_dir(&log).unwrap().count(), before);
}

#[test]
fn files_that_a_compaction_replaced_stay_for_the_retention() {
    let test = TestLake::new();
    let mut table = test.table(RELATION, 1);
    for epoch in 1..6 {
        let rows = counts(&[("a", epoch, epoch as u64, 1)]);
        table.append(&[rows], Epoch(epoch as u64), &[]).unwrap();
    }
    // Files of old age, as if written long ago.
    for file in table.view().files().unwrap() {
        let old = SystemTime::now() - 5 * HOUR;
        let file = fs::File::open(file.path).unwrap();
        file.set_modified(old).unwrap();
    }
    let before = test.view(RELATION);
    let compacted = table
        .plan_compaction(Retain::default(), &CompactionLimits::everything())
        .unwrap()
        .unwrap()
        .run()
        .unwrap();
    table.commit_compaction(&compacted).unwrap();

    let retention = Retention {
        log: HOUR,
        files: HOUR,
    };
    let now = SystemTime::now();
    assert_eq!(table.clean(retention, now).unwrap().data_files, 0);
    let readable: usize = before
        .scan()
        .batches()
        .unwrap()
        .map(|batch| batch.unwrap().num_rows())
        .sum();
    assert_eq!(readable, 5, "whoever reads the version before goes on");

    let cleaned = table.clean(retention, now + 2 * HOUR).unwrap();
    assert_eq!(cleaned.data_files, 5);
    let live: HashSet<_> = table
        .view()
        .files()
        .unwrap()
        .into_iter()
        .map(|f| f.path)
        .collect();
    assert!(live.iter().all(|path| path.exists()));
}

#[test]
fn files_that_no_commit_took_are_swept_when_they_are_old() {
    let test = TestLake::new();
    let mut table = test.table(RELATION, 1);
    let prepared = table
        .writer()
        .write_all(&[counts(&[("a", 1, 1, 1)])])
        .unwrap();
    let retention = Retention {
        log: HOUR,
        files: HOUR,
    };
    let now = SystemTime::now();
    assert_eq!(table.clean(retention, now).unwrap().data_files, 0);
    table.commit(&prepared, Epoch(1), &[]).unwrap();
    table
        .writer()
        .write_all(&[counts(&[("b", 1, 1, 1)])])
        .unwrap();
    let cleaned = table.clean(retention, now + 2 * HOUR).unwrap();
    assert_eq!(cleaned.data_files, 1);
    assert_eq!(counts_at(&test.view(RELATION), 1).len(), 1);
}

/// A table with commits before and after a checkpoint.
fn checkpointed(test: &TestLake) -> Table {
    let mut table = test.table(RELATION, 1);
    for epoch in 1..8u64 {
        let rows = counts(&[(&format!("t{epoch}"), 1, epoch, 1)]);
        let offset = [(format!("offset/{}", epoch % 3), epoch as i64)];
        table.append(&[rows], Epoch(epoch), &offset).unwrap();
        if epoch == 4 {
            table.checkpoint().unwrap();
        }
    }
    table
}

fn checksums(table: &Table) -> Vec<PathBuf> {
    let log = table.view().folder().join("_delta_log");
    let paths = fs::read_dir(log)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let found: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|ending| ending == "crc"))
        .collect();
    assert!(!found.is_empty());
    found
}

/// Every file under a folder with its size.
fn listing(folder: &Path) -> BTreeMap<PathBuf, u64> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let (path, meta) = entry
            .map(|entry| (entry.path(), entry.metadata().unwrap()))
            .unwrap();
        if meta.is_dir() {
            all.append(&mut listing(&path));
        }
        all.insert(path, meta.len());
    }
    all
}

#[test]
fn reading_writes_nothing_also_where_the_positions_stand_in_the_log_alone() {
    let test = TestLake::new();
    let table = checkpointed(&test);
    for path in checksums(&table) {
        fs::remove_file(path).unwrap();
    }
    let before = listing(test.lake.folder());
    let view = test.view(RELATION);
    assert_eq!(view.positions(), table.view().positions());
    assert_eq!(counts_at(&view, 7).len(), 7);
    assert_eq!(listing(test.lake.folder()), before);
}

#[test]
fn checksums_that_a_loss_of_power_left_empty_are_passed_over() {
    let test = TestLake::new();
    let table = checkpointed(&test);
    for path in checksums(&table) {
        fs::write(path, b"").unwrap();
    }
    assert_eq!(test.view(RELATION).positions(), table.view().positions());
    let mut next = test.table(RELATION, 2);
    assert_eq!(next.committed(), Some(Epoch(7)));
    next.append(&[counts(&[("t8", 1, 8, 1)])], Epoch(8), &[])
        .unwrap();
    assert_eq!(next.committed(), Some(Epoch(8)));
    next.checkpoint().unwrap();
    assert_eq!(test.view(RELATION).positions(), next.view().positions());
}
