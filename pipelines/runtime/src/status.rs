//! What a running job says of itself: progress, accounting, waits with name and age, and the trace of a
//! sampled epoch. Written by the threads, read by commands and metrics.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use model::admission::{Counts, Outcome};
use model::{Epoch, EventId, Millis, PartitionId};
use serde::Serialize;

use crate::clock::now_millis;
use crate::ingress::SealedEpoch;

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
}

#[derive(Debug, Default)]
struct State {
    phase: Phase,
    loaded_rows: u64,
    epochs: u64,
    sealed: Epoch,
    finished: Epoch,
    partitions: BTreeMap<PartitionId, PartitionState>,
    groups: BTreeMap<&'static str, GroupState>,
    views: ViewsState,
    sealed_offsets: BTreeMap<PartitionId, i64>,
    waits: BTreeMap<&'static str, (Instant, String)>,
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
    next_offset: i64,
    read: u64,
    counts: Counts,
    horizon_millis: i64,
}

#[derive(Clone, Copy, Debug, Default)]
struct GroupState {
    rows: u64,
    commits: u64,
    last: Duration,
}

#[derive(Clone, Copy, Debug, Default)]
struct ViewsState {
    as_of: Option<Epoch>,
    values: u64,
    last: Duration,
}

/// A step on the way of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// Every worker said everything of it.
    Finished,
    /// The group committed it.
    Table(&'static str),
    /// Readers of the views see it.
    Views,
}

/// An epoch whose way is followed.
#[derive(Clone, Debug)]
struct Sampled {
    epoch: Epoch,
    event_id: EventId,
    partition: PartitionId,
    offset: i64,
    appended: Millis,
    sealed_millis: u64,
    stages: BTreeMap<Stage, u64>,
}

/// The way of one event, from the topic to views and tables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trace {
    /// The event.
    pub event_id: String,
    /// Its topic and partition.
    pub partition: String,
    /// Its offset.
    pub offset: i64,
    /// Its epoch.
    pub epoch: Epoch,
    /// The timestamp that the broker gave it, in milliseconds since 1970.
    pub appended_at: i64,
    /// Milliseconds since then at which each stage was reached, `sealed` first.
    pub millis_after: BTreeMap<String, i64>,
}

/// A job at one moment, for people and metrics.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// What the job is doing.
    pub phase: Phase,
    /// Rows of the input tables that were loaded at the start.
    pub loaded_rows: u64,
    /// Epochs that were sealed.
    pub epochs: u64,
    /// The newest epoch that is bound, durable and released.
    pub sealed: Epoch,
    /// The newest epoch of which the workers have said everything.
    pub finished: Epoch,
    /// Per partition what was read and what became of it.
    pub partitions: BTreeMap<String, PartitionReport>,
    /// Per group of tables what was committed.
    pub tables: BTreeMap<&'static str, GroupReport>,
    /// The epoch that the views are true of.
    pub views_as_of: Option<Epoch>,
    /// Values that were written to the views.
    pub view_values: u64,
    /// Milliseconds that the last write of the views took.
    pub views_millis: f64,
    /// What holds the job up, by name.
    pub waits: BTreeMap<&'static str, WaitReport>,
    /// The last event that was followed all the way.
    pub trace: Option<Trace>,
}

/// The accounting of a partition since the start of the process.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct PartitionReport {
    /// The first offset that is in no epoch.
    pub next_offset: i64,
    /// Records read.
    pub read: u64,
    /// What became of them.
    #[serde(flatten)]
    pub counts: Counts,
    /// `read` less the sum of the outcomes: 0.
    pub residual: i64,
    /// How far back duplicates are known, in milliseconds.
    pub dedup_horizon_millis: i64,
}

/// A group of tables.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct GroupReport {
    /// Rows committed since the start of the process.
    pub rows: u64,
    /// Commits since then.
    pub commits: u64,
    /// Milliseconds that the last one took.
    pub last_commit_millis: f64,
}

/// Something that waits.
#[derive(Clone, Debug, Serialize)]
pub struct WaitReport {
    /// For how long, in seconds.
    pub age_seconds: f64,
    /// What for.
    pub why: String,
}

impl Report {
    /// All partitions together.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.partitions
            .values()
            .map(|partition| partition.counts)
            .sum()
    }
}

impl Status {
    pub(crate) fn enter(&self, phase: Phase) {
        self.lock().phase = phase;
        tracing::info!(?phase, "job");
    }

