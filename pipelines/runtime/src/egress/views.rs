//! The thread of the views: the net differences of finished epochs go to the store; a store that lost
//! its place is written anew from a read-out. It never holds a source: when it is too far behind it
//! forgets what waits, and writes anew.

mod comparing;
mod expected;
mod host;
mod net;
mod queue;
mod scrub;

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use model::Epoch;
use model::valued::CharacterValuation;
use model::view::CharacterEncoder;
use views::{Need, Probed, Step, ViewChange, ViewError, ViewStore, ViewWriter, decide};

pub(crate) use host::ViewHost;
use net::Net;
pub(crate) use queue::ViewQueue;
use scrub::Scrub;
pub(crate) use scrub::ViewScrub;

use super::router::{FinishedEpoch, ReadOut};
use crate::error::{Fault, joined};
use crate::status::{Stage, Status};

/// The running view thread.
pub(crate) struct ViewSink {
    queue: Arc<ViewQueue>,
    thread: JoinHandle<Result<(), ViewError>>,
}

/// What a view thread works with.
pub(crate) struct ViewPlan<S> {
    /// Writes to the claimed store.
    pub(crate) writer: ViewWriter<S, ViewHost>,
    /// Where finished epochs come from.
    pub(crate) queue: Arc<ViewQueue>,
    /// All changes above this epoch will come.
    pub(crate) since: Epoch,
    /// How often to look at the marker of an idle store.
    pub(crate) probe: Duration,
    /// Asks for a read-out.
    pub(crate) want_read_out: Box<dyn Fn() + Send>,
    /// Asks that an epoch is reached, also if no record comes.
    pub(crate) want_pass: Box<dyn Fn(Epoch) + Send>,
    /// How the store is compared with the graphs; `None`: not at all.
    pub(crate) scrub: Option<ViewScrub>,
    /// Where progress is shown.
    pub(crate) status: Arc<Status>,
}

impl ViewSink {
    /// Starts the thread.
    ///
    /// - `fault`: raised at once if it cannot go on.
    pub(crate) fn start<S: ViewStore + 'static>(
        plan: ViewPlan<S>,
        fault: &Fault,
    ) -> Result<Self, std::io::Error> {
        let queue = Arc::clone(&plan.queue);
        let (fault, guard) = (fault.clone(), fault.guard("the view thread panicked"));
        let thread = thread::Builder::new()
            .name("views".to_owned())
            .spawn(move || {
                let _guard = guard;
                let done = Views::new(plan, fault.clone()).run();
                if let Err(error) = &done
                    && !is_left_to_the_next_start(error)
                {
                    fault.raise("the views could not be written");
                }
                done
            })?;
        Ok(Self { queue, thread })
    }

    /// Whether the thread goes on.
    pub(crate) fn is_running(&self) -> bool {
        !self.thread.is_finished()
    }

    /// Writes what is left and waits for the thread. A store that is away when the job ends is no
    /// failure: the next start goes on from its marker.
    pub(crate) fn finish(self) -> Result<(), ViewError> {
        self.queue.close();
        match joined(self.thread).unwrap_or(Ok(())) {
            Err(error) if is_left_to_the_next_start(&error) => {
                tracing::warn!(
                    "the views stay behind until the next start: {}",
                    crate::status::chain(&error)
                );
                Ok(())
            }
            done => done,
        }
    }
}

/// A store that is away, or a write that takes too long, when the job stops: the next start goes on from
/// the store's marker.
fn is_left_to_the_next_start(error: &ViewError) -> bool {
    matches!(
        error,
        ViewError::GaveUp { .. } | ViewError::Abandoned { .. }
    )
}

struct Views<S> {
    plan: ViewPlan<S>,
    /// Epochs that the store may lack, in order.
    pending: VecDeque<Arc<FinishedEpoch>>,
    /// Changes above this epoch are pending; below it they are forgotten.
    since: Epoch,
    /// The newest epoch that is finished.
    newest: Epoch,
    read_out: Option<ReadOut>,
    wanted: Option<Instant>,
    encoder: CharacterEncoder,
    scrub: Scrub,
    /// When the store was last seen where it should be.
    seen: Instant,
    closed: bool,
}

