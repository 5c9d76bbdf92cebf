//! What is said of one component of an item: status, cost, tries and spread.

use serde::{Deserialize, Serialize};

use crate::units::{Meso, Probability};

/// The six components of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ComponentKind {
    /// Main potential, by meso reset.
    Potential,
    /// Additional potential, by meso reset.
    AdditionalPotential,
    /// Starforce, or scrolls (noljang).
    Starforce,
    /// Main potential from 레어 to the item's grade.
    GradeUp,
    /// Additional potential from 레어 to the item's grade.
    AdditionalGradeUp,
    /// Bonus options.
    Flame,
}

impl ComponentKind {
    /// All components, in the order in which they are reported.
    pub const ALL: [Self; 6] = [
        Self::Potential,
        Self::AdditionalPotential,
        Self::Starforce,
        Self::GradeUp,
        Self::AdditionalGradeUp,
        Self::Flame,
    ];

    /// The name on the wire and in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Potential => "potential",
            Self::AdditionalPotential => "additional_potential",
            Self::Starforce => "starforce",
            Self::GradeUp => "grade_up",
            Self::AdditionalGradeUp => "additional_grade_up",
            Self::Flame => "flame",
        }
    }
}

/// Whether a component has a cost, and why not if it has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// A cost was computed.
    Ok,
    /// Nothing on it matters to the class: cost 0.
    NoValue,
    /// The item does not have this component: cost 0.
    None,
    /// It came with the item: cost 0.
    Granted,
    /// A line matches no known option: no cost.
    UnknownOption,
    /// The class is not in the table: no cost.
    UnknownClass,
    /// There is no odds table for the item: no cost.
    UnknownTable,
    /// The rules of such items are not known: no cost.
    UnknownRules,
    /// The state cannot be reached: no cost.
    Impossible,
}

impl Status {
    /// All statuses.
    pub const ALL: [Self; 9] = [
        Self::Ok,
        Self::NoValue,
        Self::None,
        Self::Granted,
        Self::UnknownOption,
        Self::UnknownClass,
        Self::UnknownTable,
        Self::UnknownRules,
        Self::Impossible,
    ];

    /// The name on the wire and in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NoValue => "no_value",
            Self::None => "none",
            Self::Granted => "granted",
            Self::UnknownOption => "unknown_option",
            Self::UnknownClass => "unknown_class",
            Self::UnknownTable => "unknown_table",
            Self::UnknownRules => "unknown_rules",
            Self::Impossible => "impossible",
        }
    }

    /// Whether the component's cost is missing from its total.
    #[must_use]
    pub fn is_missing(self) -> bool {
        match self {
            Self::Ok | Self::NoValue | Self::None | Self::Granted => false,
            Self::UnknownOption
            | Self::UnknownClass
            | Self::UnknownTable
            | Self::UnknownRules
            | Self::Impossible => true,
        }
    }
}

/// The price of one component.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComponentValue {
    /// Whether and why (not) there is a cost.
    pub status: Status,
    /// Expected cost in whole mesos; `None` when missing.
    pub cost_mesos: Option<Meso>,
    /// Expected number of tries; `None` when missing.
    pub tries: Option<f64>,
    /// Standard deviation of the cost in mesos; `None` when missing or not known.
    pub sd_mesos: Option<f64>,
    /// What only this kind of component has.
    pub detail: Detail,
}

impl ComponentValue {
    /// Whether the cost is missing from a total: a cost that is not known is never a zero.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.cost_mesos.is_none()
    }

    /// A component without a computed cost: 0 and 0 tries, or nothing when `status` is a missing one.
    #[must_use]
    pub fn settled(status: Status) -> Self {
        debug_assert_ne!(status, Status::Ok, "an ok component has a computed cost");
        let zero = !status.is_missing();
        Self {
            status,
            cost_mesos: zero.then_some(Meso(0)),
            tries: zero.then_some(0.0),
            sd_mesos: zero.then_some(0.0),
            detail: Detail::None,
        }
    }
}

/// What only some kinds of components have.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Detail {
    /// Nothing more to say.
    #[default]
    None,
    /// A potential that one reset meets with a probability.
    Potential {
        /// The chance that one reset meets the requirement.
        probability: Probability,
        /// Cost of one reset in mesos; `None` where the ruleset gives no price, and then the
        /// component has tries but no cost.
        fee_mesos: Option<Meso>,
        /// The number of resets that suffices in 50, 90 and 99 of 100 cases.
        tries_quantiles: [u64; 3],
    },
    /// Starforce or scrolls.
    Starforce {
        /// The star aimed at, after clamping.
        target: u8,
        /// Expected number of destructions.
        destructions: f64,
        /// Expected number of spare items.
        spares: f64,
        /// The chosen action at each star from 15 on: `->12`, `->N`, `safeguard`.
        policy: Vec<(u8, String)>,
    },
    /// Bonus options.
    Flame {
        /// The score to reach.
        score: i64,
        /// Whether the item is a boss item.
        boss: bool,
        /// Expected powerful flames.
        tries_powerful: Option<f64>,
        /// Expected abyss flames.
        tries_abyss: Option<f64>,
    },
}

impl Detail {
    /// What the tries of [`Detail::Potential`] cost that suffice in 50, 90 and 99 of 100 cases: the fee
    /// times their number. `None` of anything else, without a price, and where the number of tries is
    /// beyond counting.
    #[must_use]
    pub fn cost_quantiles(&self) -> [Option<Meso>; 3] {
        match *self {
            Self::Potential {
                fee_mesos: Some(fee),
                tries_quantiles,
                ..
            } => tries_quantiles.map(|tries| {
                let counted = tries < u64::MAX;
                let cost = fee.0.checked_mul(i128::from(tries));
                cost.filter(|_| counted).map(Meso)
            }),
            Self::Potential { .. } | Self::None | Self::Starforce { .. } | Self::Flame { .. } => {
                [None; 3]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_the_cost_are_fees_and_without_a_fee_or_a_number_there_are_none() {
        let potential = |fee_mesos, tries_quantiles| Detail::Potential {
            probability: Probability::ONE,
            fee_mesos,
            tries_quantiles,
        };
        let fee = Some(Meso(50_000_000));
        assert_eq!(
            potential(fee, [1, 2, 3_682]).cost_quantiles(),
            [50_000_000, 100_000_000, 184_100_000_000].map(|mesos| Some(Meso(mesos)))
        );
        assert_eq!(potential(None, [1, 2, 3]).cost_quantiles(), [None; 3]);
        let [fifty, _, most] = potential(fee, [1, 2, u64::MAX]).cost_quantiles();
        assert_eq!((fifty, most), (fee, None));
        assert_eq!(Detail::None.cost_quantiles(), [None; 3]);
    }
}
