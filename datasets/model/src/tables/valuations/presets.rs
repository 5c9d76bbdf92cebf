//! Rows of presets.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int16Array, Int32Array, Int64Array, RecordBatch};

use super::columns::Totals;
use crate::tables::spec::Relation;
use crate::tables::text::{RepeatedTexts, batch};
use crate::time::Epoch;
use crate::valued::CharacterValuation;

/// Preset rows in the making.
#[derive(Debug, Default)]
pub struct PresetRows {
    epoch: Vec<i64>,
    diff: Vec<i32>,
    ocid: RepeatedTexts,
    preset: Vec<i16>,
    class: RepeatedTexts,
    items: Vec<i32>,
    totals: Totals,
}

impl PresetRows {
    /// Appends the row of preset number `preset` (1 to 3) of `character`.
    pub fn push(
        &mut self,
        ocid: &str,
        preset: u8,
        character: &CharacterValuation,
        epoch: Epoch,
        diff: i32,
    ) {
        let valued = &character.presets[usize::from(preset) - 1];
        self.epoch.push(epoch.0.cast_signed());
        self.diff.push(diff);
        self.ocid.push(ocid);
        self.preset.push(i16::from(preset));
        self.class.push(&character.class);
        self.items.push(
            i32::try_from(valued.items.len()).expect("a preset has a bounded number of items"),
        );
        self.totals.push(valued);
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
            self.ocid.finish(),
            Arc::new(Int16Array::from(std::mem::take(&mut self.preset))),
            self.class.finish(),
            Arc::new(Int32Array::from(std::mem::take(&mut self.items))),
        ];
        columns.extend(self.totals.finish());
        batch(Relation::PresetValuations.spec(), columns)
    }
}
