use model::tables::LikeCountRows;

use super::*;
use crate::compact::{CompactionLimits, Retain};
use crate::kernel::committer::faults::{Fault, plant};

const RELATION: Relation = Relation::LikeCounts;

fn owner(generation: u64) -> Owner {
    Owner {
        job: "job".to_owned(),
        generation,
    }
}

fn rows(epoch: u64) -> RecordBatch {
    let mut rows = LikeCountRows::default();
    rows.push("a", epoch as i64, Epoch(epoch), 1);
    rows.finish()
}

fn files(table: &Table) -> usize {
    let lake = table.lake.clone();
    let view = lake.view(RELATION).unwrap().unwrap();
    view.files().unwrap().len()
}

#[test]
fn a_commit_whose_answer_is_lost_is_found_and_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(folder.path()).unwrap();
    let mut table = lake.table(RELATION, &owner(1)).unwrap();
    let version = table.view().version();
    plant(Fault::AfterPut);
    table.append(&[rows(5)], Epoch(5), &[]).unwrap();
    assert_eq!(table.committed(), Some(Epoch(5)));
    assert_eq!(table.view().version(), version + 1);
    table.append(&[rows(6)], Epoch(6), &[]).unwrap();
    assert_eq!(files(&table), 2);
}

#[test]
fn a_commit_that_never_arrived_is_made_by_the_same_call_again() {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(folder.path()).unwrap();
    let mut table = lake.table(RELATION, &owner(1)).unwrap();
    let prepared = table.writer().write_all(&[rows(5)]).unwrap();
    plant(Fault::BeforePut);
    let error = table.commit(&prepared, Epoch(5), &[]).unwrap_err();
    assert!(error.is_transient(), "{error}");
    assert_eq!(table.committed(), None);
    table.commit(&prepared, Epoch(5), &[]).unwrap();
    assert_eq!(table.committed(), Some(Epoch(5)));
    assert_eq!(files(&table), 1);
}

#[test]
fn an_unanswered_commit_is_settled_before_the_same_call_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(folder.path()).unwrap();
    let mut table = lake.table(RELATION, &owner(1)).unwrap();
    let prepared = table.writer().write_all(&[rows(5)]).unwrap();
    table.commit(&prepared, Epoch(5), &[]).unwrap();
    // As if the answer had been lost and the look afterwards had failed as well.
    table.unsettled = true;
    table.commit(&prepared, Epoch(5), &[]).unwrap();
    assert_eq!(files(&table), 1);
}

#[test]
fn a_compaction_whose_answer_is_lost_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(folder.path()).unwrap();
    let mut table = lake.table(RELATION, &owner(1)).unwrap();
    for epoch in 1..5 {
        table.append(&[rows(epoch)], Epoch(epoch), &[]).unwrap();
    }
    let retain = Retain {
        since: Epoch(3),
        ..Retain::default()
    };
    let plan = table
        .plan_compaction(retain, &CompactionLimits::everything())
        .unwrap()
        .unwrap();
    let compacted = plan.run().unwrap();
    plant(Fault::AfterPut);
    table.commit_compaction(&compacted).unwrap();
    assert_eq!(table.since(), Some(Epoch(3)));
    assert_eq!(files(&table), 1);
}

#[test]
fn a_fence_whose_answer_is_lost_is_put_once_more() {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(folder.path()).unwrap();
    drop(lake.table(RELATION, &owner(1)).unwrap());
    for fault in [Fault::AfterPut, Fault::BeforePut] {
        plant(fault);
        let table = lake.table(RELATION, &owner(2)).unwrap();
        assert_eq!(table.position("generation"), Some(2));
    }
}

#[test]
fn a_twin_of_the_same_generation_is_not_taken_for_oneself() {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(folder.path()).unwrap();
    let mut one = lake.table(RELATION, &owner(1)).unwrap();
    let mut twin = lake.table(RELATION, &owner(1)).unwrap();
    twin.append(&[rows(5)], Epoch(5), &[]).unwrap();
    let error = one.append(&[rows(5)], Epoch(5), &[]).unwrap_err();
    assert!(matches!(error, LakeError::Moved { .. }), "{error}");
}

#[test]
fn an_empty_newest_commit_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(folder.path()).unwrap();
    let table = lake.table(RELATION, &owner(1)).unwrap();
    let next = format!("{:020}.json", table.view().version() + 1);
    std::fs::write(table.log().join(next), b"").unwrap();
    let error = lake.table(RELATION, &owner(2)).unwrap_err();
    assert!(matches!(error, LakeError::EmptyCommit { .. }), "{error}");
}
