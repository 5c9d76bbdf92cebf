//! The table of like counts. The pairs are committed with the inputs that they are of.

use lake::{Lake, LakeError, Owner, Table};
use model::Epoch;
use model::tables::{LikeCountRows, Relation};

use super::committer::TableGroup;
use super::inputs::Draft;
use super::router::FinishedEpoch;
use crate::decide;

/// `like_counts`.
pub(crate) struct LikeTables {
    counts: Table,
    rows: LikeCountRows,
    /// Rows of a commit that is under way.
    prepared: Option<Draft>,
}

impl LikeTables {
    /// Opens the table and fences older generations off.
    pub(crate) fn open(lake: &Lake, owner: &Owner) -> Result<Self, LakeError> {
        Ok(Self {
            counts: lake.table(Relation::LikeCounts, owner)?,
            rows: LikeCountRows::default(),
            prepared: None,
        })
    }

    /// The table.
    #[must_use]
    pub(crate) fn table(&self) -> &Table {
        &self.counts
    }
}

impl TableGroup for LikeTables {
    type Feed = FinishedEpoch;

    fn name(&self) -> &'static str {
        "likes"
    }

    fn epoch(feed: &FinishedEpoch) -> Epoch {
        feed.epoch
    }

    fn take(&mut self, feed: &FinishedEpoch) {
        if !decide::takes(self.counts.committed(), feed.epoch) {
            return;
        }
        for change in &feed.like_counts {
            self.rows.change(
                &change.key,
                change.old.unwrap_or(0),
                change.new.unwrap_or(0),
                feed.epoch,
            );
        }
    }

    fn rows(&self) -> usize {
        self.rows.len()
    }

    fn tables_mut(&mut self) -> Vec<&mut Table> {
        vec![&mut self.counts]
    }

    fn commit(&mut self, through: Epoch) -> Result<(), LakeError> {
        let rows = &mut self.rows;
        let prepared = self.prepared.get_or_insert_with(|| rows.finish().into());
        prepared.seal(&mut self.counts, through, &[])?;
        self.prepared = None;
        Ok(())
    }
}
