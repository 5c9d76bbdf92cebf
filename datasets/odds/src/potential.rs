//! The tables of potentials, and the rules that they make.

mod blocks;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use valuation::potential::{Family, FeeRow, Limits, PotentialKind, PotentialRules, Share, StepRow};
use valuation::rules::PartRule;
use valuation::{Grade, Level, Meso};

use crate::Tables;
use crate::sheet::{Row, Sheet, SheetError};

/// The highest price that a table or a ruleset may name.
const MESOS_MAX: u64 = 1_000_000_000_000;

/// A cube, or a reset for mesos with the odds of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cube {
    /// Its name in the tables.
    pub(crate) name: String,
    /// The family of tables that it draws from.
    pub(crate) family: String,
    /// Whether `reset_fees.csv` says what it costs.
    pub(crate) paid_in_mesos: bool,
}

/// The cubes of `cubes.csv`.
pub(crate) fn cubes(tables: &Tables) -> Result<Vec<Cube>, SheetError> {
    const FILE: &str = "cubes.csv";
    const COLUMNS: [&str; 4] = ["cube", "family", "paid_in", "korean_name"];

    let sheet = Sheet::parse(FILE, tables.text(FILE), &COLUMNS)?;
    let mut cubes: Vec<Cube> = Vec::new();
    for row in sheet.rows() {
        let cube = Cube {
            name: row.name("cube")?,
            family: row.name("family")?,
            paid_in_mesos: row.either("paid_in", "mesos", "cubes")?,
        };
        if cubes.iter().any(|other| other.name == cube.name) {
            return Err(row.wrong("cube", "each cube once"));
        }
        cubes.push(cube);
    }
    Ok(cubes)
}

/// How many lines may be of one family of options.
pub(crate) fn limits(tables: &Tables) -> Result<Limits, SheetError> {
    const FILE: &str = "option_limits.csv";
    const COLUMNS: [&str; 4] = ["match", "max_lines", "rule", "sources"];

    let sheet = Sheet::parse(FILE, tables.text(FILE), &COLUMNS)?;
    let mut limits = Limits::default();
    for row in sheet.rows() {
        let names = Family::LIMITED.map(Family::text);
        let family = row.one_of("match", &format!("one of {names:?}"), |text| {
            Family::LIMITED
                .into_iter()
                .find(|family| family.text() == text)
        })?;
        if limits.most(family).is_some() {
            return Err(row.wrong("match", "each family once"));
        }
        limits.set(family, row.number("max_lines", 1..=3)?);
    }
    Ok(limits)
}

/// The rules of one potential by the odds of `cube`.
pub(crate) fn rules(
    tables: &Tables,
    kind: PotentialKind,
    cube: &Cube,
    grade_up: &str,
    cube_price_mesos: Option<u64>,
    parts: &[PartRule],
) -> Result<PotentialRules, SheetError> {
    let file = match kind {
        PotentialKind::Main => "potential_main.txt",
        PotentialKind::Additional => "potential_additional.txt",
    };
    let own_shares = own_shares(tables, &cube.name)?;
    let placed = blocks::placed(file, tables.text(file), parts)?;
    blocks::check_grades_below(file, &placed, parts)?;
    let fees = if cube.paid_in_mesos {
        reset_fees(tables, kind)?
    } else {
        cube_price_mesos
            .map(|price| everywhere(Meso(price.into())))
            .unwrap_or_default()
    };
    let steps = steps(tables, grade_up)?;
    let placed = placed
        .into_iter()
        .map(|place| (place.part, place.grade, place.placed));
    Ok(PotentialRules::new(
        cube.name.clone(),
        placed,
        own_shares,
        fees,
        steps,
    ))
}

fn everywhere(mesos: Meso) -> Vec<FeeRow> {
    let row = |grade| FeeRow {
        grade,
        min_level: Level(1),
        max_level: Level::MAX,
        mesos,
    };
    Grade::ALL.into_iter().map(row).collect()
}

fn grade_in(row: &Row<'_>, column: &str) -> Result<Grade, SheetError> {
    let names = Grade::ALL.map(Grade::korean);
    row.one_of(column, &format!("one of {names:?}"), Grade::from_korean)
}

