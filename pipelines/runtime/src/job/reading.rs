//! Reading on: the state is loaded, bound epochs are read again, new ones are sealed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use failpoints::points;
use model::admission::{AdmissionSettings, Partition};
use model::{Epoch, PartitionId, Topic};
use sources::{Source, SourceError};

use super::leg::{Leg, horizon_millis};
use super::rules::Plan;
use super::{Until, last_record};
use crate::bindings::{Binding, BindingLog};
use crate::decide::{self, PartitionStart};
use crate::egress::Committer;
use crate::error::{Fault, JobError};
use crate::feeder::{Feeder, InputBatch};
use crate::flow::FlowGate;
use crate::ingress::{
    ClosingRule, LastRecord, PartitionPlan, Pending, Readers, SealError, SealedEpoch, Sealer,
};
use crate::recovery::{How, InputScan, Recovered, recover};
use crate::status::{Phase, Status};

impl Leg<'_> {
    /// Loads the state, then reads on from what is sealed until the job ends.
    pub(super) fn load_and_read(&self, reading: Reading<'_>) -> Result<(), JobError> {
        let Reading {
            source,
            gate,
            feeder,
            inputs,
            log,
            inherited,
            plan,
            is_switch,
            tables,
            base,
            sealed_offsets,
            last_records,
            fault,
            partitions: found,
            must_pass,
        } = reading;
        let (stop, status) = (&self.stop, &self.handle.status);
        let settings = AdmissionSettings {
            dedup_horizon_millis: horizon_millis(self.job),
            dedup_ids_max: self.job.admission.dedup_ids_max,
        };
        status.enter(Phase::Loading);
        let Recovered {
            mut partitions,
            mut tail,
        } = recover(
            &tables,
            How {
                base,
                admission: settings,
                threads: self.job.source.readers,
            },
            feeder,
            status,
            stop,
        )?;
        if stop.is_set() {
            return Ok(());
        }
        points::LOADED.pass();

        status.enter(Phase::Replaying);
        let planned = self.plans(
            source,
            found,
            (&sealed_offsets, &last_records),
            &inherited,
            &mut partitions,
            settings,
        );
        let plans = match planned {
            // It was asked to, or a fault ends the job, while it waited for the broker.
            Err(JobError::Source(SourceError::Stopped { .. })) => return Ok(()),
            plans => plans?,
        };
        for plan in &plans {
            status.reads(
                plan.reader.partition(),
                plan.reader.next_offset(),
                plan.end,
                plan.state.horizon_in_effect_millis(),
            );
        }
        let cut: BTreeMap<PartitionId, i64> = plans
            .iter()
            .map(|plan| (plan.reader.partition(), plan.reader.next_offset()))
            .collect();
        if let Some(end) = plan.end {
            tail.retain(|&epoch, _| epoch <= end);
        }
        let first = if is_switch {
            plan.switch_epoch()?
        } else {
            None
        };
        let bound_last = inherited.last().map_or(base, |binding| binding.epoch);
        let tail_last = tail.keys().next_back().copied().unwrap_or(base);
        let newest = bound_last.max(tail_last).max(base);
        let topics = self.job.topics();
        let sealed = decide::sealed_bindings(&inherited, &cut, &topics);
        let bound: Vec<Binding> = inherited
            .into_iter()
            .skip(sealed)
            .filter(|binding| plan.holds(binding))
            .filter(|binding| {
                first
                    .as_ref()
                    .is_none_or(|first| first.epoch != binding.epoch)
            })
            .collect();
        let in_tables = decide::in_tables(
            bound.first().map(|binding| binding.epoch),
            newest.min(plan.end.unwrap_or(newest)),
        );
        gate.reached("inputs", in_tables);
        tracing::info!(
            partitions = plans.len(),
            bound = bound.len(),
            tail = tail.len(),
            "reading on"
        );
        let readers =
            Readers::start(plans, self.job.source.readers, stop, fault).map_err(|source| {
                JobError::Thread {
                    name: "reader",
                    source,
                }
            })?;
        let mut sealer = Sealer {
            status: &self.handle.status,
            folder: &self.folder,
            generation: self.generation,
            log,
            feeder,
            ruleset: self.rules.hash().to_string(),
            rule: ClosingRule {
                after: Duration::from_millis(self.job.epoch.close_millis),
                after_behind: Duration::from_millis(self.job.epoch.close_behind_millis),
                records_max: self.job.epoch.records_max,
                bytes_max: self.job.epoch.bytes_max,
            },
            gate,
            cut,
            pending: Pending::default(),
        };
        let mut delivery = Delivery {
            feeder,
            status,
            inputs,
            tail,
        };
        let read = || -> Result<(), SealError> {
            if is_switch {
                sealer.switch(first, &mut |epoch| delivery.epoch(epoch))?;
            }
            if !sealer.replay(&readers, bound, &mut |epoch| delivery.epoch(epoch))? {
                return Ok(());
            }
            delivery.rest_of_the_tail();
            feeder.catch_up();
            points::REPLAYED.pass();
            if plan.end.is_some() {
                return Ok(());
            }
            status.enter(Phase::Live);
            if decide::passes(must_pass, feeder.as_of()) {
                sealer.pass(&mut |epoch| delivery.epoch(epoch))?;
            }
            sealer.run(&readers, &mut |epoch| delivery.epoch(epoch))
        };
        let result = read();
        if result.is_err() {
            stop.set();
        }
        readers.join();
        Ok(result?)
    }

    /// The topics that have more partitions than before: their keys have moved, and their order is lost. They are
    /// not read on, while the others are, unless nothing is left to read or the job has an end to come to. Of a
    /// topic that lost partitions there may be records that are bound and gone.
    fn held(
        &self,
        found: &[PartitionId],
        sealed: &BTreeMap<PartitionId, i64>,
        inherited: &[Binding],
    ) -> Result<Vec<Topic>, JobError> {
        let bound = inherited.iter().flat_map(|binding| binding.cut.keys());
        let known: BTreeSet<PartitionId> = sealed.keys().chain(bound).copied().collect();
        let mut held = Vec::new();
        for topic in self.job.topics() {
            let before = known.iter().filter(|of| of.topic == topic).count();
            let now = found.iter().filter(|of| of.topic == topic).count();
            if before == 0 || now == before {
                self.handle.status.go_on(topic.name());
                continue;
            }
            held.push(topic);
            let error = match now {
                0 => JobError::TopicGone { topic, before },
                _ => JobError::PartitionsChanged { topic, before, now },
            };
            let others = found.iter().any(|of| !held.contains(&of.topic));
            if self.until == Until::End || now < before || !others {
                return Err(error);
            }
            tracing::error!("{error}; it is held, the others are read on");
            self.handle.status.wait(topic.name(), &error.to_string());
        }
        Ok(held)
    }

    /// How each partition is read on, given the offset and the last record that are sealed of each.
    fn plans(
        &self,
        source: &dyn Source,
        partitions: Vec<PartitionId>,
        (sealed_offsets, last_records): (
            &BTreeMap<PartitionId, i64>,
            &BTreeMap<PartitionId, LastRecord>,
        ),
        inherited: &[Binding],
        states: &mut BTreeMap<PartitionId, Partition>,
        settings: AdmissionSettings,
    ) -> Result<Vec<PartitionPlan>, JobError> {
        if partitions.is_empty() {
            return Err(JobError::NothingToRead);
        }
        let held = self.held(&partitions, sealed_offsets, inherited)?;
        let starts = source.start_offsets()?;
        let mut ends = source.end_offsets()?;
        let start = |partition, end| {
            let sealed = sealed_offsets.get(&partition).copied();
            let kept_from = starts.get(&partition).copied().unwrap_or(0);
            decide::partition_start(partition, sealed, inherited, kept_from, end)
        };
        for (&partition, &end) in &ends {
            if let PartitionStart::Recreated { read } = start(partition, Some(end)) {
                return Err(JobError::Recreated {
                    partition,
                    end,
                    read,
                });
            }
        }
        if self.until == Until::Stopped {
            ends.clear();
        }
        let (mut plans, mut lasts) = (Vec::new(), Vec::new());
        for partition in partitions {
            let sealed = sealed_offsets.get(&partition).copied();
            let bound_to = decide::read_to(partition, sealed, inherited);
            if held.contains(&partition.topic) {
                // What is bound is read again at its epochs, and no more.
                if bound_to == 0 {
                    continue;
                }
                ends.insert(partition, bound_to);
            }
            let next_offset = match start(partition, None) {
                PartitionStart::From(next_offset) => next_offset,
                PartitionStart::Gone { from, to } => {
                    return Err(JobError::Gone {
                        partition,
                        from,
                        to,
                    });
                }
                PartitionStart::Recreated { .. } => {
                    unreachable!("without an end no partition is known to be another")
                }
            };
            let cuts: VecDeque<i64> = inherited
                .iter()
                .filter_map(|binding| binding.cut.get(&partition))
                .map(|read| read.next_offset)
                .filter(|&cut| cut > next_offset)
                .collect();
            // All are opened before any of them is waited for.
            let kept_from = starts.get(&partition).copied().unwrap_or(0);
            let last = last_records.get(&partition);
            let last = last.filter(|last| (kept_from..next_offset).contains(&last.offset));
            let reader = source.open(partition, last.map_or(next_offset, |last| last.offset))?;
            lasts.extend(last.map(|last| (plans.len(), *last, next_offset)));
            plans.push(PartitionPlan {
                reader,
                state: states
                    .remove(&partition)
                    .unwrap_or_else(|| Partition::new(partition.topic, settings)),
                cuts,
                end: ends.get(&partition).copied(),
            });
        }
        for (plan, last, sealed) in lasts {
            let reader = &mut *plans[plan].reader;
            last_record::check(reader, &last, sealed, &self.handle.status, &self.stop)?;
        }
        Ok(plans)
    }
}

