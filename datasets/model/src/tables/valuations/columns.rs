//! Columns that the rows of items, presets and characters are made of.

use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array, Float64Array, Int32Array};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use valuation::Meso;

use crate::valued::PresetValuation;

/// Takes the values of a batch and makes room for as many: a column does not grow from nothing each time.
pub(super) fn take<T>(values: &mut Vec<T>) -> Vec<T> {
    let room = Vec::with_capacity(values.len());
    std::mem::replace(values, room)
}

/// The largest amount that a column of money holds.
const MESOS_MAX: i128 = 10i128.pow(38) - 1;

pub(super) fn checked(mesos: Meso) -> i128 {
    assert!(
        mesos.0.abs() <= MESOS_MAX,
        "{mesos} mesos have more than 38 digits"
    );
    mesos.0
}

/// A column of money without nulls.
pub(super) fn money(values: Vec<i128>) -> ArrayRef {
    Arc::new(
        Decimal128Array::from(values)
            .with_precision_and_scale(38, 0)
            .expect("38 digits are what 128 bits hold"),
    )
}

/// Values with nulls in the making.
#[derive(Debug, Default)]
pub(super) struct Optional<T> {
    values: Vec<T>,
    valid: Vec<bool>,
    nulls: usize,
}

impl<T: Default> Optional<T> {
    pub(super) fn push(&mut self, value: Option<T>) {
        self.valid.push(value.is_some());
        self.nulls += usize::from(value.is_none());
        self.values.push(value.unwrap_or_default());
    }

    pub(super) fn take(&mut self) -> (Vec<T>, Option<NullBuffer>) {
        let nulls = (self.nulls > 0).then(|| NullBuffer::from(std::mem::take(&mut self.valid)));
        self.valid.clear();
        self.nulls = 0;
        (take(&mut self.values), nulls)
    }
}

impl Optional<f64> {
    pub(super) fn finish(&mut self) -> ArrayRef {
        let (values, nulls) = self.take();
        Arc::new(Float64Array::new(ScalarBuffer::from(values), nulls))
    }
}

impl Optional<i128> {
    pub(super) fn finish(&mut self) -> ArrayRef {
        let (values, nulls) = self.take();
        Arc::new(
            Decimal128Array::new(ScalarBuffer::from(values), nulls)
                .with_precision_and_scale(38, 0)
                .expect("38 digits are what 128 bits hold"),
        )
    }
}

/// The columns that presets and characters share.
#[derive(Debug, Default)]
pub(super) struct Totals {
    cost: Vec<i128>,
    missing: Vec<i32>,
    sd: Vec<f64>,
    p90: Vec<f64>,
}

impl Totals {
    pub(super) fn push(&mut self, preset: &PresetValuation) {
        self.cost.push(checked(preset.cost_mesos));
        self.missing.push(preset.missing_parts.cast_signed());
        self.sd.push(preset.sd_mesos);
        self.p90.push(preset.p90_mesos);
    }

    pub(super) fn finish(&mut self) -> [ArrayRef; 4] {
        [
            money(std::mem::take(&mut self.cost)),
            Arc::new(Int32Array::from(std::mem::take(&mut self.missing))),
            Arc::new(Float64Array::from(std::mem::take(&mut self.sd))),
            Arc::new(Float64Array::from(std::mem::take(&mut self.p90))),
        ]
    }
}

/// Whether two presets have the same totals, bit by bit.
pub(super) fn same_totals(left: &PresetValuation, right: &PresetValuation) -> bool {
    left.cost_mesos == right.cost_mesos
        && left.missing_parts == right.missing_parts
        && left.sd_mesos.to_bits() == right.sd_mesos.to_bits()
        && left.p90_mesos.to_bits() == right.p90_mesos.to_bits()
}
