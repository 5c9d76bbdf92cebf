//! The rows of the table of rejected records.

use anyhow::{Context as _, Result};
use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type};
use lake::{Bound, ScanFile};
use model::{Epoch, Millis, RawRecord, Topic};
use runtime::acts::RecordPlace;

use super::Queue;
use super::select::Selection;

/// What is read of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// All but the bytes of its value.
    Facts,
    /// All.
    Bytes,
}

const FACTS: [&str; 9] = [
    "epoch",
    "topic",
    "partition",
    "record_offset",
    "timestamp_millis",
    "reason",
    "path",
    "expected",
    "key",
];

/// A rejected record.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) place: RecordPlace,
    pub(super) epoch: Epoch,
    pub(super) timestamp: Millis,
    pub(super) reason: String,
    pub(super) path: String,
    pub(super) expected: String,
    pub(super) key: Option<Vec<u8>>,
    /// Nothing where it was not asked for, or the record had none.
    pub(super) value: Option<Vec<u8>>,
}

impl Row {
    /// The record as it was read.
    pub(super) fn record(&self) -> RawRecord<'_> {
        RawRecord {
            key: self.key.as_deref(),
            value: self.value.as_deref(),
            timestamp_millis: self.timestamp,
            offset: self.place.offset,
            replays: None,
        }
    }

    /// Why it was rejected, in one line.
    pub(super) fn rejection(&self) -> String {
        rejection(&self.reason, &self.path, &self.expected)
    }
}

/// A reason with its place and what was expected there, in one line.
pub(super) fn rejection(reason: &str, path: &str, expected: &str) -> String {
    let path = if path.is_empty() { "the message" } else { path };
    format!("{reason} at {path}: expected {expected}")
}

/// Calls `each` for the rows that are selected, file by file.
pub(super) fn for_each(
    queue: &Queue,
    selection: &Selection,
    read: Read,
    mut each: impl FnMut(Row) -> Result<()>,
) -> Result<()> {
    let Some(table) = &queue.table else {
        return Ok(());
    };
    let mut columns = FACTS.to_vec();
    if read == Read::Bytes {
        columns.push("value");
    }
    for file in table.scan().columns(&columns).files()? {
        if !can_hold(&file, selection) {
            continue;
        }
        for batch in file.batches()? {
            for row in rows_of(&batch?, selection, queue)? {
                each(row)?;
            }
        }
    }
    Ok(())
}

/// Whether the statistics of a file leave room for what is selected.
fn can_hold(file: &ScanFile, selection: &Selection) -> bool {
    let bounds = &file.file.stats.bounds;
    let within = |column: &str, lower: i64, upper: i64| match bounds.get(column) {
        Some(&Bound::Int { min, max }) => min <= upper && lower <= max,
        Some(Bound::Text { .. }) | None => true,
    };
    let of_topic = match (bounds.get("topic"), selection.topic()) {
        (Some(Bound::Text { min, max }), Some(topic)) => {
            (min.as_str()..=max.as_str()).contains(&topic.name())
        }
        _ => true,
    };
    let partitions = selection.partitions();
    let offsets = selection.offsets();
    of_topic
        && within(
            "partition",
            (*partitions.start()).into(),
            (*partitions.end()).into(),
        )
        && within("record_offset", *offsets.start(), *offsets.end())
}

fn rows_of(batch: &RecordBatch, selection: &Selection, queue: &Queue) -> Result<Vec<Row>> {
    let column = |name: &str| {
        batch
            .column_by_name(name)
            .with_context(|| format!("a file of table rejected has no column {name}"))
    };
    let epoch = column("epoch")?.as_primitive::<Int64Type>();
    let topic = column("topic")?.as_string::<i32>();
    let partition = column("partition")?.as_primitive::<Int32Type>();
    let offset = column("record_offset")?.as_primitive::<Int64Type>();
    let timestamp = column("timestamp_millis")?.as_primitive::<Int64Type>();
    let reason = column("reason")?.as_string::<i32>();
    let path = column("path")?.as_string::<i32>();
    let expected = column("expected")?.as_string::<i32>();
    let key = column("key")?.as_binary::<i32>();
    let value = batch.column_by_name("value");
    let value = value.map(|column| column.as_binary::<i32>());
    let mut rows = Vec::new();
    for at in 0..batch.num_rows() {
        let name = topic.value(at);
        let row = Row {
            place: RecordPlace {
                topic: Topic::from_name(name).with_context(|| {
                    format!("table rejected has a row of topic {name:?}, which is none")
                })?,
                partition: partition.value(at),
                offset: offset.value(at),
            },
            epoch: Epoch(epoch.value(at).cast_unsigned()),
            timestamp: Millis(timestamp.value(at)),
            reason: reason.value(at).to_owned(),
            path: path.value(at).to_owned(),
            expected: expected.value(at).to_owned(),
            key: key.is_valid(at).then(|| key.value(at).to_vec()),
            value: None,
        };
        if !selection.takes(&row, queue.standing(row.place)) {
            continue;
        }
        let value = value.filter(|value| value.is_valid(at));
        rows.push(Row {
            value: value.map(|value| value.value(at).to_vec()),
            ..row
        });
    }
    Ok(rows)
}