fn own_shares(tables: &Tables, cube: &str) -> Result<BTreeMap<Grade, [Share; 3]>, SheetError> {
    const FILE: &str = "line_shares.csv";
    const COLUMNS: [&str; 5] = ["cube", "grade", "line_1", "line_2", "line_3"];

    let sheet = Sheet::parse(FILE, tables.text(FILE), &COLUMNS)?;
    let mut shares = BTreeMap::new();
    for row in sheet.rows().filter(|row| row.text("cube") == cube) {
        let share = |column| {
            row.one_of(
                column,
                "a decimal from 0 to 1 with at most 6 places",
                exact_share,
            )
        };
        let of_lines = [share("line_1")?, share("line_2")?, share("line_3")?];
        if shares.insert(grade_in(&row, "grade")?, of_lines).is_some() {
            return Err(row.wrong("grade", "each grade once for a cube"));
        }
    }
    if shares.len() < Grade::ALL.len() {
        let what = format!("the number of grades of {cube}");
        return Err(sheet.whole(what, shares.len(), "4"));
    }
    Ok(shares)
}

/// The exact value of a decimal.
fn exact_share(text: &str) -> Option<Share> {
    const PLACES: usize = 6;

    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() != 1 || fraction.len() > PLACES || !digits(whole) || !digits(fraction) {
        return None;
    }
    let millionths: u32 = format!("{whole}{fraction:0<PLACES$}").parse().ok()?;
    Share::new(millionths, 1_000_000).ok()
}

fn reset_fees(tables: &Tables, kind: PotentialKind) -> Result<Vec<FeeRow>, SheetError> {
    const FILE: &str = "reset_fees.csv";
    const COLUMNS: [&str; 7] = [
        "potential",
        "grade",
        "min_level",
        "max_level",
        "mesos",
        "status",
        "sources",
    ];

    let sheet = Sheet::parse(FILE, tables.text(FILE), &COLUMNS)?;
    let mut fees: Vec<FeeRow> = Vec::new();
    for row in sheet.rows() {
        let of_main = row.either("potential", "main", "additional")?;
        // Other rows keep what sources say that disagree.
        if of_main != (kind == PotentialKind::Main) || row.text("status") != "current" {
            continue;
        }
        let grade = grade_in(&row, "grade")?;
        let last = fees.iter().rev().find(|fee| fee.grade == grade);
        let next = last.map_or(1, |fee| fee.max_level.0 + 1);
        row.follows("min_level", next)?;
        fees.push(FeeRow {
            grade,
            min_level: Level(next),
            max_level: Level(row.number("max_level", next..=Level::MAX.0)?),
            mesos: Meso(row.number("mesos", 0..=MESOS_MAX)?.into()),
        });
    }
    for grade in Grade::ALL {
        let of_grade = fees.iter().filter(|fee| fee.grade == grade);
        let last = of_grade.map(|fee| fee.max_level.0).max().unwrap_or(0);
        if last != Level::MAX.0 {
            let what = format!("the last max_level of {} {}", kind.name(), grade.korean());
            return Err(sheet.whole(what, last, Level::MAX.0.to_string()));
        }
    }
    Ok(fees)
}

fn steps(tables: &Tables, cube: &str) -> Result<Vec<StepRow>, SheetError> {
    const FILE: &str = "grade_up.csv";
    const COLUMNS: [&str; 6] = ["cube", "from", "chance", "ceiling", "sources", "note"];
    const CEILING_MAX: u32 = 1_000_000;

    let sheet = Sheet::parse(FILE, tables.text(FILE), &COLUMNS)?;
    let mut steps: Vec<StepRow> = Vec::new();
    for row in sheet.rows().filter(|row| row.text("cube") == cube) {
        let from = grade_in(&row, "from")?;
        if Grade::ALL.get(steps.len()) != Some(&from) || from == Grade::Legendary {
            return Err(row.wrong("from", "레어, 에픽 and 유니크, in this order"));
        }
        let probability = row.chance_above_zero("chance")?;
        let ceiling = match row.text("ceiling") {
            "" => None,
            _ => Some(row.number("ceiling", 0..=CEILING_MAX)?),
        };
        steps.push(StepRow {
            from,
            probability,
            ceiling,
        });
    }
    if steps.len() < 3 {
        return Err(sheet.whole(format!("the number of steps of {cube:?}"), steps.len(), "3"));
    }
    Ok(steps)
}
