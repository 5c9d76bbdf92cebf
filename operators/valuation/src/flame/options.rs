//! The kinds of bonus options, and which of them an item can get.

use serde::{Deserialize, Serialize};

use super::{FlameKey, FlameRules, PointsKind};
use crate::units::Level;

/// A kind of bonus option: what one line of a flame gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are those of the official table")]
pub enum BonusOption {
    Str,
    Dex,
    Int,
    Luk,
    StrDex,
    StrInt,
    StrLuk,
    DexInt,
    DexLuk,
    IntLuk,
    MaxHp,
    MaxMp,
    LevelReduction,
    Defence,
    Attack,
    Magic,
    BossDamage,
    Damage,
    AllStat,
    Speed,
    Jump,
}

/// An option of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolOption {
    /// Whether it stands in the pool of weapons or of other items.
    pub weapon: bool,
    /// The option.
    pub option: BonusOption,
    /// The lowest level of items that can get it.
    pub min_level: Level,
}

impl BonusOption {
    /// All options, with their names in the tables.
    pub const NAMES: [(Self, &'static str); 21] = [
        (Self::Str, "STR"),
        (Self::Dex, "DEX"),
        (Self::Int, "INT"),
        (Self::Luk, "LUK"),
        (Self::StrDex, "STR+DEX"),
        (Self::StrInt, "STR+INT"),
        (Self::StrLuk, "STR+LUK"),
        (Self::DexInt, "DEX+INT"),
        (Self::DexLuk, "DEX+LUK"),
        (Self::IntLuk, "INT+LUK"),
        (Self::MaxHp, "최대 HP"),
        (Self::MaxMp, "최대 MP"),
        (Self::LevelReduction, "착용 레벨 감소"),
        (Self::Defence, "방어력"),
        (Self::Attack, "공격력"),
        (Self::Magic, "마력"),
        (Self::BossDamage, "보스 몬스터 데미지%"),
        (Self::Damage, "데미지%"),
        (Self::AllStat, "올스탯%"),
        (Self::Speed, "이동속도"),
        (Self::Jump, "점프력"),
    ];

    /// The option that the tables call `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMES
            .into_iter()
            .find(|(_, known)| *known == name)
            .map(|(option, _)| option)
    }

    /// What a line of this option scores, by tier 1 to 7; `None` for what scores nothing at all.
    pub(super) fn scores(self, rules: &FlameRules, key: &FlameKey) -> Option<[i64; 7]> {
        let weights = &key.weights;
        let (kind, weight) = match self {
            Self::Str => (PointsKind::SingleStat, weights.str),
            Self::Dex => (PointsKind::SingleStat, weights.dex),
            Self::Int => (PointsKind::SingleStat, weights.int),
            Self::Luk => (PointsKind::SingleStat, weights.luk),
            Self::StrDex => (PointsKind::TwoStats, weights.str + weights.dex),
            Self::StrInt => (PointsKind::TwoStats, weights.str + weights.int),
            Self::StrLuk => (PointsKind::TwoStats, weights.str + weights.luk),
            Self::DexInt => (PointsKind::TwoStats, weights.dex + weights.int),
            Self::DexLuk => (PointsKind::TwoStats, weights.dex + weights.luk),
            Self::IntLuk => (PointsKind::TwoStats, weights.int + weights.luk),
            Self::MaxHp => (PointsKind::MaxHp, weights.max_hp),
            Self::Attack if key.weapon => {
                (PointsKind::WeaponAttack(key.base_attack), weights.attack)
            }
            Self::Magic if key.weapon => (PointsKind::WeaponAttack(key.base_magic), weights.magic),
            Self::Attack => (PointsKind::Attack, weights.attack),
            Self::Magic => (PointsKind::Attack, weights.magic),
            Self::BossDamage => (PointsKind::BossDamage, weights.boss_damage),
            Self::Damage => (PointsKind::Damage, weights.damage),
            Self::AllStat => (PointsKind::AllStat, weights.all_stat),
            Self::MaxMp | Self::LevelReduction | Self::Defence | Self::Speed | Self::Jump => {
                return None;
            }
        };
        let scores = [1, 2, 3, 4, 5, 6, 7]
            .map(|tier| rules.points.of(kind, key.level, tier) * i64::from(weight));
        (scores != [0; 7]).then_some(scores)
    }
}
