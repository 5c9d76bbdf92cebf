//! Folders, rows and contents for the tests.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type};
use lake::{Lake, Owner, Table, View};
use model::admission::{InputRow, RowKind};
use model::tables::{InputRows, LikeCountRows, LikeRows, Relation};
use model::{Epoch, EventId, Millis};
use tempfile::TempDir;

/// A lake in a folder that is deleted with it.
pub(crate) struct TestLake {
    pub(crate) lake: Lake,
    _folder: TempDir,
}

impl TestLake {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            lake: Lake::open(folder.path()).unwrap(),
            _folder: folder,
        }
    }

    pub(crate) fn table(&self, relation: Relation, generation: u64) -> Table {
        self.lake.table(relation, &owner(generation)).unwrap()
    }

    pub(crate) fn view(&self, relation: Relation) -> View {
        self.lake.view(relation).unwrap().unwrap()
    }
}

pub(crate) fn owner(generation: u64) -> Owner {
    Owner {
        job: "job".to_owned(),
        generation,
    }
}

/// Changes of counts: `(target, likes, epoch, diff)`.
pub(crate) fn counts(rows: &[(&str, i64, u64, i32)]) -> RecordBatch {
    let mut builder = LikeCountRows::default();
    for &(target, likes, epoch, diff) in rows {
        builder.push(target, likes, Epoch(epoch), diff);
    }
    builder.finish()
}

/// Changes of pairs: `(target, account, epoch, diff)`.
pub(crate) fn pairs(rows: &[(&str, &str, u64, i32)]) -> RecordBatch {
    let mut builder = LikeRows::default();
    for &(target, account, epoch, diff) in rows {
        builder.push(target, account, Epoch(epoch), diff);
    }
    builder.finish()
}

/// An accepted record of partition 0 at `offset`, its timestamp equal to the offset.
pub(crate) fn input(rows: &[(RowKind, &str, u64, i64, i8)]) -> RecordBatch {
    let mut builder = InputRows::new(Relation::InputEquipment.spec());
    for &(kind, key, epoch, offset, diff) in rows {
        let value = offset.to_le_bytes();
        let row = InputRow {
            kind,
            diff,
            key: key.as_bytes(),
            value: (diff > 0 && kind != RowKind::Id).then_some(&value[..]),
            event_id: (kind != RowKind::Head).then_some(EventId([offset as u8; 16])),
            timestamp_millis: Millis(offset),
            offset,
        };
        builder.push(0, Epoch(epoch), &row);
    }
    builder.finish()
}

/// The content of `like_counts` at `as_of`: likes by target.
pub(crate) fn counts_at(view: &View, as_of: u64) -> BTreeMap<String, i64> {
    let mut sums: BTreeMap<(String, i64), i64> = BTreeMap::new();
    for batch in view
        .scan()
        .epochs(Epoch(0)..Epoch(as_of + 1))
        .batches()
        .unwrap()
    {
        let batch = batch.unwrap();
        let targets = batch["target_ocid"].as_string::<i32>();
        let likes = batch["likes"].as_primitive::<Int64Type>();
        let diffs = batch["diff"].as_primitive::<Int32Type>();
        for row in 0..batch.num_rows() {
            let key = (targets.value(row).to_owned(), likes.value(row));
            *sums.entry(key).or_default() += i64::from(diffs.value(row));
        }
    }
    let mut content = BTreeMap::new();
    for ((target, likes), sum) in sums {
        if sum != 0 {
            assert_eq!(
                sum, 1,
                "{target} has {sum} rows of {likes} likes at {as_of}"
            );
            assert_eq!(content.insert(target, likes), None, "one count a target");
        }
    }
    content
}

/// Rows of an input table in the order in which they are read: `(kind, key, epoch, offset, diff)`.
pub(crate) fn input_rows(view: &View) -> Vec<(RowKind, String, u64, i64, i32)> {
    let mut rows = Vec::new();
    for batch in view.scan().batches().unwrap() {
        let batch = batch.unwrap();
        for row in 0..batch.num_rows() {
            let long = |name: &str| batch[name].as_primitive::<Int64Type>().value(row);
            let text = |name: &str| batch[name].as_string::<i32>().value(row).to_owned();
            let kind = RowKind::from_name(&text("kind")).unwrap();
            assert_eq!(
                batch["value"].is_valid(row),
                kind != RowKind::Id && batch["diff"].as_primitive::<Int32Type>().value(row) > 0
            );
            rows.push((
                kind,
                text("key"),
                long("epoch") as u64,
                long("record_offset"),
                batch["diff"].as_primitive::<Int32Type>().value(row),
            ));
        }
    }
    rows
}
