//! Schedules in which an old copy of a job meets a new one on the same table.

use std::fs;
use std::time::{Duration, SystemTime};

use lake::{CompactionLimits, LakeError, Retain, Retention};
use model::Epoch;
use model::tables::Relation;

use crate::support::{TestLake, counts, counts_at, owner};

const RELATION: Relation = Relation::LikeCounts;

fn assert_fenced(result: Result<(), LakeError>, by: u64) {
    match result {
        Err(LakeError::Fenced { newer, .. }) if newer == by => {}
        other => panic!("{other:?}"),
    }
}

/// Schedule 4: the new copy believes the table, and the old one's next commit would change it.
#[test]
fn an_old_copy_cannot_commit_once_a_new_one_has_opened() {
    let test = TestLake::new();
    let mut old = test.table(RELATION, 1);
    old.append(&[counts(&[("a", 1, 2, 1)])], Epoch(2), &[])
        .unwrap();
    let prepared = old
        .writer()
        .write_all(&[counts(&[("b", 1, 3, 1)])])
        .unwrap();

    let mut new = test.table(RELATION, 2);
    assert_eq!(new.committed(), Some(Epoch(2)));
    assert_fenced(old.commit(&prepared, Epoch(3), &[]), 2);
    assert_fenced(old.commit(&prepared, Epoch(3), &[]), 2);

    new.append(&[counts(&[("b", 7, 3, 1)])], Epoch(3), &[])
        .unwrap();
    assert_fenced(old.commit(&prepared, Epoch(4), &[]), 2);
    assert_eq!(
        counts_at(&test.view(RELATION), 9),
        [("a".to_owned(), 1), ("b".to_owned(), 7)].into()
    );
}

#[test]
fn an_old_copy_cannot_open_a_table_of_a_newer_one() {
    let test = TestLake::new();
    let new = test.table(RELATION, 5);
    let version = new.view().version();
    assert_fenced(test.lake.table(RELATION, &owner(4)).map(drop), 5);
    assert_eq!(test.view(RELATION).version(), version, "it left no mark");
}

#[test]
fn an_old_copy_can_neither_rewrite_nor_compact_nor_clean_up() {
    let test = TestLake::new();
    let mut old = test.table(RELATION, 1);
    for epoch in 2..6 {
        let rows = counts(&[("a", epoch, epoch as u64, 1)]);
        old.append(&[rows], Epoch(epoch as u64), &[]).unwrap();
    }
    let retain = Retain {
        since: Epoch(4),
        ..Retain::default()
    };
    let compacted = old
        .plan_compaction(retain, &CompactionLimits::everything())
        .unwrap()
        .unwrap()
        .run()
        .unwrap();

    let _new = test.table(RELATION, 2);
    assert_fenced(old.commit_compaction(&compacted), 2);
    assert_fenced(old.rewrite(&[], Epoch(9)), 2);
    let none = Retention {
        log: Duration::ZERO,
        files: Duration::ZERO,
    };
    assert_fenced(old.clean(none, SystemTime::now()).map(drop), 2);
    assert_eq!(test.view(RELATION).files().unwrap().len(), 4);
}

/// Schedule 4, the other way round: opening at the same time leaves one owner, the newest.
#[test]
fn of_many_copies_that_open_at_once_the_newest_goes_on() {
    let test = TestLake::new();
    drop(test.table(RELATION, 1));
    let results: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (2..8)
            .map(|generation| {
                let lake = test.lake.clone();
                scope.spawn(move || {
                    let mut table = lake.table(RELATION, &owner(generation))?;
                    table.append(
                        &[counts(&[("a", 1, 10 * generation, 1)])],
                        Epoch(10 * generation),
                        &[],
                    )?;
                    Ok::<u64, LakeError>(generation)
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(results.iter().any(|result| matches!(result, Ok(7))));
    for result in results {
        match result {
            Ok(_) | Err(LakeError::Fenced { .. }) => {}
            // A copy that read the table before a lower epoch of an older one was committed.
            Err(LakeError::AlreadyCommitted { .. } | LakeError::Moved { .. }) => {
                panic!("generations commit in their order")
            }
            Err(other) => panic!("{other}"),
        }
    }
    let view = test.view(RELATION);
    assert_eq!(view.committed(), Some(Epoch(70)));
}

/// Schedule 12: on a cleaned log the version that an old copy wants to write is absent once more.
#[test]
fn an_old_copy_on_a_cleaned_log_is_refused() {
    let test = TestLake::new();
    let mut old = test.table(RELATION, 1);
    old.append(&[counts(&[("a", 1, 2, 1)])], Epoch(2), &[])
        .unwrap();
    let wanted = old.view().version() + 1;

    let mut new = test.table(RELATION, 2);
    for epoch in 3..9 {
        let rows = counts(&[("b", epoch, epoch as u64, 1)]);
        new.append(&[rows], Epoch(epoch as u64), &[]).unwrap();
    }
    new.checkpoint().unwrap();
    let none = Retention {
        log: Duration::ZERO,
        files: Duration::from_secs(3600),
    };
    let cleaned = new.clean(none, SystemTime::now()).unwrap();
    assert!(cleaned.log_files >= 7, "{cleaned:?}");
    let path = new
        .view()
        .folder()
        .join(format!("_delta_log/{wanted:020}.json"));
    assert!(!path.exists());

    assert_fenced(old.append(&[counts(&[("z", 1, 3, 1)])], Epoch(3), &[]), 2);
    assert!(!path.exists());
    assert_eq!(test.view(RELATION).committed(), Some(Epoch(8)));
}

/// A commit of somebody else's that leaves our position alone is no reason to stop.
#[test]
fn a_version_taken_by_a_stranger_is_built_upon() {
    let test = TestLake::new();
    let mut table = test.table(RELATION, 1);
    table
        .append(&[counts(&[("a", 1, 2, 1)])], Epoch(2), &[])
        .unwrap();
    let next = table.view().version() + 1;
    let path = table
        .view()
        .folder()
        .join(format!("_delta_log/{next:020}.json"));
    fs::write(
        &path,
        r#"{"commitInfo":{"timestamp":0,"operation":"OPTIMIZE","engineInfo":"somebody else"}}"#,
    )
    .unwrap();
    table
        .append(&[counts(&[("b", 1, 3, 1)])], Epoch(3), &[])
        .unwrap();
    assert_eq!(table.view().version(), next + 1);
    assert_eq!(counts_at(&test.view(RELATION), 3).len(), 2);
}

/// Two jobs may share a folder: positions are kept under the job's name.
#[test]
fn the_table_of_one_job_has_no_position_in_another() {
    let test = TestLake::new();
    let mut table = test.table(RELATION, 3);
    table.append(&[], Epoch(2), &[]).unwrap();
    let other = lake::Owner {
        job: "other".to_owned(),
        generation: 1,
    };
    let table = test.lake.table(RELATION, &other).unwrap();
    assert_eq!(table.committed(), None);
}
