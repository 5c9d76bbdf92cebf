//! What a point of each bonus option is worth to a class.

use serde::{Deserialize, Serialize};

/// The stats that classes are built on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FlameStat {
    /// STR
    Str,
    /// DEX
    Dex,
    /// INT
    Int,
    /// LUK
    Luk,
    /// Max HP
    Hp,
}

/// Score per point (`all_stat`, `damage`, `boss_damage`: per percent).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[expect(missing_docs, reason = "the fields are those of item_add_option")]
pub struct FlameWeights {
    pub str: i32,
    pub dex: i32,
    pub int: i32,
    pub luk: i32,
    pub max_hp: i32,
    pub all_stat: i32,
    pub attack: i32,
    pub magic: i32,
    pub damage: i32,
    pub boss_damage: i32,
}

impl FlameWeights {
    /// The weights of a class with these main and sub stats: a class built on HP counts max HP and
    /// attack alone; of several main stats each counts fully.
    #[must_use]
    pub fn of_stats(main: &[FlameStat], sub: &[FlameStat]) -> Self {
        const MAIN: i32 = 10;
        const SUB: i32 = 1;

        if main.contains(&FlameStat::Hp) {
            return Self {
                max_hp: MAIN,
                attack: 1500,
                ..Self::default()
            };
        }
        let mut weights = Self {
            all_stat: 100,
            attack: 40,
            magic: 40,
            damage: 140,
            boss_damage: 140,
            ..Self::default()
        };
        let sub = sub.iter().map(|stat| (stat, SUB));
        let main = main.iter().map(|stat| (stat, MAIN));
        for (stat, weight) in sub.chain(main) {
            *weights.of_stat(*stat) = weight;
        }
        weights
    }

    fn of_stat(&mut self, stat: FlameStat) -> &mut i32 {
        match stat {
            FlameStat::Str => &mut self.str,
            FlameStat::Dex => &mut self.dex,
            FlameStat::Int => &mut self.int,
            FlameStat::Luk => &mut self.luk,
            FlameStat::Hp => &mut self.max_hp,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_with_several_main_stats_counts_each_fully() {
        let xenon = FlameWeights::of_stats(&[FlameStat::Str, FlameStat::Dex, FlameStat::Luk], &[]);
        assert_eq!(
            [xenon.str, xenon.dex, xenon.int, xenon.luk],
            [10, 10, 0, 10]
        );
        assert_eq!(xenon.all_stat, 100);
    }

    #[test]
    fn a_class_built_on_hp_counts_hp_and_attack_alone() {
        let weights = FlameWeights::of_stats(&[FlameStat::Hp], &[]);
        assert_eq!(
            weights,
            FlameWeights {
                max_hp: 10,
                attack: 1500,
                ..FlameWeights::default()
            }
        );
    }

    #[test]
    fn sub_stats_count_a_tenth_of_the_main_stat() {
        let weights = FlameWeights::of_stats(&[FlameStat::Luk], &[FlameStat::Str, FlameStat::Dex]);
        assert_eq!(
            [weights.luk, weights.str, weights.dex, weights.int],
            [10, 1, 1, 0]
        );
    }
}
