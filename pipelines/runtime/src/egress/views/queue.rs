//! What waits for the view thread: bounded, and never in the way of a source.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::Epoch;

use super::expected::Expected;
use crate::egress::{FinishedEpoch, ReadOut};

/// What waits for the view thread.
pub(crate) struct ViewQueue {
    changes_max: usize,
    state: Mutex<Waiting>,
    moved: Condvar,
}

#[derive(Default)]
pub(super) struct Waiting {
    pub(super) epochs: VecDeque<Arc<FinishedEpoch>>,
    pub(super) read_out: Option<ReadOut>,
    /// A read-out to compare with; the epochs after it wait behind it.
    pub(super) scrub: Option<ReadOut>,
    /// What was gathered from it.
    pub(super) expected: Option<Expected>,
    changes: usize,
    /// Epochs up to here were forgotten for want of room.
    pub(super) forgotten: Option<Epoch>,
    pub(super) closed: bool,
}

impl ViewQueue {
    /// A queue that forgets what waits in it when that is more than `changes_max` changes.
    #[must_use]
    pub(crate) fn new(changes_max: usize) -> Self {
        Self {
            changes_max,
            state: Mutex::default(),
            moved: Condvar::new(),
        }
    }

    /// Adds a finished epoch.
    pub(crate) fn push(&self, epoch: &Arc<FinishedEpoch>) {
        let mut state = self.lock();
        // An epoch without changes takes room too.
        state.changes += 1 + epoch.valuations.len() + epoch.like_counts.len();
        state.epochs.push_back(Arc::clone(epoch));
        if state.changes > self.changes_max {
            tracing::warn!(
                epochs = state.epochs.len(),
                "the views are too far behind, they will be rewritten"
            );
            state.forgotten = Some(epoch.epoch);
            state.epochs.clear();
            state.changes = 0;
        }
        self.moved.notify_one();
    }

    /// Adds what a rewrite is made of.
    pub(crate) fn push_read_out(&self, read_out: ReadOut) {
        self.lock().read_out = Some(read_out);
        self.moved.notify_one();
    }

    /// Adds what the store is compared with.
    pub(crate) fn push_scrub(&self, read_out: ReadOut) {
        self.lock().scrub = Some(read_out);
        self.moved.notify_one();
    }

    /// Adds what was gathered from that.
    pub(super) fn push_expected(&self, expected: Expected) {
        self.lock().expected = Some(expected);
        self.moved.notify_one();
    }

    /// Says that nothing more will come.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.moved.notify_one();
    }

    /// Takes what waits; waits for it at most so long.
    pub(super) fn take(&self, timeout: Duration) -> Waiting {
        let state = self.lock();
        let is_idle = |waiting: &mut Waiting| {
            waiting.epochs.is_empty()
                && waiting.read_out.is_none()
                && waiting.scrub.is_none()
                && waiting.expected.is_none()
                && waiting.forgotten.is_none()
                && !waiting.closed
        };
        let (mut state, _) = self
            .moved
            .wait_timeout_while(state, timeout, is_idle)
            .unwrap_or_else(PoisonError::into_inner);
        let closed = state.closed;
        std::mem::replace(
            &mut *state,
            Waiting {
                closed,
                ..Waiting::default()
            },
        )
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_without_room_forgets_what_waits() {
        let queue = ViewQueue::new(2);
        for epoch in 1..=3 {
            queue.push(&Arc::new(FinishedEpoch {
                epoch: Epoch(epoch),
                ..FinishedEpoch::default()
            }));
        }
        let waiting = queue.take(Duration::ZERO);
        assert_eq!(
            (waiting.epochs.len(), waiting.forgotten),
            (0, Some(Epoch(3)))
        );
        assert!(!waiting.closed);
        queue.close();
        assert!(queue.take(Duration::from_secs(60)).closed);
    }
}
