//! What the tables of valuations say of a character at one epoch.

use std::collections::BTreeMap;

use anyhow::Result;
use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::{Decimal128Type, Float64Type, Int16Type, Int32Type, Int64Type};
use lake::{Lake, View};
use model::Epoch;
use model::tables::Relation;
use valuation::{ComponentKind, ComponentValue};

use super::input::{can_hold, column};

/// Presets by number, items by preset and position (from 1).
#[derive(Debug, Default)]
pub(super) struct StoredValuation {
    pub(super) presets: BTreeMap<u8, StoredPreset>,
    pub(super) items: BTreeMap<(u8, u16), StoredItem>,
}

/// A row of `preset_valuations`; floats as their bits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct StoredPreset {
    pub(super) cost_mesos: i128,
    pub(super) missing_parts: i64,
    pub(super) sd_bits: u64,
    pub(super) p90_bits: u64,
}

/// A row of `item_valuations`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct StoredItem {
    pub(super) slot: String,
    pub(super) name: String,
    pub(super) components: Vec<StoredComponent>,
}

/// The columns of one component; floats as their bits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct StoredComponent {
    status: String,
    cost_mesos: Option<i128>,
    tries_bits: Option<u64>,
    sd_bits: Option<u64>,
}

impl From<&ComponentValue> for StoredComponent {
    fn from(value: &ComponentValue) -> Self {
        Self {
            status: value.status.name().to_owned(),
            cost_mesos: value.cost_mesos.map(|cost| cost.0),
            tries_bits: value.tries.map(f64::to_bits),
            sd_bits: value.sd_mesos.map(f64::to_bits),
        }
    }
}

/// The content at the newest epoch, at most `up_to`, that both tables have sealed; nothing where a
/// table is not there, has sealed nothing, or no longer tells that epoch.
pub(super) fn read(
    lake: &Lake,
    ocid: &str,
    up_to: Epoch,
) -> Result<Option<(Epoch, StoredValuation)>> {
    let (Some(items), Some(presets)) = (
        lake.view(Relation::ItemValuations)?,
        lake.view(Relation::PresetValuations)?,
    ) else {
        return Ok(None);
    };
    let (Some(of_items), Some(of_presets)) = (items.committed(), presets.committed()) else {
        return Ok(None);
    };
    let as_of = of_items.min(of_presets).min(up_to);
    if [&items, &presets]
        .iter()
        .any(|view| view.since() > Some(as_of))
    {
        return Ok(None);
    }
    let stored = StoredValuation {
        presets: content(&presets, ocid, as_of, preset_rows)?,
        items: content(&items, ocid, as_of, item_rows)?,
    };
    Ok(Some((as_of, stored)))
}

/// A row with the place that it is of and how many copies of it come or go.
type Rows<P, R> = Vec<((P, R), i64)>;

/// The rows whose copies do not sum to 0.
fn content<P: Ord, R: Ord>(
    view: &View,
    ocid: &str,
    as_of: Epoch,
    rows: impl Fn(&RecordBatch, &str) -> Result<Rows<P, R>>,
) -> Result<BTreeMap<P, R>> {
    let mut copies: BTreeMap<(P, R), i64> = BTreeMap::new();
    for file in view.scan().epochs(Epoch(0)..Epoch(as_of.0 + 1)).files()? {
        if !can_hold(&file, "ocid", ocid) {
            continue;
        }
        for batch in file.batches()? {
            for (row, diff) in rows(&batch?, ocid)? {
                *copies.entry(row).or_default() += diff;
            }
        }
    }
    let held = copies.into_iter().filter(|(_, copies)| *copies != 0);
    Ok(held.map(|(row, _)| row).collect())
}

/// The places of the rows of a character, and each row's diff.
fn of_character(batch: &RecordBatch, ocid: &str) -> Result<Vec<(usize, i64)>> {
    let ocids = column(batch, "ocid")?.as_string::<i32>();
    let diff = column(batch, "diff")?.as_primitive::<Int32Type>();
    let places = (0..batch.num_rows()).filter(|&at| ocids.value(at) == ocid);
    Ok(places.map(|at| (at, diff.value(at).into())).collect())
}

fn number(batch: &RecordBatch, name: &str, at: usize) -> Result<i64> {
    let column = column(batch, name)?;
    let small = column.as_primitive_opt::<Int16Type>();
    let medium = column.as_primitive_opt::<Int32Type>();
    Ok(match (small, medium) {
        (Some(small), _) => small.value(at).into(),
        (None, Some(medium)) => medium.value(at).into(),
        (None, None) => column.as_primitive::<Int64Type>().value(at),
    })
}

fn text(batch: &RecordBatch, name: &str, at: usize) -> Result<String> {
    Ok(column(batch, name)?.as_string::<i32>().value(at).to_owned())
}

fn mesos(batch: &RecordBatch, name: &str, at: usize) -> Result<Option<i128>> {
    let column = column(batch, name)?.as_primitive::<Decimal128Type>();
    Ok(column.is_valid(at).then(|| column.value(at)))
}

fn bits(batch: &RecordBatch, name: &str, at: usize) -> Result<Option<u64>> {
    let column = column(batch, name)?.as_primitive::<Float64Type>();
    Ok(column.is_valid(at).then(|| column.value(at).to_bits()))
}

/// The number of a preset or place, which tables hold in 16 bits.
fn small<N: TryFrom<i64> + Default>(number: i64) -> N {
    N::try_from(number).unwrap_or_default()
}

fn preset_rows(batch: &RecordBatch, ocid: &str) -> Result<Rows<u8, StoredPreset>> {
    let places = of_character(batch, ocid)?.into_iter();
    places
        .map(|(at, diff)| {
            let row = StoredPreset {
                cost_mesos: mesos(batch, "cost_mesos", at)?.unwrap_or_default(),
                missing_parts: number(batch, "missing_parts", at)?,
                sd_bits: bits(batch, "sd_mesos", at)?.unwrap_or_default(),
                p90_bits: bits(batch, "p90_mesos", at)?.unwrap_or_default(),
            };
            Ok(((small(number(batch, "preset", at)?), row), diff))
        })
        .collect()
}

fn item_rows(batch: &RecordBatch, ocid: &str) -> Result<Rows<(u8, u16), StoredItem>> {
    let places = of_character(batch, ocid)?.into_iter();
    places
        .map(|(at, diff)| {
            let components: Result<Vec<StoredComponent>> = ComponentKind::ALL
                .iter()
                .map(|kind| {
                    let column = |what: &str| format!("{}_{what}", kind.name());
                    Ok(StoredComponent {
                        status: text(batch, &column("status"), at)?,
                        cost_mesos: mesos(batch, &column("cost_mesos"), at)?,
                        tries_bits: bits(batch, &column("tries"), at)?,
                        sd_bits: bits(batch, &column("sd_mesos"), at)?,
                    })
                })
                .collect();
            let place = (
                small(number(batch, "preset", at)?),
                small(number(batch, "position", at)?),
            );
            let row = StoredItem {
                slot: text(batch, "slot", at)?,
                name: text(batch, "name", at)?,
                components: components?,
            };
            Ok(((place, row), diff))
        })
        .collect()
}