/// What reading on needs.
pub(super) struct Reading<'a> {
    pub(super) source: &'a dyn Source,
    pub(super) gate: &'a FlowGate,
    pub(super) feeder: &'a Feeder,
    pub(super) inputs: &'a Committer<SealedEpoch>,
    pub(super) log: BindingLog,
    pub(super) inherited: Vec<Binding>,
    pub(super) plan: &'a Plan,
    pub(super) is_switch: bool,
    pub(super) tables: Vec<InputScan>,
    pub(super) base: Epoch,
    pub(super) sealed_offsets: BTreeMap<PartitionId, i64>,
    pub(super) last_records: BTreeMap<PartitionId, LastRecord>,
    pub(super) fault: &'a Fault,
    /// The partitions that are read.
    pub(super) partitions: Vec<PartitionId>,
    /// An epoch that the views have shown under other code or rules: a newer one must come, also without records.
    pub(super) must_pass: Option<Epoch>,
}

/// Hands epochs on: to the workers, together with what the input tables hold of them, and to the input tables.
struct Delivery<'a> {
    feeder: &'a Feeder,
    status: &'a Status,
    inputs: &'a Committer<SealedEpoch>,
    /// Epochs that the input tables hold and the workers lack.
    tail: BTreeMap<Epoch, Vec<Arc<InputBatch>>>,
}

impl Delivery<'_> {
    fn epoch(&mut self, epoch: Arc<SealedEpoch>) {
        let at = epoch.binding.epoch;
        let later = self.tail.split_off(&at);
        self.rest_of_the_tail();
        self.tail = later;
        self.feeder.expect(at);
        for batch in self.tail.remove(&at).unwrap_or_default() {
            self.feeder.rows(at, &batch);
        }
        self.status.sealed(&epoch);
        self.feeder.epoch(&epoch);
        self.inputs.feed(epoch);
        points::DELIVERED.pass();
    }

    /// Feeds what the tail has left.
    fn rest_of_the_tail(&mut self) {
        for (epoch, batches) in std::mem::take(&mut self.tail) {
            self.feeder.expect(epoch);
            for batch in &batches {
                self.feeder.rows(epoch, batch);
            }
            self.feeder.close(epoch);
        }
    }
}
