//! Rows of items, component by component.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, BooleanBufferBuilder, Int16Array, Int32Array, Int64Array, RecordBatch,
};
use valuation::{ComponentValue, Meso, Status};

use super::columns::{Optional, checked, money, take};
use crate::tables::spec::Relation;
use crate::tables::text::{RepeatedTexts, batch};
use crate::time::Epoch;
use crate::valued::ItemValuation;

/// The four columns of one component.
#[derive(Debug, Default)]
pub(super) struct ComponentColumns {
    status: RepeatedTexts,
    /// The places of the names of statuses in this batch.
    status_places: [Option<i32>; Status::ALL.len()],
    cost: Optional<i128>,
    tries: Optional<f64>,
    sd: Optional<f64>,
}

impl ComponentColumns {
    pub(super) fn push(&mut self, component: &ComponentValue) {
        let (texts, status) = (&mut self.status, component.status);
        let place = &mut self.status_places[status as usize];
        let place = *place.get_or_insert_with(|| texts.place(status.name()));
        self.status.push_place(place);
        self.cost.push(component.cost_mesos.map(checked));
        self.tries.push(component.tries);
        self.sd.push(component.sd_mesos);
    }

    pub(super) fn finish(&mut self) -> [ArrayRef; 4] {
        self.status_places = Default::default();
        [
            self.status.finish(),
            self.cost.finish(),
            self.tries.finish(),
            self.sd.finish(),
        ]
    }
}

/// What a component shows in a row, to be compared bit by bit.
pub(super) type ShownComponent = (Status, Option<Meso>, Option<u64>, Option<u64>);

pub(super) fn shown(component: &ComponentValue) -> ShownComponent {
    (
        component.status,
        component.cost_mesos,
        component.tries.map(f64::to_bits),
        component.sd_mesos.map(f64::to_bits),
    )
}

/// Whether two items have the same row.
pub(super) fn same_item(left: &Arc<ItemValuation>, right: &Arc<ItemValuation>) -> bool {
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
        && (left.components.iter().zip(&right.components))
            .all(|(left, right)| shown(left) == shown(right))
}

/// Item rows in the making.
#[derive(Debug, Default)]
pub struct ItemRows {
    epoch: Vec<i64>,
    diff: Vec<i32>,
    pub(super) ocid: RepeatedTexts,
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

    pub(super) fn push_at(
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
        scroll.append_slice(&take(&mut self.scroll));
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from(take(&mut self.epoch))),
            Arc::new(Int32Array::from(take(&mut self.diff))),
            self.ocid.finish(),
            Arc::new(Int16Array::from(take(&mut self.preset))),
            Arc::new(Int16Array::from(take(&mut self.position))),
            self.slot.finish(),
            self.part.finish(),
            self.table_part.finish(),
            self.name.finish(),
            Arc::new(Int16Array::from(take(&mut self.level))),
            Arc::new(Int16Array::from(take(&mut self.stars))),
            Arc::new(BooleanArray::new(scroll.finish(), None)),
            self.grade.finish(),
            self.additional_grade.finish(),
            money(take(&mut self.cost)),
            Arc::new(Int32Array::from(take(&mut self.missing))),
        ];
        for component in &mut self.components {
            columns.extend(component.finish());
        }
        batch(Relation::ItemValuations.spec(), columns)
    }
}
