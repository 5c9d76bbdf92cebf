//! Rows of the tables of likes: pairs, counts, and counts as they stand.

use std::sync::Arc;

use arrow::array::{Int32Array, Int64Array, RecordBatch, StringBuilder};

use crate::tables::spec::Relation;
use crate::tables::text::batch;
use crate::time::Epoch;

/// Changes of pairs in the making.
#[derive(Debug, Default)]
pub struct LikeRows {
    epoch: Vec<i64>,
    diff: Vec<i32>,
    target: StringBuilder,
    account: StringBuilder,
}

impl LikeRows {
    /// Appends that `account` likes `target` (`diff` 1) or no longer does (-1) from `epoch` on.
    pub fn push(&mut self, target: &str, account: &str, epoch: Epoch, diff: i32) {
        self.epoch.push(epoch.0.cast_signed());
        self.diff.push(diff);
        self.target.append_value(target);
        self.account.append_value(account);
    }

    /// Number of rows since the last [`Self::finish`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.epoch.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the rows as one batch.
    pub fn finish(&mut self) -> RecordBatch {
        batch(
            Relation::Likes.spec(),
            vec![
                Arc::new(Int64Array::from(std::mem::take(&mut self.epoch))),
                Arc::new(Int32Array::from(std::mem::take(&mut self.diff))),
                Arc::new(self.target.finish()),
                Arc::new(self.account.finish()),
            ],
        )
    }
}

/// Changes of counts in the making.
#[derive(Debug, Default)]
pub struct LikeCountRows {
    epoch: Vec<i64>,
    diff: Vec<i32>,
    target: StringBuilder,
    likes: Vec<i64>,
}

impl LikeCountRows {
    /// Appends the count of `target` with its `diff`.
    pub fn push(&mut self, target: &str, likes: i64, epoch: Epoch, diff: i32) {
        self.epoch.push(epoch.0.cast_signed());
        self.diff.push(diff);
        self.target.append_value(target);
        self.likes.push(likes);
    }

    /// Appends what changes when the count of `target` goes from `old` to `new`; 0 is no row.
    pub fn change(&mut self, target: &str, old: i64, new: i64, epoch: Epoch) {
        if old != new {
            if old != 0 {
                self.push(target, old, epoch, -1);
            }
            if new != 0 {
                self.push(target, new, epoch, 1);
            }
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
        self.len() == 0
    }

    /// Takes the rows as one batch.
    pub fn finish(&mut self) -> RecordBatch {
        batch(
            Relation::LikeCounts.spec(),
            vec![
                Arc::new(Int64Array::from(std::mem::take(&mut self.epoch))),
                Arc::new(Int32Array::from(std::mem::take(&mut self.diff))),
                Arc::new(self.target.finish()),
                Arc::new(Int64Array::from(std::mem::take(&mut self.likes))),
            ],
        )
    }
}

/// Counts as they stand at one epoch, in the making.
#[derive(Debug)]
pub struct LikeCountNowRows {
    as_of: Epoch,
    target: StringBuilder,
    likes: Vec<i64>,
    changed_at: Vec<i64>,
}

impl LikeCountNowRows {
    /// No rows yet of the content at `as_of`.
    #[must_use]
    pub fn new(as_of: Epoch) -> Self {
        Self {
            as_of,
            target: StringBuilder::new(),
            likes: Vec::new(),
            changed_at: Vec::new(),
        }
    }

    /// Appends the count of `target`.
    pub fn push(&mut self, target: &str, likes: i64, changed_at: Epoch) {
        self.target.append_value(target);
        self.likes.push(likes);
        self.changed_at.push(changed_at.0.cast_signed());
    }

    /// Number of rows since the last [`Self::finish`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.likes.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the rows as one batch.
    pub fn finish(&mut self) -> RecordBatch {
        let as_of = vec![self.as_of.0.cast_signed(); self.likes.len()];
        batch(
            Relation::LikeCountsNow.spec(),
            vec![
                Arc::new(Int64Array::from(as_of)),
                Arc::new(self.target.finish()),
                Arc::new(Int64Array::from(std::mem::take(&mut self.likes))),
                Arc::new(Int64Array::from(std::mem::take(&mut self.changed_at))),
            ],
        )
    }
}
