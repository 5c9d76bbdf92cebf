//! The world: everything that outlives a process, the processes, and what is on its way.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::check::{Broken, Property};
use crate::config::{Config, Cut, Epoch, Faults};
use crate::folder::Log;
use crate::process::Process;
use crate::store::{Store, StoreCall};
use crate::table::{Commit, Table, TableKind};
use crate::topic::{Topic, Transaction};

/// A step of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// The next phase of its start.
    Start,
    /// Reads the next bound epoch again.
    Replay,
    /// Reads up to `cut`, and binds that to a new epoch: appended, not synced.
    Close {
        /// The next offsets.
        cut: Cut,
        /// Whether the clock has jumped ahead.
        jump: bool,
    },
    /// Shows an epoch without records that is not bound (a mutation).
    Idle,
    /// Syncs the log.
    Sync,
    /// Reads the job's generation, and releases the epoch.
    Release,
    /// Goes on committing the tables of inputs.
    CommitInputs,
    /// Commits the derived table.
    CommitDerived,
    /// Compacts an input table, by its place.
    Compact(u8),
    /// Goes on with the views.
    Views,
    /// Goes on with the topic.
    Publish,
    /// Begins the log anew without what is past.
    Trim,
}

/// What becomes of the call of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It takes effect and is answered.
    Answered,
    /// It takes effect, its answer is lost.
    Lost,
    /// It gets no answer and takes effect later, or never.
    Late,
}

/// Something that happens in a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// The job is started: a new generation is taken.
    Start,
    /// A process takes a step.
    Step(u8, Step, Fate),
    /// A late call takes effect, by its place.
    Land(u8),
    /// A process ends at once; `torn`: in the middle of appending to its log.
    Crash(u8, bool),
    /// All processes end; what is not synced is gone.
    PowerLoss,
    /// The replica of the view store stops following.
    Lag,
    /// The view store falls back to its replica.
    Failover,
    /// The view store loses everything.
    Flush,
    /// Kafka compacts a record away: partition and offset.
    CompactRecord(u8, u16),
}

/// A call that may still take effect.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Late {
    Commit(Commit),
    Store(StoreCall, Arc<Vec<(Epoch, Cut)>>),
    Transaction(Transaction),
}

/// The state of everything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    pub(crate) newest_generation: u8,
    /// The newest generation that was released to show anything.
    pub(crate) released: u8,
    /// The binding log of each generation, from 1 on.
    pub(crate) logs: Vec<Option<Log>>,
    pub(crate) tables: Vec<Table>,
    pub(crate) redis: Store,
    pub(crate) replica: Option<Box<Store>>,
    pub(crate) topic: Topic,
    pub(crate) processes: Vec<Process>,
    pub(crate) late: Vec<Late>,
    /// Faults that may still happen.
    pub(crate) left: Faults,
    /// Records that Kafka has compacted away.
    pub(crate) gone: Vec<(u8, u16)>,
    /// What was said of each epoch that was shown, and by which code in the views.
    pub(crate) said: BTreeMap<Epoch, Cut>,
    pub(crate) said_by_code: BTreeMap<Epoch, u8>,
    /// The job stopped with an alarm that had a cause.
    pub(crate) alarm: bool,
    pub(crate) broken: Option<Broken>,
}

