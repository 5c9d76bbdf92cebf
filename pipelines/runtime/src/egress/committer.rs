//! The thread of a group of tables: collects rows, commits them by time or number, retries what is
//! transient and ends the job on what is not.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use lake::{LakeError, Retain, Table};
use model::Epoch;
use thiserror::Error;

use super::maintenance::Maintenance;
use crate::clock::now_millis;
use crate::decide;
use crate::error::{Fault, joined};
use crate::flow::FlowGate;
use crate::priority;
use crate::status::{Stage, Status, chain};

/// Longest wait between two tries of a commit that failed for a transient reason.
const RETRY_MAX: Duration = Duration::from_secs(5);

/// Tables that are committed together, in an order that the group knows.
pub(crate) trait TableGroup: Send + 'static {
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
    /// Whether they take so much memory that they are committed now.
    fn is_large(&self) -> bool {
        false
    }
    /// Commits all that was collected, sealing every table through `through`. After an error the same
    /// call is made again.
    fn commit(&mut self, through: Epoch) -> Result<(), LakeError>;
    /// All tables of the group.
    fn tables_mut(&mut self) -> Vec<&mut Table>;
    /// What must stay told apart in a table when history below `since` is given up.
    fn retain(&self, since: Epoch) -> Box<dyn Fn(&Table) -> Retain> {
        Box::new(move |_| Retain {
            since,
            ..Retain::default()
        })
    }
}

/// When a group commits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sinking {
    /// At the latest so long after its first row.
    pub(crate) after: Duration,
    /// At the latest after so many rows.
    pub(crate) rows_max: usize,
    /// How often each table is looked after.
    pub(crate) maintain: Duration,
    /// How much history stays told apart.
    pub(crate) history: Duration,
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
pub(crate) struct Committer<F> {
    feeds: Sender<Arc<F>>,
    thread: JoinHandle<Result<(), SinkFailure>>,
}

impl<F: Send + Sync + 'static> Committer<F> {
    /// Starts the thread.
    ///
    /// - `what`: the fault that is raised at once if the group cannot go on.
    pub(crate) fn start<G>(
        group: G,
        sinking: Sinking,
        gate: Arc<FlowGate>,
        status: Arc<Status>,
        fault: &Fault,
        what: &'static str,
    ) -> Result<Self, std::io::Error>
    where
        G: TableGroup<Feed = F>,
    {
        let (feeds, received) = unbounded();
        let (fault, guard) = (fault.clone(), fault.guard("a table's thread panicked"));
        let thread = thread::Builder::new()
            .name(group.name().to_owned())
            .spawn(move || {
                let _guard = guard;
                priority::commits();
                let done = Run {
                    group,
                    sinking,
                    gate,
                    status,
                }
                .run(&received);
                if done.is_err() {
                    fault.raise(what);
                }
                done
            })?;
        Ok(Self { feeds, thread })
    }

    /// Hands an epoch to the group. A group that failed takes nothing any more: its failure is the
    /// answer of [`Ending::finish`].
    pub(crate) fn feed(&self, feed: Arc<F>) {
        if self.feeds.send(feed).is_err() {
            tracing::debug!("a sink that failed takes no more epochs");
        }
    }

    /// Says that no more epochs will come: what is left is committed, and the thread ends.
    pub(crate) fn end(self) -> Ending {
        Ending(self.thread)
    }
}

/// A group that commits what is left.
pub(crate) struct Ending(JoinHandle<Result<(), SinkFailure>>);

impl Ending {
    /// Waits for the thread.
    pub(crate) fn finish(self) -> Result<(), SinkFailure> {
        joined(self.0).unwrap_or(Ok(()))
    }
}

/// A wait less up to a quarter of it, other than that of other threads and processes.
pub(super) fn jittered(wait: Duration) -> Duration {
    let drawn = RandomState::new().hash_one(()) % 256;
    wait - wait * u32::try_from(drawn).unwrap_or_default() / 1024
}

struct Run<G> {
    group: G,
    sinking: Sinking,
    gate: Arc<FlowGate>,
    status: Arc<Status>,
}

impl<G: TableGroup> Run<G> {
    fn run(mut self, feeds: &Receiver<Arc<G::Feed>>) -> Result<(), SinkFailure> {
        let mut open: Option<(Epoch, Instant)> = None;
        let mut maintenance = Maintenance::new(self.sinking.maintain);
        let mut through = self.gate.position(self.group.name()).unwrap_or_default();
        loop {
            let wait = open.map_or(Duration::from_secs(1), |(_, since)| {
                self.sinking.after.saturating_sub(since.elapsed())
            });
            let mut is_end = false;
            match feeds.recv_timeout(wait) {
                Ok(feed) => {
                    self.group.take(&feed);
                    let since = open.map_or_else(Instant::now, |(_, since)| since);
                    open = Some((G::epoch(&feed), since));
                    if self.group.rows() < self.sinking.rows_max
                        && !self.group.is_large()
                        && since.elapsed() < self.sinking.after
                    {
                        continue;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => is_end = true,
            }
            if let Some((epoch, _)) = open.take() {
                self.commit(epoch)?;
                through = epoch;
            }
            let tended = if is_end {
                maintenance.finish(self.group.tables_mut())
            } else {
                let retain = self.group.retain(self.since());
                maintenance.step(self.group.tables_mut(), retain)
            };
            tended.map_err(|source| SinkFailure {
                group: self.group.name(),
                epoch: through,
                source,
            })?;
            if is_end {
                return Ok(());
            }
        }
    }

    /// Below this epoch history is given up: it is long past, and all required sinks have it.
    fn since(&self) -> Epoch {
        let history = u64::try_from(self.sinking.history.as_millis()).unwrap_or(u64::MAX);
        decide::history_since(self.gate.committed(), now_millis(), history)
    }

    fn commit(&mut self, through: Epoch) -> Result<(), SinkFailure> {
        let name = self.group.name();
        let mut wait = Duration::from_millis(50);
        let (rows, started) = (self.group.rows(), Instant::now());
        loop {
            let committing = self.status.doing(name, "a commit is under way");
            let committed = self.group.commit(through);
            drop(committing);
            match committed {
                Ok(()) => {
                    self.gate.reached(name, through);
                    self.status.go_on(name);
                    self.status
                        .committed(name, through, rows, started.elapsed());
                    self.status.trace(Stage::Table(name), through);
                    tracing::debug!(group = name, epoch = through.0, rows, elapsed = ?started.elapsed(), "committed");
                    return Ok(());
                }
                Err(error) if error.is_transient() && !self.gate.is_closed() => {
                    let why = chain(&error);
                    tracing::warn!(
                        group = name,
                        epoch = through.0,
                        "commit failed, will try again: {why}"
                    );
                    self.status.wait(name, &why);
                    self.gate.sleep(jittered(wait));
                    wait = (wait * 2).min(RETRY_MAX);
                }
                Err(source) => {
                    return Err(SinkFailure {
                        group: name,
                        epoch: through,
                        source,
                    });
                }
            }
        }
    }
}