    pub(crate) fn loaded(&self, rows: u64) {
        self.lock().loaded_rows += rows;
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

    pub(crate) fn committed(&self, group: &'static str, rows: usize, took: Duration) {
        let mut state = self.lock();
        let group = state.groups.entry(group).or_default();
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

    /// Notes the epoch that the views are true of.
    pub(crate) fn views_stand(&self, epoch: Epoch) {
        self.lock().views.as_of = Some(epoch);
    }

    /// Whether the views are true of `epoch`, or have been away for longer than `patience`.
    pub(crate) fn views_settled(&self, epoch: Epoch, patience: Duration) -> bool {
        let state = self.lock();
        let waits = state.waits.get("views");
        state.views.as_of >= Some(epoch)
            || waits.is_some_and(|(since, _)| since.elapsed() > patience)
    }

    /// Shows that `name` waits, from now on if it did not before.
    pub(crate) fn wait(&self, name: &'static str, why: &str) {
        let mut state = self.lock();
        let wait = state
            .waits
            .entry(name)
            .or_insert_with(|| (Instant::now(), String::new()));
        if wait.1 != why {
            why.clone_into(&mut wait.1);
        }
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
        Report {
            phase: state.phase,
            loaded_rows: state.loaded_rows,
            epochs: state.epochs,
            sealed: state.sealed,
            finished: state.finished,
            partitions: state
                .partitions
                .iter()
                .map(|(partition, of)| {
                    let report = PartitionReport {
                        next_offset: of.next_offset,
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
            waits: state
                .waits
                .iter()
                .map(|(&name, (since, why))| {
                    let wait = WaitReport {
                        age_seconds: since.elapsed().as_secs_f64(),
                        why: why.clone(),
                    };
                    (name, wait)
                })
                .collect(),
            trace: state.last_trace.clone(),
        }
    }

    /// Publishes the state as metrics; called about once a second.
    pub(crate) fn publish(&self) {
        use metrics::{counter, gauge};

        let report = self.report();
        counter!("mesoflow_epochs_total").absolute(report.epochs);
        gauge!("mesoflow_epoch", "stage" => "sealed").set(report.sealed.0 as f64);
        gauge!("mesoflow_epoch", "stage" => "finished").set(report.finished.0 as f64);
        gauge!("mesoflow_epoch", "stage" => "views")
            .set(report.views_as_of.map_or(0.0, |epoch| epoch.0 as f64));
        counter!("mesoflow_loaded_rows_total").absolute(report.loaded_rows);
        for (partition, of) in &report.partitions {
            counter!("mesoflow_records_read_total", "partition" => partition.clone())
                .absolute(of.read);
            gauge!("mesoflow_accounting_residual", "partition" => partition.clone())
                .set(of.residual as f64);
            gauge!("mesoflow_next_offset", "partition" => partition.clone())
                .set(of.next_offset as f64);
            gauge!("mesoflow_dedup_horizon_seconds", "partition" => partition.clone())
                .set(of.dedup_horizon_millis as f64 / 1e3);
            for outcome in Outcome::ALL {
                let labels = [
                    ("partition", partition.clone()),
                    ("outcome", outcome.name().to_owned()),
                ];
                counter!("mesoflow_records_total", &labels).absolute(of.counts.of(outcome));
            }
        }
        for (&group, of) in &report.tables {
            counter!("mesoflow_table_rows_total", "group" => group).absolute(of.rows);
            counter!("mesoflow_table_commits_total", "group" => group).absolute(of.commits);
            gauge!("mesoflow_table_commit_seconds", "group" => group)
                .set(of.last_commit_millis / 1e3);
        }
        counter!("mesoflow_view_values_total").absolute(report.view_values);
        gauge!("mesoflow_view_write_seconds").set(report.views_millis / 1e3);
        for name in WAITS {
            let age = report.waits.get(name).map_or(0.0, |wait| wait.age_seconds);
            gauge!("mesoflow_wait_seconds", "what" => name).set(age);
        }
        if let Some(trace) = &report.trace {
            for (stage, millis) in &trace.millis_after {
                gauge!("mesoflow_trace_seconds", "stage" => stage.clone())
                    .set(*millis as f64 / 1e3);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Everything that can wait.
pub(crate) const WAITS: [&str; 6] = ["source", "flow", "inputs", "valuations", "likes", "views"];

impl Sampled {
    /// The first record of the epoch that was accepted, if any.
    fn of(epoch: &SealedEpoch) -> Option<Self> {
        epoch.batches.iter().find_map(|batch| {
            let row = batch.admitted.rows().find(|row| row.event_id.is_some())?;
            Some(Self {
                epoch: epoch.binding.epoch,
                event_id: row.event_id?,
                partition: batch.partition,
                offset: row.offset,
                appended: row.timestamp_millis,
                sealed_millis: now_millis(),
                stages: BTreeMap::new(),
            })
        })
    }

    fn told(&self) -> Trace {
        let after = |millis: u64| millis.cast_signed() - self.appended.0;
        let stages = self.stages.iter().map(|(stage, &millis)| {
            let name = match stage {
                Stage::Finished => "finished".to_owned(),
                Stage::Table(group) => format!("committed {group}"),
                Stage::Views => "views".to_owned(),
            };
            (name, after(millis))
        });
        Trace {
            event_id: self.event_id.to_string(),
            partition: self.partition.to_string(),
            offset: self.offset,
            epoch: self.epoch,
            appended_at: self.appended.0,
            millis_after: stages
                .chain([("sealed".to_owned(), after(self.sealed_millis))])
                .collect(),
        }
    }
}
