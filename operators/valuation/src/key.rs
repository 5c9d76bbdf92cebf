//! Valuation keys: all that the price of a component depends on, and nothing else.
//!
//! Items that differ in their texts and ask for the same share a key, so a price is computed once
//! for all who wear such items.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::class::{ClassRule, MainStat};
use crate::component::{ComponentKind, ComponentValue, Status};
use crate::flame::{self, FlameKey, FlameStat, FlameWeights};
use crate::grade_up::{self, GradeUpKey};
use crate::item::Item;
use crate::noljang;
use crate::option::{self, Effect, UnknownOption};
use crate::potential::{self, PartId, PotentialKey, PotentialKind};
use crate::requirement::Requirement;
use crate::rules::{Rules, Ruleset, TableId};
use crate::starforce;
use crate::units::{Grade, Level, Star, Stat};

/// All that a price depends on besides the ruleset.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Key {
    /// Main or additional potential.
    Potential(PotentialKey),
    /// From 레어 to a grade.
    GradeUp(GradeUpKey),
    /// Starforce to a star that the level allows.
    Starforce {
        /// Level of the item.
        level: Level,
        /// The star aimed at.
        target: Star,
    },
    /// Scrolls to a star that level and scrolls allow.
    Noljang {
        /// Level of the item.
        level: Level,
        /// The star aimed at.
        target: Star,
    },
    /// Bonus options of at least a score.
    Flame(FlameKey),
}

/// A component as far as the item alone decides.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Keyed {
    /// Settled without a price, never by `ok`: its value is [`ComponentValue::settled`].
    Settled(Status),
    /// To be priced.
    Priced(Key),
}

impl Keyed {
    /// The key that has to be priced.
    #[must_use]
    pub fn key(&self) -> Option<&Key> {
        match self {
            Self::Settled(_) => None,
            Self::Priced(key) => Some(key),
        }
    }

    /// The value, where `priced` gives that of a key.
    pub fn value(&self, priced: impl FnOnce(&Key) -> ComponentValue) -> ComponentValue {
        match self {
            Self::Settled(status) => ComponentValue::settled(*status),
            Self::Priced(key) => priced(key),
        }
    }
}

/// The six components of an item of a character of `class`, in the order of
/// [`ComponentKind::ALL`].
#[must_use]
pub fn components(ruleset: &Ruleset, class: &str, item: &Item) -> [Keyed; 6] {
    let rules = ruleset.rules();
    let part = rules.part_worn(&item.slot, &item.part);
    let of_kind = |kind| potential_of_item(rules, class, item, part, kind);
    let grade_up_of = |kind| grade_up_of_item(rules, item, kind);
    ComponentKind::ALL.map(|component| match component {
        ComponentKind::Potential => of_kind(PotentialKind::Main),
        ComponentKind::AdditionalPotential => of_kind(PotentialKind::Additional),
        ComponentKind::Starforce => starforce_of_item(rules, item),
        ComponentKind::GradeUp => grade_up_of(PotentialKind::Main),
        ComponentKind::AdditionalGradeUp => grade_up_of(PotentialKind::Additional),
        ComponentKind::Flame => flame_of_item(rules, class, item),
    })
}

/// The part of the odds tables that applies to an item; its slot where there is none.
#[must_use]
pub fn table_part<'a>(ruleset: &'a Ruleset, item: &'a Item) -> &'a str {
    let rules = ruleset.rules();
    rules
        .part_worn(&item.slot, &item.part)
        .and_then(|part| rules.part_name(part))
        .unwrap_or(&item.slot)
}

/// The price of a key.
#[must_use]
pub fn price(ruleset: &Ruleset, key: &Key) -> ComponentValue {
    let rules = ruleset.rules();
    match key {
        Key::Potential(key) => potential::price(rules.potential(key.kind), &rules.limits, key),
        Key::GradeUp(key) => grade_up::price(rules.potential(key.kind), key),
        &Key::Starforce { level, target } => starforce::price(&rules.starforce, level, target),
        &Key::Noljang { level, target } => noljang::price(&rules.noljang, level, target),
        Key::Flame(key) => flame::price(&rules.flame, key),
    }
}

/// What the price of a key depends on: a change of any other table leaves it as it is.
#[must_use]
pub fn dependencies(ruleset: &Ruleset, key: &Key) -> BTreeSet<TableId> {
    let rules = ruleset.rules();
    match key {
        Key::Potential(key) => potential_dependencies(rules, key),
        Key::GradeUp(key) => {
            let potential = rules.potential(key.kind);
            let steps = potential.steps_to(key.grade);
            steps
                .flat_map(|step| {
                    let (kind, from) = (key.kind, step.from);
                    let fee = potential.fee_row(from, key.level).map(|row| TableId::Fee {
                        kind,
                        grade: from,
                        min_level: row.min_level,
                    });
                    fee.into_iter().chain([TableId::Step { kind, from }])
                })
                .collect()
        }
        Key::Starforce { target, .. } => (0..target.0)
            .map(TableId::Star)
            .chain([TableId::StarforceTerms])
            .collect(),
        Key::Noljang { target, .. } => (0..target.0)
            .map(TableId::Scroll)
            .chain([TableId::NoljangTerms])
            .collect(),
        Key::Flame(_) => BTreeSet::from([TableId::Flame]),
    }
}

