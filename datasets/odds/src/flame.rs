//! The tables of flames, and the rules that they make.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use valuation::flame::{
    BonusOption, BossItem, Flame, FlameRules, LineCounts, Points, PointsFormula, PointsKind,
    PoolOption, TierChance,
};
use valuation::{Level, Meso, Probability};

use crate::sheet::{Sheet, SheetError};

/// The texts of the tables.
#[derive(Clone, Copy, Debug)]
pub struct FlameTexts<'a> {
    /// `flame_options.csv`: the options of each pool, with the lowest level that can get them.
    pub options: &'a str,
    /// `flame_lines.csv`: how many lines a flame gives.
    pub lines: &'a str,
    /// `flame_tiers.csv`: the chances of the tiers.
    pub tiers: &'a str,
    /// `flame_points.csv`: the points of a line.
    pub points: &'a str,
    /// `boss_items.csv`: the names of boss items.
    pub boss_items: &'a str,
}

impl FlameTexts<'static> {
    /// The tables as shipped.
    pub const SHIPPED: Self = Self {
        options: include_str!("../tables/flame_options.csv"),
        lines: include_str!("../tables/flame_lines.csv"),
        tiers: include_str!("../tables/flame_tiers.csv"),
        points: include_str!("../tables/flame_points.csv"),
        boss_items: include_str!("../tables/boss_items.csv"),
    };
}

/// What a ruleset says of flames.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlameChoice {
    /// What one reset for mesos costs.
    pub reset_mesos: u64,
}

/// Flames by these tables and this choice.
pub fn flame_rules(texts: &FlameTexts<'_>, choice: FlameChoice) -> Result<FlameRules, SheetError> {
    Ok(FlameRules {
        pool: pool(texts)?,
        lines: line_counts(texts)?,
        tiers: tiers(texts)?,
        points: points(texts)?,
        reset_mesos: Meso(choice.reset_mesos.into()),
        boss_items: boss_items(texts)?,
    })
}

fn pool(texts: &FlameTexts<'_>) -> Result<Vec<PoolOption>, SheetError> {
    const COLUMNS: [&str; 3] = ["pool", "option", "min_level"];

    let sheet = Sheet::parse("flame_options.csv", texts.options, &COLUMNS)?;
    let mut pool: Vec<PoolOption> = Vec::new();
    for row in sheet.rows() {
        let entry = PoolOption {
            weapon: row.either("pool", "weapon", "other")?,
            option: row.one_of("option", "a known option", BonusOption::from_name)?,
            min_level: Level(row.number("min_level", 0..=Level::MAX.0)?),
        };
        let same =
            |other: &PoolOption| (other.weapon, other.option) == (entry.weapon, entry.option);
        if pool.iter().any(same) {
            return Err(row.wrong("option", "each option once in a pool"));
        }
        pool.push(entry);
    }
    for (weapon, name) in [(true, "weapon"), (false, "other")] {
        if !pool.iter().any(|entry| entry.weapon == weapon) {
            return Err(sheet.whole(format!("the number of options of {name}"), 0, "some"));
        }
    }
    Ok(pool)
}

fn line_counts(texts: &FlameTexts<'_>) -> Result<LineCounts, SheetError> {
    let sheet = Sheet::parse("flame_lines.csv", texts.lines, &["item", "lines", "chance"])?;
    let mut counts = LineCounts {
        boss: [Probability::ZERO; 4],
        other: [Probability::ZERO; 4],
    };
    for row in sheet.rows() {
        let boss = row.either("item", "boss", "other")?;
        let of_item = if boss {
            &mut counts.boss
        } else {
            &mut counts.other
        };
        let lines = row.number("lines", 1..=of_item.len())?;
        let chance = row.chance("chance")?;
        if of_item[lines - 1] != Probability::ZERO {
            return Err(row.wrong("lines", "each number once for an item"));
        }
        of_item[lines - 1] = chance;
    }
    sheet.sums_to_one("boss items", counts.boss)?;
    sheet.sums_to_one("other items", counts.other)?;
    Ok(counts)
}

fn tiers(texts: &FlameTexts<'_>) -> Result<Vec<TierChance>, SheetError> {
    const COLUMNS: [&str; 4] = ["flame", "item", "tier", "chance"];

    let sheet = Sheet::parse("flame_tiers.csv", texts.tiers, &COLUMNS)?;
    let mut tiers: Vec<TierChance> = Vec::new();
    for row in sheet.rows() {
        let tier = TierChance {
            flame: row.one_of("flame", "powerful, eternal or abyss", |text| {
                Flame::ALL.into_iter().find(|flame| flame.name() == text)
            })?,
            boss: row.either("item", "boss", "other")?,
            tier: row.number("tier", 1..=7)?,
            chance: row.chance("chance")?,
        };
        let same = |other: &TierChance| {
            (other.flame, other.boss, other.tier) == (tier.flame, tier.boss, tier.tier)
        };
        if tiers.iter().any(same) {
            return Err(row.wrong("tier", "each tier once for a flame and item"));
        }
        tiers.push(tier);
    }
    for flame in Flame::ALL {
        for (boss, item) in [(true, "boss"), (false, "other")] {
            let of_item = tiers
                .iter()
                .filter(|tier| tier.flame == flame && tier.boss == boss);
            let what = format!("{} on {item} items", flame.name());
            sheet.sums_to_one(&what, of_item.map(|tier| tier.chance))?;
        }
    }
    Ok(tiers)
}

fn points(texts: &FlameTexts<'_>) -> Result<Points, SheetError> {
    const COLUMNS: [&str; 5] = ["points", "min_level", "level_step", "per_step", "constant"];

    let sheet = Sheet::parse("flame_points.csv", texts.points, &COLUMNS)?;
    let mut formulas: Vec<PointsFormula> = Vec::new();
    for row in sheet.rows() {
        let formula = PointsFormula {
            kind: row.one_of("points", "a known kind of points", PointsKind::from_name)?,
            min_level: Level(row.number("min_level", 0..=Level::MAX.0)?),
            level_step: row.number("level_step", 1..=Level::MAX.0)?,
            per_step: row.number("per_step", 0..=1_000)?,
            constant: row.number("constant", 0..=1_000)?,
        };
        let same = |other: &PointsFormula| {
            (other.kind, other.min_level) == (formula.kind, formula.min_level)
        };
        if formulas.iter().any(same) {
            return Err(row.wrong("min_level", "each level once for a kind of points"));
        }
        formulas.push(formula);
    }
    for (kind, name) in PointsKind::NAMES {
        let from_zero =
            |formula: &PointsFormula| formula.kind == kind && formula.min_level == Level(0);
        if !formulas.iter().any(from_zero) {
            return Err(sheet.whole(format!("the number of rows of {name} from level 0"), 0, "1"));
        }
    }
    Ok(Points { formulas })
}

fn boss_items(texts: &FlameTexts<'_>) -> Result<Vec<BossItem>, SheetError> {
    let sheet = Sheet::parse(
        "boss_items.csv",
        texts.boss_items,
        &["item", "match", "name"],
    )?;
    let mut items: Vec<BossItem> = Vec::new();
    for row in sheet.rows() {
        let item = BossItem {
            weapon: row.either("item", "weapon", "other")?,
            prefix: row.either("match", "prefix", "exact")?,
            name: row.name("name")?,
        };
        if items.contains(&item) {
            return Err(row.wrong("name", "each name once"));
        }
        items.push(item);
    }
    Ok(items)
}
