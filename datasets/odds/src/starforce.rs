//! The tables of starforce and scrolls, and the rules that they make with a ruleset's switches.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use valuation::noljang::{NoljangRow, NoljangRules};
use valuation::starforce::{
    Edition, FeeFormula, Granted, Kms2025, Kms2026, MaxStar, StarRow, StarforceRules, TraceRestore,
};
use valuation::{Level, Meso, Star};

use crate::sheet::{Sheet, SheetError};

/// The texts of the tables.
#[derive(Clone, Copy, Debug)]
pub struct StarforceTexts<'a> {
    /// `starforce_rates.csv`: chances before events, by edition and star.
    pub rates: &'a str,
    /// `starforce_fees.csv`: the cost of a try, by star.
    pub fees: &'a str,
    /// `starforce_max_star.csv`: the highest star, by level.
    pub max_star: &'a str,
    /// `starforce_restore.csv`: what restoring a trace takes, by level and star.
    pub restore: &'a str,
    /// `noljang_rates.csv`: chances of scrolls before star catch, by star.
    pub noljang: &'a str,
    /// `granted.csv`: items whose stars come with them.
    pub granted: &'a str,
}

impl StarforceTexts<'static> {
    /// The tables as shipped.
    pub const SHIPPED: Self = Self {
        rates: include_str!("../tables/starforce_rates.csv"),
        fees: include_str!("../tables/starforce_fees.csv"),
        max_star: include_str!("../tables/starforce_max_star.csv"),
        restore: include_str!("../tables/starforce_restore.csv"),
        noljang: include_str!("../tables/noljang_rates.csv"),
        granted: include_str!("../tables/granted.csv"),
    };
}

/// What a ruleset says of starforce: the edition, and its switches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "edition", deny_unknown_fields)]
pub enum StarforceChoice {
    /// The rules of 2025-03.
    #[serde(rename = "kms_2025_03")]
    Kms2025 {
        /// Success × 1.05.
        star_catch: bool,
        /// Destruction × 0.7 at stars 15 to 21.
        destruction_event: bool,
        /// Cost × 0.7, safeguard included.
        cost_event: bool,
        /// Always bought at stars 15, 16 and 17.
        safeguard: bool,
    },
    /// The rules of 2026-03.
    #[serde(rename = "kms_2026_03")]
    Kms2026 {
        /// Destruction × 0.7 at stars 0 to 21.
        destruction_event: bool,
        /// Cost × 0.7, of the base alone.
        cost_event: bool,
        /// May be bought at stars 15, 16 and 17.
        safeguard: bool,
        /// What a spare item costs.
        spare_price_mesos: u64,
    },
}

/// What a ruleset says of scrolls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoljangChoice {
    /// Cost × 0.7, of the scroll alone.
    pub cost_event: bool,
    /// What a failure costs on top of the scroll.
    pub failure_mesos: u64,
}

impl StarforceChoice {
    /// The name of the edition in `starforce_rates.csv`.
    #[must_use]
    pub fn edition(&self) -> &'static str {
        match self {
            Self::Kms2025 { .. } => "kms_2025_03",
            Self::Kms2026 { .. } => "kms_2026_03",
        }
    }
}

/// Starforce by these tables and this choice.
pub fn starforce_rules(
    texts: &StarforceTexts<'_>,
    choice: StarforceChoice,
) -> Result<StarforceRules, SheetError> {
    let max_stars = max_stars(texts)?;
    let fees = fees(texts)?;
    let stars = star_rows(texts, choice.edition(), &fees, &max_stars)?;
    let edition = match choice {
        StarforceChoice::Kms2025 {
            star_catch,
            destruction_event,
            cost_event,
            safeguard,
        } => Edition::Kms2025(Kms2025 {
            star_catch,
            destruction_event,
            cost_event,
            safeguard,
        }),
        StarforceChoice::Kms2026 {
            destruction_event,
            cost_event,
            safeguard,
            spare_price_mesos,
        } => Edition::Kms2026(Kms2026 {
            destruction_event,
            cost_event,
            safeguard,
            spare_price_mesos: Meso(spare_price_mesos.into()),
            restores: restores(texts, &fees, &max_stars)?,
        }),
    };
    Ok(StarforceRules {
        max_stars,
        stars,
        edition,
    })
}

