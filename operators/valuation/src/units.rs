//! The units of the domain: mesos, probabilities, levels, stars and grades.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// An amount of money in whole mesos. Sums and costs exceed 2^53 and, at the rarest requirements,
/// 2^63: hence 128 bits.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Meso(pub i128);

impl fmt::Display for Meso {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A chance in `0.0..=1.0`. Written as that fraction; another number is refused where one is read.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Probability(f64);

/// A number that is no chance.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[error("{0} is not a probability: it must lie in 0..=1")]
pub struct ProbabilityError(pub f64);

impl Probability {
    /// Never.
    pub const ZERO: Self = Self(0.0);
    /// Always.
    pub const ONE: Self = Self(1.0);

    /// Checks that `value` lies in `0.0..=1.0`.
    pub fn new(value: f64) -> Result<Self, ProbabilityError> {
        if (0.0..=1.0).contains(&value) {
            Ok(Self(value))
        } else {
            Err(ProbabilityError(value))
        }
    }

    /// The chance as a fraction.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Probability {
    type Error = ProbabilityError;

    fn try_from(value: f64) -> Result<Self, ProbabilityError> {
        Self::new(value)
    }
}

impl From<Probability> for f64 {
    fn from(probability: Probability) -> Self {
        probability.0
    }
}

/// The base level of an item, `0..=300`; 0 means "none given".
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Level(pub u16);

impl Level {
    /// The highest level that the inputs may name.
    pub const MAX: Self = Self(300);
}

/// A number of starforce stars, `0..=30`.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Star(pub u8);

impl Star {
    /// The highest star that the inputs may name.
    pub const MAX: Self = Self(30);
}

/// The grade of a potential, lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Grade {
    /// 레어
    Rare,
    /// 에픽
    Epic,
    /// 유니크
    Unique,
    /// 레전드리
    Legendary,
}

impl Grade {
    /// All grades, lowest first.
    pub const ALL: [Self; 4] = [Self::Rare, Self::Epic, Self::Unique, Self::Legendary];

    /// The grade that the provider writes as `text`; anything else is none of the four.
    #[must_use]
    pub fn from_korean(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grade| grade.korean() == text)
    }

    /// The provider's name.
    #[must_use]
    pub fn korean(self) -> &'static str {
        match self {
            Self::Rare => "레어",
            Self::Epic => "에픽",
            Self::Unique => "유니크",
            Self::Legendary => "레전드리",
        }
    }
}

/// The grade of an option line: one of the four grades, or 노멀, which lies below 레어.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum OptionGrade {
    /// 노멀
    Normal,
    /// 레어
    Rare,
    /// 에픽
    Epic,
    /// 유니크
    Unique,
    /// 레전드리
    Legendary,
}

impl OptionGrade {
    /// All grades, lowest first.
    pub const ALL: [Self; 5] = [
        Self::Normal,
        Self::Rare,
        Self::Epic,
        Self::Unique,
        Self::Legendary,
    ];

    /// The publisher's name.
    #[must_use]
    pub fn korean(self) -> &'static str {
        match self {
            Self::Normal => "노멀",
            Self::Rare => Grade::Rare.korean(),
            Self::Epic => Grade::Epic.korean(),
            Self::Unique => Grade::Unique.korean(),
            Self::Legendary => Grade::Legendary.korean(),
        }
    }

    /// The grade that the publisher writes as `text`.
    #[must_use]
    pub fn from_korean(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grade| grade.korean() == text)
    }
}

impl From<Grade> for OptionGrade {
    fn from(grade: Grade) -> Self {
        match grade {
            Grade::Rare => Self::Rare,
            Grade::Epic => Self::Epic,
            Grade::Unique => Self::Unique,
            Grade::Legendary => Self::Legendary,
        }
    }
}

impl Grade {
    /// The grade of the options below this one's own.
    #[must_use]
    pub fn below(self) -> OptionGrade {
        match self {
            Self::Rare => OptionGrade::Normal,
            Self::Epic => OptionGrade::Rare,
            Self::Unique => OptionGrade::Epic,
            Self::Legendary => OptionGrade::Unique,
        }
    }
}

/// The four stats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the game's own names")]
pub enum Stat {
    Str,
    Dex,
    Int,
    Luk,
}

impl Stat {
    /// All stats.
    pub const ALL: [Self; 4] = [Self::Str, Self::Dex, Self::Int, Self::Luk];

    /// The provider's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Str => "STR",
            Self::Dex => "DEX",
            Self::Int => "INT",
            Self::Luk => "LUK",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chance_is_a_fraction_on_the_wire_and_nothing_beyond_0_and_1_is_read_as_one() {
        assert_eq!(Probability::try_from(0.25).map(f64::from), Ok(0.25));
        for value in [-0.1, 1.000_000_1, f64::INFINITY] {
            assert_eq!(Probability::new(value), Err(ProbabilityError(value)));
        }
        assert!(Probability::new(f64::NAN).is_err());
    }
}
