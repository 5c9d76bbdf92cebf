//! Rows of the input tables: what admission accepted, in the form the state is rebuilt from.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayBuilder, BinaryArray, BinaryBuilder, Int32Array, Int64Array, RecordBatch,
    StringArray, StringBuilder,
};

use crate::admission::{InputRow, RowKind};
use crate::codec::DecodeError;
use crate::event_id::EventId;
use crate::tables::spec::TableSpec;
use crate::tables::text::{RepeatedTexts, batch};
use crate::time::{Epoch, Millis};

/// Input rows in the making. Append them in the order of their offsets within a partition and of
/// their epochs overall.
#[derive(Debug)]
pub struct InputRows {
    spec: &'static TableSpec,
    partition: Vec<i32>,
    epoch: Vec<i64>,
    diff: Vec<i32>,
    kind: RepeatedTexts,
    key: StringBuilder,
    value: BinaryBuilder,
    event_id: BinaryBuilder,
    offset: Vec<i64>,
    timestamp: Vec<i64>,
    bytes: usize,
}

impl InputRows {
    /// No rows yet, for the table of `spec`.
    #[must_use]
    pub fn new(spec: &'static TableSpec) -> Self {
        Self {
            spec,
            partition: Vec::new(),
            epoch: Vec::new(),
            diff: Vec::new(),
            kind: RepeatedTexts::default(),
            key: StringBuilder::new(),
            value: BinaryBuilder::new(),
            event_id: BinaryBuilder::new(),
            offset: Vec::new(),
            timestamp: Vec::new(),
            bytes: 0,
        }
    }

    /// Appends a row of `partition` that was read in `epoch`.
    pub fn push(&mut self, partition: i32, epoch: Epoch, row: &InputRow<'_>) {
        let key = str::from_utf8(row.key).expect("admission writes keys in UTF-8");
        self.partition.push(partition);
        self.epoch.push(epoch.0.cast_signed());
        self.diff.push(row.diff.into());
        self.kind.push(row.kind.name());
        self.key.append_value(key);
        self.value.append_option(row.value);
        self.event_id.append_option(row.event_id.map(|id| id.0));
        self.offset.push(row.offset);
        self.timestamp.push(row.timestamp_millis.0);
        self.bytes += key.len() + row.value.map_or(0, <[u8]>::len) + 64;
    }

    /// Number of rows since the last [`Self::finish`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.key.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// About how many bytes the rows take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes the rows as one batch.
    pub fn finish(&mut self) -> RecordBatch {
        self.bytes = 0;
        batch(
            self.spec,
            vec![
                Arc::new(Int32Array::from(std::mem::take(&mut self.partition))),
                Arc::new(Int64Array::from(std::mem::take(&mut self.epoch))),
                Arc::new(Int32Array::from(std::mem::take(&mut self.diff))),
                self.kind.finish(),
                Arc::new(self.key.finish()),
                Arc::new(self.value.finish()),
                Arc::new(self.event_id.finish()),
                Arc::new(Int64Array::from(std::mem::take(&mut self.offset))),
                Arc::new(Int64Array::from(std::mem::take(&mut self.timestamp))),
            ],
        )
    }
}

/// A batch of rows as an input table holds them.
#[derive(Clone, Debug)]
pub struct InputColumns {
    partition: Int32Array,
    epoch: Int64Array,
    diff: Int32Array,
    kind: StringArray,
    key: StringArray,
    value: BinaryArray,
    event_id: BinaryArray,
    offset: Int64Array,
    timestamp: Int64Array,
}

impl InputColumns {
    /// Finds the columns of a batch with all columns of an input table.
    pub fn of(batch: &RecordBatch) -> Result<Self, DecodeError> {
        Ok(Self {
            partition: column(batch, "partition")?,
            epoch: column(batch, "epoch")?,
            diff: column(batch, "diff")?,
            kind: column(batch, "kind")?,
            key: column(batch, "key")?,
            value: column(batch, "value")?,
            event_id: column(batch, "event_id")?,
            offset: column(batch, "record_offset")?,
            timestamp: column(batch, "timestamp_millis")?,
        })
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.key.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The partition that a row is of.
    #[must_use]
    pub fn partition(&self, row: usize) -> i32 {
        self.partition.value(row)
    }

    /// The epoch that a row was read in.
    #[must_use]
    pub fn epoch(&self, row: usize) -> Epoch {
        Epoch(self.epoch.value(row).cast_unsigned())
    }

    /// A row.
    pub fn row(&self, row: usize) -> Result<InputRow<'_>, DecodeError> {
        let kind =
            RowKind::from_name(self.kind.value(row)).ok_or_else(|| wrong("its kind is unknown"))?;
        let event_id = self
            .event_id
            .is_valid(row)
            .then(|| self.event_id.value(row).try_into().map(EventId))
            .transpose()
            .map_err(|_| wrong("its event id is not 16 bytes long"))?;
        Ok(InputRow {
            kind,
            diff: if self.diff.value(row) < 0 { -1 } else { 1 },
            key: self.key.value(row).as_bytes(),
            value: self.value.is_valid(row).then(|| self.value.value(row)),
            event_id,
            timestamp_millis: Millis(self.timestamp.value(row)),
            offset: self.offset.value(row),
        })
    }
}

fn wrong(problem: &'static str) -> DecodeError {
    DecodeError::Invalid {
        what: "a row of an input table",
        problem,
    }
}

fn column<A: Array + Clone + 'static>(batch: &RecordBatch, name: &str) -> Result<A, DecodeError> {
    batch
        .column_by_name(name)
        .and_then(|column| column.as_any().downcast_ref::<A>())
        .cloned()
        .ok_or_else(|| wrong("a column is missing or of another type"))
}
