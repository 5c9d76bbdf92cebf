//! The rules of one potential: which tables apply where, what a reset costs, how grades rise.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::potential::chance::{Draw, Share};
use crate::potential::table::OddsTable;
use crate::units::{Grade, Level, Meso, OptionGrade, Probability};

/// A part of the odds tables, by its place in the ruleset's list of parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PartId(pub u8);

/// A table and the levels for which it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// First level.
    pub min_level: Level,
    /// Last level.
    pub max_level: Level,
    /// The table.
    pub table: Arc<OddsTable>,
}

/// What one reset costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeRow {
    /// Grade of the item.
    pub grade: Grade,
    /// First level.
    pub min_level: Level,
    /// Last level.
    pub max_level: Level,
    /// Mesos a reset.
    pub mesos: Meso,
}

/// The way from a grade to the next one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepRow {
    /// The grade that is left.
    pub from: Grade,
    /// Chance that a reset lifts the grade, above 0.
    pub probability: Probability,
    /// After so many failures the next reset is certain.
    pub ceiling: Option<u32>,
}

/// The rules of one potential.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    try_from = "super::rules::wire::Wire",
    into = "super::rules::wire::Wire"
)]
pub struct PotentialRules {
    /// The cube whose odds these are.
    pub cube: String,
    /// The tables of each part and option grade, by level.
    pub(crate) tables: BTreeMap<(PartId, OptionGrade), Vec<Placed>>,
    /// Share of the own grade in lines 1, 2, 3.
    pub(crate) own_shares: BTreeMap<Grade, [Share; 3]>,
    /// Fees; empty where the ruleset gives no price.
    pub(crate) fees: Vec<FeeRow>,
    /// How grades rise, lowest first.
    pub(crate) steps: Vec<StepRow>,
}

impl PotentialRules {
    /// Rules from their rows, each list in any order.
    #[must_use]
    pub fn new(
        cube: String,
        tables: impl IntoIterator<Item = (PartId, OptionGrade, Placed)>,
        own_shares: BTreeMap<Grade, [Share; 3]>,
        mut fees: Vec<FeeRow>,
        mut steps: Vec<StepRow>,
    ) -> Self {
        let mut by_place: BTreeMap<(PartId, OptionGrade), Vec<Placed>> = BTreeMap::new();
        for (part, grade, placed) in tables {
            by_place.entry((part, grade)).or_default().push(placed);
        }
        for bands in by_place.values_mut() {
            bands.sort_by_key(|band| band.min_level);
        }
        fees.sort_by_key(|row| (row.grade, row.min_level));
        steps.sort_by_key(|row| row.from);
        Self {
            cube,
            tables: by_place,
            own_shares,
            fees,
            steps,
        }
    }

    /// The table of a part, option grade and level.
    #[must_use]
    pub fn placed(&self, part: PartId, grade: OptionGrade, level: Level) -> Option<&Placed> {
        let bands = self.tables.get(&(part, grade))?;
        bands
            .iter()
            .find(|band| (band.min_level..=band.max_level).contains(&level))
    }

    pub(crate) fn placed_mut(
        &mut self,
        part: PartId,
        grade: OptionGrade,
        level: Level,
    ) -> Option<&mut Placed> {
        let bands = self.tables.get_mut(&(part, grade))?;
        bands
            .iter_mut()
            .find(|band| (band.min_level..=band.max_level).contains(&level))
    }

    /// All tables with their places.
    pub fn places(&self) -> impl Iterator<Item = (PartId, OptionGrade, &Placed)> {
        self.tables
            .iter()
            .flat_map(|(&(part, grade), bands)| bands.iter().map(move |band| (part, grade, band)))
    }

    /// What the three lines of an item are drawn from; `None` where a table is missing.
    #[must_use]
    pub fn draws(&self, part: PartId, grade: Grade, level: Level) -> Option<[Draw<'_>; 3]> {
        let shares = self.own_shares.get(&grade)?;
        let own = &*self.placed(part, grade.into(), level)?.table;
        let below = if shares.iter().all(|share| share.is_whole()) {
            None
        } else {
            Some(&*self.placed(part, grade.below(), level)?.table)
        };
        Some(shares.map(|share| Draw { own, below, share }))
    }

