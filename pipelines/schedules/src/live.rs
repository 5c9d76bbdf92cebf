//! What a running process does: reads bound epochs again, binds new ones, releases them.

use std::collections::BTreeMap;
use std::sync::Arc;

use runtime::bindings::Read;
use runtime::decide::{self, ReadAgain, Release};

use crate::check::Broken;
use crate::config::{Config, Cut, Epoch, PARTITIONS_MAX, Record, StartGrain};
use crate::folder::Bound;
use crate::process::{Finished, Opened, Process};
use crate::record::Outcome;
use crate::start::{Goes, history};
use crate::store::{real_epoch, small_epoch};
use crate::table::{Row, RowKind, TableKind};
use crate::world::{Fate, Step, World};

/// How far a clock jumps.
const JUMP: u64 = 7;

impl World {
    /// What a process has to do, so that everything is read and shown in the end.
    pub(crate) fn work(&self, config: &Config, process: &Process) -> Vec<Step> {
        if !self.is_running(config, process) {
            return vec![Step::Start];
        }
        let mut work = Vec::new();
        match &process.open {
            Some((_, Opened::Appended)) => work.push(Step::Sync),
            Some((_, Opened::Synced)) => work.push(Step::Release),
            None if !process.replay.is_empty() => work.push(Step::Replay),
            None if self.must_pass(config, process) => work.push(Step::Close {
                cut: process.cut,
                jump: false,
            }),
            None => work.extend(self.closes(config, process)),
        }
        if !config.inputs_idle && self.inputs_lack(process) {
            work.push(Step::CommitInputs);
        }
        if self.derived_lacks(process) {
            work.push(Step::CommitDerived);
        }
        if config.outputs.topic {
            let finished = process.finished();
            let lacks = |progress: Option<Epoch>| progress.unwrap_or(0) < finished;
            if process
                .producer
                .is_none_or(|producer| lacks(producer.progress))
            {
                work.push(Step::Publish);
            }
        }
        if config.outputs.views && self.views_want(config, process) {
            work.push(Step::Views);
        }
        work
    }

    /// What a process may do besides.
    pub(crate) fn upkeep(&self, config: &Config, process: &Process) -> Vec<Step> {
        let mut steps = Vec::new();
        if !self.is_running(config, process) {
            return steps;
        }
        if !config.protections.idle_bound
            && process.open.is_none()
            && process.replay.is_empty()
            && (process.epochs.last()).is_some_and(|last| {
                process
                    .history
                    .last()
                    .is_some_and(|&(bound, _)| bound == last.epoch)
            })
        {
            steps.push(Step::Idle);
        }
        if self.left.compactions > 0 {
            for (place, table) in self.tables.iter().enumerate() {
                let view = &process.tables[place];
                if matches!(table.kind, TableKind::Input(_))
                    && view.unsettled.is_none()
                    && Self::history_limit(config, process, place) > view.since
                {
                    steps.push(Step::Compact(u8::try_from(place).expect("few tables")));
                }
            }
        }
        if self.left.trims > 0 && process.open.is_none() && trimmable(config, process).is_some() {
            steps.push(Step::Trim);
        }
        steps
    }

    /// Whether an epoch without records is bound, because the views cannot be written at a lower one.
    fn must_pass(&self, config: &Config, process: &Process) -> bool {
        let wanted = if config.protections.pass_when_asked && process.finished() > 0 {
            process.must_pass.max(self.views_wait(config, process))
        } else {
            process.must_pass
        };
        decide::passes(wanted.map(real_epoch), real_epoch(process.finished()))
    }

    /// The ways to close the next epoch.
    fn closes(&self, config: &Config, process: &Process) -> Vec<Step> {
        let mut closes = Vec::new();
        let end = config.end();
        let mut all = 0;
        for place in 0..config.partitions.len() {
            if process.cut[place] < end[place] {
                let left = end[place] - process.cut[place];
                for records in 1..=left.min(config.reads_max) {
                    let mut cut = process.cut;
                    cut[place] += records;
                    closes.push(cut);
                }
                all += usize::from(left);
            }
        }
        if all > 0 && !closes.contains(&end) {
            closes.push(end);
        }
        let jumps: &[bool] = if config.clock_jumps {
            &[false, true]
        } else {
            &[false]
        };
        let steps = closes.into_iter().flat_map(|cut| {
            let close = move |&jump| Step::Close { cut, jump };
            jumps.iter().map(close)
        });
        steps.collect()
    }

