//! Potentials: what it costs to reset three lines until they are at least as good as an item's.

mod chance;
mod limits;
mod quantile;
mod rules;
mod table;

use serde::{Deserialize, Serialize};

use crate::component::{ComponentValue, Detail, Status};
use crate::requirement::Requirement;
use crate::units::{Grade, Level, Probability};

pub use self::chance::{Draw, Share, ShareError, probability};
pub use self::limits::Limits;
pub use self::quantile::{tries_quantiles, tries_quantiles_of_mean};
pub use self::rules::{FeeRow, PartId, Placed, PotentialRules, StepRow};
pub use self::table::{Family, OddsTable, TableError};

/// The two potentials of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PotentialKind {
    /// 윗잠
    Main,
    /// 아랫잠
    Additional,
}

impl PotentialKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Main, Self::Additional];

    /// The name in tables and golden lines.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Additional => "additional",
        }
    }
}

/// All that the price of a potential depends on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PotentialKey {
    /// Which of the two.
    pub kind: PotentialKind,
    /// Part of the odds tables.
    pub part: PartId,
    /// Grade of the potential.
    pub grade: Grade,
    /// The lowest level that has the same tables and fee as the item's.
    pub level: Level,
    /// What the lines must reach together.
    pub requirement: Requirement,
}

/// Expected cost of resets until the lines meet the requirement.
///
/// `unknown_table` where the rules place no table, `impossible` where no three lines reach it or
/// the cost exceeds [`Ratio::COST_MAX`](crate::ratio::Ratio::COST_MAX).
#[must_use]
pub fn price(rules: &PotentialRules, limits: &Limits, key: &PotentialKey) -> ComponentValue {
    let Some(draws) = rules.draws(key.part, key.grade, key.level) else {
        return ComponentValue::settled(Status::UnknownTable);
    };
    let chance = probability(draws, &key.requirement, limits);
    if chance.is_zero() {
        return ComponentValue::settled(Status::Impossible);
    }
    let fee_mesos = rules.fee(key.grade, key.level);
    let cost_mesos = fee_mesos.map(|fee| chance.mean_cost(fee));
    if cost_mesos == Some(None) {
        return ComponentValue::settled(Status::Impossible);
    }
    let probability =
        Probability::new(chance.to_f64()).expect("the chances of triples sum to at most 1");
    let p = probability.get();
    ComponentValue {
        status: Status::Ok,
        cost_mesos: cost_mesos.flatten(),
        tries: Some(chance.inverse_to_f64()),
        sd_mesos: fee_mesos.map(|fee| fee.0 as f64 * (1.0 - p).sqrt() / p),
        detail: Detail::Potential {
            probability,
            fee_mesos,
            tries_quantiles: tries_quantiles(&chance),
        },
    }
}
