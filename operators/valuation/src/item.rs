//! An item as a character wears it: just the fields that a price depends on.

use serde::{Deserialize, Serialize};

use crate::units::{Level, Star};

/// One worn item. Texts are the provider's, untouched; absent, null and blank ones are `None` or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Item {
    /// `item_equipment_slot`, e.g. `모자`.
    pub slot: String,
    /// `item_equipment_part`, which tells kinds of secondary weapons and overalls apart.
    pub part: String,
    /// `item_name`.
    pub name: String,
    /// `item_base_option.base_equipment_level`.
    pub level: Level,
    /// `potential_option_grade`, any text; `None` for no potential.
    pub grade: Option<String>,
    /// `potential_option_1..3`.
    pub lines: [Option<String>; 3],
    /// `additional_potential_option_grade`, any text; `None` for no additional potential.
    pub additional_grade: Option<String>,
    /// `additional_potential_option_1..3`.
    pub additional_lines: [Option<String>; 3],
    /// `starforce`.
    pub stars: Star,
    /// Whether `starforce_scroll_flag` is `사용` (noljang).
    pub scroll: bool,
    /// `item_add_option`.
    pub flame: FlameOptions,
    /// `item_base_option.attack_power`.
    pub base_attack: i32,
    /// `item_base_option.magic_power`.
    pub base_magic: i32,
}

/// The bonus options that a flame gave, in points (`all_stat`, `boss_damage`, `damage` in percent).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of item_add_option")]
pub struct FlameOptions {
    pub str: i32,
    pub dex: i32,
    pub int: i32,
    pub luk: i32,
    pub max_hp: i32,
    pub all_stat: i32,
    pub attack: i32,
    pub magic: i32,
    pub boss_damage: i32,
    pub damage: i32,
}

impl FlameOptions {
    /// Whether no bonus option is set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