impl World {
    /// A world in which nothing has happened.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let mut kinds = Vec::new();
        if config.outputs.sides {
            kinds.extend([TableKind::Rejected, TableKind::Accounting]);
        }
        kinds.extend((0..config.topics()).map(TableKind::Input));
        if config.outputs.derived {
            kinds.push(TableKind::Derived);
        }
        Self {
            newest_generation: 0,
            released: 0,
            logs: Vec::new(),
            tables: kinds.into_iter().map(Table::new).collect(),
            redis: Store::new(config.view_keys()),
            replica: None,
            topic: Topic::default(),
            processes: Vec::new(),
            late: Vec::new(),
            left: config.faults,
            gone: Vec::new(),
            said: BTreeMap::new(),
            said_by_code: BTreeMap::new(),
            alarm: false,
            broken: None,
        }
    }

    /// What is broken, if anything is.
    #[must_use]
    pub fn broken(&self) -> Option<&Broken> {
        self.broken.as_ref()
    }

    /// Whether a property is broken.
    #[must_use]
    pub fn breaks(&self, property: Property) -> bool {
        self.broken
            .as_ref()
            .is_some_and(|broken| broken.property == property)
    }

    /// Whether the job stopped with an alarm that names what was lost.
    #[must_use]
    pub fn is_alarmed(&self) -> bool {
        self.alarm
    }

    /// Everything that can happen now. Nothing can once a property is broken or the job stopped with an alarm.
    #[must_use]
    pub fn actions(&self, config: &Config) -> Vec<Action> {
        let mut actions = Vec::new();
        if self.broken.is_some() || self.alarm {
            return actions;
        }
        for process in &self.processes {
            let generation = process.generation;
            for step in self.work(config, process) {
                actions.push(Action::Step(generation, step, Fate::Answered));
                if !is_remote(process, step, config, self.tables.len()) {
                    continue;
                }
                if self.left.lost_answers > 0 {
                    actions.push(Action::Step(generation, step, Fate::Lost));
                }
                if self.left.late_calls > 0 {
                    actions.push(Action::Step(generation, step, Fate::Late));
                }
            }
            for step in self.upkeep(config, process) {
                actions.push(Action::Step(generation, step, Fate::Answered));
            }
        }
        self.faults(config, &mut actions);
        actions
    }

    fn faults(&self, config: &Config, actions: &mut Vec<Action>) {
        for (place, late) in self.late.iter().enumerate() {
            if self.late[..place].contains(late) {
                continue;
            }
            actions.push(Action::Land(u8::try_from(place).expect("few late calls")));
        }
        if self.left.starts > 0 {
            actions.push(Action::Start);
        }
        if self.left.crashes > 0 {
            for process in &self.processes {
                let generation = process.generation;
                actions.push(Action::Crash(generation, false));
                let log = self.log_of(generation);
                if log.is_some_and(|log| log.bindings.len() > usize::from(log.synced)) {
                    actions.push(Action::Crash(generation, true));
                }
            }
        }
        if self.left.power_losses > 0 {
            actions.push(Action::PowerLoss);
        }
        if config.outputs.views {
            if self.left.failovers > 0 && self.replica.is_none() {
                actions.push(Action::Lag);
            }
            if self
                .replica
                .as_deref()
                .is_some_and(|old| *old != self.redis)
            {
                actions.push(Action::Failover);
            }
            if self.left.flushes > 0 && self.redis.mark.is_some() {
                actions.push(Action::Flush);
            }
        }
        if self.left.records_compacted > 0 {
            for (place, partition) in config.partitions.iter().enumerate() {
                for (offset, record) in partition.records.iter().enumerate() {
                    let has_newer = partition.records[offset + 1..]
                        .iter()
                        .any(|newer| newer.key == record.key);
                    let at = (
                        u8::try_from(place).expect("few partitions"),
                        u16::try_from(offset).expect("few records"),
                    );
                    // What was never shown is no record of the job's.
                    let is_shown = self.said.values().any(|cut| cut[place] > at.1);
                    if has_newer && is_shown && !self.gone.contains(&at) {
                        actions.push(Action::CompactRecord(at.0, at.1));
                    }
                }
            }
        }
    }

    pub(crate) fn log_of(&self, generation: u8) -> Option<&Log> {
        self.logs.get(usize::from(generation) - 1)?.as_ref()
    }

    /// Whether the newest generation runs and has nothing left to do: everything is read and shown.
    #[must_use]
    pub fn is_done(&self, config: &Config) -> bool {
        self.newest(config)
            .is_some_and(|process| self.work(config, process).is_empty())
    }

    /// The newest generation, if it runs.
    pub(crate) fn newest(&self, config: &Config) -> Option<&Process> {
        let newest = self.newest_generation;
        let process = self.processes.iter().find(|of| of.generation == newest)?;
        self.is_running(config, process).then_some(process)
    }

    /// Lets something happen.
    ///
    /// # Panics
    /// If the action is none of [`Self::actions`].
    pub fn act(&mut self, config: &Config, action: Action) {
        let done = self.happen(config, action);
        let done = done.and_then(|()| match self.newest(config).map(Process::finished) {
            Some(newest) if newest > 0 && self.is_done(config) => self.check_end(config, newest),
            _ => Ok(()),
        });
        if let Err(broken) = done {
            self.broken = Some(broken);
        }
    }

    fn happen(&mut self, config: &Config, action: Action) -> Result<(), Broken> {
        match action {
            Action::Start => {
                self.left.starts -= 1;
                self.newest_generation += 1;
                self.logs.push(None);
                let process = Process::new(config, self.newest_generation);
                self.processes.push(process);
            }
            Action::Step(generation, step, fate) => {
                match fate {
                    Fate::Answered => {}
                    Fate::Lost => self.left.lost_answers -= 1,
                    Fate::Late => self.left.late_calls -= 1,
                }
                return self.step(config, generation, step, fate);
            }
            Action::Land(place) => {
                let late = self.late.remove(usize::from(place));
                return self.land(config, &late);
            }
            Action::Crash(generation, torn) => {
                self.left.crashes -= 1;
                if torn && let Some(Some(log)) = self.logs.get_mut(usize::from(generation) - 1) {
                    log.bindings.pop();
                    log.torn = true;
                }
                self.end(generation);
            }
            Action::PowerLoss => {
                self.left.power_losses -= 1;
                self.processes.clear();
                for log in self.logs.iter_mut().flatten() {
                    log.lose_power();
                }
                return self.tables_lose_power();
            }
            Action::Lag => {
                self.left.failovers -= 1;
                self.replica = Some(Box::new(self.redis.clone()));
            }
            Action::Failover => {
                if let Some(old) = self.replica.take() {
                    self.redis = *old;
                }
            }
            Action::Flush => {
                self.left.flushes -= 1;
                self.redis.flush();
            }
            Action::CompactRecord(partition, offset) => {
                self.left.records_compacted -= 1;
                self.gone.push((partition, offset));
                self.gone.sort_unstable();
            }
        }
        Ok(())
    }

    /// A process ends.
    pub(crate) fn end(&mut self, generation: u8) {
        self.processes.retain(|of| of.generation != generation);
    }
}

/// Whether a step of a process sends something.
fn is_remote(process: &Process, step: Step, config: &Config, tables: usize) -> bool {
    match step {
        Step::CommitInputs | Step::CommitDerived | Step::Views | Step::Publish => true,
        Step::Start => crate::start::is_claim(config, process, tables),
        Step::Replay
        | Step::Close { .. }
        | Step::Idle
        | Step::Sync
        | Step::Release
        | Step::Compact(_)
        | Step::Trim => false,
    }
}
