//! Rows of characters: their changes, and how they stand.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int16Array, Int32Array, Int64Array, RecordBatch};

use super::columns::Totals;
use crate::tables::spec::Relation;
use crate::tables::text::{RepeatedTexts, batch};
use crate::time::Epoch;
use crate::valued::CharacterValuation;

/// The columns of a character without time.
#[derive(Debug, Default)]
struct CharacterColumns {
    ocid: RepeatedTexts,
    class: RepeatedTexts,
    preset: Vec<i16>,
    totals: Totals,
}

impl CharacterColumns {
    fn push(&mut self, ocid: &str, character: &CharacterValuation) {
        self.ocid.push(ocid);
        self.class.push(&character.class);
        self.preset.push(i16::from(character.preset));
        self.totals.push(character.best());
    }

    fn finish(&mut self) -> Vec<ArrayRef> {
        let mut columns: Vec<ArrayRef> = vec![
            self.ocid.finish(),
            self.class.finish(),
            Arc::new(Int16Array::from(std::mem::take(&mut self.preset))),
        ];
        columns.extend(self.totals.finish());
        columns
    }
}

/// Character rows in the making.
#[derive(Debug, Default)]
pub struct CharacterRows {
    epoch: Vec<i64>,
    diff: Vec<i32>,
    character: CharacterColumns,
}

impl CharacterRows {
    /// Appends the row of `character`.
    pub fn push(&mut self, ocid: &str, character: &CharacterValuation, epoch: Epoch, diff: i32) {
        self.epoch.push(epoch.0.cast_signed());
        self.diff.push(diff);
        self.character.push(ocid, character);
    }

    /// Number of rows since the last [`Self::finish`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.epoch.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the rows as one batch.
    pub fn finish(&mut self) -> RecordBatch {
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from(std::mem::take(&mut self.epoch))),
            Arc::new(Int32Array::from(std::mem::take(&mut self.diff))),
        ];
        columns.extend(self.character.finish());
        batch(Relation::CharacterValuations.spec(), columns)
    }
}

/// Characters as they stand at one epoch, in the making.
#[derive(Debug)]
pub struct CharacterNowRows {
    as_of: Epoch,
    ruleset: String,
    character: CharacterColumns,
    changed_at: Vec<i64>,
}

impl CharacterNowRows {
    /// No rows yet of the content at `as_of` under `ruleset` (its hash as text).
    #[must_use]
    pub fn new(as_of: Epoch, ruleset: &str) -> Self {
        Self {
            as_of,
            ruleset: ruleset.to_owned(),
            character: CharacterColumns::default(),
            changed_at: Vec::new(),
        }
    }

    /// Appends the row of `character`.
    pub fn push(&mut self, ocid: &str, character: &CharacterValuation, changed_at: Epoch) {
        self.character.push(ocid, character);
        self.changed_at.push(changed_at.0.cast_signed());
    }

    /// Number of rows since the last [`Self::finish`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.changed_at.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the rows as one batch.
    pub fn finish(&mut self) -> RecordBatch {
        let rows = self.len();
        let mut ruleset = RepeatedTexts::default();
        let place = ruleset.place(&self.ruleset);
        for _ in 0..rows {
            ruleset.push_place(place);
        }
        let as_of = vec![self.as_of.0.cast_signed(); rows];
        let mut columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from(as_of))];
        columns.extend(self.character.finish());
        columns.push(Arc::new(Int64Array::from(std::mem::take(
            &mut self.changed_at,
        ))));
        columns.push(ruleset.finish());
        batch(Relation::CharactersNow.spec(), columns)
    }
}
