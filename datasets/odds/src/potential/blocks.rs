//! The form of the odds tables of options: blocks of weights, and where they stand.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use valuation::potential::{OddsTable, PartId, Placed, TableError};
use valuation::rules::PartRule;
use valuation::{Level, OptionGrade};

use crate::sheet::SheetError;

/// A table at its place.
pub(super) struct Place {
    pub(super) part: PartId,
    pub(super) grade: OptionGrade,
    pub(super) placed: Placed,
    line: u64,
}

/// Reads a file of blocks. No two tables may stand at the same part, grade and level.
pub(super) fn placed(file: &str, text: &str, parts: &[PartRule]) -> Result<Vec<Place>, SheetError> {
    let mut places: Vec<Place> = Vec::new();
    let mut block: Option<Block<'_>> = None;
    for (line, content) in (1..).zip(text.lines()) {
        let line = Line {
            file,
            line,
            content: content.trim(),
        };
        if line.content.is_empty() || line.content.starts_with('#') {
            continue;
        }
        if let Some(total) = line.content.strip_prefix("table ") {
            if let Some(block) = block.take() {
                block.close(&mut places)?;
            }
            let total = total
                .parse()
                .map_err(|_| line.wrong("total", total, "a whole number"))?;
            block = Some(Block {
                start: line,
                total,
                stands: Vec::new(),
                weights: BTreeMap::new(),
            });
            continue;
        }
        let Some(block) = &mut block else {
            return Err(line.wrong("line", line.content, "`table TOTAL` first"));
        };
        match line.content.strip_prefix("at ") {
            Some(stand) => block.stands.extend(line.stand(stand, parts)?),
            None => {
                let (option, weight) = line.option()?;
                match block.weights.entry(option) {
                    Entry::Vacant(entry) => entry.insert(weight),
                    Entry::Occupied(entry) => {
                        return Err(line.wrong(
                            "option",
                            entry.key(),
                            "each option once in a table",
                        ));
                    }
                };
            }
        }
    }
    match block {
        Some(block) => block.close(&mut places)?,
        None => {
            let line = Line {
                file,
                line: 1,
                content: "",
            };
            return Err(line.wrong("table", "", "at least one table"));
        }
    }
    Ok(places)
}

/// Checks that wherever options of a grade stand, those of the grade below stand too: lines of an
/// item are drawn from both.
pub(super) fn check_grades_below(
    file: &str,
    places: &[Place],
    parts: &[PartRule],
) -> Result<(), SheetError> {
    for place in places {
        let below = OptionGrade::ALL
            .into_iter()
            .rev()
            .find(|grade| *grade < place.grade);
        let Some(below) = below else { continue };
        let Placed {
            min_level,
            max_level,
            ..
        } = place.placed;
        let last_with = |level: Level| {
            let covers = |other: &&Place| {
                (other.part, other.grade) == (place.part, below)
                    && (other.placed.min_level..=other.placed.max_level).contains(&level)
            };
            places
                .iter()
                .find(covers)
                .map(|other| other.placed.max_level)
        };
        let mut next = Some(min_level);
        let gap = loop {
            match next.filter(|&level| level <= max_level) {
                None => break None,
                Some(level) => match last_with(level) {
                    None => break Some(level),
                    Some(last) => next = Some(Level(last.0 + 1)),
                },
            }
        };
        if let Some(level) = gap {
            let part = parts
                .get(usize::from(place.part.0))
                .map_or("", |part| &part.name);
            let line = Line {
                file,
                line: place.line,
                content: "",
            };
            let value = format!("{part} {} at level {}", place.grade.korean(), level.0);
            let expected = format!("a table of {} for the same part and level", below.korean());
            return Err(line.wrong("at", &value, &expected));
        }
    }
    Ok(())
}

struct Block<'a> {
    start: Line<'a>,
    total: u64,
    stands: Vec<Stand<'a>>,
    weights: BTreeMap<String, u32>,
}

/// One part, grade and range of levels where a table stands.
struct Stand<'a> {
    line: Line<'a>,
    part: PartId,
    grade: OptionGrade,
    levels: (Level, Level),
}

