//! The sealer: closes epochs over whole batches. First those that an earlier generation bound, with
//! the same records at the same epochs; then new ones, by count, bytes or time.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::RecvTimeoutError;
use failpoints::points;
use model::{Epoch, PartitionId};
use thiserror::Error;

use super::reader::{ReadBatch, ReaderError, Readers, Reading};
use crate::bindings::{Binding, BindingLog, Read};
use crate::clock::now_millis;
use crate::decide::{self, ReadAgain, Release};
use crate::feeder::Feeder;
use crate::flow::FlowGate;
use crate::folder::{FolderError, Generation, JobFolder};
use crate::status::Status;

/// An epoch with its records: bound, durable and released. Whoever gets it may show it.
#[derive(Debug)]
pub(crate) struct SealedEpoch {
    /// The epoch and its cut.
    pub(crate) binding: Binding,
    /// The admitted records, those of a partition in order.
    pub(crate) batches: Vec<ReadBatch>,
    /// Bytes that the batches hold.
    pub(crate) bytes: u64,
}

/// When an open epoch closes: at the first bound that it reaches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClosingRule {
    /// After so long.
    pub(crate) after: Duration,
    /// After so long while the dataflow is behind.
    pub(crate) after_behind: Duration,
    /// After so many records.
    pub(crate) records_max: u64,
    /// After so many bytes.
    pub(crate) bytes_max: u64,
}

/// Why sealing ended before its time.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the messages document the variants")]
pub enum SealError {
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error(transparent)]
    Reader(#[from] ReaderError),
    #[error("generation {own} of this job was superseded by a newer start")]
    Superseded { own: Generation },
    #[error(
        "epoch {epoch} bound {bound} records of {partition} from offset {from} to {}, but {found} were read again \
         there{}: the topic lost or changed records since; the tables cannot be trusted past this epoch",
        next_offset - 1,
        if bound == found { " with other contents" } else { "" }
    )]
    Changed {
        epoch: Epoch,
        partition: PartitionId,
        from: i64,
        next_offset: i64,
        bound: u64,
        found: u64,
    },
    #[error("{partition} ended before offset {next_offset}, which epoch {epoch} bound")]
    Ended {
        epoch: Epoch,
        partition: PartitionId,
        next_offset: i64,
    },
}

/// The dataflow is behind when it has more epochs than this to finish: fewer, larger ones cost less.
const EPOCHS_AHEAD: usize = 4;

/// How often it is looked at whether the dataflow has caught up.
const LOOK: Duration = Duration::from_millis(1);

/// How often an idle sealer looks whether somebody waits for an epoch without records.
const PASS_LOOK: Duration = Duration::from_millis(100);

/// A log longer than this is begun anew without what every required sink has committed.
const LOG_BYTES_MAX: u64 = 8 << 20;

/// Closes epochs and hands them to `deliver`.
pub(crate) struct Sealer<'a> {
    /// The job's folder.
    pub(crate) folder: &'a JobFolder,
    /// The own generation.
    pub(crate) generation: Generation,
    /// The own binding log.
    pub(crate) log: BindingLog,
    /// Mints new epochs, so that none lies where the workers read out.
    pub(crate) feeder: &'a Feeder,
    /// The ruleset in force, by hash.
    pub(crate) ruleset: String,
    /// When epochs close.
    pub(crate) rule: ClosingRule,
    /// What bounds the epochs in flight.
    pub(crate) gate: &'a FlowGate,
    /// Where every partition stands: sealed by its input table.
    pub(crate) cut: BTreeMap<PartitionId, i64>,
    /// Batches that no epoch holds yet.
    pub(crate) pending: Pending,
    /// Where what waits is shown.
    pub(crate) status: &'a Status,
}

