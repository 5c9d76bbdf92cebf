//! The thread of a group of tables: collects rows, commits them by time or number, retries what is
//! transient and ends the job on what is not.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use lake::LakeError;
use model::Epoch;
use thiserror::Error;

use crate::flow::FlowGate;

/// Longest wait between two tries of a commit that failed for a transient reason.
const RETRY_MAX: Duration = Duration::from_secs(5);

/// Tables that are committed together, in an order that the group knows.
pub trait TableGroup: Send + 'static {
    /// What the group is fed with, once an epoch.
    type Feed: Send + Sync + 'static;

    /// The name under which the flow gate and metrics know the group.
    fn name(&self) -> &'static str;
    /// The epoch of a feed.
    fn epoch(feed: &Self::Feed) -> Epoch;
    /// Collects the rows of an epoch; tables that committed it already take none.
    fn take(&mut self, feed: &Self::Feed);
    /// Number of rows collected since the last commit.
    fn rows(&self) -> usize;
    /// Commits all that was collected, sealing every table through `through`. After an error the same
    /// call is made again.
    fn commit(&mut self, through: Epoch) -> Result<(), LakeError>;
}

/// When a group commits.
#[derive(Clone, Copy, Debug)]
pub struct Sinking {
    /// At the latest so long after its first row.
    pub after: Duration,
    /// At the latest after so many rows.
    pub rows_max: usize,
}

/// A group of tables that cannot go on.
#[derive(Debug, Error)]
#[error("commit {group} through epoch {epoch}")]
pub struct SinkFailure {
    /// The group.
    pub group: &'static str,
    /// The epoch that was to be committed.
    pub epoch: Epoch,
    /// The cause.
    pub source: LakeError,
}

/// The running thread of a group.
pub struct Committer<F> {
    feeds: Sender<Arc<F>>,
    thread: JoinHandle<Result<(), SinkFailure>>,
}

impl<F: Send + Sync + 'static> Committer<F> {
    /// Starts the thread.
    ///
    /// - `failed`: called once, at once, if the group cannot go on.
    ///
    /// # Panics
    /// If the machine refuses a thread.
    pub fn start<G>(group: G, sinking: Sinking, gate: Arc<FlowGate>, failed: impl FnOnce() + Send + 'static) -> Self
    where
        G: TableGroup<Feed = F>,
    {
        let (feeds, received) = unbounded();
        let thread = thread::Builder::new()
            .name(group.name().to_owned())
            .spawn(move || {
                let done = run(group, sinking, &gate, &received);
                if done.is_err() {
                    failed();
                }
                done
            })
            .expect("the machine has room for a thread");
        Self { feeds, thread }
    }

    /// Hands an epoch to the group. A group that failed takes nothing any more: its failure is the
    /// answer of [`Self::finish`].
    pub fn feed(&self, feed: Arc<F>) {
        if self.feeds.send(feed).is_err() {
            tracing::debug!("a sink that failed takes no more epochs");
        }
    }

    /// Commits what is left and waits for the thread.
    ///
    /// # Panics
    /// If the thread panicked.
    pub fn finish(self) -> Result<(), SinkFailure> {
        drop(self.feeds);
        self.thread.join().expect("a sink thread panicked")
    }
}

fn run<G: TableGroup>(
    mut group: G,
    sinking: Sinking,
    gate: &FlowGate,
    feeds: &Receiver<Arc<G::Feed>>,
) -> Result<(), SinkFailure> {
    let mut open: Option<(Epoch, Instant)> = None;
    loop {
        let wait = open.map_or(Duration::from_secs(3600), |(_, since)| sinking.after.saturating_sub(since.elapsed()));
        match feeds.recv_timeout(wait) {
            Ok(feed) => {
                group.take(&feed);
                let since = open.map_or_else(Instant::now, |(_, since)| since);
                open = Some((G::epoch(&feed), since));
                if group.rows() < sinking.rows_max {
                    continue;
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return open.map_or(Ok(()), |(through, _)| commit(&mut group, through, gate));
            }
        }
        if let Some((through, _)) = open.take() {
            commit(&mut group, through, gate)?;
        }
    }
}

fn commit<G: TableGroup>(group: &mut G, through: Epoch, gate: &FlowGate) -> Result<(), SinkFailure> {
    let mut wait = Duration::from_millis(50);
    let (rows, started) = (group.rows(), Instant::now());
    loop {
        match group.commit(through) {
            Ok(()) => {
                gate.reached(group.name(), through);
                tracing::debug!(group = group.name(), epoch = through.0, rows, elapsed = ?started.elapsed(), "committed");
                return Ok(());
            }
            Err(error) if error.is_transient() => {
                tracing::warn!(group = group.name(), epoch = through.0, %error, "commit failed, will try again");
                thread::sleep(wait);
                wait = (wait * 2).min(RETRY_MAX);
            }
            Err(source) => return Err(SinkFailure { group: group.name(), epoch: through, source }),
        }
    }
}
