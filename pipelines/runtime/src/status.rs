//! What a running job says of itself: progress, accounting, waits with name and age, and the trace of a
//! sampled epoch. Written by the threads, read by commands and metrics.

mod loading;
mod publish;
mod report;
mod scrub;
mod steps;
mod trace;
mod wait;

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use dataflow::PriceCounts;
use model::admission::Counts;
use model::{Epoch, PartitionId};
use serde::Serialize;

use crate::clock::now_millis;
use crate::folder::Generation;
use crate::ingress::SealedEpoch;

use loading::Loading;
pub use loading::LoadingReport;
#[cfg(test)]
pub(crate) use publish::WAITS;
pub use report::{GroupReport, PartitionReport, PhaseReport, Report, ScrubReport, WaitReport};
use steps::Steps;
pub use steps::StepsReport;
use trace::Sampled;
pub(crate) use trace::Stage;
pub use trace::Trace;
pub(crate) use wait::Doing;
use wait::{UNDER_WAY, Wait};

/// An error and its causes in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        write!(text, ": {error}").expect("a text takes everything");
        cause = error.source();
    }
    text
}

/// The state of a running job.
#[derive(Debug, Default)]
pub struct Status {
    state: Mutex<State>,
    steps: Steps,
}

#[derive(Debug, Default)]
struct State {
    generation: Option<Generation>,
    phase: Phase,
    /// In milliseconds since 1970; 0 before the first.
    phase_since: u64,
    /// When each phase was entered last, since `started`.
    entered: Vec<(Phase, Duration)>,
    started: Option<Instant>,
    loading: Option<Loading>,
    prices: Arc<PriceCounts>,
    epochs: u64,
    sealed: Epoch,
    finished: Epoch,
    partitions: BTreeMap<PartitionId, PartitionState>,
    groups: BTreeMap<&'static str, GroupState>,
    views: ViewsState,
    sealed_offsets: BTreeMap<PartitionId, i64>,
    scrubs: BTreeMap<&'static str, ScrubReport>,
    waits: BTreeMap<&'static str, Wait>,
    /// What is under way and should not last.
    doing: BTreeMap<&'static str, Wait>,
    sampled: Option<Sampled>,
    last_trace: Option<Trace>,
}

/// What a job is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Taking the generation, opening sinks.
    #[default]
    Starting,
    /// Loading the state from the input tables.
    Loading,
    /// Reading bound epochs again.
    Replaying,
    /// Reading new records.
    Live,
    /// Committing what is left.
    Stopping,
    /// All is committed, or the job has failed.
    Ended,
}

#[derive(Clone, Copy, Debug, Default)]
struct PartitionState {
    first_offset: i64,
    next_offset: i64,
    end_offset: Option<i64>,
    read: u64,
    counts: Counts,
    horizon_millis: i64,
}

#[derive(Clone, Copy, Debug, Default)]
struct GroupState {
    rows: u64,
    commits: u64,
    last: Duration,
    through: Epoch,
}

#[derive(Clone, Copy, Debug, Default)]
struct ViewsState {
    as_of: Option<Epoch>,
    values: u64,
    last: Duration,
}

impl Status {
    /// Notes the generation that runs.
    pub(crate) fn runs_as(&self, generation: Generation) {
        self.lock().generation = Some(generation);
    }

    /// The generation that runs.
    pub(crate) fn generation(&self) -> Option<Generation> {
        self.lock().generation
    }

    pub(crate) fn enter(&self, phase: Phase) {
        let mut state = self.lock();
        if phase == Phase::Starting {
            // Each leg of a job is a start of its own.
            state.started = None;
            state.entered.clear();
        }
        let after = state.started.get_or_insert_with(Instant::now).elapsed();
        state.phase = phase;
        state.phase_since = now_millis();
        state.entered.push((phase, after));
        drop(state);
        tracing::info!(?phase, after_seconds = after.as_secs_f64(), "job");
    }

    /// Notes that so many rows are to be loaded.
    pub(crate) fn to_load(&self, rows: u64) {
        self.lock().loading = Some(Loading::begin(rows));
    }

    /// Notes how long a worker took for what it was fed.
    pub(crate) fn stepped(&self, took: Duration) {
        self.steps.note(took);
    }

    pub(crate) fn loaded(&self, rows: u64) {
        if let Some(loading) = &mut self.lock().loading {
            loading.add(rows);
        }
    }

    /// Shows these counts of prices from now on.
    pub(crate) fn counts_prices(&self, prices: &Arc<PriceCounts>) {
        self.lock().prices = Arc::clone(prices);
    }

    /// How far loading is, once it has begun.
    pub(crate) fn loading(&self) -> Option<LoadingReport> {
        self.lock().loading.as_ref().map(Loading::report)
    }

