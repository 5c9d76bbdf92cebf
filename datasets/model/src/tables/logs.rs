//! Rows of the logs: what was rejected, and what became of the records.

use std::sync::Arc;

use arrow::array::{ArrayBuilder, ArrayRef, BinaryBuilder, Int32Array, Int64Array, RecordBatch};

use crate::admission::{Counts, Outcome, Rejected};
use crate::tables::spec::Relation;
use crate::tables::text::{RepeatedTexts, batch};
use crate::time::Epoch;
use crate::topic::PartitionId;

/// Rejections in the making.
#[derive(Debug, Default)]
pub struct RejectedRows {
    epoch: Vec<i64>,
    topic: RepeatedTexts,
    partition: Vec<i32>,
    offset: Vec<i64>,
    timestamp: Vec<i64>,
    reason: RepeatedTexts,
    path: RepeatedTexts,
    expected: RepeatedTexts,
    key: BinaryBuilder,
    value: BinaryBuilder,
    bytes: usize,
}

impl RejectedRows {
    /// Appends a rejection that was read from `partition` in `epoch`.
    pub fn push(&mut self, partition: PartitionId, epoch: Epoch, rejected: &Rejected) {
        let rejection = &rejected.rejection;
        self.epoch.push(epoch.0.cast_signed());
        self.topic.push(partition.topic.name());
        self.partition.push(partition.partition);
        self.offset.push(rejected.offset);
        self.timestamp.push(rejected.timestamp_millis.0);
        self.reason.push(rejection.reason.code());
        self.path.push(&rejection.path);
        self.expected.push(&rejection.expected);
        self.key.append_option(rejected.key.as_deref());
        self.value.append_option(rejected.value.as_deref());
        self.bytes += rejected.value.as_ref().map_or(0, |value| value.len()) + 128;
    }

    /// Number of rows since the last [`Self::finish`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.value.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// About how many bytes the rows take; values are up to 2 MiB each and may be larger.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes the rows as one batch.
    pub fn finish(&mut self) -> RecordBatch {
        self.bytes = 0;
        batch(
            Relation::Rejected.spec(),
            vec![
                Arc::new(Int64Array::from(std::mem::take(&mut self.epoch))),
                self.topic.finish(),
                Arc::new(Int32Array::from(std::mem::take(&mut self.partition))),
                Arc::new(Int64Array::from(std::mem::take(&mut self.offset))),
                Arc::new(Int64Array::from(std::mem::take(&mut self.timestamp))),
                self.reason.finish(),
                self.path.finish(),
                self.expected.finish(),
                Arc::new(self.key.finish()),
                Arc::new(self.value.finish()),
            ],
        )
    }
}

/// Accounting in the making: what became of the records of each partition in each epoch.
#[derive(Debug, Default)]
pub struct AccountingRows {
    epoch: Vec<i64>,
    topic: RepeatedTexts,
    partition: Vec<i32>,
    next_offset: Vec<i64>,
    read: Vec<i64>,
    outcomes: [Vec<i64>; 5],
}

impl AccountingRows {
    /// Appends the counts of `partition` in `epoch`; `next_offset` is the epoch's cut.
    pub fn push(&mut self, partition: PartitionId, epoch: Epoch, next_offset: i64, counts: Counts) {
        self.epoch.push(epoch.0.cast_signed());
        self.topic.push(partition.topic.name());
        self.partition.push(partition.partition);
        self.next_offset.push(next_offset);
        self.read.push(counts.read().cast_signed());
        for (column, outcome) in self.outcomes.iter_mut().zip(Outcome::ALL) {
            column.push(counts.of(outcome).cast_signed());
        }
    }

    /// Number of rows since the last [`Self::finish`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.epoch.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.epoch.is_empty()
    }

    /// Takes the rows as one batch.
    pub fn finish(&mut self) -> RecordBatch {
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from(std::mem::take(&mut self.epoch))),
            self.topic.finish(),
            Arc::new(Int32Array::from(std::mem::take(&mut self.partition))),
            Arc::new(Int64Array::from(std::mem::take(&mut self.next_offset))),
            Arc::new(Int64Array::from(std::mem::take(&mut self.read))),
        ];
        for outcome in &mut self.outcomes {
            columns.push(Arc::new(Int64Array::from(std::mem::take(outcome))));
        }
        batch(Relation::Accounting.spec(), columns)
    }
}
