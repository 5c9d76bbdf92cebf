use std::collections::HashSet;
use std::fs;
use std::time::{Duration, SystemTime};

use lake::{Cleaned, CompactionLimits, Retain, Retention};
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
