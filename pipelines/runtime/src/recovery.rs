//! The start of a job: its state is loaded from the input tables, which hold all that records left
//! behind.

use std::collections::BTreeMap;
use std::sync::Arc;

use lake::Scan;
use model::admission::{AdmissionSettings, Partition, Restore, RowKind};
use model::tables::{InputColumns, Relation};
use model::{Epoch, PartitionId, Topic};

use sources::StopFlag;

use crate::egress::InputTables;
use crate::error::JobError;
use crate::feeder::{Feeder, InputBatch};
use crate::status::Status;

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

/// Loads the input tables: changes through `base` go to the workers at `base` at once. Ends early, with nothing,
/// when `stop` is set.
pub(crate) fn recover(
    tables: &[InputScan],
    base: Epoch,
    settings: AdmissionSettings,
    feeder: &Feeder,
    status: &Status,
    stop: &StopFlag,
) -> Result<Recovered, JobError> {
    let mut restores: BTreeMap<PartitionId, Restore> = BTreeMap::new();
    let mut tail: BTreeMap<Epoch, Vec<Arc<InputBatch>>> = BTreeMap::new();
    let mut rows = 0;
    for (_, _, scan) in tables {
        rows += scan.files()?.iter().map(|file| file.file.stats.rows).sum::<u64>();
    }
    status.to_load(rows);
    for (topic, relation, scan) in tables {
        let topic = *topic;
        for batch in scan.batches()? {
            if stop.is_set() {
                return Ok(Recovered::default());
            }
            let wrong = |source| JobError::Row {
                table: relation.name(),
                source,
            };
            let columns = InputColumns::of(&batch?).map_err(wrong)?;
            let mut rows: BTreeMap<Epoch, Vec<u32>> = BTreeMap::new();
            for number in 0..columns.len() {
                let row = columns.row(number).map_err(wrong)?;
                let partition = PartitionId {
                    topic,
                    partition: columns.partition(number),
                };
                restores
                    .entry(partition)
                    .or_insert_with(|| Restore::new(topic, settings))
                    .row(&row)
                    .map_err(wrong)?;
                if row.kind == RowKind::Row {
                    model::admission::Change::from_row(topic, &row).map_err(wrong)?;
                    let at = columns.epoch(number).max(base);
                    rows.entry(at).or_default().push(number as u32);
                }
            }
            status.loaded(columns.len() as u64);
            for (epoch, rows) in rows {
                let batch = Arc::new(InputBatch {
                    topic,
                    columns: columns.clone(),
                    rows,
                });
                if epoch == base {
                    feeder.rows(base, &batch);
                } else {
                    tail.entry(epoch).or_default().push(batch);
                }
            }
        }
    }
    if base > Epoch(0) {
        feeder.close(base);
    }
    let partitions = restores
        .into_iter()
        .map(|(partition, restore)| (partition, restore.finish()))
        .collect();
    Ok(Recovered { partitions, tail })
}
