//! Totals: of an item, of a preset, of a character.

use std::borrow::Borrow;

use crate::component::{ComponentKind, ComponentValue};
use crate::item::Item;
use crate::key::{self, Key};
use crate::rules::{Rules, Ruleset};
use crate::units::Meso;

/// What the summed components of an item come to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ItemTotal {
    /// Sum of the costs that are known, in whole mesos.
    pub cost_mesos: Meso,
    /// Number of components that should be in the sum and have no cost.
    pub missing_parts: u32,
    /// Variance of the cost in mesos².
    pub variance: f64,
}

/// What the items of a preset come to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PresetTotal {
    /// Sum of the costs that are known, in whole mesos.
    pub cost_mesos: Meso,
    /// Number of components that should be in the sum and have no cost.
    pub missing_parts: u32,
    /// Standard deviation of the cost in mesos.
    pub sd_mesos: f64,
    /// The cost that suffices in 90 of 100 cases, by [`p90`].
    pub p90_mesos: f64,
}

/// An item with its components.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemValue {
    /// Part of the odds tables that applies.
    pub table_part: String,
    /// The six components, in the order of [`ComponentKind::ALL`].
    pub components: [ComponentValue; 6],
    /// What the summed ones come to.
    pub total: ItemTotal,
}

/// The three presets of a character.
#[derive(Clone, Debug, PartialEq)]
pub struct CharacterValue {
    /// The preset that counts, 1 to 3.
    pub preset: u8,
    /// Totals and items of the presets, in order.
    pub presets: [(PresetTotal, Vec<ItemValue>); 3],
}

/// Sums the components that the rules sum. Components are independent: variances add.
#[must_use]
pub fn item_total(rules: &Rules, components: &[impl Borrow<ComponentValue>; 6]) -> ItemTotal {
    let mut total = ItemTotal::default();
    for (kind, component) in ComponentKind::ALL.iter().zip(components) {
        if !rules.summed.contains(kind) {
            continue;
        }
        let component = component.borrow();
        match component.cost_mesos {
            Some(cost) => total.cost_mesos = plus(total.cost_mesos, cost),
            None => total.missing_parts += 1,
        }
        total.variance += component.sd_mesos.map_or(0.0, |sd| sd * sd);
    }
    total
}

/// Sums the items of a preset, in their order.
#[must_use]
pub fn preset_total(items: impl IntoIterator<Item = ItemTotal>) -> PresetTotal {
    let sum = items
        .into_iter()
        .fold(ItemTotal::default(), |sum, item| ItemTotal {
            cost_mesos: plus(sum.cost_mesos, item.cost_mesos),
            missing_parts: sum.missing_parts.saturating_add(item.missing_parts),
            variance: sum.variance + item.variance,
        });
    let sd_mesos = sum.variance.sqrt();
    PresetTotal {
        cost_mesos: sum.cost_mesos,
        missing_parts: sum.missing_parts,
        sd_mesos,
        p90_mesos: p90(sum.cost_mesos.0 as f64, sd_mesos),
    }
}

/// The number of the preset that counts: the one with the largest total, the lowest on a tie.
#[must_use]
pub fn best_preset(totals: [Meso; 3]) -> u8 {
    let [one, two, three] = totals;
    if one >= two && one >= three {
        1
    } else if two >= three {
        2
    } else {
        3
    }
}

/// Costs stay below 2^96 each: a sum saturates only for more items than memory holds.
fn plus(a: Meso, b: Meso) -> Meso {
    Meso(a.0.saturating_add(b.0))
}

/// The 90 % quantile of a cost of this mean and standard deviation, as if it were gamma
/// distributed, by the Wilson-Hilferty approximation: `mean · (1 - c + z √c)³`, `c = sd² / (9
/// mean²)`, z the normal 90 % quantile.
///
/// Costs are sums of (nearly exponential) waits, for which a gamma of the same two moments is
/// close: within 3 % for sums of waits of like and unlike size (tested by simulation). A cost
/// without spread is its own quantile.
#[must_use]
pub fn p90(mean: f64, sd: f64) -> f64 {
    const Z: f64 = 1.281_551_565_544_600_5;

    if mean <= 0.0 {
        return mean;
    }
    let c = (sd / mean).powi(2) / 9.0;
    mean * (1.0 - c + Z * c.sqrt()).powi(3)
}

/// An item of a character of `class`, by its keys.
#[must_use]
pub fn item_value(ruleset: &Ruleset, class: &str, item: &Item) -> ItemValue {
    item_value_by(ruleset, class, item, &mut |key| key::price(ruleset, key))
}

fn item_value_by(
    ruleset: &Ruleset,
    class: &str,
    item: &Item,
    price: &mut impl FnMut(&Key) -> ComponentValue,
) -> ItemValue {
    let components =
        key::components(ruleset, class, item).map(|component| component.value(&mut *price));
    ItemValue {
        table_part: key::table_part(ruleset, item).to_owned(),
        total: item_total(ruleset.rules(), &components),
        components,
    }
}

/// A character of `class` with the items of three presets. Equal keys are priced once.
#[must_use]
pub fn character_value(ruleset: &Ruleset, class: &str, presets: &[Vec<Item>; 3]) -> CharacterValue {
    let mut known = std::collections::BTreeMap::<Key, ComponentValue>::new();
    let mut price = |key: &Key| {
        known
            .entry(key.clone())
            .or_insert_with(|| key::price(ruleset, key))
            .clone()
    };
    let presets = presets.each_ref().map(|items| {
        let items: Vec<ItemValue> = items
            .iter()
            .map(|item| item_value_by(ruleset, class, item, &mut price))
            .collect();
        (preset_total(items.iter().map(|item| item.total)), items)
    });
    let preset = best_preset(presets.each_ref().map(|(total, _)| total.cost_mesos));
    CharacterValue { preset, presets }
}
