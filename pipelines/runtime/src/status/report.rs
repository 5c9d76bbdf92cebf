//! A job at one moment, for people and metrics.

use std::collections::BTreeMap;

use model::Epoch;
use model::admission::Counts;
use serde::Serialize;

use super::{LoadingReport, Phase, StepsReport, Trace};

/// A job at one moment, for people and metrics.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// What the job is doing.
    pub phase: Phase,
    /// Since when, in milliseconds since 1970; 0 before it has begun.
    pub phase_since_millis: u64,
    /// The phases since the start, in order, each with the time at which it was entered.
    pub phases: Vec<PhaseReport>,
    /// How far the input tables are loaded; `None` before that begins.
    pub loading: Option<LoadingReport>,
    /// Prices that were computed since the start.
    pub prices_computed: u64,
    /// Prices that were taken from the memo of earlier starts.
    pub prices_remembered: u64,
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
    /// How long workers take for what they are fed.
    pub worker_steps: StepsReport,
    /// What holds the job up, by name.
    pub waits: BTreeMap<&'static str, WaitReport>,
    /// What the scrub does, by what it compares.
    pub scrubs: BTreeMap<&'static str, ScrubReport>,
    /// The last event that was followed all the way.
    pub trace: Option<Trace>,
}

/// A phase that a job has entered.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct PhaseReport {
    /// The phase.
    pub phase: Phase,
    /// Seconds since the start.
    pub after_seconds: f64,
}

/// The accounting of a partition since the start of the process.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct PartitionReport {
    /// The first offset that this process reads.
    pub first_offset: i64,
    /// The first offset that is in no epoch.
    pub next_offset: i64,
    /// The next offset behind its last record, or where reading ends; `None` as long as that is not known.
    pub end_offset: Option<i64>,
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
    /// The epoch that it is committed through; `None` before its first commit in this process.
    pub committed: Option<Epoch>,
    /// Rows committed since the start of the process.
    pub rows: u64,
    /// Commits since then.
    pub commits: u64,
    /// Milliseconds that the last one took.
    pub last_commit_millis: f64,
}

/// A scrub since the start of the process.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ScrubReport {
    /// Values, files or contents of tables that were compared.
    pub compared: u64,
    /// Values that were not, because they changed meanwhile.
    pub skipped: u64,
    /// Bytes that were read for it.
    pub bytes: u64,
    /// What was found, by the name of the damage.
    pub found: BTreeMap<String, u64>,
    /// How much of it was put right.
    pub repaired: u64,
    /// Passes over everything.
    pub passes: u64,
    /// How much of the pass that is under way is done, in `0..=1`.
    pub progress: f64,
    /// When the last pass ended, in milliseconds since 1970.
    pub last_pass_millis: Option<u64>,
}

/// Something that waits.
#[derive(Clone, Debug, Serialize)]
pub struct WaitReport {
    /// Since when, in milliseconds since 1970.
    pub since_millis: u64,
    /// For how long, in seconds.
    pub age_seconds: f64,
    /// What for.
    pub why: String,
    /// What to do about it.
    pub advice: String,
}

impl PartitionReport {
    /// How many offsets lie between what was read and the end, if that is known.
    #[must_use]
    pub fn lag(&self) -> Option<u64> {
        let lag = self.end_offset?.saturating_sub(self.next_offset);
        Some(u64::try_from(lag).unwrap_or(0))
    }
}

impl Report {
    /// How many offsets of all partitions this process has passed, of how many up to their ends; `None` as
    /// long as an end is not known.
    #[must_use]
    pub fn progress(&self) -> Option<(u64, u64)> {
        let mut progress = None;
        for partition in self.partitions.values() {
            let passed = partition.next_offset - partition.first_offset;
            let passed = u64::try_from(passed).unwrap_or(0);
            let (done, all) = progress.unwrap_or((0, 0));
            progress = Some((done + passed, all + passed + partition.lag()?));
        }
        progress
    }

    /// Rows of the input tables that were loaded at the start.
    #[must_use]
    pub fn loaded_rows(&self) -> u64 {
        self.loading.as_ref().map_or(0, |loading| loading.rows)
    }

    /// All partitions together.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.partitions
            .values()
            .map(|partition| partition.counts)
            .sum()
    }
}
