//! What a walk comes to: counts of what was injected and compared, or the way to a broken promise.

use std::fmt;

use crate::check::Broken;
use crate::world::{Action, Fate, Step};

/// What was done in a walk, as counted where it was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// Steps of all kinds.
    pub steps: u64,
    /// Records of the inputs.
    pub records: u64,
    /// Generations that were started.
    pub generations: u64,
    /// Processes that ended at once.
    pub crashes: u64,
    /// Of these in the middle of appending to a log.
    pub torn_tails: u64,
    /// Losses of power.
    pub power_losses: u64,
    /// Fallbacks of the view store to an earlier state.
    pub failovers: u64,
    /// Losses of all that the view store had.
    pub flushes: u64,
    /// Calls whose answer was lost.
    pub lost_answers: u64,
    /// Calls that were late, and those of them that arrived.
    pub late_calls: u64,
    /// Late calls that arrived.
    pub late_arrivals: u64,
    /// Steps of generations that a newer one had followed.
    pub steps_of_older: u64,
    /// Compactions of input tables.
    pub compactions: u64,
    /// Logs that were begun anew.
    pub trims: u64,
    /// Jumps of the clock.
    pub clock_jumps: u64,
    /// Records that Kafka compacted away.
    pub records_compacted: u64,
    /// Whether the job stopped with an alarm that named what Kafka lost.
    pub alarmed: bool,
    /// Epochs that some output showed, each compared with the records that it is of.
    pub epochs_compared: u64,
    /// Values of views, tables and topic that were compared in the end.
    pub values_compared: u64,
}

impl Report {
    /// Adds the counts of another walk.
    pub fn add(&mut self, other: &Self) {
        self.steps += other.steps;
        self.records += other.records;
        self.generations += other.generations;
        self.crashes += other.crashes;
        self.torn_tails += other.torn_tails;
        self.power_losses += other.power_losses;
        self.failovers += other.failovers;
        self.flushes += other.flushes;
        self.lost_answers += other.lost_answers;
        self.late_calls += other.late_calls;
        self.late_arrivals += other.late_arrivals;
        self.steps_of_older += other.steps_of_older;
        self.compactions += other.compactions;
        self.trims += other.trims;
        self.clock_jumps += other.clock_jumps;
        self.records_compacted += other.records_compacted;
        self.alarmed |= other.alarmed;
        self.epochs_compared += other.epochs_compared;
        self.values_compared += other.values_compared;
    }

    /// Faults of all kinds.
    #[must_use]
    pub fn faults(&self) -> u64 {
        self.crashes
            + self.power_losses
            + self.failovers
            + self.flushes
            + self.lost_answers
            + self.late_calls
            + self.compactions
            + self.trims
            + self.clock_jumps
            + self.records_compacted
    }

    pub(crate) fn count(&mut self, action: Action, newest: u8) {
        self.steps += 1;
        match action {
            Action::Start => self.generations += 1,
            Action::Step(generation, step, fate) => {
                self.steps_of_older += u64::from(generation < newest);
                match fate {
                    Fate::Answered => {}
                    Fate::Lost => self.lost_answers += 1,
                    Fate::Late => self.late_calls += 1,
                }
                match step {
                    Step::Compact(_) => self.compactions += 1,
                    Step::Trim => self.trims += 1,
                    Step::Close { jump: true, .. } => self.clock_jumps += 1,
                    Step::Close { .. }
                    | Step::Start
                    | Step::Replay
                    | Step::Idle
                    | Step::Sync
                    | Step::Release
                    | Step::CommitInputs
                    | Step::CommitDerived
                    | Step::Views
                    | Step::Publish => {}
                }
            }
            Action::Land(_) => self.late_arrivals += 1,
            Action::Crash(_, torn) => {
                self.crashes += 1;
                self.torn_tails += u64::from(torn);
            }
            Action::PowerLoss => self.power_losses += 1,
            Action::Lag => {}
            Action::Failover => self.failovers += 1,
            Action::Flush => self.flushes += 1,
            Action::CompactRecord(..) => self.records_compacted += 1,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} steps over {} records, {} generations ({} steps of older ones); {} crashes ({} torn tails), {} power \
             losses, {} failovers, {} flushes, {} answers lost, {} calls late ({} arrived), {} compactions, {} logs \
             trimmed, {} clock jumps, {} records compacted away; {} epochs and {} values compared",
            self.steps,
            self.records,
            self.generations,
            self.steps_of_older,
            self.crashes,
            self.torn_tails,
            self.power_losses,
            self.failovers,
            self.flushes,
            self.lost_answers,
            self.late_calls,
            self.late_arrivals,
            self.compactions,
            self.trims,
            self.clock_jumps,
            self.records_compacted,
            self.epochs_compared,
            self.values_compared,
        )
    }
}

/// A walk on which the promise broke. The same seed, with the same protections, walks the same way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The seed.
    pub seed: u64,
    /// What broke.
    pub broken: Broken,
    /// What happened, up to the step that broke it.
    pub steps: Vec<Action>,
    /// What was injected until then.
    pub report: Report,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "seed {}: broken after {} steps: {}: {}",
            self.seed,
            self.steps.len(),
            self.broken.property,
            self.broken.what
        )?;
        let first = self.steps.len().saturating_sub(40);
        writeln!(f, "the last steps:")?;
        for (number, step) in self.steps.iter().enumerate().skip(first) {
            writeln!(f, "  {number} {step:?}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Violation {}
