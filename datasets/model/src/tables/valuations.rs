//! Rows of the tables of valuations, and what changes in them when a character's value does.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, BooleanBufferBuilder, Decimal128Array, Float64Array, Int16Array,
    Int32Array, Int64Array, RecordBatch,
};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use valuation::{ComponentValue, Meso, Status};

use crate::tables::spec::Relation;
use crate::tables::text::{RepeatedTexts, batch};
use crate::time::Epoch;
use crate::valued::{CharacterValuation, ItemValuation, PresetValuation};

/// The largest amount that a column of money holds.
const MESOS_MAX: i128 = 10i128.pow(38) - 1;

fn checked(mesos: Meso) -> i128 {
    assert!(
        mesos.0.abs() <= MESOS_MAX,
        "{mesos} mesos have more than 38 digits"
    );
    mesos.0
}

/// A column of money without nulls.
fn money(values: Vec<i128>) -> ArrayRef {
    Arc::new(
        Decimal128Array::from(values)
            .with_precision_and_scale(38, 0)
            .expect("38 digits are what 128 bits hold"),
    )
}

/// Values with nulls in the making.
#[derive(Debug, Default)]
struct Optional<T> {
    values: Vec<T>,
    valid: Vec<bool>,
    nulls: usize,
}

impl<T: Default> Optional<T> {
    fn push(&mut self, value: Option<T>) {
        self.valid.push(value.is_some());
        self.nulls += usize::from(value.is_none());
        self.values.push(value.unwrap_or_default());
    }

    fn take(&mut self) -> (Vec<T>, Option<NullBuffer>) {
        let nulls = (self.nulls > 0).then(|| NullBuffer::from(std::mem::take(&mut self.valid)));
        self.valid.clear();
        self.nulls = 0;
        (std::mem::take(&mut self.values), nulls)
    }
}

impl Optional<f64> {
    fn finish(&mut self) -> ArrayRef {
        let (values, nulls) = self.take();
        Arc::new(Float64Array::new(ScalarBuffer::from(values), nulls))
    }
}

impl Optional<i128> {
    fn finish(&mut self) -> ArrayRef {
        let (values, nulls) = self.take();
        Arc::new(
            Decimal128Array::new(ScalarBuffer::from(values), nulls)
                .with_precision_and_scale(38, 0)
                .expect("38 digits are what 128 bits hold"),
        )
    }
}

/// The four columns of one component.
#[derive(Debug, Default)]
struct ComponentColumns {
    status: RepeatedTexts,
    cost: Optional<i128>,
    tries: Optional<f64>,
    sd: Optional<f64>,
}

impl ComponentColumns {
    fn push(&mut self, component: &ComponentValue) {
        self.status.push(component.status.name());
        self.cost.push(component.cost_mesos.map(checked));
        self.tries.push(component.tries);
        self.sd.push(component.sd_mesos);
    }

    fn finish(&mut self) -> [ArrayRef; 4] {
        [
            self.status.finish(),
            self.cost.finish(),
            self.tries.finish(),
            self.sd.finish(),
        ]
    }
}

/// What a component shows in a row, to be compared bit by bit.
type ShownComponent = (Status, Option<Meso>, Option<u64>, Option<u64>);

fn shown(component: &ComponentValue) -> ShownComponent {
    (
        component.status,
        component.cost_mesos,
        component.tries.map(f64::to_bits),
        component.sd_mesos.map(f64::to_bits),
    )
}

/// Whether two items have the same row.
fn same_item(left: &Arc<ItemValuation>, right: &Arc<ItemValuation>) -> bool {
    if Arc::ptr_eq(left, right) {
        return true;
    }
    let (a, b) = (&left.item, &right.item);
    left.cost_mesos == right.cost_mesos
        && left.missing_parts == right.missing_parts
        && left.table_part == right.table_part
        && (&a.slot, &a.part, &a.name) == (&b.slot, &b.part, &b.name)
        && (a.level, a.stars, a.scroll) == (b.level, b.stars, b.scroll)
        && (&a.grade, &a.additional_grade) == (&b.grade, &b.additional_grade)
        && left
            .components
            .iter()
            .map(shown)
            .eq(right.components.iter().map(shown))
}