impl Block<'_> {
    fn close(self, places: &mut Vec<Place>) -> Result<(), SheetError> {
        let Self {
            start,
            total,
            stands,
            weights,
        } = self;
        let sum: u64 = weights.values().map(|&weight| u64::from(weight)).sum();
        if sum != total {
            let expected = format!("{sum}, the sum of the weights");
            return Err(start.wrong("total", &total.to_string(), &expected));
        }
        if stands.is_empty() {
            return Err(start.wrong(
                "table",
                start.content,
                "an `at` line that says where it stands",
            ));
        }
        let table = OddsTable::new(weights).map_err(|error| {
            let expected = match &error {
                TableError::Option(unknown) => unknown.to_string(),
                other => other.to_string(),
            };
            start.wrong(
                "table",
                start.content,
                &format!("a usable table: {expected}"),
            )
        })?;
        let table = Arc::new(table);
        for Stand {
            line,
            part,
            grade,
            levels: (min_level, max_level),
        } in stands
        {
            let taken = places.iter().find(|other| {
                (other.part, other.grade) == (part, grade)
                    && other.placed.min_level <= max_level
                    && min_level <= other.placed.max_level
            });
            if let Some(other) = taken {
                let expected = format!("levels that line {} does not have already", other.line);
                return Err(line.wrong("at", line.content, &expected));
            }
            let placed = Placed {
                min_level,
                max_level,
                table: Arc::clone(&table),
            };
            places.push(Place {
                part,
                grade,
                placed,
                line: line.line,
            });
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
struct Line<'a> {
    file: &'a str,
    line: u64,
    content: &'a str,
}

impl<'a> Line<'a> {
    /// Reads `GRADE FIRST..LAST PART | PART (provenance)`.
    fn stand(self, text: &str, parts: &[PartRule]) -> Result<Vec<Stand<'a>>, SheetError> {
        const FORM: &str = "at GRADE FIRST..LAST PART | PART (provenance)";

        let place = text.split_once(" (").map_or(text, |(place, _)| place);
        let mut words = place.splitn(3, ' ');
        let (Some(grade), Some(levels), Some(names)) = (words.next(), words.next(), words.next())
        else {
            return Err(self.wrong("at", text, FORM));
        };
        let known = OptionGrade::ALL.map(OptionGrade::korean);
        let grade = OptionGrade::from_korean(grade)
            .ok_or_else(|| self.wrong("grade", grade, &format!("one of {known:?}")))?;
        let bounds = levels.split_once("..").and_then(|(first, last)| {
            let (first, last): (u16, u16) = (first.parse().ok()?, last.parse().ok()?);
            (1 <= first && first <= last && last <= Level::MAX.0)
                .then_some((Level(first), Level(last)))
        });
        let levels = bounds.ok_or_else(|| {
            let expected = format!("FIRST..LAST with 1 <= FIRST <= LAST <= {}", Level::MAX.0);
            self.wrong("levels", levels, &expected)
        })?;
        names
            .split(" | ")
            .map(|name| {
                let place = parts.iter().position(|part| part.name == name);
                let part = place.and_then(|place| u8::try_from(place).ok()).map(PartId);
                let part = part.ok_or_else(|| self.wrong("part", name, "a part of parts.csv"))?;
                Ok(Stand {
                    line: self,
                    part,
                    grade,
                    levels,
                })
            })
            .collect()
    }

    /// Reads `WEIGHT OPTION`.
    fn option(self) -> Result<(String, u32), SheetError> {
        const FORM: &str = "`table TOTAL`, `at ...`, or `WEIGHT OPTION` with a weight above 0";

        let (weight, option) = self
            .content
            .split_once(' ')
            .ok_or_else(|| self.wrong("line", self.content, FORM))?;
        let weight = match weight.parse::<u32>() {
            Ok(weight) if weight > 0 => weight,
            _ => return Err(self.wrong("weight", weight, FORM)),
        };
        if let Err(unknown) = valuation::option::parse(option) {
            return Err(self.wrong("option", option, &format!("a known option: {unknown}")));
        }
        Ok((option.to_owned(), weight))
    }

    fn wrong(self, column: &str, value: &str, expected: &str) -> SheetError {
        SheetError::Value {
            file: self.file.to_owned(),
            row: self.line,
            column: column.to_owned(),
            value: value.to_owned(),
            expected: expected.to_owned(),
        }
    }
}
