//! What one try costs, before events.

use serde::{Deserialize, Serialize};

use crate::units::{Level, Meso, Star};

/// `1,000 + level³ · (star + 1)^exponent / divisor` mesos, in this order of operations.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeeFormula {
    /// What the product is divided by.
    pub divisor: f64,
    /// Exponent of the star that is tried for.
    pub exponent: f64,
}

impl FeeFormula {
    /// The cost in mesos as the formula gives it.
    #[must_use]
    pub fn unrounded(&self, level: Level, star: Star) -> f64 {
        let level = f64::from(level.0);
        1000.0
            + level * level * level * (f64::from(star.0) + 1.0).powf(self.exponent) / self.divisor
    }

    /// The cost in mesos, rounded half up to hundreds.
    #[must_use]
    pub fn to_hundreds(&self, level: Level, star: Star) -> f64 {
        ((self.unrounded(level, star) + 50.0) / 100.0).floor() * 100.0
    }
}

/// Rounded half up to tens.
pub(crate) fn to_tens(mesos: f64) -> f64 {
    ((mesos + 5.0) / 10.0).floor() * 10.0
}

/// A price in whole hundreds at 70 %: whole mesos, without rounding on the way.
pub(crate) fn at_seventy_percent(hundreds: f64) -> f64 {
    hundreds * 7.0 / 10.0
}

/// Rounded half up to whole mesos.
pub(crate) fn whole_mesos(mesos: f64) -> Meso {
    let floor = mesos.floor();
    let rounded = if mesos - floor >= 0.5 {
        floor + 1.0
    } else {
        floor
    };
    Meso(rounded as i128)
}