/// Scrolls by these tables and this choice.
pub fn noljang_rules(
    texts: &StarforceTexts<'_>,
    choice: NoljangChoice,
) -> Result<NoljangRules, SheetError> {
    let fees = fees(texts)?;
    let sheet = Sheet::parse("noljang_rates.csv", texts.noljang, &["star", "success"])?;
    let mut stars = Vec::new();
    for row in sheet.rows() {
        row.follows("star", stars.len())?;
        let success = row.chance_above_zero("success")?;
        let fee = *fees
            .get(stars.len())
            .ok_or_else(|| row.wrong("star", "a star with a fee"))?;
        stars.push(NoljangRow { success, fee });
    }
    if stars.is_empty() {
        return Err(sheet.whole("the number of rows", 0, "at least 1"));
    }
    Ok(NoljangRules {
        max_stars: max_stars(texts)?,
        stars,
        failure_mesos: Meso(choice.failure_mesos.into()),
        cost_event: choice.cost_event,
    })
}

/// The items whose stars come with them.
pub fn granted(texts: &StarforceTexts<'_>) -> Result<Vec<Granted>, SheetError> {
    let sheet = Sheet::parse(
        "granted.csv",
        texts.granted,
        &["slot", "name_prefix", "note"],
    )?;
    sheet
        .rows()
        .map(|row| {
            Ok(Granted {
                slot: row.name("slot")?,
                name_prefix: row.name("name_prefix")?,
            })
        })
        .collect()
}

fn max_stars(texts: &StarforceTexts<'_>) -> Result<Vec<MaxStar>, SheetError> {
    const COLUMNS: [&str; 3] = ["min_level", "max_level", "max_star"];

    let sheet = Sheet::parse("starforce_max_star.csv", texts.max_star, &COLUMNS)?;
    let mut bands: Vec<MaxStar> = Vec::new();
    for row in sheet.rows() {
        let next = bands.last().map_or(0, |band| band.max_level.0 + 1);
        row.follows("min_level", next)?;
        let lowest_star = bands.last().map_or(1, |band| band.max_star.0);
        bands.push(MaxStar {
            min_level: Level(next),
            max_level: Level(row.number("max_level", next..=Level::MAX.0)?),
            max_star: Star(row.number("max_star", lowest_star..=Star::MAX.0)?),
        });
    }
    let last = bands.last().map_or(0, |band| band.max_level.0);
    if last != Level::MAX.0 {
        return Err(sheet.whole("the last max_level", last, Level::MAX.0.to_string()));
    }
    Ok(bands)
}

/// The fee of each star.
fn fees(texts: &StarforceTexts<'_>) -> Result<Vec<FeeFormula>, SheetError> {
    const COLUMNS: [&str; 4] = ["min_star", "max_star", "divisor", "exponent"];

    let sheet = Sheet::parse("starforce_fees.csv", texts.fees, &COLUMNS)?;
    let mut fees = Vec::new();
    for row in sheet.rows() {
        row.follows("min_star", fees.len())?;
        let last = row.number("max_star", fees.len()..=usize::from(Star::MAX.0) - 1)?;
        let fee = FeeFormula {
            divisor: row.number("divisor", 1.0..=10_000.0)?,
            exponent: row.number("exponent", 1.0..=5.0)?,
        };
        fees.resize(last + 1, fee);
    }
    Ok(fees)
}