    /// Notes from where on a partition is read, and to where if it ends: it is shown from now on, also
    /// without records.
    pub(crate) fn reads(
        &self,
        partition: PartitionId,
        next_offset: i64,
        end: Option<i64>,
        horizon_millis: i64,
    ) {
        let mut state = self.lock();
        let reading = state.partitions.entry(partition).or_insert(PartitionState {
            first_offset: next_offset,
            ..PartitionState::default()
        });
        reading.next_offset = next_offset;
        reading.end_offset = end;
        reading.horizon_millis = horizon_millis;
    }

    /// Notes where the partitions end now.
    pub(crate) fn ends(&self, ends: &BTreeMap<PartitionId, i64>) {
        let mut state = self.lock();
        for (partition, &end) in ends {
            if let Some(partition) = state.partitions.get_mut(partition) {
                partition.end_offset = Some(end);
            }
        }
    }

    pub(crate) fn sealed(&self, epoch: &SealedEpoch) {
        let mut state = self.lock();
        state.epochs += 1;
        state.sealed = epoch.binding.epoch;
        for batch in &epoch.batches {
            let partition = state.partitions.entry(batch.partition).or_default();
            partition.next_offset = batch.next_offset;
            partition.read += batch.records;
            partition.counts += batch.admitted.counts();
            partition.horizon_millis = batch.horizon_millis;
        }
        if state.sampled.is_none() {
            state.sampled = Sampled::of(epoch);
        }
    }

    pub(crate) fn finished(&self, epoch: Epoch) {
        self.lock().finished = epoch;
        self.trace(Stage::Finished, epoch);
    }

    pub(crate) fn committed(
        &self,
        group: &'static str,
        through: Epoch,
        rows: usize,
        took: Duration,
    ) {
        let mut state = self.lock();
        let group = state.groups.entry(group).or_default();
        group.through = through;
        group.rows += rows as u64;
        group.commits += 1;
        group.last = took;
    }

    pub(crate) fn views_reached(&self, epoch: Epoch, values: usize, took: Duration) {
        let mut state = self.lock();
        state.views.as_of = Some(epoch);
        state.views.values += values as u64;
        state.views.last = took;
    }

    /// Notes the next offsets that the input tables are sealed through.
    pub(crate) fn sealed_offsets(&self, offsets: &BTreeMap<PartitionId, i64>) {
        self.lock().sealed_offsets.clone_from(offsets);
    }

    /// The next offsets that the input tables are sealed through.
    pub(crate) fn offsets(&self) -> BTreeMap<PartitionId, i64> {
        self.lock().sealed_offsets.clone()
    }

    /// The partition that knows duplicates for the shortest time, and for how many milliseconds.
    pub(crate) fn shortest_horizon(&self) -> Option<(PartitionId, i64)> {
        let state = self.lock();
        let horizons = state.partitions.iter();
        horizons
            .map(|(&partition, of)| (partition, of.horizon_millis))
            .min_by_key(|&(_, horizon)| horizon)
    }

    /// Notes the epoch that the views are true of.
    pub(crate) fn views_stand(&self, epoch: Epoch) {
        self.lock().views.as_of = Some(epoch);
    }

    /// Whether the views are true of `epoch`, or have been away for longer than `patience`.
    pub(crate) fn views_settled(&self, epoch: Epoch, patience: Duration) -> bool {
        let state = self.lock();
        let waits = state.waits.get("views");
        state.views.as_of >= Some(epoch)
            || waits.is_some_and(|wait| wait.since.elapsed() > patience)
    }

    /// Shows that `name` waits, from now on if it did not before.
    pub(crate) fn wait(&self, name: &'static str, why: &str) {
        self.wait_since(name, Instant::now(), why);
    }

    /// Shows that `name` waits, and since when if it was not shown before.
    pub(crate) fn wait_since(&self, name: &'static str, since: Instant, why: &str) {
        let mut state = self.lock();
        let wait = state
            .waits
            .entry(name)
            .or_insert_with(|| Wait::since(since));
        if wait.why != why {
            why.clone_into(&mut wait.why);
        }
    }

