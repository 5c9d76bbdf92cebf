//! The thread of the views: the net differences of finished epochs go to the store; a store that lost
//! its place is written anew from a read-out. It never holds a source: when it is too far behind it
//! forgets what waits, and writes anew.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use model::Epoch;
use model::valued::CharacterValuation;
use model::view::CharacterEncoder;
use rustc_hash::FxHashMap;
use sources::StopFlag;
use views::{
    Host, HostError, Need, Probed, Step, ViewChange, ViewError, ViewStore, ViewWriter, decide,
};

use super::router::{FinishedEpoch, ReadOut};
use crate::folder::{Generation, JobFolder};
use crate::status::{Stage, Status};

/// What waits for the view thread.
pub(crate) struct ViewQueue {
    changes_max: usize,
    state: Mutex<Waiting>,
    moved: Condvar,
}

#[derive(Default)]
struct Waiting {
    epochs: VecDeque<Arc<FinishedEpoch>>,
    read_out: Option<ReadOut>,
    changes: usize,
    /// Epochs up to here were forgotten for want of room.
    forgotten: Option<Epoch>,
    closed: bool,
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

    /// Says that nothing more will come.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.moved.notify_one();
    }

    /// Takes what waits; waits for it at most so long.
    fn take(&self, timeout: Duration) -> Waiting {
        let state = self.lock();
        let is_idle = |waiting: &mut Waiting| {
            waiting.epochs.is_empty()
                && waiting.read_out.is_none()
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

/// What a view writer asks of this job.
pub(crate) struct ViewHost {
    folder: JobFolder,
    stop: StopFlag,
    status: Arc<Status>,
    /// Whether to wait without a limit; before, so that a start is not held up, two tries must do.
    patience: Arc<AtomicBool>,
    stopping_since: Option<Instant>,
}

/// How long the views may go on writing when the job stops.
const STOP_WITHIN: Duration = Duration::from_secs(3);

impl ViewHost {
    /// A host in `folder`, which gives up when `stop` is set.
    #[must_use]
    pub(crate) fn new(folder: JobFolder, stop: StopFlag, status: Arc<Status>) -> Self {
        Self {
            folder,
            stop,
            status,
            patience: Arc::default(),
            stopping_since: None,
        }
    }

    /// Set it once the job has started: from then on the host waits without a limit.
    #[must_use]
    pub(crate) fn patience(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.patience)
    }
}

impl Host for ViewHost {
    fn newest_generation(&mut self) -> Result<u64, HostError> {
        let newest = self.folder.newest_generation()?;
        Ok(newest.map_or(0, |Generation(number)| number))
    }

    fn wait(&mut self, error: &ViewError, attempt: u32) -> bool {
        let is_patient = self.patience.load(Ordering::Relaxed);
        if self.stop.is_set() || (!is_patient && attempt > 2) {
            return false;
        }
        if attempt.is_power_of_two() {
            tracing::warn!(
                attempt,
                "the view store does not answer: {}",
                crate::status::chain(error)
            );
        }
        self.status.wait("views", &crate::status::chain(error));
        // 50 ms, 100 ms... up to 3.2 s, each less a part that differs from process to process.
        let longest = 50 << attempt.min(6);
        let jitter =
            u64::from(std::process::id().wrapping_mul(2_654_435_761) >> 24) * longest / 1024;
        thread::sleep(Duration::from_millis(longest - jitter));
        true
    }

    fn abandons(&mut self) -> bool {
        if !self.stop.is_set() {
            return false;
        }
        let since = *self.stopping_since.get_or_insert_with(Instant::now);
        since.elapsed() > STOP_WITHIN
    }
}

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
    /// Where progress is shown.
    pub(crate) status: Arc<Status>,
}

