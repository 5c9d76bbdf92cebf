//! Rows of the tables of valuations, and what changes in them when a character's value does.

mod characters;
mod columns;
mod items;
mod presets;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::time::Epoch;
use crate::valued::{CharacterValuation, ItemValuation};

pub use characters::{CharacterNowRows, CharacterRows};
use columns::same_totals;
pub use items::ItemRows;
use items::same_item;
pub use presets::PresetRows;

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
