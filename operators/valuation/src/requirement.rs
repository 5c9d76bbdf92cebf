//! What three lines must add up to so that they are at least as good as the lines of an item.

use serde::{Deserialize, Serialize};

use crate::class::{AttackKind, ClassRule, MainStat};
use crate::option::{Effect, EffectKind};
use crate::units::Stat;

/// A thing that can matter to a class; lines add to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are those of the effects")]
pub enum Aspect {
    StrPercent,
    DexPercent,
    IntPercent,
    LukPercent,
    StrFlat,
    DexFlat,
    IntFlat,
    LukFlat,
    StrPerNineLevels,
    DexPerNineLevels,
    IntPerNineLevels,
    LukPerNineLevels,
    HpPercent,
    HpFlat,
    AttackPercent,
    AttackFlat,
    MagicPercent,
    MagicFlat,
    BossDamage,
    IgnoredDefence,
    Damage,
    CriticalDamage,
    Cooldown,
    ItemDrop,
    MesoObtained,
}

impl Aspect {
    /// What matters to everybody.
    const COMMON: [Self; 7] = [
        Self::BossDamage,
        Self::IgnoredDefence,
        Self::Damage,
        Self::CriticalDamage,
        Self::Cooldown,
        Self::ItemDrop,
        Self::MesoObtained,
    ];

    fn of_stat(stat: Stat) -> [Self; 3] {
        match stat {
            Stat::Str => [Self::StrPercent, Self::StrFlat, Self::StrPerNineLevels],
            Stat::Dex => [Self::DexPercent, Self::DexFlat, Self::DexPerNineLevels],
            Stat::Int => [Self::IntPercent, Self::IntFlat, Self::IntPerNineLevels],
            Stat::Luk => [Self::LukPercent, Self::LukFlat, Self::LukPerNineLevels],
        }
    }

    /// What matters to a class, in order.
    #[must_use]
    pub fn of_class(class: &ClassRule) -> Vec<Self> {
        let mut aspects: Vec<Self> = match &class.main {
            MainStat::Stats(stats) => stats.iter().copied().flat_map(Self::of_stat).collect(),
            MainStat::Hp => vec![Self::HpPercent, Self::HpFlat],
        };
        aspects.extend(match class.attack {
            AttackKind::Attack => [Self::AttackPercent, Self::AttackFlat],
            AttackKind::Magic => [Self::MagicPercent, Self::MagicFlat],
        });
        aspects.extend(Self::COMMON);
        aspects.sort_unstable();
        aspects.dedup();
        aspects
    }

    /// How much a line's effect adds to this; a line of ignored defence gives its percent, at
    /// most 100.
    #[must_use]
    pub fn added_by(self, effect: Effect) -> u32 {
        let counts = match effect.kind {
            EffectKind::StatPercent(stat) => Self::of_stat(stat)[0] == self,
            EffectKind::StatFlat(stat) => Self::of_stat(stat)[1] == self,
            EffectKind::StatPerNineLevels(stat) => Self::of_stat(stat)[2] == self,
            EffectKind::AllStatPercent => Stat::ALL
                .into_iter()
                .any(|stat| Self::of_stat(stat)[0] == self),
            EffectKind::AllStatFlat => Stat::ALL
                .into_iter()
                .any(|stat| Self::of_stat(stat)[1] == self),
            EffectKind::HpPercent => self == Self::HpPercent,
            EffectKind::HpFlat => self == Self::HpFlat,
            EffectKind::AttackPercent => self == Self::AttackPercent,
            EffectKind::AttackFlat => self == Self::AttackFlat,
            EffectKind::MagicPercent => self == Self::MagicPercent,
            EffectKind::MagicFlat => self == Self::MagicFlat,
            EffectKind::BossDamage => self == Self::BossDamage,
            EffectKind::IgnoredDefence => self == Self::IgnoredDefence,
            EffectKind::Damage => self == Self::Damage,
            EffectKind::CriticalDamage => self == Self::CriticalDamage,
            EffectKind::Cooldown => self == Self::Cooldown,
            EffectKind::ItemDrop => self == Self::ItemDrop,
            EffectKind::MesoObtained => self == Self::MesoObtained,
        };
        match (counts, self) {
            (false, _) => 0,
            (true, Self::IgnoredDefence) => effect.amount.min(100),
            (true, _) => effect.amount,
        }
    }
}

