//! The bonus options of a flame, which the document and its compact form call by different names.

use valuation::FlameOptions;

use crate::json::{Checked, Cursor, Members};
use crate::named::{Named, members};

use super::fields::{number, read_numbers};
use super::findings::Findings;

members! {
    /// The bonus options, by their names in a snapshot.
    pub(crate) enum FlameOption {
        Int = "int",
        Luk = "luk",
        Dex = "dex",
        AllStat = "allStat",
        Attack = "attack",
        Magic = "magic",
        MaxHp = "maxHp",
        BossDamage = "bossDamage",
        Damage = "damage",
        Str = "str",
    }
}

impl FlameOption {
    /// Their names in the provider's document, in the same order.
    pub(crate) const DOCUMENT_NAMES: &'static [&'static str; Self::NAMES.len()] = &[
        "int",
        "luk",
        "dex",
        "all_stat",
        "attack_power",
        "magic_power",
        "max_hp",
        "boss_damage",
        "damage",
        "str",
    ];

    fn of_flame(self, flame: &mut FlameOptions) -> &mut i32 {
        match self {
            Self::Int => &mut flame.int,
            Self::Luk => &mut flame.luk,
            Self::Dex => &mut flame.dex,
            Self::AllStat => &mut flame.all_stat,
            Self::Attack => &mut flame.attack,
            Self::Magic => &mut flame.magic,
            Self::MaxHp => &mut flame.max_hp,
            Self::BossDamage => &mut flame.boss_damage,
            Self::Damage => &mut flame.damage,
            Self::Str => &mut flame.str,
        }
    }
}

/// Reads the flame here, or null. `names` are the names of the options, in their order, and `members`
/// finds them.
pub(super) fn read_flame<'a>(
    cursor: &mut Cursor<'a>,
    members: Members<'a, 'static>,
    names: &'static [&'static str],
    flame: &mut FlameOptions,
) -> Checked<Findings> {
    read_numbers(cursor, members, names, |index, value| {
        *FlameOption::of(index).of_flame(flame) = number(value)?;
        Ok(())
    })
}