fn potential_dependencies(rules: &Rules, key: &PotentialKey) -> BTreeSet<TableId> {
    let &PotentialKey {
        kind,
        part,
        grade,
        level,
        ..
    } = key;
    let potential = rules.potential(kind);
    let mut tables = BTreeSet::from([TableId::OwnShares { kind, grade }]);
    for option_grade in [grade.into(), grade.below()] {
        let Some(placed) = potential.placed(part, option_grade, level) else {
            continue;
        };
        let min_level = placed.min_level;
        tables.insert(TableId::Odds {
            kind,
            part,
            grade: option_grade,
            min_level,
        });
        tables.extend(placed.table.families().map(TableId::Limit));
    }
    if let Some(row) = potential.fee_row(grade, level) {
        tables.insert(TableId::Fee {
            kind,
            grade,
            min_level: row.min_level,
        });
    }
    tables
}

/// The key of three lines, or what settles them: `none` without a grade, then `unknown_class`,
/// `unknown_option`, `no_value`, `unknown_table`.
#[must_use]
pub fn potential(
    rules: &Rules,
    kind: PotentialKind,
    class: &str,
    part: Option<PartId>,
    level: Level,
    grade: Option<&str>,
    lines: [Option<&str>; 3],
) -> Keyed {
    let Some(grade) = grade.filter(|grade| !option::is_blank(grade)) else {
        return Keyed::Settled(Status::None);
    };
    let Some(class) = rules.classes.get(class) else {
        return Keyed::Settled(Status::UnknownClass);
    };
    let Ok(effects) = effects(lines) else {
        return Keyed::Settled(Status::UnknownOption);
    };
    let requirement = Requirement::of(class, &effects);
    if requirement.is_empty() {
        return Keyed::Settled(Status::NoValue);
    }
    let placed = part
        .zip(Grade::from_korean(grade.trim()))
        .and_then(|(part, grade)| {
            let level = rules.potential(kind).band(part, grade, level)?;
            Some((part, grade, level))
        });
    match placed {
        Some((part, grade, level)) => Keyed::Priced(Key::Potential(PotentialKey {
            kind,
            part,
            grade,
            level,
            requirement,
        })),
        None => Keyed::Settled(Status::UnknownTable),
    }
}

fn effects(lines: [Option<&str>; 3]) -> Result<[Option<Effect>; 3], UnknownOption> {
    let mut effects = [None; 3];
    for (effect, line) in effects.iter_mut().zip(lines) {
        *effect = option::parse(line.unwrap_or_default())?;
    }
    Ok(effects)
}

fn potential_of_item(
    rules: &Rules,
    class: &str,
    item: &Item,
    part: Option<PartId>,
    kind: PotentialKind,
) -> Keyed {
    let (grade, lines) = match kind {
        PotentialKind::Main => (&item.grade, &item.lines),
        PotentialKind::Additional => (&item.additional_grade, &item.additional_lines),
    };
    let lines = lines.each_ref().map(Option::as_deref);
    potential(
        rules,
        kind,
        class,
        part,
        item.level,
        grade.as_deref(),
        lines,
    )
}

/// The key of a grade-up, or what settles it: `none` without a grade, `unknown_table` for another
/// text than the four.
#[must_use]
pub fn grade_up(rules: &Rules, kind: PotentialKind, level: Level, grade: Option<&str>) -> Keyed {
    let Some(grade) = grade.filter(|grade| !option::is_blank(grade)) else {
        return Keyed::Settled(Status::None);
    };
    match Grade::from_korean(grade.trim()) {
        Some(grade) => {
            let level = grade_up::band(rules.potential(kind), grade, level);
            Keyed::Priced(Key::GradeUp(GradeUpKey { kind, grade, level }))
        }
        None => Keyed::Settled(Status::UnknownTable),
    }
}

fn grade_up_of_item(rules: &Rules, item: &Item, kind: PotentialKind) -> Keyed {
    let grade = match kind {
        PotentialKind::Main => &item.grade,
        PotentialKind::Additional => &item.additional_grade,
    };
    grade_up(rules, kind, item.level, grade.as_deref())
}

fn starforce_of_item(rules: &Rules, item: &Item) -> Keyed {
    if let Some(status) = starforce::settled(&rules.granted, item) {
        return Keyed::Settled(status);
    }
    let level = item.level;
    let (target, key) = if item.scroll {
        let target = rules.noljang.target(level, item.stars);
        (target, Key::Noljang { level, target })
    } else {
        let target = rules.starforce.target(level, item.stars);
        (target, Key::Starforce { level, target })
    };
    // Stars that no table knows are unknown, not free.
    if target == Star(0) {
        Keyed::Settled(Status::UnknownTable)
    } else {
        Keyed::Priced(key)
    }
}

fn flame_of_item(rules: &Rules, class: &str, item: &Item) -> Keyed {
    let weights = rules.classes.get(class).map(flame_weights);
    match flame::key(&rules.flame, class, weights, item) {
        Ok(key) => Keyed::Priced(Key::Flame(key)),
        Err(status) => Keyed::Settled(status),
    }
}

/// The weights of a class's bonus options.
#[must_use]
pub fn flame_weights(class: &ClassRule) -> FlameWeights {
    let stat = |stat: &Stat| match stat {
        Stat::Str => FlameStat::Str,
        Stat::Dex => FlameStat::Dex,
        Stat::Int => FlameStat::Int,
        Stat::Luk => FlameStat::Luk,
    };
    let main: Vec<FlameStat> = match &class.main {
        MainStat::Stats(stats) => stats.iter().map(stat).collect(),
        MainStat::Hp => vec![FlameStat::Hp],
    };
    let sub: Vec<FlameStat> = class.sub_stats.iter().map(stat).collect();
    FlameWeights::of_stats(&main, &sub)
}
