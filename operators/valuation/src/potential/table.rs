//! An odds table: the options of one grade, each with a whole-number weight.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::option::{self, Effect, UnknownOption};

/// The options that a line of one grade is drawn from. The chance of an option is its weight over
/// the total.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<String, u32>", into = "BTreeMap<String, u32>")]
pub struct OddsTable {
    weights: BTreeMap<String, u32>,
    total: u32,
    outcomes: Vec<Outcome>,
}

/// Options of a table that no price can tell apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) family: Family,
    pub(crate) effect: Option<Effect>,
    pub(crate) weight: u32,
}

/// A family of options of which only some lines of three may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Of no family: any number of lines.
    Unlimited,
    /// `쓸만한`
    UsefulSkill,
    /// `피격 후 무적시간`
    LongerInvincibility,
    /// `피격 시 N% 확률로 데미지의 N% 무시`
    IgnoredDamage,
    /// `피격 시 N% 확률로 N초간 무적`
    Invincibility,
}

impl Family {
    /// The limited families.
    pub const LIMITED: [Self; 4] = [
        Self::UsefulSkill,
        Self::LongerInvincibility,
        Self::IgnoredDamage,
        Self::Invincibility,
    ];

    /// The part of the text that tells a family; `N` stands for any number. Empty for `Unlimited`.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Unlimited => "",
            Self::UsefulSkill => "쓸만한",
            Self::LongerInvincibility => "피격 후 무적시간",
            Self::IgnoredDamage => "피격 시 N% 확률로 데미지의 N% 무시",
            Self::Invincibility => "피격 시 N% 확률로 N초간 무적",
        }
    }

    /// The family of an option.
    #[must_use]
    pub fn of(line: &str) -> Self {
        Self::LIMITED
            .into_iter()
            .find(|family| option::is_of_family(line, family.text()))
            .unwrap_or(Self::Unlimited)
    }
}

/// Why a table cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "the messages document the variants")]
pub enum TableError {
    #[error("read an option of the table")]
    Option(#[from] UnknownOption),
    #[error("{0:?} has weight 0; expected a whole number above 0")]
    ZeroWeight(String),
    #[error("the weights sum to {0}; expected 1 to {max}", max = OddsTable::TOTAL_MAX)]
    Total(u64),
    #[error("all options are of limited families; expected one that every line can be")]
    AllLimited,
}

impl OddsTable {
    /// The greatest sum of weights: with it, every product of the calculation is bounded.
    pub const TOTAL_MAX: u32 = 100_000;

    /// A table of options and weights.
    ///
    /// # Errors
    /// When an option is unknown, a weight is 0, the sum of the weights is out of range, or there
    /// is no option that is always allowed.
    pub fn new(weights: BTreeMap<String, u32>) -> Result<Self, TableError> {
        let sum: u64 = weights.values().map(|&weight| u64::from(weight)).sum();
        let total = u32::try_from(sum)
            .ok()
            .filter(|total| (1..=Self::TOTAL_MAX).contains(total))
            .ok_or(TableError::Total(sum))?;
        let mut alike: BTreeMap<(Family, Option<Effect>), u32> = BTreeMap::new();
        for (text, &weight) in &weights {
            if weight == 0 {
                return Err(TableError::ZeroWeight(text.clone()));
            }
            *alike
                .entry((Family::of(text), option::parse(text)?))
                .or_default() += weight;
        }
        let outcomes: Vec<Outcome> = alike
            .into_iter()
            .map(|((family, effect), weight)| Outcome {
                family,
                effect,
                weight,
            })
            .collect();
        if outcomes
            .iter()
            .all(|outcome| outcome.family != Family::Unlimited)
        {
            return Err(TableError::AllLimited);
        }
        Ok(Self {
            weights,
            total,
            outcomes,
        })
    }

    /// The options and their weights.
    #[must_use]
    pub fn weights(&self) -> &BTreeMap<String, u32> {
        &self.weights
    }

    /// The sum of the weights.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.total
    }

    pub(crate) fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }

    /// The limited families of which the table has options, in order.
    pub fn families(&self) -> impl Iterator<Item = Family> {
        Family::LIMITED.into_iter().filter(|family| {
            self.outcomes
                .iter()
                .any(|outcome| outcome.family == *family)
        })
    }
}

impl TryFrom<BTreeMap<String, u32>> for OddsTable {
    type Error = TableError;

    fn try_from(weights: BTreeMap<String, u32>) -> Result<Self, TableError> {
        Self::new(weights)
    }
}

impl From<OddsTable> for BTreeMap<String, u32> {
    fn from(table: OddsTable) -> Self {
        table.weights
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[(&str, u32)]) -> Result<OddsTable, TableError> {
        OddsTable::new(
            rows.iter()
                .map(|&(text, weight)| (text.to_owned(), weight))
                .collect(),
        )
    }

    #[test]
    fn worthless_options_of_a_family_are_one_outcome() {
        let table = table(&[("최대 MP +6%", 2), ("방어력 +6%", 3), ("STR +6%", 1)]).unwrap();
        assert_eq!(table.total(), 6);
        assert_eq!(table.outcomes().len(), 2);
    }

    #[test]
    fn tables_that_cannot_be_drawn_from_are_refused() {
        assert_eq!(table(&[]), Err(TableError::Total(0)));
        assert_eq!(
            table(&[("STR +6%", 0), ("DEX +6%", 1)]),
            Err(TableError::ZeroWeight("STR +6%".into()))
        );
        assert_eq!(
            table(&[("피격 후 무적시간 +1초", 1)]),
            Err(TableError::AllLimited)
        );
        assert!(matches!(
            table(&[("힘 +6%", 1)]),
            Err(TableError::Option(_))
        ));
    }
}