    /// Lets a process take a step.
    pub(crate) fn step(
        &mut self,
        config: &Config,
        generation: u8,
        step: Step,
        fate: Fate,
    ) -> Result<(), Broken> {
        let place = (self.processes.iter()).position(|of| of.generation == generation);
        let place = place.expect("a process that takes a step lives");
        let mut process = self.processes.remove(place);
        let goes = match step {
            Step::Start => self.start_on(config, &mut process, fate),
            Step::Replay => self.replay(config, &mut process),
            Step::Close { cut, jump } => {
                self.close(config, &mut process, cut, jump);
                Ok(if config.whole_binding {
                    self.sync(config, &mut process);
                    self.release(&mut process)
                } else {
                    Goes::On
                })
            }
            Step::Idle => {
                let epoch = small_epoch(decide::mint(real_epoch(process.newest), 0));
                process.newest = epoch;
                let cut = process.cut;
                let idle = process.finished_by(config, epoch, cut, Vec::new());
                process.epochs.push(Arc::new(idle));
                Ok(Goes::On)
            }
            Step::Sync => {
                self.sync(config, &mut process);
                Ok(Goes::On)
            }
            Step::Release => Ok(self.release(&mut process)),
            Step::CommitInputs => self.commit_inputs(config, &mut process, fate),
            Step::CommitDerived => self.commit_derived(config, &mut process, fate),
            Step::Compact(table) => self.compact(config, &mut process, usize::from(table)),
            Step::Views => self.views(config, &mut process, fate),
            Step::Publish => self.publish(config, &mut process, fate),
            Step::Trim => {
                self.left.trims -= 1;
                if let Some(dropped) = trimmable(config, &process) {
                    process.bindings.drain(..dropped);
                    process.history = history(&process.bindings);
                    let log = crate::folder::Log::begin(&process.bindings, &config.protections);
                    self.logs[usize::from(generation) - 1] = Some(log);
                }
                Ok(Goes::On)
            }
        };
        if goes != Ok(Goes::Ends) {
            self.processes.insert(place, process);
        }
        goes.map(|_| ())
    }

    /// Goes on with a start: a phase, or all of them.
    fn start_on(
        &mut self,
        config: &Config,
        process: &mut Process,
        fate: Fate,
    ) -> Result<Goes, Broken> {
        loop {
            let goes = self.start(config, process, fate)?;
            let is_whole = config.start == StartGrain::Whole;
            if goes == Goes::Ends || !is_whole || self.is_running(config, process) {
                return Ok(goes);
            }
        }
    }

    /// Reads a bound epoch again.
    fn replay(&mut self, config: &Config, process: &mut Process) -> Result<Goes, Broken> {
        let bound = process.replay.remove(0);
        self.finish_tail_below(config, process, bound.epoch);
        let from = process.cut;
        let mut rows = process.tail_through(bound.epoch);
        let (read, reads) = self.read(config, process, bound.cut, bound.epoch);
        rows.extend(read);
        for place in 0..config.partitions.len() {
            if !config.protections.records_compared {
                break;
            }
            let of = |(records, hash): (u16, u16)| (u64::from(records), u64::from(hash));
            let (records, hash) = of(bound.reads[place]);
            let next_offset = i64::from(bound.cut[place]);
            let was = Read {
                next_offset,
                records,
                hash,
            };
            let (records, hash) = of(reads[place]);
            let from = i64::from(from[place]);
            if decide::read_again(was, from, records, hash) == ReadAgain::Changed {
                return self.alarm(format!(
                    "epoch {} bound {:?} of partition {place}, read again were {:?}",
                    bound.epoch, bound.reads[place], reads[place]
                ));
            }
        }
        let finished = process.finished_by(config, bound.epoch, bound.cut, rows);
        process.epochs.push(Arc::new(finished));
        if config.protections.clock_bindings {
            process.newest = process.newest.max(bound.epoch);
        }
        Ok(Goes::On)
    }

