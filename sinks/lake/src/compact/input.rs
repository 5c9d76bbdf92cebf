//! Consolidates input tables: below the retained epoch the newest row and head of a key stay, and the
//! event ids inside the horizon, and the newest of all.

use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, Int32Array, StringArray};
use arrow::compute::nullif;
use arrow::datatypes::{Int32Type, Int64Type};
use arrow::error::ArrowError;
use model::admission::RowKind;

use crate::compact::changes::with_column;
use crate::compact::merge::{Gather, Merge, Ordering, RowRef};
use crate::compact::{Compaction, Retain};
use crate::error::LakeError;
use crate::write::FileSet;

/// Where the columns of an input table stand.
#[derive(Clone, Copy)]
struct Columns {
    partition: usize,
    epoch: usize,
    diff: usize,
    kind: usize,
    key: usize,
    value: usize,
    event_id: usize,
    offset: usize,
    timestamp: usize,
}

/// What is looked at to decide on a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Facts {
    kind: RowKind,
    diff: i32,
    /// Whether its epoch is at or below the retained one.
    settled: bool,
    has_id: bool,
    timestamp: i64,
}

/// What becomes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It stays as it is.
    Stays,
    /// Its event id stays.
    StaysAsId,
    /// It goes.
    Goes,
}

/// Keeps what [`model::admission::consolidate_key`] keeps, of the rows at or below the retained
/// epoch; later rows all stay. Deletions stay while older rows may lie in other files.
pub(crate) fn consolidate(compaction: &Compaction, set: &mut FileSet) -> Result<(), LakeError> {
    let spec = compaction.spec;
    let place = |name| {
        spec.schema
            .index_of(name)
            .expect("input tables have these columns")
    };
    let columns = Columns {
        partition: place("partition"),
        epoch: place("epoch"),
        diff: place("diff"),
        kind: place("kind"),
        key: place("key"),
        value: place("value"),
        event_id: place("event_id"),
        offset: place("record_offset"),
        timestamp: place("timestamp_millis"),
    };
    let ordering = Ordering {
        spec,
        columns: vec![columns.partition, columns.key, columns.offset, columns.kind],
        prepare: Box::new(Ok),
    };
    let mut merge = Merge::open(&compaction.files, ordering, compaction.stretch_bytes)?;
    let mut output = Output {
        table: spec.name(),
        columns,
        gather: Gather::default(),
        as_id: Vec::new(),
    };
    let mut group: Vec<RowRef> = Vec::new();
    loop {
        let next = merge.next()?;
        let ends = match (&next, group.first()) {
            (Some(row), Some(first)) => !columns.same_key(first, row),
            (None, Some(_)) => true,
            (_, None) => false,
        };
        if ends {
            // A key's rows stay in one file: read one after the other, files keep their order.
            if set.is_full() {
                output.flush(set)?;
                set.roll()?;
            }
            let facts = group
                .iter()
                .map(|row| columns.facts(row, &compaction.retain))
                .collect::<Result<Vec<_>, _>>()
                .map_err(LakeError::rows("understand", spec.name()))?;
            let partition = columns.partition_of(&group[0]);
            let ids_from = compaction.retain.ids_from.get(&partition);
            let fates = fates(&facts, ids_from.map(|at| at.0), compaction.whole);
            for (row, fate) in group.drain(..).zip(fates) {
                output.push(&row, fate);
            }
            if output.gather.is_full() {
                output.flush(set)?;
            }
        }
        match next {
            Some(row) => group.push(row),
            None => break,
        }
    }
    output.flush(set)
}

impl Columns {
    fn partition_of(&self, row: &RowRef) -> i32 {
        let column = row.loaded.batch.column(self.partition);
        column.as_primitive::<Int32Type>().value(row.row)
    }

    fn key_of<'a>(&self, row: &'a RowRef) -> &'a str {
        let column = row.loaded.batch.column(self.key);
        column.as_string::<i32>().value(row.row)
    }

    fn same_key(&self, a: &RowRef, b: &RowRef) -> bool {
        self.partition_of(a) == self.partition_of(b) && self.key_of(a) == self.key_of(b)
    }

    fn facts(&self, row: &RowRef, retain: &Retain) -> Result<Facts, ArrowError> {
        let (batch, at) = (&row.loaded.batch, row.row);
        let kind = batch.column(self.kind).as_string::<i32>().value(at);
        let long = |column: usize| batch.column(column).as_primitive::<Int64Type>().value(at);
        Ok(Facts {
            kind: RowKind::from_name(kind).ok_or_else(|| {
                ArrowError::ParseError(format!("{kind} is no kind of an input row"))
            })?,
            diff: batch
                .column(self.diff)
                .as_primitive::<Int32Type>()
                .value(at),
            settled: long(self.epoch).cast_unsigned() <= retain.since.0,
            has_id: batch.column(self.event_id).is_valid(at),
            timestamp: long(self.timestamp),
        })
    }
}