/// How long a read-out may take before it is asked for again.
const READ_OUT_AGAIN: Duration = Duration::from_secs(60);

impl<S: ViewStore> Views<S> {
    fn new(mut plan: ViewPlan<S>, fault: Fault) -> Self {
        let now = Instant::now();
        Self {
            scrub: Scrub::new(plan.scrub.take(), Arc::clone(&plan.queue), fault, now),
            seen: now,
            pending: VecDeque::new(),
            since: plan.since,
            newest: plan.since,
            read_out: None,
            wanted: None,
            encoder: CharacterEncoder::default(),
            closed: false,
            plan,
        }
    }

    fn run(mut self) -> Result<(), ViewError> {
        loop {
            let need = self.plan.writer.need()?;
            if let Need::Differences { from, .. } = need {
                self.drop_pending_through(from);
                // A store that falls back behind what was dropped has a gap.
                self.since = self.since.max(from);
                self.plan.status.views_stand(from);
            }
            match decide::step(&need, self.since, self.newest) {
                Step::Write { from, to } => {
                    self.read_out = None;
                    self.plan.status.go_on("views");
                    self.write(from, to)?;
                    if self.scrub.is_overdue(Instant::now()) {
                        self.compare()?;
                    }
                }
                // Also where the store went back behind what is still known of differences.
                Step::Rewrite { .. } => {
                    if self.rewrite()? {
                        self.plan.status.go_on("views");
                    } else {
                        if self.closed {
                            tracing::warn!("the job ends before the views could be rewritten");
                            return Ok(());
                        }
                        let why = "all values are read out, to write the views anew";
                        self.plan.status.wait("views", why);
                        self.wait(Duration::MAX)?;
                    }
                }
                Step::Nothing => {
                    self.read_out = None;
                    self.plan.status.go_on("views");
                    if self.closed {
                        return Ok(());
                    }
                    self.compare()?;
                    self.wait(self.scrub.rests(Instant::now()))?;
                }
                Step::Wait { until } => {
                    if self.closed {
                        return Ok(());
                    }
                    let why = format!(
                        "readers have seen epoch {until}: the next epoch above it is written"
                    );
                    self.plan.status.wait("views", &why);
                    (self.plan.want_pass)(until);
                    self.wait(Duration::MAX)?;
                }
            }
        }
    }

    /// Compares a little of a store that is complete, if that is due.
    fn compare(&mut self) -> Result<(), ViewError> {
        if let Need::Differences {
            from, finish: None, ..
        } = self.plan.writer.need()?
            && !self.closed
            && self.scrub.step(&mut self.plan.writer, from)?
        {
            self.seen = Instant::now();
        }
        Ok(())
    }

    /// Waits for something to do, at most so long, and looks at the store's marker when nothing comes.
    fn wait(&mut self, timeout: Duration) -> Result<(), ViewError> {
        let until_probe = self.plan.probe.saturating_sub(self.seen.elapsed());
        let waiting = self.plan.queue.take(until_probe.min(timeout));
        let is_idle = waiting.epochs.is_empty() && waiting.read_out.is_none() && !waiting.closed;
        if let Some(read_out) = waiting.scrub {
            self.scrub.begin(read_out, self.plan.writer.order());
        }
        if let Some(expected) = waiting.expected {
            self.scrub.compare_with(expected);
        }
        for epoch in &waiting.epochs {
            self.scrub.note(epoch);
        }
        if let Some(forgotten) = waiting.forgotten {
            self.scrub.give_up();
            self.pending.clear();
            self.since = forgotten;
            self.newest = self.newest.max(forgotten);
        }
        if let Some(newest) = waiting.epochs.back() {
            self.newest = newest.epoch;
        }
        self.pending.extend(waiting.epochs);
        if waiting.read_out.is_some() {
            self.read_out = waiting.read_out;
        }
        self.closed = waiting.closed;
        if !is_idle {
            self.seen = Instant::now();
        } else if self.seen.elapsed() >= self.plan.probe {
            self.seen = Instant::now();
            if self.plan.writer.probe()? == Probed::Gap {
                tracing::warn!("the idle view store is not as it was left");
            }
        }
        Ok(())
    }