/// One thing that the lines must reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Need {
    /// The thing.
    pub aspect: Aspect,
    /// Its total over the three lines, above 0. Ignored defence stands as the whole share of the
    /// defence that is ignored, in millionths: `1_000_000 - Π(100 - x)`.
    pub amount: u32,
}

/// Everything that three lines must reach together, by aspect. Each aspect stands once.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Requirement(Box<[Need]>);

impl Requirement {
    /// What the three `lines` add up to, in what matters to `class`.
    #[must_use]
    pub fn of(class: &ClassRule, lines: &[Option<Effect>; 3]) -> Self {
        Aspect::of_class(class)
            .into_iter()
            .filter_map(|aspect| {
                let amount = total(aspect, lines);
                (amount > 0).then_some(Need { aspect, amount })
            })
            .collect()
    }

    /// What must be reached, in the order of the aspects.
    #[must_use]
    pub fn needs(&self) -> &[Need] {
        &self.0
    }

    /// Whether nothing that matters is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether three lines together reach everything.
    #[must_use]
    pub fn is_met_by(&self, lines: &[Option<Effect>; 3]) -> bool {
        self.0
            .iter()
            .all(|need| total(need.aspect, lines) >= need.amount)
    }
}

impl FromIterator<Need> for Requirement {
    /// Sorts by aspect; of needs of one aspect the greatest counts, and those of 0 ask nothing.
    fn from_iter<I: IntoIterator<Item = Need>>(needs: I) -> Self {
        let mut needs: Vec<Need> = needs.into_iter().filter(|need| need.amount > 0).collect();
        needs.sort_unstable_by(|a, b| a.aspect.cmp(&b.aspect).then(b.amount.cmp(&a.amount)));
        needs.dedup_by_key(|need| need.aspect);
        Self(needs.into_boxed_slice())
    }
}

/// The whole share, in millionths.
pub(crate) const WHOLE: u32 = 1_000_000;

fn total(aspect: Aspect, lines: &[Option<Effect>; 3]) -> u32 {
    let added = lines.map(|line| line.map_or(0, |effect| aspect.added_by(effect)));
    if aspect == Aspect::IgnoredDefence {
        WHOLE
            - added
                .into_iter()
                .map(|percent| 100 - percent)
                .product::<u32>()
    } else {
        added.into_iter().fold(0, u32::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effect(kind: EffectKind, amount: u32) -> Option<Effect> {
        Some(Effect { kind, amount })
    }

    fn xenon() -> ClassRule {
        ClassRule {
            main: MainStat::Stats(vec![Stat::Str, Stat::Dex, Stat::Luk]),
            sub_stats: vec![],
            attack: AttackKind::Attack,
        }
    }

    #[test]
    fn all_stat_counts_for_each_main_stat_and_for_no_other() {
        let requirement = Requirement::of(
            &xenon(),
            &[effect(EffectKind::AllStatPercent, 6), None, None],
        );
        let aspects: Vec<Aspect> = requirement.needs().iter().map(|need| need.aspect).collect();
        assert_eq!(
            aspects,
            [Aspect::StrPercent, Aspect::DexPercent, Aspect::LukPercent]
        );
    }

    #[test]
    fn ignored_defence_combines_by_what_is_left() {
        let lines = [
            effect(EffectKind::IgnoredDefence, 40),
            effect(EffectKind::IgnoredDefence, 30),
            None,
        ];
        let requirement = Requirement::of(&xenon(), &lines);
        assert_eq!(requirement.needs()[0].amount, WHOLE - 60 * 70 * 100);
        assert!(requirement.is_met_by(&lines));
        assert!(!requirement.is_met_by(&[lines[0], None, None]));
    }

    #[test]
    fn what_does_not_matter_to_the_class_is_not_asked_for() {
        let lines = [
            effect(EffectKind::MagicPercent, 9),
            effect(EffectKind::HpPercent, 9),
            None,
        ];
        assert!(Requirement::of(&xenon(), &lines).is_empty());
    }

    #[test]
    fn hostile_amounts_saturate() {
        let line = effect(EffectKind::StatFlat(Stat::Str), u32::MAX);
        let requirement = Requirement::of(&xenon(), &[line, line, line]);
        assert_eq!(requirement.needs()[0].amount, u32::MAX);
    }
}