/// Item rows in the making.
#[derive(Debug, Default)]
pub struct ItemRows {
    epoch: Vec<i64>,
    diff: Vec<i32>,
    ocid: RepeatedTexts,
    preset: Vec<i16>,
    position: Vec<i16>,
    slot: RepeatedTexts,
    part: RepeatedTexts,
    table_part: RepeatedTexts,
    name: RepeatedTexts,
    level: Vec<i16>,
    stars: Vec<i16>,
    scroll: Vec<bool>,
    grade: RepeatedTexts,
    additional_grade: RepeatedTexts,
    cost: Vec<i128>,
    missing: Vec<i32>,
    components: [ComponentColumns; 6],
}

impl ItemRows {
    /// Appends the row of the item at `position` (from 1) of `preset` (1 to 3).
    pub fn push(
        &mut self,
        ocid: &str,
        preset: u8,
        position: u16,
        item: &ItemValuation,
        epoch: Epoch,
        diff: i32,
    ) {
        let place = self.ocid.place(ocid);
        self.push_at(place, preset, position, item, epoch, diff);
    }

    fn push_at(
        &mut self,
        ocid: i32,
        preset: u8,
        position: u16,
        valued: &ItemValuation,
        epoch: Epoch,
        diff: i32,
    ) {
        let item = &valued.item;
        self.epoch.push(epoch.0.cast_signed());
        self.diff.push(diff);
        self.ocid.push_place(ocid);
        self.preset.push(i16::from(preset));
        self.position.push(position.cast_signed());
        self.slot.push(&item.slot);
        self.part.push(&item.part);
        self.table_part.push(&valued.table_part);
        self.name.push(&item.name);
        self.level.push(item.level.0.cast_signed());
        self.stars.push(i16::from(item.stars.0));
        self.scroll.push(item.scroll);
        self.grade.push_option(item.grade.as_deref());
        self.additional_grade
            .push_option(item.additional_grade.as_deref());
        self.cost.push(checked(valued.cost_mesos));
        self.missing.push(valued.missing_parts.cast_signed());
        for (columns, component) in self.components.iter_mut().zip(&valued.components) {
            columns.push(component);
        }
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
        let mut scroll = BooleanBufferBuilder::new(self.scroll.len());
        scroll.append_slice(&std::mem::take(&mut self.scroll));
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from(std::mem::take(&mut self.epoch))),
            Arc::new(Int32Array::from(std::mem::take(&mut self.diff))),
            self.ocid.finish(),
            Arc::new(Int16Array::from(std::mem::take(&mut self.preset))),
            Arc::new(Int16Array::from(std::mem::take(&mut self.position))),
            self.slot.finish(),
            self.part.finish(),
            self.table_part.finish(),
            self.name.finish(),
            Arc::new(Int16Array::from(std::mem::take(&mut self.level))),
            Arc::new(Int16Array::from(std::mem::take(&mut self.stars))),
            Arc::new(BooleanArray::new(scroll.finish(), None)),
            self.grade.finish(),
            self.additional_grade.finish(),
            money(std::mem::take(&mut self.cost)),
            Arc::new(Int32Array::from(std::mem::take(&mut self.missing))),
        ];
        for component in &mut self.components {
            columns.extend(component.finish());
        }
        batch(Relation::ItemValuations.spec(), columns)
    }
}

/// The columns that presets and characters share.
#[derive(Debug, Default)]
struct Totals {
    cost: Vec<i128>,
    missing: Vec<i32>,
    sd: Vec<f64>,
    p90: Vec<f64>,
}

