//! The scrub of the views: region by region, what the store holds is compared with a read-out of the graphs,
//! between the writes of the view thread and in small steps. What is damaged is put right by an ordinary fenced
//! call at the epoch that the store is true of.
//!
//! The read-out is of an epoch at or before that one. A key that changed since is left out: its value was written
//! anew, and the next pass compares it. All others must be what they were.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use model::Epoch;
use rustc_hash::FxHashSet;
use views::{Cursor, Host, ListOrder, ViewError, ViewStore, ViewWriter, Written};

use super::comparing::{Changed, Comparing};
use super::expected::Expected;
use super::queue::ViewQueue;
use crate::egress::{FinishedEpoch, ReadOut};
use crate::error::Fault;
use crate::priority;
use crate::scrub::{FindingLog, Pace};
use crate::status::ScrubReport;

/// What the scrub is called in status, metrics and findings.
pub(super) const OF: &str = "views";
/// Keys of a region.
const SIZE: usize = 4_096;
const SIZE_MIN: usize = 64;
/// Steps a second: few enough not to cost, many enough that each is short.
const STEPS_A_SECOND: f64 = 20.0;
/// Keys of a step: about a millisecond.
const STEP_KEYS_MAX: f64 = 128.0;
/// More keys than this are not remembered as changed: the store is too busy to be compared.
const CHANGED_MAX: usize = 1_000_000;
/// How long a store that is too busy, or not where it was, is left alone.
const PAUSE: Duration = Duration::from_secs(5);
/// How long a read-out may take before it is asked for again.
const ASK_AGAIN: Duration = Duration::from_secs(60);
/// A step that is due for so long is taken even if there is more to write.
const OVERDUE: Duration = Duration::from_millis(250);

/// What a view thread needs to scrub.
pub(crate) struct ViewScrub {
    /// How fast.
    pub(crate) pace: Pace,
    /// Asks for a read-out.
    pub(crate) want: Box<dyn Fn() + Send>,
    /// Where findings go.
    pub(crate) findings: FindingLog,
}

/// The scrub of one view thread.
pub(super) struct Scrub {
    /// `None`: nothing is compared.
    plan: Option<ViewScrub>,
    queue: Arc<ViewQueue>,
    fault: Fault,
    stage: Stage,
    /// When there is something to do.
    due: Instant,
    /// Keys of the next region.
    size: usize,
    pass: Pass,
}

/// A pass over all regions.
struct Pass {
    began: Instant,
    /// Where the next region starts.
    from: Option<Cursor>,
    compared: usize,
}

enum Stage {
    /// The next region is asked for when it is due.
    Resting,
    /// A read-out is asked for.
    Asked,
    /// What the region should hold is gathered.
    Gathering(Changed),
    /// What it should hold is compared with what it does.
    Comparing(Box<Comparing>),
}

impl Scrub {
    pub(super) fn new(
        plan: Option<ViewScrub>,
        queue: Arc<ViewQueue>,
        fault: Fault,
        now: Instant,
    ) -> Self {
        let first = plan.as_ref().map_or(now, |plan| plan.pace.first(now));
        Self {
            plan,
            queue,
            fault,
            stage: Stage::Resting,
            due: first,
            size: SIZE,
            pass: Pass {
                began: first,
                from: None,
                compared: 0,
            },
        }
    }

    /// How long there is nothing to do.
    pub(super) fn rests(&self, now: Instant) -> Duration {
        match self.plan {
            Some(_) => self.due.saturating_duration_since(now),
            None => Duration::MAX,
        }
    }

    /// Whether there has been something to do for long.
    pub(super) fn is_overdue(&self, now: Instant) -> bool {
        self.plan.is_some() && now.saturating_duration_since(self.due) > OVERDUE
    }

    /// Takes the read-out that was asked for; called before [`note`](Self::note) with the epochs after it.
    pub(super) fn begin(&mut self, read_out: ReadOut, order: ListOrder) {
        if !matches!(self.stage, Stage::Asked) {
            // It was given up in the meantime.
            return;
        }
        let (from, size) = (self.pass.from.clone(), self.size);
        let (queue, guard) = (
            Arc::clone(&self.queue),
            self.fault.guard("the scrub panicked"),
        );
        let changed = Changed {
            after: read_out.as_of,
            keys: FxHashSet::default(),
        };
        let thread = thread::Builder::new()
            .name("scrub".to_owned())
            .spawn(move || {
                let _guard = guard;
                priority::step_back();
                queue.push_expected(Expected::gather(&read_out, order, from, size));
            });
        match thread {
            Ok(_) => {
                self.stage = Stage::Gathering(changed);
                self.due = Instant::now() + ASK_AGAIN;
            }
            Err(error) => {
                tracing::warn!(%error, "no thread for the scrub of the views, will try again");
                self.give_up();
            }
        }
    }

