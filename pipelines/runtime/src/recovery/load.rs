//! What the threads that load do: file by file, batch by batch, partition by partition.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use model::admission::{Change, Restore, RowKind};
use model::tables::InputColumns;
use model::{Epoch, PartitionId, Topic};
use sources::StopFlag;

use super::{How, Piece, Recovered};
use crate::error::JobError;
use crate::feeder::{Feeder, InputBatch};
use crate::status::Status;

/// Rows that are read at once: few enough for what is decoded to be used again, enough to be worth a message.
pub(super) const BATCH_ROWS: usize = 4_096;

/// Changes of an epoch above the base, by where they were found.
type Later = BTreeMap<(Epoch, usize, usize), Vec<u32>>;

/// What the threads share.
pub(super) struct Load<'a> {
    how: How,
    pieces: Vec<Piece>,
    /// The piece that is read next.
    next: AtomicUsize,
    feeder: &'a Feeder,
    status: &'a Status,
    stop: &'a StopFlag,
    /// A thread that failed ends the others.
    failed: AtomicBool,
    restores: Mutex<BTreeMap<PartitionId, Arc<Mutex<Restore>>>>,
    tail: Mutex<BTreeMap<(Epoch, usize, usize), Arc<InputBatch>>>,
}

impl<'a> Load<'a> {
    pub(super) fn new(
        how: How,
        pieces: Vec<Piece>,
        feeder: &'a Feeder,
        status: &'a Status,
        stop: &'a StopFlag,
    ) -> Self {
        Self {
            how,
            pieces,
            next: AtomicUsize::new(0),
            feeder,
            status,
            stop,
            failed: AtomicBool::new(false),
            restores: Mutex::default(),
            tail: Mutex::default(),
        }
    }

    /// Loads pieces until there are no more.
    pub(super) fn run(&self) -> Result<(), JobError> {
        while let Some(piece) = self.pieces.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(error) = self.piece(piece) {
                self.failed.store(true, Ordering::Relaxed);
                return Err(error);
            }
        }
        Ok(())
    }

    fn piece(&self, piece: &Piece) -> Result<(), JobError> {
        let wrong = |source| JobError::Row {
            table: piece.relation.name(),
            source,
        };
        for (number, batch) in piece.file.batches()?.enumerate() {
            if self.stop.is_set() || self.failed.load(Ordering::Relaxed) {
                break;
            }
            let columns = InputColumns::of(&batch?).map_err(wrong)?;
            let mut later = Later::new();
            for (partition, rows) in by_partition(&columns) {
                let id = PartitionId {
                    topic: piece.topic,
                    partition,
                };
                let restore = self.restore(id);
                let mut restore = lock(&restore);
                let mut at_base = Vec::with_capacity(rows.len());
                for number_of_row in rows {
                    let at = number_of_row as usize;
                    let row = columns.row(at).map_err(wrong)?;
                    let epoch = columns.epoch(at);
                    if epoch <= self.how.base {
                        if restore.settled_row(&row).map_err(wrong)? {
                            at_base.push(number_of_row);
                        }
                    } else {
                        restore.row(&row).map_err(wrong)?;
                        if row.kind == RowKind::Row {
                            let place = (epoch, piece.place, number);
                            later.entry(place).or_default().push(number_of_row);
                        }
                    }
                }
                if !at_base.is_empty() {
                    let batch = self.batch(piece.topic, &columns, &at_base).map_err(wrong)?;
                    // Before another thread finds out that it has a newer row of one of these keys.
                    self.feeder.rows(self.how.base, &batch);
                }
            }
            for (place, mut rows) in later {
                // In the order in which they were written: by partition they came one after the other.
                rows.sort_unstable();
                let batch = self.batch(piece.topic, &columns, &rows).map_err(wrong)?;
                lock(&self.tail).insert(place, batch);
            }
            self.status.loaded(columns.len() as u64);
        }
        Ok(())
    }

    /// Deals rows out to the workers, each to the one that will hold its key. Rows that cannot be read are found here.
    fn batch(
        &self,
        topic: Topic,
        columns: &InputColumns,
        rows: &[u32],
    ) -> Result<Arc<InputBatch>, model::DecodeError> {
        let workers = self.feeder.workers();
        let mut shares = vec![Vec::with_capacity(rows.len() / workers + 1); workers];
        for &number in rows {
            let row = columns.row(number as usize)?;
            let home = match Change::from_row(topic, &row)? {
                Some(Change::Equipment(change)) => dataflow::home(change.ocid, workers),
                Some(Change::Like(change)) => dataflow::home(change.target, workers),
                Some(Change::Enrich(_) | Change::Donation(_)) | None => continue,
            };
            shares[home].push(number);
        }
        Ok(Arc::new(InputBatch {
            topic,
            columns: columns.clone(),
            shares,
        }))
    }

    fn restore(&self, partition: PartitionId) -> Arc<Mutex<Restore>> {
        let mut restores = lock(&self.restores);
        let new = || {
            Arc::new(Mutex::new(Restore::new(
                partition.topic,
                self.how.admission,
            )))
        };
        Arc::clone(restores.entry(partition).or_insert_with(new))
    }

    /// What was loaded, once all threads are through.
    pub(super) fn finish(self) -> Result<Recovered, JobError> {
        let restores = self
            .restores
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let found: Vec<PartitionId> = restores.keys().copied().collect();
        let left = Mutex::new(restores);
        let done = Mutex::new(BTreeMap::new());
        thread::scope(|scope| {
            for _ in 0..self.how.threads.min(found.len()) {
                scope.spawn(|| {
                    loop {
                        let taken = lock(&left).pop_first();
                        let Some((partition, restore)) = taken else {
                            break;
                        };
                        let restore = Arc::into_inner(restore)
                            .expect("the threads that load have ended")
                            .into_inner()
                            .unwrap_or_else(PoisonError::into_inner);
                        let restored = restore.finish();
                        lock(&done).insert(partition, restored);
                    }
                });
            }
        });
        let mut tail: BTreeMap<Epoch, Vec<Arc<InputBatch>>> = BTreeMap::new();
        let later = self
            .tail
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        for ((epoch, ..), batch) in later {
            tail.entry(epoch).or_default().push(batch);
        }
        Ok(Recovered {
            partitions: done.into_inner().unwrap_or_else(PoisonError::into_inner),
            tail,
        })
    }
}

/// A thread that panicked ends the job: nobody uses what it left.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The rows of each partition, in their order. Tables that were compacted are sorted by it.
fn by_partition(columns: &InputColumns) -> Vec<(i32, Vec<u32>)> {
    let mut of: Vec<(i32, Vec<u32>)> = Vec::new();
    let mut last = 0;
    for row in 0..columns.len() {
        let partition = columns.partition(row);
        if of.get(last).is_none_or(|(known, _)| *known != partition) {
            last = of
                .iter()
                .position(|(known, _)| *known == partition)
                .unwrap_or_else(|| {
                    of.push((partition, Vec::new()));
                    of.len() - 1
                });
        }
        of[last].1.push(row as u32);
    }
    of
}
