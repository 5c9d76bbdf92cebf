//! Classes and parts: whom the odds concern.

use std::collections::BTreeMap;

use valuation::Stat;
use valuation::class::{AttackKind, ClassRule, MainStat};
use valuation::rules::{PartRule, WornPart};

use crate::Tables;
use crate::sheet::{Row, Sheet, SheetError};

/// What stands between several values of one column.
const SEPARATOR: char = '|';

/// The classes of `classes.csv`.
pub(crate) fn classes(tables: &Tables) -> Result<BTreeMap<String, ClassRule>, SheetError> {
    const FILE: &str = "classes.csv";
    const COLUMNS: [&str; 5] = ["class", "main_stats", "sub_stats", "attack", "note"];

    let sheet = Sheet::parse(FILE, tables.text(FILE), &COLUMNS)?;
    let mut classes = BTreeMap::new();
    for row in sheet.rows() {
        let main = if row.text("main_stats") == "HP" {
            MainStat::Hp
        } else {
            MainStat::Stats(stats(&row, "main_stats")?)
        };
        let class = ClassRule {
            main,
            sub_stats: match row.text("sub_stats") {
                "" => Vec::new(),
                _ => stats(&row, "sub_stats")?,
            },
            attack: if row.either("attack", "attack", "magic")? {
                AttackKind::Attack
            } else {
                AttackKind::Magic
            },
        };
        if classes.insert(row.name("class")?, class).is_some() {
            return Err(row.wrong("class", "each class once"));
        }
    }
    if classes.is_empty() {
        return Err(sheet.whole("the number of classes", 0, "some"));
    }
    Ok(classes)
}

fn stats(row: &Row<'_>, column: &str) -> Result<Vec<Stat>, SheetError> {
    let expected = "HP, or STR, DEX, INT and LUK with | between them, each once";
    row.one_of(column, expected, |text| {
        let mut stats = Vec::new();
        for name in text.split(SEPARATOR) {
            let stat = Stat::ALL.into_iter().find(|stat| stat.name() == name)?;
            if stats.contains(&stat) {
                return None;
            }
            stats.push(stat);
        }
        Some(stats)
    })
}

/// The parts of `parts.csv`, in its order.
pub(crate) fn parts(tables: &Tables) -> Result<Vec<PartRule>, SheetError> {
    const FILE: &str = "parts.csv";
    const COLUMNS: [&str; 4] = ["part", "slots", "worn_part", "official_name"];
    const MOST: usize = 256;

    let sheet = Sheet::parse(FILE, tables.text(FILE), &COLUMNS)?;
    let mut parts: Vec<PartRule> = Vec::new();
    for row in sheet.rows() {
        let part = PartRule {
            name: row.name("part")?,
            slots: row
                .name("slots")?
                .split(SEPARATOR)
                .map(str::to_owned)
                .collect(),
            worn_part: row.one_of(
                "worn_part",
                "nothing, `is TEXT` or `contains TEXT|TEXT`",
                worn_part,
            )?,
        };
        if parts.iter().any(|other| other.name == part.name) {
            return Err(row.wrong("part", "each part once"));
        }
        let same = |other: &PartRule| {
            other.worn_part == part.worn_part
                && other.slots.iter().any(|slot| part.slots.contains(slot))
        };
        if parts.iter().any(same) {
            return Err(row.wrong(
                "slots",
                "slots that no other part has for the same worn part",
            ));
        }
        parts.push(part);
    }
    if parts.is_empty() || parts.len() > MOST {
        return Err(sheet.whole("the number of parts", parts.len(), format!("1 to {MOST}")));
    }
    Ok(parts)
}

fn worn_part(text: &str) -> Option<WornPart> {
    let filled = |text: &str| (!text.trim().is_empty()).then(|| text.to_owned());
    match text.split_once(' ') {
        None if text.is_empty() => Some(WornPart::Any),
        Some(("is", name)) => filled(name).map(WornPart::Is),
        Some(("contains", names)) => names
            .split(SEPARATOR)
            .map(filled)
            .collect::<Option<_>>()
            .map(WornPart::Contains),
        _ => None,
    }
}
