//! Feeds the workers: epochs in order, and read-outs between them.
//!
//! A read-out says what the graphs hold at an epoch. It is asked for at the first time after the
//! newest epoch that was fed, so that it is exactly the content at that epoch; no epoch is ever minted
//! there.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Thread;

use crossbeam_channel::Sender;
use model::tables::InputColumns;
use model::{Epoch, Topic};

use crate::clock::EpochMint;
use crate::decide;
use crate::egress::{Said, WantedBy};
use crate::ingress::SealedEpoch;

/// What a worker is told to do.
#[derive(Clone)]
pub(crate) enum Feed {
    /// Take your share of these rows of an input table, at this epoch.
    Rows(Epoch, Arc<InputBatch>),
    /// Take your share of this epoch, which is complete with it.
    Epoch(Arc<SealedEpoch>),
    /// This epoch is complete.
    Close(Epoch),
    /// Read out everything at this time, which no epoch has.
    ReadOut(Epoch),
}

/// Rows of an input table.
pub(crate) struct InputBatch {
    pub(crate) topic: Topic,
    pub(crate) columns: InputColumns,
    /// Which of the rows each worker takes.
    pub(crate) shares: Vec<Vec<u32>>,
}

/// The feeding end of a worker.
pub(crate) struct WorkerHandle {
    pub(crate) feeds: Sender<Feed>,
    pub(crate) thread: Thread,
}

/// Feeds all workers the same, from any thread.
pub(crate) struct Feeder {
    workers: usize,
    state: Mutex<State>,
}

struct State {
    workers: Vec<WorkerHandle>,
    said: Option<Sender<Said>>,
    mint: EpochMint,
    /// The newest epoch that was minted or bound.
    newest: Epoch,
    /// The newest time that the workers have all of: an epoch, or that of a read-out.
    fed: Epoch,
    /// The newest epoch that the workers have all of.
    as_of: Epoch,
    /// The epoch that somebody waits for, also if no record comes.
    must_pass: Option<Epoch>,
    wanted: WantedBy,
}

impl Feeder {
    /// Feeds `workers`, which hold nothing yet; `bound` is the newest epoch that is bound, and all new
    /// epochs will be above `seen`.
    pub(crate) fn new(
        workers: Vec<WorkerHandle>,
        said: Sender<Said>,
        bound: Epoch,
        seen: Epoch,
    ) -> Self {
        Self {
            workers: workers.len(),
            state: Mutex::new(State {
                workers,
                said: Some(said),
                mint: EpochMint::above(seen.max(bound)),
                newest: bound,
                fed: Epoch(0),
                as_of: Epoch(0),
                must_pass: None,
                wanted: WantedBy::default(),
            }),
        }
    }

    /// Number of workers.
    pub(crate) fn workers(&self) -> usize {
        self.workers
    }

    /// A new epoch. It must be fed before the next one is minted.
    pub(crate) fn mint(&self, now: u64) -> Epoch {
        let mut state = self.lock();
        state.newest = state.mint.mint(now);
        state.newest
    }

    /// Announces an epoch: it will be handed on when the workers are past it, whatever changes in it.
    pub(crate) fn expect(&self, epoch: Epoch) {
        self.lock().announce(Said::Expect(epoch));
    }

    /// Feeds rows at an epoch that is not complete with them.
    pub(crate) fn rows(&self, epoch: Epoch, rows: &Arc<InputBatch>) {
        self.lock().tell(&Feed::Rows(epoch, Arc::clone(rows)));
    }

    /// Says that an epoch is complete.
    pub(crate) fn close(&self, epoch: Epoch) {
        let mut state = self.lock();
        state.tell(&Feed::Close(epoch));
        state.fed_through(epoch);
    }

    /// Feeds an epoch.
    pub(crate) fn epoch(&self, epoch: &Arc<SealedEpoch>) {
        let mut state = self.lock();
        state.tell(&Feed::Epoch(Arc::clone(epoch)));
        state.fed_through(epoch.binding.epoch);
    }