/// Decides on the rows of one key, which come in the order of their offsets.
///
/// Rows of kind row are upserts, and of likes the sum of their `diff` is a count too. While older rows may lie in
/// other files, both must stay true: a pair that begins and ends here leaves neither row, one that ends and
/// begins again leaves both.
fn fates(rows: &[Facts], ids_from: Option<i64>, whole: bool) -> Vec<Fate> {
    let newest = |kind| rows.iter().rposition(|row| row.settled && row.kind == kind);
    let (newest_row, newest_head) = (newest(RowKind::Row), newest(RowKind::Head));
    let newest_id = rows.iter().rposition(|row| row.has_id);
    let oldest_row = rows
        .iter()
        .position(|row| row.settled && row.kind == RowKind::Row);
    let diff = |place: Option<usize>| place.map_or(0, |place| rows[place].diff);
    let (begins, ends) = (diff(oldest_row), diff(newest_row));
    let stays = |index: usize| {
        let is_newest = newest_row == Some(index);
        let is_oldest = oldest_row == Some(index);
        match (whole, begins > 0, ends > 0) {
            (true, _, ends) => is_newest && ends,
            (false, true, false) => false,
            (false, false, true) => is_newest || is_oldest,
            (false, ..) => is_newest,
        }
    };
    rows.iter()
        .enumerate()
        .map(|(index, row)| {
            let is_state = match row.kind {
                RowKind::Row => stays(index),
                RowKind::Head => newest_head == Some(index) && (row.diff > 0 || !whole),
                RowKind::Id => false,
            };
            let id_counts = newest_id == Some(index)
                || (row.has_id && ids_from.is_none_or(|from| row.timestamp >= from));
            if !row.settled || is_state {
                Fate::Stays
            } else if id_counts {
                Fate::StaysAsId
            } else {
                Fate::Goes
            }
        })
        .collect()
}

struct Output<'a> {
    table: &'a str,
    columns: Columns,
    gather: Gather,
    as_id: Vec<bool>,
}

impl Output<'_> {
    fn push(&mut self, row: &RowRef, fate: Fate) {
        match fate {
            Fate::Stays => {
                self.gather.push(row);
                self.as_id.push(false);
            }
            Fate::StaysAsId => {
                self.gather.push(row);
                self.as_id.push(true);
            }
            Fate::Goes => {}
        }
    }

    fn flush(&mut self, set: &mut FileSet) -> Result<(), LakeError> {
        let as_id = BooleanArray::from(std::mem::take(&mut self.as_id));
        let gathered = self
            .gather
            .take()
            .map_err(LakeError::rows("gather", self.table))?;
        let Some(mut batch) = gathered else {
            return Ok(());
        };
        if as_id.true_count() > 0 {
            batch = self
                .turn_into_ids(&batch, &as_id)
                .map_err(LakeError::rows("rewrite", self.table))?;
        }
        // Files are closed between keys only.
        set.append(&batch)
    }

    fn turn_into_ids(
        &self,
        batch: &arrow::array::RecordBatch,
        as_id: &BooleanArray,
    ) -> Result<arrow::array::RecordBatch, ArrowError> {
        let columns = self.columns;
        let kinds = batch.column(columns.kind).as_string::<i32>();
        let kind: StringArray = (0..batch.num_rows())
            .map(|row| {
                Some(if as_id.value(row) {
                    RowKind::Id.name()
                } else {
                    kinds.value(row)
                })
            })
            .collect();
        let diffs = batch.column(columns.diff).as_primitive::<Int32Type>();
        let diff: Int32Array = (0..batch.num_rows())
            .map(|row| {
                Some(if as_id.value(row) {
                    1
                } else {
                    diffs.value(row)
                })
            })
            .collect();
        let value = nullif(batch.column(columns.value), as_id)?;
        let batch = with_column(batch, columns.kind, Arc::new(kind))?;
        let batch = with_column(&batch, columns.diff, Arc::new(diff))?;
        with_column(&batch, columns.value, value)
    }
}

#[cfg(test)]
mod tests;
