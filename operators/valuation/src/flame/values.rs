//! How many points a line of a bonus option gives, by the item's own level and the line's tier.

use serde::{Deserialize, Serialize};

use crate::units::Level;

/// The formulas of the points.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Points {
    /// For each kind one or more formulas; the one with the highest `min_level` that the item
    /// reaches applies.
    pub formulas: Vec<PointsFormula>,
}

/// Points per tier: `per_step · ⌊level / level_step⌋ + constant`. Of a weapon's attack and magic
/// it is percent of the base per tier, and grows by a tenth per tier above 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointsFormula {
    /// What it is for; the base of [`PointsKind::WeaponAttack`] is not looked at.
    pub kind: PointsKind,
    /// The lowest level that it holds for.
    pub min_level: Level,
    /// Levels per step; at least 1.
    pub level_step: u16,
    /// Points per step.
    pub per_step: u16,
    /// Points at every level.
    pub constant: u16,
}

/// What points are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PointsKind {
    /// One stat.
    SingleStat,
    /// Each of two stats.
    TwoStats,
    /// Max HP.
    MaxHp,
    /// Attack or magic of other items than weapons.
    Attack,
    /// Attack or magic of a weapon with this base.
    WeaponAttack(i32),
    /// All stats, in percent.
    AllStat,
    /// Damage, in percent.
    Damage,
    /// Boss damage, in percent.
    BossDamage,
}

impl PointsKind {
    /// All kinds, with their names in the tables.
    pub const NAMES: [(Self, &'static str); 8] = [
        (Self::SingleStat, "single_stat"),
        (Self::TwoStats, "two_stats_each"),
        (Self::MaxHp, "max_hp"),
        (Self::Attack, "attack"),
        (Self::WeaponAttack(0), "weapon_attack_percent"),
        (Self::AllStat, "all_stat_percent"),
        (Self::Damage, "damage_percent"),
        (Self::BossDamage, "boss_damage_percent"),
    ];

    /// The kind that the tables call `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMES
            .into_iter()
            .find(|(_, known)| *known == name)
            .map(|(kind, _)| kind)
    }
}

impl Points {
    /// The points of a line; `tier` is `1..=7`. 0 for a kind without a formula.
    #[must_use]
    pub fn of(&self, kind: PointsKind, level: Level, tier: u8) -> i64 {
        let same = |formula: &&PointsFormula| {
            std::mem::discriminant(&formula.kind) == std::mem::discriminant(&kind)
                && formula.min_level <= level
        };
        let Some(formula) = self
            .formulas
            .iter()
            .filter(same)
            .max_by_key(|f| f.min_level)
        else {
            return 0;
        };
        let steps = i64::from(level.0 / formula.level_step);
        let per_tier = i64::from(formula.per_step) * steps + i64::from(formula.constant);
        let linear = per_tier * i64::from(tier);
        match kind {
            PointsKind::WeaponAttack(base) => weapon_attack(base, linear, tier),
            PointsKind::SingleStat
            | PointsKind::TwoStats
            | PointsKind::MaxHp
            | PointsKind::Attack
            | PointsKind::AllStat
            | PointsKind::Damage
            | PointsKind::BossDamage => linear,
        }
    }
}

/// `⌈base · percent · 1.1^(tier - 3) / 100⌉`, exactly; a base below 0 counts as 0.
fn weapon_attack(base: i32, percent: i64, tier: u8) -> i64 {
    let distance = u32::from(tier.abs_diff(3));
    let (tens, elevens) = (10_u128.pow(distance), 11_u128.pow(distance));
    let (numerator, denominator) = if tier >= 3 {
        (elevens, tens)
    } else {
        (tens, elevens)
    };
    let percent_of_base =
        u128::from(base.max(0).unsigned_abs()) * u128::from(percent.unsigned_abs());
    let attack = (percent_of_base * numerator).div_ceil(denominator * 100);
    i64::try_from(attack).expect("a 32-bit base times a few thousand percent fits 64 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points() -> Points {
        let formula = |kind, min_level, level_step, per_step, constant| PointsFormula {
            kind,
            min_level: Level(min_level),
            level_step,
            per_step,
            constant,
        };
        Points {
            formulas: vec![
                formula(PointsKind::SingleStat, 0, 20, 1, 1),
                formula(PointsKind::SingleStat, 250, 1, 0, 12),
                formula(PointsKind::WeaponAttack(0), 0, 40, 1, 1),
            ],
        }
    }

    #[test]
    fn the_formula_of_the_highest_level_reached_applies() {
        assert_eq!(points().of(PointsKind::SingleStat, Level(249), 1), 13);
        assert_eq!(points().of(PointsKind::SingleStat, Level(250), 7), 84);
    }

    #[test]
    fn a_kind_without_a_formula_gives_nothing() {
        assert_eq!(points().of(PointsKind::Damage, Level(200), 7), 0);
    }

    #[test]
    fn weapons_of_the_sample_documents_get_what_they_show() {
        assert_eq!(
            points().of(PointsKind::WeaponAttack(406), Level(200), 7),
            250
        );
        assert_eq!(
            points().of(PointsKind::WeaponAttack(249), Level(200), 7),
            154
        );
    }

    #[test]
    fn the_largest_base_does_not_overflow_and_a_negative_one_gives_nothing() {
        assert!(points().of(PointsKind::WeaponAttack(i32::MAX), Level(300), 7) > 0);
        assert_eq!(points().of(PointsKind::WeaponAttack(-5), Level(200), 7), 0);
    }
}
