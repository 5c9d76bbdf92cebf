//! The start of a job: its state is loaded from the input tables, which hold all that records left
//! behind.
//!
//! Files are read in any order by several threads. Each row restores admission, under the lock of its partition. Of
//! the changes through the base those that an already loaded one has overtaken are left out; the others go to the
//! workers under the same lock, so that the changes of a key reach its worker with growing offsets.

mod load;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{RecvTimeoutError, bounded};
use lake::{Scan, ScanFile};
use model::admission::{AdmissionSettings, Partition};
use model::tables::Relation;
use model::{Epoch, PartitionId, Topic};
use sources::StopFlag;

use self::load::Load;
use crate::egress::InputTables;
use crate::error::JobError;
use crate::feeder::{Feeder, InputBatch};
use crate::status::Status;

/// How often the log says how far loading is.
const TELL: Duration = Duration::from_secs(1);

/// An input table, to be read.
pub(crate) type InputScan = (Topic, Relation, Scan);

/// The input tables as they are committed now.
pub(crate) fn input_scans(inputs: &InputTables) -> Vec<InputScan> {
    let tables = inputs.tables();
    tables
        .map(|(topic, table)| (topic, table.spec().relation, table.view().scan()))
        .collect()
}

/// What was loaded.
#[derive(Default)]
pub(crate) struct Recovered {
    /// The state of each partition that has left rows.
    pub(crate) partitions: BTreeMap<PartitionId, Partition>,
    /// Changes of epochs above the base, in order: the workers still lack them.
    pub(crate) tail: BTreeMap<Epoch, Vec<Arc<InputBatch>>>,
}

/// A file to be loaded.
struct Piece {
    /// Its place among all files, in the order in which rows of one key and epoch were written.
    place: usize,
    topic: Topic,
    relation: Relation,
    file: ScanFile,
}

/// How to load.
#[derive(Clone, Copy)]
pub(crate) struct How {
    /// Changes through this epoch go to the workers at it.
    pub(crate) base: Epoch,
    pub(crate) admission: AdmissionSettings,
    /// Threads that read, at least 1.
    pub(crate) threads: usize,
}

/// Loads the input tables: changes through the base go to the workers at once. Ends early, with nothing, when
/// `stop` is set.
pub(crate) fn recover(
    tables: &[InputScan],
    how: How,
    feeder: &Feeder,
    status: &Status,
    stop: &StopFlag,
) -> Result<Recovered, JobError> {
    let mut pieces = Vec::new();
    for (topic, relation, scan) in tables {
        for file in scan.files()? {
            pieces.push(Piece {
                place: pieces.len(),
                topic: *topic,
                relation: *relation,
                file: file.batch_rows(load::BATCH_ROWS),
            });
        }
    }
    let rows = pieces.iter().map(|piece| piece.file.file.stats.rows).sum();
    let bytes: u64 = pieces.iter().map(|piece| piece.file.file.bytes).sum();
    status.to_load(rows);
    // The keeper publishes once a second: who waits for a start sees at once how much there is.
    status.publish();
    tracing::info!(
        rows,
        files = pieces.len(),
        bytes,
        base = how.base.0,
        "loading the state"
    );
    // The largest first, so that no thread is left alone with one of them in the end.
    pieces.sort_by_key(|piece| std::cmp::Reverse(piece.file.file.bytes));
    let load = Load::new(how, pieces, feeder, status, stop);
    let loaded = thread::scope(|scope| {
        let (working, idle) = bounded::<()>(0);
        let mut loaders = Vec::new();
        for number in 0..how.threads {
            let (load, working) = (&load, working.clone());
            let loader = thread::Builder::new()
                .name(format!("loader-{number}"))
                .spawn_scoped(scope, move || {
                    let _working = working;
                    load.run()
                });
            loaders.push(loader.map_err(|source| JobError::Thread {
                name: "loader",
                source,
            })?);
        }
        drop(working);
        while idle.recv_timeout(TELL) == Err(RecvTimeoutError::Timeout) {
            if let Some(loading) = status.loading() {
                tracing::info!("loading: {loading}");
            }
        }
        // A panic of one goes on here: the job cannot start.
        let mut ends = loaders.into_iter().map(|loader| {
            let ended = loader.join();
            ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        ends.try_for_each(|ended| ended)
    });
    loaded?;
    if stop.is_set() {
        return Ok(Recovered::default());
    }
    if how.base > Epoch(0) {
        feeder.close(how.base);
    }
    let recovered = load.finish()?;
    if let Some(loading) = status.loading() {
        tracing::info!(seconds = loading.seconds, "loaded {loading}");
    }
    Ok(recovered)
}

#[cfg(test)]
mod tests;