impl Sealer<'_> {
    /// Begins a leg under new rules with an epoch without records, and reads out right after it: that
    /// epoch's changes are the differences between the rules. The next epoch leaves room for the read-out.
    ///
    /// - `bound`: that epoch, if an earlier generation has bound it.
    pub(crate) fn switch(
        &mut self,
        bound: Option<Binding>,
        deliver: &mut dyn FnMut(Arc<SealedEpoch>),
    ) -> Result<(), SealError> {
        let epoch = match bound {
            Some(binding) => SealedEpoch {
                binding,
                batches: Vec::new(),
                bytes: 0,
            },
            None => match self.close()? {
                Some(epoch) => epoch,
                None => return Ok(()),
            },
        };
        points::RULES_SWITCHED.pass();
        if self.hand_on(epoch, deliver) {
            self.feeder.read_out_now();
        }
        Ok(())
    }

    /// Seals an epoch without records.
    pub(crate) fn pass(
        &mut self,
        deliver: &mut dyn FnMut(Arc<SealedEpoch>),
    ) -> Result<(), SealError> {
        if let Some(epoch) = self.close()? {
            self.hand_on(epoch, deliver);
        }
        Ok(())
    }

    /// Reads bound epochs again, those above what some input table sealed, with the same records at the
    /// same epochs. Says whether it came to their end before the readers were stopped.
    ///
    /// - `deliver`: gets each epoch, in order.
    pub(crate) fn replay(
        &mut self,
        readers: &Readers,
        bound: Vec<Binding>,
        deliver: &mut dyn FnMut(Arc<SealedEpoch>),
    ) -> Result<bool, SealError> {
        for binding in bound {
            let epoch = match self.rebind(readers, binding) {
                Err(SealError::Ended { .. }) if readers.is_stopped() => return Ok(false),
                epoch => epoch?,
            };
            if !self.hand_on(epoch, deliver) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Seals new epochs until all partitions ended or the readers were stopped, and what is left then.
    ///
    /// - `deliver`: gets each epoch, in order.
    pub(crate) fn run(
        &mut self,
        readers: &Readers,
        deliver: &mut dyn FnMut(Arc<SealedEpoch>),
    ) -> Result<(), SealError> {
        loop {
            let open = self.fill(readers)?;
            if self.pending.records > 0 || self.feeder.must_pass() {
                let goes_on = match self.close()? {
                    Some(epoch) => self.hand_on(epoch, deliver),
                    None => false,
                };
                if !goes_on {
                    return Ok(());
                }
            }
            if !open {
                return Ok(());
            }
        }
    }

    /// Collects the records of an epoch that is bound already.
    fn rebind(&mut self, readers: &Readers, binding: Binding) -> Result<SealedEpoch, SealError> {
        let mut batches = Vec::new();
        let mut found = BTreeMap::<PartitionId, (u64, u64)>::new();
        for (&partition, read) in &binding.cut {
            if !readers.partitions.contains(&partition) {
                continue;
            }
            let from = self.cut.get(&partition).copied().unwrap_or(0);
            while self.cut.get(&partition).copied().unwrap_or(0) < read.next_offset {
                let Some(batch) = self.pending.next_of(readers, partition)? else {
                    let next_offset = read.next_offset;
                    return Err(SealError::Ended {
                        epoch: binding.epoch,
                        partition,
                        next_offset,
                    });
                };
                self.cut.insert(partition, batch.next_offset);
                let (records, hash) = found.entry(partition).or_default();
                *records += batch.records;
                *hash = hash.wrapping_add(batch.hash);
                batches.push(batch);
            }
            let (records, hash) = found.get(&partition).copied().unwrap_or_default();
            if decide::read_again(*read, from, records, hash) == ReadAgain::Changed {
                return Err(SealError::Changed {
                    epoch: binding.epoch,
                    partition,
                    from,
                    next_offset: read.next_offset,
                    bound: read.records,
                    found: records,
                });
            }
        }
        Ok(SealedEpoch {
            bytes: bytes_of(&batches),
            binding,
            batches,
        })
    }

    /// Waits until the open epoch must close; says whether more may come after it.
    fn fill(&mut self, readers: &Readers) -> Result<bool, SealError> {
        let mut opened = (self.pending.records > 0).then(Instant::now);
        while self.pending.records < self.rule.records_max
            && self.pending.bytes < self.rule.bytes_max
        {
            let wait = opened.map(|at| self.may_wait(at.elapsed()));
            match readers.readings.recv_timeout(wait.unwrap_or(PASS_LOOK)) {
                Ok(reading) => self.pending.take(reading)?,
                Err(RecvTimeoutError::Timeout) if wait == Some(Duration::ZERO) => return Ok(true),
                Err(RecvTimeoutError::Timeout) if wait.is_none() && self.feeder.must_pass() => {
                    return Ok(true);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(false),
            }
            if self.pending.records > 0 {
                opened.get_or_insert_with(Instant::now);
            }
        }
        Ok(true)
    }

    /// How long an epoch that has been open for `age` may wait for more before it is looked at again; none:
    /// it takes what is there, and closes.
    fn may_wait(&self, age: Duration) -> Duration {
        let ClosingRule {
            after,
            after_behind,
            ..
        } = self.rule;
        if age < after {
            after - age
        } else if age < after_behind && self.gate.is_behind("dataflow", EPOCHS_AHEAD) {
            LOOK
        } else {
            Duration::ZERO
        }
    }

    /// Mints an epoch over all that is pending, and makes it durable and released; `None` when the job ends before
    /// there is room for it. One that is minted and not fed would hold up the read-outs that views ask for.
    fn close(&mut self) -> Result<Option<SealedEpoch>, SealError> {
        if !self.gate.wait_for_room(self.pending.bytes) {
            return Ok(None);
        }
        let batches = self.pending.drain();
        let mut read: BTreeMap<PartitionId, Read> = self
            .cut
            .iter()
            .map(|(&partition, &next_offset)| {
                (
                    partition,
                    Read {
                        next_offset,
                        records: 0,
                        hash: 0,
                    },
                )
            })
            .collect();
        for batch in &batches {
            let of = read.entry(batch.partition).or_insert(Read {
                next_offset: 0,
                records: 0,
                hash: 0,
            });
            of.next_offset = batch.next_offset;
            of.records += batch.records;
            of.hash = of.hash.wrapping_add(batch.hash);
            self.cut.insert(batch.partition, batch.next_offset);
        }
        let binding = Binding {
            epoch: self.feeder.mint(now_millis()),
            ruleset: self.ruleset.clone(),
            cut: read,
        };
        let syncing = self.status.doing("bindings", "a binding is being synced");
        self.log.append(std::slice::from_ref(&binding))?;
        drop(syncing);
        points::BINDING_SYNCED.pass();
        if self.log.bytes() > LOG_BYTES_MAX
            && let Some(committed) = self.gate.committed()
        {
            self.log.trim(self.folder, committed)?;
        }
        match decide::release(self.folder.is_superseded(self.generation)?) {
            Release::Output => {}
            Release::End => {
                return Err(SealError::Superseded {
                    own: self.generation,
                });
            }
        }
        points::RELEASED.pass();
        Ok(Some(SealedEpoch {
            bytes: bytes_of(&batches),
            binding,
            batches,
        }))
    }

    /// Hands an epoch on; says whether the job goes on.
    fn hand_on(&self, epoch: SealedEpoch, deliver: &mut dyn FnMut(Arc<SealedEpoch>)) -> bool {
        let goes_on = self.gate.wait_for_room(epoch.bytes);
        if goes_on {
            self.gate.enter(epoch.binding.epoch, epoch.bytes);
            deliver(Arc::new(epoch));
        }
        goes_on
    }
}

fn bytes_of(batches: &[ReadBatch]) -> u64 {
    batches
        .iter()
        .map(|batch| batch.admitted.bytes_held() as u64)
        .sum()
}

/// Batches that no epoch holds yet.
#[derive(Default)]
pub(crate) struct Pending {
    batches: VecDeque<ReadBatch>,
    records: u64,
    bytes: u64,
}

impl Pending {
    fn take(&mut self, reading: Reading) -> Result<(), SealError> {
        match reading {
            Reading::Batch(batch) => {
                self.records += batch.records;
                self.bytes += batch.admitted.bytes_held() as u64;
                self.batches.push_back(batch);
            }
            Reading::Ended(partition) => tracing::debug!(%partition, "partition ended"),
            Reading::Failed(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// The next batch of one partition; `None` when no more will come.
    fn next_of(
        &mut self,
        readers: &Readers,
        partition: PartitionId,
    ) -> Result<Option<ReadBatch>, SealError> {
        loop {
            if let Some(at) = self
                .batches
                .iter()
                .position(|batch| batch.partition == partition)
            {
                let batch = self.batches.remove(at).expect("the place was just found");
                self.records -= batch.records;
                self.bytes -= batch.admitted.bytes_held() as u64;
                return Ok(Some(batch));
            }
            match readers.readings.recv() {
                Ok(reading) => self.take(reading)?,
                Err(_) => return Ok(None),
            }
        }
    }

    fn drain(&mut self) -> Vec<ReadBatch> {
        self.records = 0;
        self.bytes = 0;
        self.batches.drain(..).collect()
    }
}
