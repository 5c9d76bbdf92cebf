use lake::LakeError;
use model::Epoch;
use model::tables::{CharacterNowRows, LikeCountNowRows, Relation};

use crate::support::{TestLake, counts, counts_at, owner};

#[test]
fn rows_and_the_position_they_lead_to_are_read_back() {
    let test = TestLake::new();
    let mut table = test.table(Relation::LikeCounts, 1);
    assert_eq!(table.committed(), None);
    let offsets = [
        ("offset/like.toggle/0".to_owned(), 17),
        ("offset/like.toggle/2".to_owned(), 4),
    ];
    let rows = counts(&[("a", 1, 5, 1), ("b", 2, 6, 1)]);
    table.append(&[rows], Epoch(6), &offsets).unwrap();
    let rows = counts(&[("a", 1, 8, -1), ("a", 3, 8, 1)]);
    let moved = [("offset/like.toggle/0".to_owned(), 20)];
    table.append(&[rows], Epoch(9), &moved).unwrap();

    for view in [table.view().clone(), test.view(Relation::LikeCounts)] {
        assert_eq!(view.committed(), Some(Epoch(9)));
        assert_eq!(
            counts_at(&view, 7),
            [("a".to_owned(), 1), ("b".to_owned(), 2)].into()
        );
        assert_eq!(
            counts_at(&view, 9),
            [("a".to_owned(), 3), ("b".to_owned(), 2)].into()
        );
    }
    drop(table);

    let again = test.table(Relation::LikeCounts, 2);
    assert_eq!(again.committed(), Some(Epoch(9)));
    let positions: Vec<(&str, i64)> = again
        .positions()
        .filter(|(name, _)| name.starts_with("offset/"))
        .collect();
    assert_eq!(
        positions,
        [("offset/like.toggle/0", 20), ("offset/like.toggle/2", 4)]
    );
    assert_eq!(again.position("generation"), Some(2));
}

#[test]
fn a_position_is_committed_without_rows() {
    let test = TestLake::new();
    let mut table = test.table(Relation::Likes, 1);
    table
        .append(&[], Epoch(3), &[("offset".to_owned(), 8)])
        .unwrap();
    let view = test.view(Relation::Likes);
    assert_eq!(view.committed(), Some(Epoch(3)));
    assert_eq!(view.files().unwrap(), []);
}

#[test]
fn an_epoch_is_committed_once() {
    let test = TestLake::new();
    let mut table = test.table(Relation::LikeCounts, 1);
    table
        .append(&[counts(&[("a", 1, 5, 1)])], Epoch(5), &[])
        .unwrap();
    for epoch in [5, 4] {
        let error = table
            .append(&[counts(&[("b", 1, epoch, 1)])], Epoch(epoch), &[])
            .unwrap_err();
        assert!(matches!(
            error,
            LakeError::AlreadyCommitted {
                committed: Epoch(5),
                ..
            }
        ));
        assert!(!error.is_transient());
    }
    assert_eq!(counts_at(table.view(), 9).len(), 1);
}

#[test]
fn a_rewritten_table_holds_the_newest_content_alone() {
    let test = TestLake::new();
    let mut table = test.table(Relation::LikeCountsNow, 1);
    for (epoch, targets) in [(5, 3), (9, 2), (12, 0)] {
        let mut rows = LikeCountNowRows::new(Epoch(epoch));
        for target in 0..targets {
            rows.push(&format!("t{target}"), 1, Epoch(4));
        }
        table.rewrite(&[rows.finish()], Epoch(epoch)).unwrap();
        let view = test.view(Relation::LikeCountsNow);
        assert_eq!(view.committed(), Some(Epoch(epoch)));
        let rows: u64 = view
            .files()
            .unwrap()
            .iter()
            .map(|file| file.stats.rows)
            .sum();
        assert_eq!(rows, targets);
    }
}