    /// The fee row of a grade and level.
    #[must_use]
    pub fn fee_row(&self, grade: Grade, level: Level) -> Option<&FeeRow> {
        self.fees
            .iter()
            .find(|row| row.grade == grade && (row.min_level..=row.max_level).contains(&level))
    }

    pub(crate) fn fee_row_mut(&mut self, grade: Grade, level: Level) -> Option<&mut FeeRow> {
        self.fees
            .iter_mut()
            .find(|row| row.grade == grade && (row.min_level..=row.max_level).contains(&level))
    }

    /// What one reset costs.
    #[must_use]
    pub fn fee(&self, grade: Grade, level: Level) -> Option<Meso> {
        self.fee_row(grade, level).map(|row| row.mesos)
    }

    /// Whether the rules give any price of a reset.
    #[must_use]
    pub fn is_priced(&self) -> bool {
        !self.fees.is_empty()
    }

    /// The lowest level at which a potential of `part` and `grade` has the same tables and fee as
    /// at `level`; `None` where there is no table.
    #[must_use]
    pub fn band(&self, part: PartId, grade: Grade, level: Level) -> Option<Level> {
        self.draws(part, grade, level)?;
        let tables = [OptionGrade::from(grade), grade.below()]
            .into_iter()
            .filter_map(|option| Some(self.placed(part, option, level)?.min_level));
        let fee = self.fee_row(grade, level).map(|row| row.min_level);
        tables.chain(fee).max()
    }

    /// The steps from 레어 to `grade`.
    pub fn steps_to(&self, grade: Grade) -> impl Iterator<Item = &StepRow> {
        self.steps.iter().filter(move |step| step.from < grade)
    }
}

pub(super) mod wire {
    //! The stored form: each distinct table once, numbered in the order of the places.

    use super::*;

    #[derive(Clone, Serialize, Deserialize)]
    pub(in crate::potential) struct Wire {
        cube: String,
        tables: Vec<OddsTable>,
        places: Vec<Place>,
        own_shares: BTreeMap<Grade, [Share; 3]>,
        fees: Vec<FeeRow>,
        steps: Vec<StepRow>,
    }

    #[derive(Clone, Serialize, Deserialize)]
    struct Place {
        part: PartId,
        grade: OptionGrade,
        min_level: Level,
        max_level: Level,
        table: usize,
    }

    impl From<PotentialRules> for Wire {
        fn from(rules: PotentialRules) -> Self {
            let mut tables: Vec<OddsTable> = Vec::new();
            let mut known: BTreeMap<BTreeMap<String, u32>, usize> = BTreeMap::new();
            let places = rules
                .places()
                .map(|(part, grade, placed)| {
                    let table = *known
                        .entry(placed.table.weights().clone())
                        .or_insert_with(|| {
                            tables.push((*placed.table).clone());
                            tables.len() - 1
                        });
                    let Placed {
                        min_level,
                        max_level,
                        ..
                    } = *placed;
                    Place {
                        part,
                        grade,
                        min_level,
                        max_level,
                        table,
                    }
                })
                .collect();
            let PotentialRules {
                cube,
                own_shares,
                fees,
                steps,
                ..
            } = rules;
            Self {
                cube,
                tables,
                places,
                own_shares,
                fees,
                steps,
            }
        }
    }

    /// A place names a table that is not there.
    #[derive(Debug, thiserror::Error)]
    #[error("a place names table {0}; expected one of the {1} tables")]
    pub(in crate::potential) struct NoTable(usize, usize);

    impl TryFrom<Wire> for PotentialRules {
        type Error = NoTable;

        fn try_from(wire: Wire) -> Result<Self, NoTable> {
            let tables: Vec<Arc<OddsTable>> = wire.tables.into_iter().map(Arc::new).collect();
            let places = wire.places.into_iter().map(|place| {
                let Place {
                    part,
                    grade,
                    min_level,
                    max_level,
                    table,
                } = place;
                let table = tables
                    .get(table)
                    .ok_or(NoTable(table, tables.len()))?
                    .clone();
                Ok((
                    part,
                    grade,
                    Placed {
                        min_level,
                        max_level,
                        table,
                    },
                ))
            });
            let places: Vec<_> = places.collect::<Result<_, NoTable>>()?;
            Ok(Self::new(
                wire.cube,
                places,
                wire.own_shares,
                wire.fees,
                wire.steps,
            ))
        }
    }
}
