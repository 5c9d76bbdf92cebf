//! The newest accepted equipment of a character, from the job's input table.

use anyhow::{Context as _, Result, anyhow};
use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type};
use lake::{Bound, Lake, ScanFile};
use model::admission::{Change, InputRow, RowKind};
use model::snapshot::Snapshot;
use model::snapshot::binary::SnapshotView;
use model::tables::Relation;
use model::{Epoch, EventId, Millis, Topic};

use crate::failure::Failed as _;
use crate::instant::epoch_with_time;

/// An accepted event and what it says.
pub(super) struct Input {
    pub(super) event_id: Option<EventId>,
    pub(super) partition: i32,
    pub(super) offset: i64,
    /// When the broker appended the record.
    pub(super) appended_at: Millis,
    pub(super) occurred_at: Millis,
    /// The epoch in which it was accepted, or the retained epoch if that is later.
    pub(super) epoch: Epoch,
    /// The epoch that the input table is sealed through: no newer event up to there.
    pub(super) committed: Epoch,
    pub(super) snapshot: Snapshot,
}

const COLUMNS: [&str; 9] = [
    "partition",
    "epoch",
    "diff",
    "kind",
    "key",
    "value",
    "event_id",
    "record_offset",
    "timestamp_millis",
];

/// The newest event of `ocid`.
pub(super) fn newest(lake: &Lake, ocid: &str) -> Result<Input> {
    let view = lake
        .view(Relation::InputEquipment)?
        .with_context(|| format!("there is no input table in {}", lake.folder().display()))
        .advise("run the job first; its first commit makes the tables")?;
    let committed = view
        .committed()
        .context("the input table has not sealed an epoch yet")
        .advise("ask again when the job has run for some seconds")?;
    let mut newest: Option<Input> = None;
    for file in view.scan().columns(&COLUMNS).files()? {
        if !can_hold(&file, "key", ocid) {
            continue;
        }
        for batch in file.batches()? {
            for input in rows_of(&batch?, ocid, committed)? {
                let place = |input: &Input| (input.epoch, input.offset);
                if newest
                    .as_ref()
                    .is_none_or(|known| place(known) <= place(&input))
                {
                    newest = Some(input);
                }
            }
        }
    }
    newest.ok_or_else(|| {
        let as_of = epoch_with_time(committed);
        anyhow!("no event of character {ocid} was accepted: so it is as of epoch {as_of}")
    })
}

/// Whether the statistics of a file leave room for `wanted` in a column of texts.
pub(super) fn can_hold(file: &ScanFile, column: &str, wanted: &str) -> bool {
    match file.file.stats.bounds.get(column) {
        Some(Bound::Text { min, max }) => (min.as_str()..=max.as_str()).contains(&wanted),
        Some(Bound::Int { .. }) | None => true,
    }
}

/// A column that the specification of a table says is there.
pub(super) fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a arrow::array::ArrayRef> {
    batch
        .column_by_name(name)
        .with_context(|| format!("a file of the table has no column {name}"))
}

fn rows_of(batch: &RecordBatch, ocid: &str, committed: Epoch) -> Result<Vec<Input>> {
    let partition = column(batch, "partition")?.as_primitive::<Int32Type>();
    let epoch = column(batch, "epoch")?.as_primitive::<Int64Type>();
    let diff = column(batch, "diff")?.as_primitive::<Int32Type>();
    let kind = column(batch, "kind")?.as_string::<i32>();
    let key = column(batch, "key")?.as_string::<i32>();
    let value = column(batch, "value")?.as_binary::<i32>();
    let event_id = column(batch, "event_id")?.as_binary::<i32>();
    let offset = column(batch, "record_offset")?.as_primitive::<Int64Type>();
    let timestamp = column(batch, "timestamp_millis")?.as_primitive::<Int64Type>();

    let mut inputs = Vec::new();
    for at in 0..batch.num_rows() {
        let is_row = kind.value(at) == RowKind::Row.name() && diff.value(at) > 0;
        if !is_row || key.value(at) != ocid {
            continue;
        }
        let id = event_id
            .is_valid(at)
            .then(|| event_id.value(at).try_into().ok().map(EventId));
        let row = InputRow {
            kind: RowKind::Row,
            diff: 1,
            key: ocid.as_bytes(),
            value: value.is_valid(at).then(|| value.value(at)),
            event_id: id.flatten(),
            timestamp_millis: Millis(timestamp.value(at)),
            offset: offset.value(at),
        };
        let read = || -> Result<(Millis, Snapshot)> {
            match Change::from_row(Topic::Equipment, &row)? {
                Some(Change::Equipment(change)) => {
                    let snapshot = SnapshotView::new(change.snapshot)?.decode()?;
                    Ok((change.occurred_at, snapshot))
                }
                _ => Err(anyhow!("it is no equipment")),
            }
        };
        let (occurred_at, snapshot) = read()
            .with_context(|| format!("read the row of offset {} of the input table", row.offset))
            .advise("use the version of mesoflow that wrote the table, or a newer one")?;
        inputs.push(Input {
            event_id: row.event_id,
            partition: partition.value(at),
            offset: row.offset,
            appended_at: row.timestamp_millis,
            occurred_at,
            epoch: Epoch(epoch.value(at).cast_unsigned()),
            committed,
            snapshot,
        });
    }
    Ok(inputs)
}
