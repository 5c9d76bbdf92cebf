//! Flames: how many tries bring bonus options at least as good as an item's own.

mod chance;
mod options;
mod values;
mod weights;

use serde::{Deserialize, Serialize};

use crate::component::{ComponentValue, Detail, Status};
use crate::item::{FlameOptions, Item};
use crate::starforce::whole_mesos;
use crate::units::{Level, Meso, Probability};

pub use self::options::{BonusOption, PoolOption};
pub use self::values::{Points, PointsFormula, PointsKind};
pub use self::weights::{FlameStat, FlameWeights};

/// The slot of weapons, which have their own pool and values.
const WEAPON_SLOT: &str = "무기";
/// The class whose weapons are no boss items.
const CLASS_WITHOUT_BOSS_WEAPONS: &str = "제로";

/// Everything a flame's price depends on besides its [`FlameKey`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FlameRules {
    /// The options of weapons' and of other items' pools, with their minimum levels.
    pub pool: Vec<PoolOption>,
    /// How many lines a flame gives.
    pub lines: LineCounts,
    /// The chances of the tiers, by flame.
    pub tiers: Vec<TierChance>,
    /// The points of a line.
    pub points: Points,
    /// What one meso reset costs (it has the odds of the eternal flame).
    pub reset_mesos: Meso,
    /// The boss items, which have better tiers and four lines.
    pub boss_items: Vec<BossItem>,
}

/// The kinds of flames that are reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flame {
    /// 강력한 환생의 불꽃
    Powerful,
    /// 영원한 환생의 불꽃, and the reset for mesos
    Eternal,
    /// 심연의 환생의 불꽃
    Abyss,
}

impl Flame {
    /// All flames, weakest first.
    pub const ALL: [Self; 3] = [Self::Powerful, Self::Eternal, Self::Abyss];

    /// The name in tables and golden lines.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Powerful => "powerful",
            Self::Eternal => "eternal",
            Self::Abyss => "abyss",
        }
    }
}

/// Chances of 1, 2, 3 and 4 lines; all lines of a flame are different options.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LineCounts {
    /// Of boss items.
    pub boss: [Probability; 4],
    /// Of other items.
    pub other: [Probability; 4],
}

/// The chance that a line has a tier.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TierChance {
    /// The flame.
    pub flame: Flame,
    /// Whether the item is a boss item.
    pub boss: bool,
    /// The tier, `1..=7`.
    pub tier: u8,
    /// Its chance.
    pub chance: Probability,
}

/// Names of items that are boss items.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BossItem {
    /// Whether it names weapons or other items.
    pub weapon: bool,
    /// Whether names need only start with `name`.
    pub prefix: bool,
    /// The name.
    pub name: String,
}

/// All that the price of a flame depends on. Base attack and magic count for weapons only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FlameKey {
    /// Whether the item is a boss item.
    pub boss: bool,
    /// Whether the item is a weapon.
    pub weapon: bool,
    /// The item's own level.
    pub level: Level,
    /// The class's score per point of each bonus option.
    pub weights: FlameWeights,
    /// The score to reach; above 0.
    pub score: i64,
    /// `item_base_option.attack_power` of a weapon, else 0.
    pub base_attack: i32,
    /// `item_base_option.magic_power` of a weapon, else 0.
    pub base_magic: i32,
}

impl FlameRules {
    /// Whether an item is a boss item: by its name, and never a weapon of class 제로.
    #[must_use]
    pub fn is_boss(&self, weapon: bool, name: &str, class: &str) -> bool {
        let named = |boss: &BossItem| {
            boss.weapon == weapon
                && if boss.prefix {
                    name.starts_with(&boss.name)
                } else {
                    name == boss.name
                }
        };
        (!weapon || has_boss_weapons(class)) && self.boss_items.iter().any(named)
    }
}

/// Whether weapons of a class can be boss items.
pub(crate) fn has_boss_weapons(class: &str) -> bool {
    class != CLASS_WITHOUT_BOSS_WEAPONS
}

/// The key of an item's flame, or the status that settles it: `none` without bonus options,
/// `unknown_class` without weights, `no_value` when they score nothing.
pub fn key(
    rules: &FlameRules,
    class: &str,
    weights: Option<FlameWeights>,
    item: &Item,
) -> Result<FlameKey, Status> {
    if item.flame.is_empty() {
        return Err(Status::None);
    }
    let weights = weights.ok_or(Status::UnknownClass)?;
    let score = score(&weights, &item.flame);
    if score <= 0 {
        return Err(Status::NoValue);
    }
    let weapon = item.slot == WEAPON_SLOT;
    Ok(FlameKey {
        boss: rules.is_boss(weapon, &item.name, class),
        weapon,
        level: item.level,
        weights,
        score,
        base_attack: if weapon { item.base_attack } else { 0 },
        base_magic: if weapon { item.base_magic } else { 0 },
    })
}

/// What bonus options are worth to a class.
#[must_use]
pub fn score(weights: &FlameWeights, options: &FlameOptions) -> i64 {
    [
        (options.str, weights.str),
        (options.dex, weights.dex),
        (options.int, weights.int),
        (options.luk, weights.luk),
        (options.max_hp, weights.max_hp),
        (options.all_stat, weights.all_stat),
        (options.attack, weights.attack),
        (options.magic, weights.magic),
        (options.damage, weights.damage),
        (options.boss_damage, weights.boss_damage),
    ]
    .into_iter()
    .map(|(points, weight)| i64::from(points) * i64::from(weight))
    .sum()
}

/// Expected number of flames until one scores at least the key's score; `None` when none can.
#[must_use]
pub fn tries(rules: &FlameRules, key: &FlameKey, flame: Flame) -> Option<f64> {
    let chance = chance::of_score(rules, key, flame);
    (chance > 0.0).then(|| 1.0 / chance)
}

/// Expected cost by meso resets, with the tries of the three flames. Beyond reach: `impossible`.
#[must_use]
pub fn price(rules: &FlameRules, key: &FlameKey) -> ComponentValue {
    let detail = Detail::Flame {
        score: key.score,
        boss: key.boss,
        tries_powerful: tries(rules, key, Flame::Powerful),
        tries_abyss: tries(rules, key, Flame::Abyss),
    };
    let Some(tries) = tries(rules, key, Flame::Eternal) else {
        return ComponentValue {
            detail,
            ..ComponentValue::settled(Status::Impossible)
        };
    };
    let reset = rules.reset_mesos.0 as f64;
    ComponentValue {
        status: Status::Ok,
        cost_mesos: Some(whole_mesos(reset * tries)),
        tries: Some(tries),
        // A geometric number of tries: its variance is (1 - p) / p² = tries · (tries - 1).
        sd_mesos: Some(reset * (tries * (tries - 1.0)).max(0.0).sqrt()),
        detail,
    }
}