impl ViewSink {
    /// Starts the thread.
    ///
    /// - `failed`: called once, at once, if the views cannot go on.
    pub(crate) fn start<S: ViewStore + 'static>(
        plan: ViewPlan<S>,
        failed: impl FnOnce() + Send + 'static,
    ) -> Result<Self, std::io::Error> {
        let queue = Arc::clone(&plan.queue);
        let thread = thread::Builder::new()
            .name("views".to_owned())
            .spawn(move || {
                let done = Views::new(plan).run();
                if let Err(error) = &done
                    && !is_left_to_the_next_start(error)
                {
                    failed();
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
    ///
    /// # Panics
    /// If the thread panicked.
    pub(crate) fn finish(self) -> Result<(), ViewError> {
        self.queue.close();
        match self.thread.join().expect("the view thread panicked") {
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
    closed: bool,
}

/// How long a read-out may take before it is asked for again.
const READ_OUT_AGAIN: Duration = Duration::from_secs(60);

impl<S: ViewStore> Views<S> {
    fn new(plan: ViewPlan<S>) -> Self {
        Self {
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
                self.plan.status.views_stand(from);
            }
            match decide::step(&need, self.since, self.newest) {
                Step::Write { from, to } => self.write(from, to)?,
                Step::Rewrite { .. } => {
                    if !self.rewrite()? {
                        if self.closed {
                            tracing::warn!("the job ends before the views could be rewritten");
                            return Ok(());
                        }
                        self.wait()?;
                    }
                }
                Step::Nothing | Step::Wait { .. } => {
                    self.plan.status.go_on("views");
                    if self.closed {
                        return Ok(());
                    }
                    self.wait()?;
                }
            }
        }
    }

    /// Waits for something to do, and looks at the store's marker when nothing comes.
    fn wait(&mut self) -> Result<(), ViewError> {
        let waiting = self.plan.queue.take(self.plan.probe);
        let is_idle = waiting.epochs.is_empty() && waiting.read_out.is_none() && !waiting.closed;
        if let Some(forgotten) = waiting.forgotten {
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
        if is_idle && self.plan.writer.probe()? == Probed::Gap {
            tracing::warn!("the idle view store is not as it was left");
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

/// Changes of keys over some epochs, folded; in the order of their first change.
struct Net<'a, V> {
    places: FxHashMap<&'a str, usize>,
    changes: Vec<NetChange<'a, V>>,
}

impl<V> Default for Net<'_, V> {
    fn default() -> Self {
        Self {
            places: FxHashMap::default(),
            changes: Vec::new(),
        }
    }
}

struct NetChange<'a, V> {
    key: &'a str,
    old: Option<&'a V>,
    new: Option<&'a V>,
    at: Epoch,
}

impl<'a, V: PartialEq> Net<'a, V> {
    fn add(&mut self, key: &'a str, old: Option<&'a V>, new: Option<&'a V>, at: Epoch) {
        let place = *self.places.entry(key).or_insert(self.changes.len());
        match self.changes.get_mut(place) {
            Some(change) => {
                change.new = new;
                change.at = at;
            }
            None => self.changes.push(NetChange { key, old, new, at }),
        }
    }

    /// Keys whose value is another than before, each with its new value and when it came.
    fn differing(self) -> impl Iterator<Item = (&'a str, Option<&'a V>, Epoch)> {
        self.changes
            .into_iter()
            .filter(|change| change.old != change.new)
            .map(|change| (change.key, change.new, change.at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_a_key_are_folded_and_what_came_back_is_left_out() {
        let mut net = Net::<i64>::default();
        net.add("a", None, Some(&1), Epoch(1));
        net.add("b", Some(&5), Some(&6), Epoch(1));
        net.add("a", Some(&1), Some(&2), Epoch(2));
        net.add("b", Some(&6), Some(&5), Epoch(3));
        net.add("c", Some(&1), None, Epoch(3));
        let differing: Vec<_> = net.differing().collect();
        assert_eq!(
            differing,
            [("a", Some(&2), Epoch(2)), ("c", None, Epoch(3))]
        );
    }

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