    /// Shows that `name` waits if what begins now is still under way after a while: it neither fails nor ends.
    pub(crate) fn doing(&self, name: &'static str, what: &str) -> Doing<'_> {
        let mut begun = Wait::since(Instant::now());
        what.clone_into(&mut begun.why);
        self.lock().doing.insert(name, begun);
        Doing { status: self, name }
    }

    /// Shows that `name` waits no longer.
    pub(crate) fn go_on(&self, name: &'static str) {
        self.lock().waits.remove(name);
    }

    /// Notes that everything through `epoch` has reached a stage.
    pub(crate) fn trace(&self, stage: Stage, epoch: Epoch) {
        let mut state = self.lock();
        let Some(sampled) = &mut state.sampled else {
            return;
        };
        if sampled.epoch > epoch {
            return;
        }
        sampled.stages.entry(stage).or_insert_with(now_millis);
        let committed = sampled
            .stages
            .keys()
            .filter(|stage| matches!(stage, Stage::Table(_)));
        let is_through = committed.count() >= 3 && sampled.stages.contains_key(&Stage::Views);
        // Views that are away do not keep later events from being followed.
        if is_through || now_millis().saturating_sub(sampled.sealed_millis) > 10_000 {
            let trace = sampled.told();
            tracing::info!(
                event_id = trace.event_id,
                partition = trace.partition,
                offset = trace.offset,
                epoch = trace.epoch.0,
                appended_at = trace.appended_at,
                millis_after = ?trace.millis_after,
                "followed an event"
            );
            state.last_trace = Some(trace);
            state.sampled = None;
        }
    }

    /// The job as it is now.
    #[must_use]
    pub fn report(&self) -> Report {
        let state = self.lock();
        let lasts = state.doing.iter();
        let lasts = lasts.filter(|(_, doing)| doing.since.elapsed() > UNDER_WAY);
        Report {
            phase: state.phase,
            phase_since_millis: state.phase_since,
            phases: state
                .entered
                .iter()
                .map(|&(phase, after)| PhaseReport {
                    phase,
                    after_seconds: after.as_secs_f64(),
                })
                .collect(),
            loading: state.loading.as_ref().map(Loading::report),
            prices_computed: state.prices.computed(),
            prices_remembered: state.prices.remembered(),
            epochs: state.epochs,
            sealed: state.sealed,
            finished: state.finished,
            partitions: state
                .partitions
                .iter()
                .map(|(partition, of)| {
                    let report = PartitionReport {
                        first_offset: of.first_offset,
                        next_offset: of.next_offset,
                        end_offset: of.end_offset,
                        read: of.read,
                        counts: of.counts,
                        residual: of.read.cast_signed() - of.counts.read().cast_signed(),
                        dedup_horizon_millis: of.horizon_millis,
                    };
                    (partition.to_string(), report)
                })
                .collect(),
            tables: state
                .groups
                .iter()
                .map(|(&name, group)| {
                    let report = GroupReport {
                        committed: (group.commits > 0).then_some(group.through),
                        rows: group.rows,
                        commits: group.commits,
                        last_commit_millis: group.last.as_secs_f64() * 1e3,
                    };
                    (name, report)
                })
                .collect(),
            views_as_of: state.views.as_of,
            view_values: state.views.values,
            views_millis: state.views.last.as_secs_f64() * 1e3,
            worker_steps: self.steps.report(),
            // What says why it waits goes before what only lasts.
            waits: lasts
                .chain(&state.waits)
                .map(|(&name, wait)| (name, wait.told(name)))
                .collect(),
            scrubs: state.scrubs.clone(),
            trace: state.last_trace.clone(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use model::Topic;

    use super::*;

    const PARTITION: PartitionId = PartitionId {
        topic: Topic::Likes,
        partition: 2,
    };

    #[test]
    fn a_partition_is_shown_from_the_start_with_zeros() {
        let status = Status::default();
        status.reads(PARTITION, 40, None, 86_400_000);

        let report = status.report();
        let shown = &report.partitions["like.toggle/2"];
        assert_eq!((shown.read, shown.residual, shown.next_offset), (0, 0, 40));
        assert_eq!(shown.counts, Counts::default());
        assert_eq!((shown.lag(), report.progress()), (None, None));

        status.ends(&BTreeMap::from([(PARTITION, 100)]));
        let report = status.report();
        assert_eq!(report.partitions["like.toggle/2"].lag(), Some(60));
        assert_eq!(report.progress(), Some((0, 60)));
    }

    #[test]
    fn a_wait_has_the_age_that_it_had_when_it_was_seen() {
        let status = Status::default();
        let since = Instant::now() - Duration::from_secs(7);
        status.wait_since("source", since, "it does not answer");
        status.wait("source", "it still does not");

        let wait = &status.report().waits["source"];
        assert!(wait.age_seconds >= 7.0 && wait.why == "it still does not");
        assert!(now_millis() - wait.since_millis >= 7_000 && wait.advice.contains("brokers"));
    }

    #[test]
    fn what_is_under_way_for_long_is_a_wait_until_it_is_done() {
        let status = Status::default();
        let doing = status.doing("inputs", "a commit is under way");
        assert!(status.report().waits.is_empty());
        let long_ago = Instant::now() - UNDER_WAY * 2;
        status.lock().doing.get_mut("inputs").unwrap().since = long_ago;
        assert_eq!(status.report().waits["inputs"].why, "a commit is under way");
        status.wait("inputs", "it failed");
        assert_eq!(status.report().waits["inputs"].why, "it failed");
        status.go_on("inputs");
        drop(doing);
        assert!(status.report().waits.is_empty());
    }
}