    fn write(&mut self, from: Epoch, to: Epoch) -> Result<(), ViewError> {
        let epochs: Vec<_> = self
            .pending
            .iter()
            .filter(|epoch| epoch.epoch > from && epoch.epoch <= to)
            .cloned()
            .collect();
        let changes = self.net(&epochs);
        let count = changes.len();
        let started = Instant::now();
        // After a gap the need is looked at again.
        if self.plan.writer.write(from, to, changes)? == views::Written::Done {
            self.forget_through(to);
            self.plan.status.views_reached(to, count, started.elapsed());
            self.plan.status.trace(Stage::Views, to);
        }
        Ok(())
    }

    /// Writes everything anew if a read-out is there, else asks for one; says whether it was there.
    fn rewrite(&mut self) -> Result<bool, ViewError> {
        let Some(read_out) = self.read_out.take() else {
            if self
                .wanted
                .is_none_or(|since| since.elapsed() > READ_OUT_AGAIN)
            {
                self.wanted = Some(Instant::now());
                (self.plan.want_read_out)();
            }
            return Ok(false);
        };
        self.wanted = None;
        // Every value is stamped anew.
        self.scrub.give_up();
        let at = read_out.as_of;
        let encoder = &mut self.encoder;
        let characters = read_out
            .characters
            .iter()
            .flat_map(|held| held.iter())
            .map(|(ocid, valuation)| ViewChange::character(ocid, at, Some(&valuation), encoder));
        let likes = read_out
            .like_counts
            .iter()
            .flat_map(|counts| counts.iter())
            .map(|(target, count)| ViewChange::likes(target, at, Some(count)));
        let started = Instant::now();
        match self.plan.writer.rewrite(at, characters.chain(likes)) {
            Ok(views::Written::Done) => {
                self.forget_through(at);
                self.plan.status.views_reached(at, 0, started.elapsed());
                self.plan.status.trace(Stage::Views, at);
                Ok(true)
            }
            Ok(views::Written::Gap) => Ok(true),
            // Readers have seen a newer epoch than this read-out: the next one is newer.
            Err(ViewError::OutOfStep { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn forget_through(&mut self, epoch: Epoch) {
        self.drop_pending_through(epoch);
        self.since = self.since.max(epoch);
        self.newest = self.newest.max(epoch);
    }

    fn drop_pending_through(&mut self, epoch: Epoch) {
        while self
            .pending
            .front()
            .is_some_and(|first| first.epoch <= epoch)
        {
            self.pending.pop_front();
        }
    }

    /// The net differences of some epochs: each key once, with the epoch of its last change.
    fn net(&mut self, epochs: &[Arc<FinishedEpoch>]) -> Vec<ViewChange> {
        let mut characters = Net::<CharacterValuation>::default();
        let mut likes = Net::<i64>::default();
        for epoch in epochs {
            for change in &epoch.valuations {
                characters.add(
                    &change.key,
                    change.old.as_ref(),
                    change.new.as_ref(),
                    epoch.epoch,
                );
            }
            for change in &epoch.like_counts {
                likes.add(
                    &change.key,
                    change.old.as_ref(),
                    change.new.as_ref(),
                    epoch.epoch,
                );
            }
        }
        let encoder = &mut self.encoder;
        let characters = characters
            .differing()
            .map(|(ocid, new, at)| ViewChange::character(ocid, at, new, encoder));
        let likes = likes
            .differing()
            .map(|(target, new, at)| ViewChange::likes(target, at, new.copied()));
        characters.chain(likes).collect()
    }
}
