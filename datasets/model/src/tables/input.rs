//! Rows of the input tables: what admission accepted, in the form the state is rebuilt from.

use std::sync::Arc;

use arrow::array::{
    ArrayBuilder, BinaryBuilder, Int32Array, Int64Array, RecordBatch, StringBuilder,
};

use crate::admission::InputRow;
use crate::tables::spec::TableSpec;
use crate::tables::text::{RepeatedTexts, batch};
use crate::time::Epoch;

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