    /// Reads the records up to `to`; returns the rows that they lead to, and how many they are with a hash over them.
    fn read(
        &self,
        config: &Config,
        process: &mut Process,
        to: Cut,
        epoch: Epoch,
    ) -> (Vec<Row>, [(u16, u16); PARTITIONS_MAX]) {
        let mut rows = Vec::new();
        let mut reads: [(u16, u16); PARTITIONS_MAX] = Default::default();
        for (place, partition) in config.partitions.iter().enumerate() {
            let number = u8::try_from(place).expect("few partitions");
            let row = |kind, key, value, at| Row {
                epoch,
                kind,
                partition: number,
                key,
                value,
                at,
            };
            let mut counts = BTreeMap::<u16, u16>::new();
            let state = &mut process.partitions[place];
            let newest = state.newest;
            for offset in process.cut[place]..to[place] {
                if self.gone.contains(&(number, offset)) {
                    continue;
                }
                let record = partition.records[usize::from(offset)];
                reads[place].0 += 1;
                reads[place].1 = reads[place].1.wrapping_add(hash(offset, record));
                let by_epoch = (!config.protections.timestamp_horizon).then_some(epoch);
                let outcome = state.admit(record, config.horizon, by_epoch);
                let key = u16::from(record.key);
                match outcome {
                    Outcome::Applied | Outcome::Unchanged => {
                        let &(_, id, at) = state.ids.last().expect("it was just accepted");
                        rows.push(row(RowKind::Id, key, id, at));
                        if outcome == Outcome::Applied {
                            let value = u16::from(state.values[usize::from(record.key)]);
                            rows.push(row(RowKind::Change, key, value, 0));
                        }
                    }
                    Outcome::Rejected => rows.push(row(RowKind::Rejected, key, offset, 0)),
                    Outcome::Duplicate => {}
                }
                *counts.entry(outcome as u16).or_default() += 1;
            }
            if state.newest > newest {
                rows.push(row(RowKind::Head, 0, state.newest, 0));
            }
            for (outcome, count) in counts {
                rows.push(row(RowKind::Count, outcome, count, 0));
            }
            process.cut[place] = process.cut[place].max(to[place]);
        }
        (rows, reads)
    }

    /// Closes an epoch over what is read up to `cut`: appended to the log, which is not synced yet.
    fn close(&mut self, config: &Config, process: &mut Process, cut: Cut, jump: bool) {
        let now = if jump {
            u64::from(process.newest) + JUMP
        } else {
            0
        };
        let epoch = small_epoch(decide::mint(real_epoch(process.newest), now));
        process.newest = epoch;
        let (rows, reads) = self.read(config, process, cut, epoch);
        let bound = Bound { epoch, cut, reads };
        process.bindings.push(bound);
        Arc::make_mut(&mut process.history).push((epoch, cut));
        if let Some(log) = &mut self.logs[usize::from(process.generation) - 1] {
            log.bindings.push(bound);
        }
        let finished = Arc::new(process.finished_by(config, epoch, cut, rows));
        if !config.protections.durable_binding {
            process.epochs.push(Arc::clone(&finished));
        }
        process.open = Some((finished, Opened::Appended));
    }

    fn sync(&mut self, config: &Config, process: &mut Process) {
        if let Some(log) = &mut self.logs[usize::from(process.generation) - 1] {
            log.synced = u16::try_from(log.bindings.len()).expect("few bindings");
        }
        let Some((finished, _)) = process.open.take() else {
            return;
        };
        if !config.protections.durable_binding {
            return;
        }
        if config.protections.generation_read {
            process.open = Some((finished, Opened::Synced));
        } else {
            process.epochs.push(finished);
        }
    }

    fn release(&mut self, process: &mut Process) -> Goes {
        if decide::release(self.newest_generation > process.generation) == Release::End {
            return Goes::Ends;
        }
        if let Some((finished, _)) = process.open.take() {
            process.epochs.push(finished);
        }
        Goes::On
    }
}

/// How many bindings a log would drop.
fn trimmable(config: &Config, process: &Process) -> Option<usize> {
    let past = real_epoch(process.required(config)?);
    let bound = process.bindings.iter().map(|bound| real_epoch(bound.epoch));
    decide::trimmed(bound, past)
}

fn hash(offset: u16, record: Record) -> u16 {
    let op = match record.op {
        crate::config::Op::Set(value) => u16::from(value),
        crate::config::Op::Toggle => 100,
        crate::config::Op::Confirm(value) => 200 + u16::from(value),
    };
    (offset + 1).wrapping_mul(257) ^ u16::from(record.key).wrapping_mul(31) ^ op.wrapping_mul(7)
}

/// Epochs that a history knows, above one and up to another.
pub(crate) fn between(history: &[(Epoch, Cut)], from: Epoch, to: Epoch) -> Vec<Epoch> {
    let known = history.iter().map(|&(epoch, _)| epoch);
    let mut epochs: Vec<_> = known.filter(|&epoch| epoch > from && epoch < to).collect();
    epochs.push(to);
    epochs
}

/// An epoch that a process knows, by its place.
pub(crate) fn above(epochs: &[Arc<Finished>], epoch: Epoch) -> &[Arc<Finished>] {
    &epochs[epochs.partition_point(|known| known.epoch <= epoch)..]
}