impl Totals {
    fn push(&mut self, preset: &PresetValuation) {
        self.cost.push(checked(preset.cost_mesos));
        self.missing.push(preset.missing_parts.cast_signed());
        self.sd.push(preset.sd_mesos);
        self.p90.push(preset.p90_mesos);
    }

    fn finish(&mut self) -> [ArrayRef; 4] {
        [
            money(std::mem::take(&mut self.cost)),
            Arc::new(Int32Array::from(std::mem::take(&mut self.missing))),
            Arc::new(Float64Array::from(std::mem::take(&mut self.sd))),
            Arc::new(Float64Array::from(std::mem::take(&mut self.p90))),
        ]
    }
}

/// Whether two presets have the same totals, bit by bit.
fn same_totals(left: &PresetValuation, right: &PresetValuation) -> bool {
    left.cost_mesos == right.cost_mesos
        && left.missing_parts == right.missing_parts
        && left.sd_mesos.to_bits() == right.sd_mesos.to_bits()
        && left.p90_mesos.to_bits() == right.p90_mesos.to_bits()
}

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

/// Rows of the three tables of valuations in the making.
#[derive(Debug, Default)]
pub struct ValuationRows {
    /// Rows of `item_valuations`.
    pub items: ItemRows,
    /// Rows of `preset_valuations`.
    pub presets: PresetRows,
    /// Rows of `character_valuations`.
    pub characters: CharacterRows,
}

/// Appends what changes in the three tables when the value of `ocid` goes from `old` to `new` at
/// `epoch`: only rows that differ, the old one with -1, the new one with 1.
///
/// An item is compared with the one at the same position of the same preset.
pub fn changes(
    ocid: &str,
    old: Option<&CharacterValuation>,
    new: Option<&CharacterValuation>,
    epoch: Epoch,
    rows: &mut ValuationRows,
) {
    let same_character = match (old, new) {
        (Some(old), Some(new)) => {
            old.class == new.class
                && old.preset == new.preset
                && same_totals(old.best(), new.best())
        }
        (None, None) => return,
        (Some(_), None) | (None, Some(_)) => false,
    };
    if !same_character {
        for (side, diff) in [(old, -1), (new, 1)] {
            if let Some(character) = side {
                rows.characters.push(ocid, character, epoch, diff);
            }
        }
    }
    for preset in 1..=3 {
        preset_changes(ocid, preset, old, new, epoch, rows);
    }
}

fn items_of(character: Option<&CharacterValuation>, preset: u8) -> &[Arc<ItemValuation>] {
    character.map_or(&[], |character| {
        &character.presets[usize::from(preset) - 1].items
    })
}

fn preset_changes(
    ocid: &str,
    preset: u8,
    old: Option<&CharacterValuation>,
    new: Option<&CharacterValuation>,
    epoch: Epoch,
    rows: &mut ValuationRows,
) {
    let (before, after) = (items_of(old, preset), items_of(new, preset));
    let same_preset = match (old, new) {
        (Some(old), Some(new)) => {
            let place = usize::from(preset) - 1;
            old.class == new.class
                && before.len() == after.len()
                && same_totals(&old.presets[place], &new.presets[place])
        }
        _ => false,
    };
    if !same_preset {
        for (side, diff) in [(old, -1), (new, 1)] {
            if let Some(character) = side {
                rows.presets.push(ocid, preset, character, epoch, diff);
            }
        }
    }
    let place = rows.items.ocid.place(ocid);
    for index in 0..before.len().max(after.len()) {
        let (before, after) = (before.get(index), after.get(index));
        if let (Some(before), Some(after)) = (before, after)
            && same_item(before, after)
        {
            continue;
        }
        let position = u16::try_from(index + 1).expect("a preset has a bounded number of items");
        for (side, diff) in [(before, -1), (after, 1)] {
            if let Some(item) = side {
                rows.items
                    .push_at(place, preset, position, item, epoch, diff);
            }
        }
    }
}

#[cfg(test)]
mod tests;