#[test]
fn files_written_beside_are_seen_once_they_are_committed() {
    let test = TestLake::new();
    let mut table = test.table(Relation::LikeCounts, 1);
    let writer = table.writer();
    let prepared = std::thread::spawn(move || {
        let mut files = writer.start();
        files.write(&counts(&[("a", 1, 5, 1)])).unwrap();
        files.write(&counts(&[("b", 1, 6, 1)])).unwrap();
        files.finish().unwrap()
    })
    .join()
    .unwrap();
    assert_eq!(prepared.rows(), 2);
    assert_eq!(test.view(Relation::LikeCounts).files().unwrap(), []);
    table.commit(&prepared, Epoch(6), &[]).unwrap();
    assert_eq!(counts_at(&test.view(Relation::LikeCounts), 6).len(), 2);
}

#[test]
fn files_that_are_given_up_leave_nothing_behind() {
    let test = TestLake::new();
    let table = test.table(Relation::LikeCounts, 1);
    let mut files = table.writer().start();
    files.write(&counts(&[("a", 1, 5, 1)])).unwrap();
    drop(files);
    let left = std::fs::read_dir(table.view().folder()).unwrap().count();
    assert_eq!(left, 1, "the log's folder alone");
}

#[test]
fn rows_of_another_table_are_refused() {
    let test = TestLake::new();
    let table = test.table(Relation::LikeCounts, 1);
    let wrong = CharacterNowRows::new(Epoch(1), "rules").finish();
    assert_eq!(table.writer().write_all(&[wrong]).unwrap().rows(), 0);
    let mut wrong = LikeCountNowRows::new(Epoch(1));
    wrong.push("a", 1, Epoch(1));
    let error = table.writer().write_all(&[wrong.finish()]).unwrap_err();
    assert!(matches!(error, LakeError::SchemaDiffers { .. }), "{error}");
}

#[test]
fn a_table_with_other_columns_is_not_opened() {
    let test = TestLake::new();
    drop(test.table(Relation::Likes, 1));
    let (from, to) = (
        test.lake.folder_of(Relation::Likes),
        test.lake.folder_of(Relation::LikeCounts),
    );
    std::fs::rename(from, to).unwrap();
    let error = test
        .lake
        .table(Relation::LikeCounts, &owner(2))
        .unwrap_err();
    let LakeError::SchemaDiffers { difference, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(difference, "lacks likes Int64, has account_id Utf8");
}

#[test]
fn there_is_no_view_of_a_table_that_is_not_there() {
    let test = TestLake::new();
    assert!(test.lake.view(Relation::Likes).unwrap().is_none());
}

#[test]
fn a_scan_opens_only_files_that_can_hold_its_epochs() {
    let test = TestLake::new();
    let mut table = test.table(Relation::LikeCounts, 1);
    for epoch in [10, 20, 30] {
        let rows = counts(&[("a", epoch, epoch as u64 - 1, 1), ("b", 1, epoch as u64, 1)]);
        table.append(&[rows], Epoch(epoch as u64), &[]).unwrap();
    }
    let scan = table.view().scan().epochs(Epoch(20)..Epoch(30));
    let files = scan.files().unwrap();
    assert_eq!(files.len(), 2);
    let rows: usize = scan
        .columns(&["target_ocid"])
        .batches()
        .unwrap()
        .map(|batch| {
            let batch = batch.unwrap();
            assert_eq!(batch.num_columns(), 1);
            batch.num_rows()
        })
        .sum();
    assert_eq!(rows, 2, "20 and 29");
}

#[test]
fn files_say_what_keys_and_epochs_they_hold() {
    let test = TestLake::new();
    let mut table = test.table(Relation::LikeCounts, 1);
    table
        .append(&[counts(&[("b", 1, 5, 1), ("a", 1, 6, 1)])], Epoch(6), &[])
        .unwrap();
    table.checkpoint().unwrap();
    for view in [table.view().clone(), test.view(Relation::LikeCounts)] {
        let files = view.files().unwrap();
        assert_eq!(files[0].epochs("epoch"), Some((Epoch(5), Epoch(6))));
        let bound = &files[0].stats.bounds["target_ocid"];
        assert_eq!(
            *bound,
            lake::Bound::Text {
                min: "a".to_owned(),
                max: "b".to_owned()
            }
        );
    }
}
