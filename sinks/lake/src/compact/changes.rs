//! Consolidates tables of changes: equal rows below the retained epoch become one, or none.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int32Array, Int64Array, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type};
use arrow::error::ArrowError;

use crate::compact::Compaction;
use crate::compact::merge::{Gather, Merge, Ordering, RowRef};
use crate::error::LakeError;
use crate::write::FileSet;

/// Sums `diff` over equal rows at equal epochs, after raising epochs to the retained one; rows whose
/// sum is 0 are dropped. The content at every epoch from the retained one on stays the same.
pub(crate) fn consolidate(compaction: &Compaction, set: &mut FileSet) -> Result<(), LakeError> {
    let spec = compaction.spec;
    let table = spec.name();
    let place = |name: &str| {
        spec.schema
            .index_of(name)
            .expect("tables of changes have an epoch and a diff")
    };
    let (epoch, diff) = (place("epoch"), place("diff"));
    let since = compaction.retain.since.0.cast_signed();
    let key = spec.key.iter().map(|name| place(name));
    let rest = (0..spec.columns.len()).filter(|&column| {
        column != epoch && column != diff && !spec.key.contains(&spec.columns[column].name.as_str())
    });
    let ordering = Ordering {
        spec,
        columns: key.chain(rest).chain([epoch]).collect(),
        prepare: Box::new(move |batch| raise(&batch, epoch, since)),
    };
    let mut merge = Merge::open(&compaction.files, ordering, compaction.stretch_bytes)?;
    let mut output = Output {
        gather: Gather::default(),
        diffs: Vec::new(),
        diff,
    };
    let diff_of = |row: &RowRef| -> i64 {
        let diffs = row.loaded.batch.column(diff).as_primitive::<Int32Type>();
        diffs.value(row.row).into()
    };
    let mut group: Option<(RowRef, i64)> = None;
    while let Some(row) = merge.next()? {
        let this = diff_of(&row);
        match &mut group {
            Some((first, sum)) if first.key() == row.key() => *sum += this,
            _ => {
                if let Some((first, sum)) = group.replace((row, this)) {
                    output.push(&first, sum, set, table)?;
                }
            }
        }
    }
    if let Some((first, sum)) = group {
        output.push(&first, sum, set, table)?;
    }
    output.flush(set, table)
}

/// Raises epochs below `since` to it.
fn raise(batch: &RecordBatch, epoch: usize, since: i64) -> Result<RecordBatch, ArrowError> {
    let raised: Int64Array = batch
        .column(epoch)
        .as_primitive::<Int64Type>()
        .unary(|epoch| epoch.max(since));
    with_column(batch, epoch, Arc::new(raised))
}

/// The batch with another column at `place`.
pub(crate) fn with_column(
    batch: &RecordBatch,
    place: usize,
    column: ArrayRef,
) -> Result<RecordBatch, ArrowError> {
    let mut columns = batch.columns().to_vec();
    columns[place] = column;
    RecordBatch::try_new(batch.schema(), columns)
}

struct Output {
    gather: Gather,
    diffs: Vec<i32>,
    diff: usize,
}

impl Output {
    fn push(
        &mut self,
        row: &RowRef,
        sum: i64,
        set: &mut FileSet,
        table: &str,
    ) -> Result<(), LakeError> {
        if sum == 0 {
            return Ok(());
        }
        let sum = i32::try_from(sum).map_err(|_| {
            LakeError::rows("sum", table)(ArrowError::ComputeError(format!(
                "{sum} copies of one row"
            )))
        })?;
        self.gather.push(row);
        self.diffs.push(sum);
        if self.gather.is_full() {
            self.flush(set, table)?;
        }
        Ok(())
    }

    fn flush(&mut self, set: &mut FileSet, table: &str) -> Result<(), LakeError> {
        let diffs = Int32Array::from(std::mem::take(&mut self.diffs));
        let rows = self.gather.take().and_then(|batch| {
            batch
                .map(|batch| with_column(&batch, self.diff, Arc::new(diffs)))
                .transpose()
        });
        match rows.map_err(LakeError::rows("gather", table))? {
            Some(batch) => set.write(&batch),
            None => Ok(()),
        }
    }
}
