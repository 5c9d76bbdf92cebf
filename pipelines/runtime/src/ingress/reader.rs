//! Reader threads: each owns some partitions, polls them in turn and admits what it read.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use model::admission::{Admitted, Partition};
use model::{Millis, PartitionId, RawRecord};
use sources::{Limits, PartitionReader, Polled, RecordBatch, SourceError, StopFlag, Wake};
use thiserror::Error;

use super::hash::record_hash;
use crate::error::{Fault, joined};
use crate::status::chain;

/// A batch is cut after so many records or bytes: small enough that one partition does not make the
/// others wait, large enough that a channel costs nothing.
const BATCH: Limits = Limits {
    records: 4096,
    bytes: 1 << 20,
};

/// Batches that may wait for the sealer, over all readers.
const BATCHES_WAITING: usize = 16;

/// How long a reader without records sleeps, unless a partition wakes it.
const IDLE: Duration = Duration::from_millis(5);

/// Records of one partition, admitted.
#[derive(Debug)]
pub(crate) struct ReadBatch {
    /// The partition.
    pub(crate) partition: PartitionId,
    /// What the records became.
    pub(crate) admitted: Admitted,
    /// The first offset that the batch does not hold.
    pub(crate) next_offset: i64,
    /// Number of records.
    pub(crate) records: u64,
    /// Wrapping sum of the records' hashes.
    pub(crate) hash: u64,
    /// How far back the partition knows duplicates, in milliseconds.
    pub(crate) horizon_millis: i64,
    /// The last of the records.
    pub(crate) last: Option<LastRecord>,
}

/// What is kept of the last record of a cut, to know the topic again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LastRecord {
    pub(crate) offset: i64,
    pub(crate) timestamp_millis: Millis,
    /// As of [`record_hash`].
    pub(crate) hash: u64,
}

impl LastRecord {
    pub(crate) fn of(record: &RawRecord<'_>) -> Self {
        Self {
            offset: record.offset,
            timestamp_millis: record.timestamp_millis,
            hash: record_hash(record),
        }
    }
}

/// How one partition is to be read.
pub(crate) struct PartitionPlan {
    /// The reader, open at the first offset that the input table did not seal.
    pub(crate) reader: Box<dyn PartitionReader>,
    /// The state after the sealed offsets.
    pub(crate) state: Partition,
    /// Next offsets of bound epochs, ascending: batches are cut there.
    pub(crate) cuts: VecDeque<i64>,
    /// The next offset at which reading ends, if it does.
    pub(crate) end: Option<i64>,
}

/// Why a partition is no longer read.
#[derive(Debug, Error)]
#[error("read {partition} from offset {next_offset}")]
pub struct ReaderError {
    /// The partition.
    pub partition: PartitionId,
    /// The first offset that was not read.
    pub next_offset: i64,
    /// The cause.
    pub source: Box<SourceError>,
}

/// What a reader thread tells the sealer.
pub(super) enum Reading {
    /// A batch.
    Batch(ReadBatch),
    /// A partition came to its end.
    Ended(PartitionId),
    /// A partition cannot be read on.
    Failed(ReaderError),
}

/// The running reader threads.
pub(crate) struct Readers {
    pub(super) readings: Receiver<Reading>,
    pub(super) partitions: Vec<PartitionId>,
    stop: StopFlag,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    /// Starts `threads` readers over the partitions, dealt out in turn; `stop` ends them.
    pub(crate) fn start(
        plans: Vec<PartitionPlan>,
        threads: usize,
        stop: &StopFlag,
        fault: &Fault,
    ) -> Result<Self, std::io::Error> {
        let (sender, readings) = bounded(BATCHES_WAITING);
        let partitions = plans.iter().map(|plan| plan.reader.partition()).collect();
        let mut shares: Vec<Vec<PartitionPlan>> = (0..threads.max(1)).map(|_| Vec::new()).collect();
        for (index, plan) in plans.into_iter().enumerate() {
            shares[index % threads.max(1)].push(plan);
        }
        let threads = shares
            .into_iter()
            .filter(|share| !share.is_empty())
            .enumerate()
            .map(|(index, share)| {
                let (sender, stop) = (sender.clone(), stop.clone());
                thread::Builder::new()
                    .name(format!("reader-{index}"))
                    .spawn({
                        let guard = fault.guard("a reader panicked");
                        move || {
                            let _guard = guard;
                            read(share, &sender, &stop);
                        }
                    })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            readings,
            partitions,
            stop: stop.clone(),
            threads,
        })
    }

