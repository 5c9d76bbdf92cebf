//! What every source can do, and what a reader of one partition can do.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use model::PartitionId;

use crate::{RecordBatch, SourceError, SourceStatus};

/// A set of partitions with records in offset order, readable from any offset that is still kept.
pub trait Source: Send + Sync {
    /// The partitions that exist now, in order. Ask again to see whether there are more.
    fn partitions(&self) -> Result<Vec<PartitionId>, SourceError>;

    /// For every partition the lowest offset that can be read.
    fn start_offsets(&self) -> Result<BTreeMap<PartitionId, i64>, SourceError>;

    /// For every partition the next offset behind the last record that readers may see now.
    fn end_offsets(&self) -> Result<BTreeMap<PartitionId, i64>, SourceError>;

    /// Opens a partition at `next_offset`. One reader a partition at a time.
    fn open(
        &self,
        partition: PartitionId,
        next_offset: i64,
    ) -> Result<Box<dyn PartitionReader>, SourceError>;

    /// Whether what the source depends on is there.
    fn status(&self) -> SourceStatus;

    /// Tells tools that show lag how far `next_offsets` the job is. Never read back by the job.
    fn commit_for_lag(&self, next_offsets: &BTreeMap<PartitionId, i64>) -> Result<(), SourceError>;
}

/// Called from any thread when records may have come; it must not block.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// Reads one partition.
pub trait PartitionReader: Send {
    /// The partition.
    fn partition(&self) -> PartitionId;

    /// Has `wake` called whenever there may be records after [`poll`](Self::poll) was idle, so that one
    /// thread can wait for several partitions. A reader that cannot tell never calls it: whoever waits
    /// looks again after a while.
    fn wake_with(&mut self, wake: Wake);

    /// The first place that was not read yet: all records below it were handed out by [`poll`].
    ///
    /// [`poll`]: Self::poll
    fn next_offset(&self) -> i64;

    /// Empties `batch` and fills it with the next records.
    ///
    /// - `limits`: the batch ends once it reaches either.
    /// - `stop_at`: a next offset at which the batch is cut exactly. No record at or above it is
    ///   handed out, and once all below it were, [`next_offset`](Self::next_offset) is exactly that,
    ///   also where no record has that offset.
    /// - `timeout`: how long to wait for a first record; nothing is waited for after it.
    ///
    /// An error that says it [is transient](SourceError::is_transient) leaves the reader as it was.
    fn poll(
        &mut self,
        batch: &mut RecordBatch,
        limits: Limits,
        stop_at: Option<i64>,
        timeout: Duration,
    ) -> Result<Polled, SourceError>;
}

/// What a call of [`PartitionReader::poll`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Polled {
    /// The batch holds at least one record.
    Records,
    /// Nothing came in time; something may come later.
    Idle,
    /// `stop_at` was reached before this call, or the end of a file that does not grow.
    End,
}

/// When a batch is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Number of records, at least 1.
    pub records: usize,
    /// Bytes of keys and values; the last record may lie beyond it.
    pub bytes: usize,
}

impl Limits {
    /// Whether `batch` is full.
    #[must_use]
    pub fn are_reached_by(self, batch: &RecordBatch) -> bool {
        batch.len() >= self.records.max(1) || batch.bytes() >= self.bytes
    }
}

/// Ends what waits without limit: set it, and whoever waits returns [`SourceError::Stopped`].
#[derive(Clone, Debug, Default)]
pub struct StopFlag {
    own: Arc<AtomicBool>,
    outer: Option<Arc<StopFlag>>,
}

impl StopFlag {
    /// A flag for a part of what this one ends: it is set with this one, but not this one with it.
    #[must_use]
    pub fn part(&self) -> Self {
        Self {
            own: Arc::default(),
            outer: Some(Arc::new(self.clone())),
        }
    }

    /// Asks everyone who holds a clone to stop.
    pub fn set(&self) {
        self.own.store(true, Ordering::Release);
    }

    /// Whether someone asked to stop.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.own.load(Ordering::Acquire) || self.outer.as_ref().is_some_and(|outer| outer.is_set())
    }
}