    /// Says that there is nothing more of the epochs that were bound before the start.
    pub(crate) fn catch_up(&self) {
        let mut state = self.lock();
        let newest = state.newest;
        if state.fed < newest {
            state.announce(Said::Expect(newest));
            state.tell(&Feed::Close(newest));
            state.fed_through(newest);
        }
    }

    /// Asks for a read-out as soon as no epoch is on its way to the workers.
    pub(crate) fn want_read_out(&self) {
        let mut state = self.lock();
        state.wanted.writers = true;
        state.read_out();
    }

    /// Asks for a read-out to compare with, as [`want_read_out`](Self::want_read_out) does.
    pub(crate) fn want_scrub(&self) {
        let mut state = self.lock();
        state.wanted.scrub = true;
        state.read_out();
    }

    /// Asks for a read-out to compare tables with, as [`want_read_out`](Self::want_read_out) does.
    pub(crate) fn want_for_tables(&self) {
        let mut state = self.lock();
        state.wanted.tables = true;
        state.read_out();
    }

    /// Asks that an epoch is reached, also if no record comes.
    pub(crate) fn want_pass(&self, epoch: Epoch) {
        let mut state = self.lock();
        state.must_pass = state.must_pass.max(Some(epoch));
    }

    /// Whether an epoch without records is to be bound, because somebody waits for one above all that were fed.
    pub(crate) fn must_pass(&self) -> bool {
        let state = self.lock();
        decide::passes(state.must_pass, state.as_of)
    }

    /// The newest epoch that was fed.
    pub(crate) fn as_of(&self) -> Epoch {
        self.lock().as_of
    }

    /// Reads out right after the epoch that was fed last. The next epoch, bound or new, must leave room.
    pub(crate) fn read_out_now(&self) {
        let mut state = self.lock();
        state.wanted.writers = true;
        state.read_out_now();
    }

    /// Says that nothing more will come.
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        state.said = None;
        let workers = std::mem::take(&mut state.workers);
        for worker in workers {
            drop(worker.feeds);
            worker.thread.unpark();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Feeder {
    /// Also where a start fails halfway: workers that nobody feeds must end.
    fn drop(&mut self) {
        self.end();
    }
}

impl State {
    fn announce(&self, said: Said) {
        // The router is there until the feeder ends, unless the whole job is ending.
        if self
            .said
            .as_ref()
            .is_none_or(|router| router.send(said).is_err())
        {
            tracing::debug!("the router takes nothing more");
        }
    }

    fn tell(&self, feed: &Feed) {
        for worker in &self.workers {
            // A worker that is gone has panicked: its alarm ends the job.
            if worker.feeds.send(feed.clone()).is_err() {
                tracing::debug!("a worker that is gone takes nothing more");
            }
            worker.thread.unpark();
        }
    }

    fn fed_through(&mut self, epoch: Epoch) {
        self.fed = epoch;
        self.as_of = epoch;
        self.newest = self.newest.max(epoch);
        self.read_out();
    }

    fn read_out(&mut self) {
        if self.newest <= self.fed {
            self.read_out_now();
        }
    }

    fn read_out_now(&mut self) {
        if self.wanted == WantedBy::default() || self.workers.is_empty() {
            return;
        }
        let at = Epoch(self.fed.0 + 1);
        let wanted_by = std::mem::take(&mut self.wanted);
        self.announce(Said::ReadOut {
            at,
            as_of: self.as_of,
            wanted_by,
        });
        self.tell(&Feed::ReadOut(at));
        self.mint.skip(at);
        self.newest = self.newest.max(at);
        self.fed = at;
    }
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::unbounded;

    use super::*;

    #[test]
    fn an_epoch_that_somebody_waits_for_is_asked_for_until_it_is_fed() {
        let (said, _listened) = unbounded();
        let feeder = Feeder::new(Vec::new(), said, Epoch(3), Epoch(3));
        feeder.close(Epoch(3));
        feeder.want_pass(Epoch(3));
        assert!(!feeder.must_pass(), "it is there");
        feeder.want_pass(Epoch(4));
        assert!(feeder.must_pass());
        let epoch = feeder.mint(0);
        assert!(feeder.must_pass(), "it is minted, not fed");
        feeder.close(epoch);
        assert!(!feeder.must_pass());
    }
}