    /// Whether the readers were asked to end.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.is_set()
    }

    /// Waits for the readers, which end when they have read everything or were stopped.
    pub(crate) fn join(self) {
        drop(self.readings);
        for thread in self.threads {
            joined(thread);
        }
    }
}

/// Polls the partitions in turn until all have ended or the stop flag is set.
fn read(mut plans: Vec<PartitionPlan>, sender: &Sender<Reading>, stop: &StopFlag) {
    let own = thread::current();
    let wake: Wake = Arc::new(move || own.unpark());
    for plan in &mut plans {
        plan.reader.wake_with(Arc::clone(&wake));
    }
    let mut batch = RecordBatch::new();
    let mut told = BTreeMap::<PartitionId, String>::new();
    let mut idle_in_a_row = 0;
    let mut turn = 0;
    while !plans.is_empty() && !stop.is_set() {
        if idle_in_a_row >= plans.len() {
            // A wake since the first of these looks ends it at once.
            thread::park_timeout(IDLE);
            idle_in_a_row = 0;
        }
        turn %= plans.len();
        let reading = match step(&mut plans[turn], &mut batch) {
            Ok(Step::Idle) => {
                idle_in_a_row += 1;
                turn += 1;
                continue;
            }
            Ok(Step::Waits(why)) => {
                let partition = plans[turn].reader.partition();
                if told.get(&partition) != Some(&why) {
                    tracing::warn!(%partition, "could not be read, will try again: {why}");
                    told.insert(partition, why);
                }
                idle_in_a_row += 1;
                turn += 1;
                continue;
            }
            Ok(Step::Batch(batch)) => {
                told.remove(&batch.partition);
                turn += 1;
                Reading::Batch(batch)
            }
            Ok(Step::Ended) => Reading::Ended(plans.swap_remove(turn).reader.partition()),
            Err(error) => {
                plans.swap_remove(turn);
                Reading::Failed(error)
            }
        };
        idle_in_a_row = 0;
        if sender.send(reading).is_err() {
            return;
        }
    }
}

enum Step {
    Batch(ReadBatch),
    Idle,
    /// Like idle, for a reason that will pass.
    Waits(String),
    Ended,
}

fn step(plan: &mut PartitionPlan, batch: &mut RecordBatch) -> Result<Step, ReaderError> {
    let partition = plan.reader.partition();
    while plan
        .cuts
        .front()
        .is_some_and(|&cut| cut <= plan.reader.next_offset())
    {
        plan.cuts.pop_front();
    }
    let stop_at = plan.cuts.front().copied().or(plan.end);
    match plan.reader.poll(batch, BATCH, stop_at, Duration::ZERO) {
        Ok(Polled::Idle) => Ok(Step::Idle),
        Ok(Polled::End) => Ok(if plan.cuts.is_empty() {
            Step::Ended
        } else {
            Step::Idle
        }),
        Ok(Polled::Records) => {
            let mut admitted = Admitted::new(partition.topic);
            let mut hash = 0_u64;
            let mut last = None;
            for record in batch.iter() {
                let of_record = LastRecord::of(&record);
                hash = hash.wrapping_add(of_record.hash);
                last = Some(of_record);
                plan.state.admit(&record, &mut admitted);
            }
            plan.state.close_batch(&mut admitted);
            let next_offset = plan.reader.next_offset();
            Ok(Step::Batch(ReadBatch {
                partition,
                admitted,
                next_offset,
                records: batch.len() as u64,
                hash,
                horizon_millis: plan.state.horizon_in_effect_millis(),
                last,
            }))
        }
        Err(error) if error.is_transient() => Ok(Step::Waits(chain(&error))),
        Err(SourceError::Stopped { .. }) => Ok(Step::Idle),
        Err(source) => Err(ReaderError {
            partition,
            next_offset: plan.reader.next_offset(),
            source: Box::new(source),
        }),
    }
}
