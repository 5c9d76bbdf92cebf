//! The tables of valuations: items, presets, characters.

use arrow::array::RecordBatch;
use lake::{Lake, LakeError, Owner, Table};
use model::Epoch;
use model::tables::{Relation, ValuationRows, changes};
use valuation::RulesetHash;

use super::committer::TableGroup;
use super::inputs::Draft;
use super::router::FinishedEpoch;
use crate::decide;
use crate::job::{RULESET, as_position};

/// `item_valuations`, `preset_valuations` and `character_valuations`.
pub(crate) struct ValuationTables {
    tables: [Table; 3],
    /// The rules in force, as a position of the tables.
    ruleset: (String, i64),
    rows: ValuationRows,
    /// Rows of a commit that is under way: kept until every table has them.
    prepared: Option<[Draft; 3]>,
}

impl ValuationTables {
    /// Opens the tables and fences older generations off.
    pub(crate) fn open(
        lake: &Lake,
        owner: &Owner,
        ruleset: RulesetHash,
    ) -> Result<Self, LakeError> {
        Ok(Self {
            tables: [
                lake.table(Relation::ItemValuations, owner)?,
                lake.table(Relation::PresetValuations, owner)?,
                lake.table(Relation::CharacterValuations, owner)?,
            ],
            ruleset: (RULESET.to_owned(), as_position(ruleset)),
            rows: ValuationRows::default(),
            prepared: None,
        })
    }

    /// The rules, as a position, that the table was committed under that is furthest behind; `None` before
    /// its first commit.
    pub(crate) fn standing(&self) -> Option<i64> {
        let behind = self.tables.iter().min_by_key(|table| table.committed())?;
        behind.position(RULESET)
    }

    /// The tables.
    pub(crate) fn tables(&self) -> impl Iterator<Item = &Table> {
        self.tables.iter()
    }
}

impl TableGroup for ValuationTables {
    type Feed = FinishedEpoch;

    fn name(&self) -> &'static str {
        "valuations"
    }

    fn epoch(feed: &FinishedEpoch) -> Epoch {
        feed.epoch
    }

    fn take(&mut self, feed: &FinishedEpoch) {
        if self
            .tables
            .iter()
            .all(|table| !decide::takes(table.committed(), feed.epoch))
        {
            return;
        }
        for change in &feed.valuations {
            changes(
                &change.key,
                change.old.as_ref(),
                change.new.as_ref(),
                feed.epoch,
                &mut self.rows,
            );
        }
    }

    fn rows(&self) -> usize {
        self.rows.items.len() + self.rows.presets.len() + self.rows.characters.len()
    }

    fn tables_mut(&mut self) -> Vec<&mut Table> {
        self.tables.iter_mut().collect()
    }

    fn commit(&mut self, through: Epoch) -> Result<(), LakeError> {
        let rows = &mut self.rows;
        let prepared = self.prepared.get_or_insert_with(|| {
            [
                rows.items.finish(),
                rows.presets.finish(),
                rows.characters.finish(),
            ]
            .map(Draft::from)
        });
        for (table, draft) in self.tables.iter_mut().zip(prepared) {
            draft.without_committed(table);
            draft.seal(table, through, std::slice::from_ref(&self.ruleset))?;
        }
        self.prepared = None;
        Ok(())
    }
}

/// The rows above an epoch that the table committed before: tables of a group may have stopped at
/// different epochs.
pub(super) fn after(batch: &RecordBatch, committed: Epoch) -> RecordBatch {
    use arrow::array::{AsArray as _, BooleanArray};
    use arrow::datatypes::Int64Type;
    let epochs = batch
        .column_by_name("epoch")
        .expect("every table of changes has an epoch")
        .as_primitive::<Int64Type>();
    let newer: BooleanArray = epochs
        .iter()
        .map(|epoch| epoch.map(|epoch| epoch.cast_unsigned() > committed.0))
        .collect();
    arrow::compute::filter_record_batch(batch, &newer).expect("the mask is as long as the batch")
}