    /// Takes note of what changes in an epoch.
    pub(super) fn note(&mut self, epoch: &FinishedEpoch) {
        let changed = match &mut self.stage {
            Stage::Gathering(changed) => changed,
            Stage::Comparing(comparing) => &mut comparing.changed,
            Stage::Resting | Stage::Asked => return,
        };
        changed.note(epoch);
        if changed.keys.len() > CHANGED_MAX {
            self.size = (self.size / 2).max(SIZE_MIN);
            tracing::debug!(
                size = self.size,
                "the views change too fast to be compared, will try again with fewer"
            );
            self.give_up();
        }
    }

    /// Takes what was gathered.
    pub(super) fn compare_with(&mut self, expected: Expected) {
        match std::mem::replace(&mut self.stage, Stage::Resting) {
            Stage::Gathering(changed) if changed.after == expected.as_of => {
                self.stage = Stage::Comparing(Box::new(Comparing {
                    cursor: expected.region.from.clone(),
                    expected,
                    changed,
                    place: 0,
                }));
                self.due = Instant::now();
            }
            // It was given up in the meantime.
            other => self.stage = other,
        }
    }

    /// Forgets the region that is under way: changes since its read-out may be missing.
    pub(super) fn give_up(&mut self) {
        if !matches!(self.stage, Stage::Resting) {
            self.stage = Stage::Resting;
            self.due = Instant::now() + PAUSE;
        }
    }

    /// Does a little of what is due in a store that is complete at `at`; returns whether anything was.
    pub(super) fn step<S: ViewStore, H: Host>(
        &mut self,
        writer: &mut ViewWriter<S, H>,
        at: Epoch,
    ) -> Result<bool, ViewError> {
        let now = Instant::now();
        let Some(plan) = self.plan.as_ref().filter(|_| self.due <= now) else {
            return Ok(false);
        };
        let comparing = match &mut self.stage {
            Stage::Resting | Stage::Asked | Stage::Gathering(_) => {
                // A read-out that never came is asked for again.
                (plan.want)();
                self.stage = Stage::Asked;
                self.due = now + ASK_AGAIN;
                return Ok(true);
            }
            Stage::Comparing(comparing) => comparing,
        };
        if at < comparing.expected.as_of {
            // What is missing is on its way.
            self.due = now + OVERDUE;
            return Ok(false);
        }
        let rate = plan.pace.keys_per_second(comparing.expected.keys_in_all);
        let keys = (rate / STEPS_A_SECOND).clamp(1.0, STEP_KEYS_MAX) as usize;
        let mut found = match comparing.step(writer, at, keys) {
            Ok(Some(found)) => found,
            Ok(None) => {
                self.give_up();
                return Ok(true);
            }
            // The writer would stop at them; the scrub says so before.
            Err(error @ (ViewError::WrongType { .. } | ViewError::NotText { .. })) => {
                comparing.unreadable(writer.store_place(), at, &error)
            }
            Err(error) => return Err(error),
        };
        plan.findings.tell(OF, &mut found.findings);
        let repairs = found.values.len() + found.strays.len();
        if repairs > 0 {
            match writer.repair(at, found.values, found.strays)? {
                Written::Done => plan.findings.status().scrub_repaired(OF, repairs),
                Written::Gap => {
                    self.give_up();
                    return Ok(true);
                }
            }
        }
        self.pass.compared += found.compared + found.skipped;
        let more = ScrubReport {
            compared: found.compared as u64,
            skipped: found.skipped as u64,
            ..ScrubReport::default()
        };
        let all = comparing.expected.keys_in_all.max(1);
        let progress = self.pass.compared as f64 / all as f64;
        plan.findings.status().scrub_compared(OF, &more, progress);
        let cost = (found.compared + found.skipped).max(1) as f64 / rate;
        self.due = now + Duration::from_secs_f64(cost);
        if found.is_through {
            let next = comparing.expected.region.until.take();
            self.stage = Stage::Resting;
            self.go_on_at(next);
        }
        Ok(true)
    }

    /// Goes on with the region that starts at `next`, or with the next pass.
    fn go_on_at(&mut self, next: Option<Cursor>) {
        self.size = (self.size * 2).min(SIZE);
        if next.is_none()
            && let Some(plan) = &self.plan
        {
            plan.findings.status().scrub_passed(OF);
            tracing::info!(
                compared = self.pass.compared,
                seconds = self.pass.began.elapsed().as_secs(),
                "compared all views with the graphs"
            );
            self.due = plan.pace.next(self.pass.began, self.due);
            self.pass.began = self.due;
            self.pass.compared = 0;
        }
        self.pass.from = next;
    }
}