fn star_rows(
    texts: &StarforceTexts<'_>,
    edition: &str,
    fees: &[FeeFormula],
    max_stars: &[MaxStar],
) -> Result<Vec<StarRow>, SheetError> {
    const COLUMNS: [&str; 4] = ["edition", "star", "success", "destroy"];

    let sheet = Sheet::parse("starforce_rates.csv", texts.rates, &COLUMNS)?;
    let mut stars = Vec::new();
    for row in sheet.rows().filter(|row| row.text("edition") == edition) {
        row.follows("star", stars.len())?;
        let success = row.chance_above_zero("success")?;
        let destroy = row.chance("destroy")?;
        if success.get() + destroy.get() > 1.0 {
            return Err(row.wrong("destroy", format!("at most 1 - {}", success.get())));
        }
        let fee = *fees
            .get(stars.len())
            .ok_or_else(|| row.wrong("star", "a star with a fee"))?;
        stars.push(StarRow {
            success,
            destroy,
            fee,
        });
    }
    let highest = max_stars
        .iter()
        .map(|band| usize::from(band.max_star.0))
        .max()
        .unwrap_or(0);
    if stars.len() < highest {
        let what = format!("the number of stars of {edition}");
        return Err(sheet.whole(what, stars.len(), format!("{highest}, the highest star")));
    }
    Ok(stars)
}

/// The restores: each level has its trace stars from 15 without a gap, spares depend on the star
/// alone, and the given ratio is that of the mesos to a try's cost.
fn restores(
    texts: &StarforceTexts<'_>,
    fees: &[FeeFormula],
    max_stars: &[MaxStar],
) -> Result<Vec<TraceRestore>, SheetError> {
    const COLUMNS: [&str; 5] = [
        "level",
        "trace_star",
        "spares",
        "mesos",
        "mesos_over_try_cost",
    ];
    const TRACE_STARS: std::ops::RangeInclusive<u8> = 15..=22;
    const MESOS_MAX: i128 = 1_000_000_000_000;

    let sheet = Sheet::parse("starforce_restore.csv", texts.restore, &COLUMNS)?;
    let mut restores: Vec<TraceRestore> = Vec::new();
    for row in sheet.rows() {
        let level = Level(row.number("level", 1..=Level::MAX.0)?);
        match restores.last() {
            Some(last) if last.level == level => row.follows("trace_star", last.star.0 + 1)?,
            Some(last) if last.level > level => {
                return Err(row.wrong("level", format!("at least {}", last.level.0)));
            }
            _ => row.follows("trace_star", *TRACE_STARS.start())?,
        }
        let star = Star(row.number("trace_star", TRACE_STARS)?);
        let restore = TraceRestore {
            level,
            star,
            spares: row.number("spares", 1..=20)?,
            mesos: Meso(row.number("mesos", 0..=MESOS_MAX)?),
            mesos_over_try_cost: row.number("mesos_over_try_cost", 0.0..=10_000.0)?,
        };
        let same_star = restores.iter().find(|other| other.star == star);
        if let Some(other) = same_star.filter(|other| other.spares != restore.spares) {
            let expected = format!("{}, as at level {}", other.spares, other.level.0);
            return Err(row.wrong("spares", expected));
        }
        let fee = fees.get(usize::from(star.0));
        let ratio = fee.map(|fee| restore.mesos.0 as f64 / fee.to_hundreds(level, star));
        match ratio {
            Some(ratio) if (ratio - restore.mesos_over_try_cost).abs() <= 0.000_51 => {}
            Some(ratio) => return Err(row.wrong("mesos_over_try_cost", format!("{ratio:.3}"))),
            None => return Err(row.wrong("trace_star", "a star with a fee")),
        }
        restores.push(restore);
    }
    for level in restores.iter().map(|restore| restore.level) {
        let max_star = max_stars.iter().find(|band| band.max_level >= level);
        let reach = max_star.map_or(0, |band| band.max_star.0.saturating_sub(1));
        let needed = reach.min(*TRACE_STARS.end());
        let last = restores
            .iter()
            .filter(|restore| restore.level == level)
            .map(|r| r.star.0)
            .max();
        if last.is_some_and(|last| last < needed) {
            let what = format!("the last trace_star of level {}", level.0);
            return Err(sheet.whole(what, last.unwrap_or(0), needed.to_string()));
        }
    }
    for star in TRACE_STARS {
        if !restores.iter().any(|restore| restore.star == Star(star)) {
            return Err(sheet.whole(format!("the number of rows of star {star}"), 0, "some"));
        }
    }
    Ok(restores)
}
