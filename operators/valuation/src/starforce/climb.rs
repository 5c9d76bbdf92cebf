//! The chain of stars, solved from below: what it takes to get from each star to the next one for
//! the first time.
//!
//! A try raises an item by one star, keeps it, or throws it back; it never skips a star upwards.
//! So the way from `s` to `s + 1` depends on the stars below alone:
//! `leg(s) = (cost + destroy · (restore + leg(r) + … + leg(s - 1))) / success`, and the legs of
//! different stars are independent. Every term is positive and nothing is subtracted, so no digits
//! are lost, also where the whole takes millions of tries. The least cost over all policies is the
//! least choice at each star in turn, because a leg grows with every leg below it.

use std::iter::Sum;
use std::ops::Add;

/// A try at one star under a fixed choice of what to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Try {
    /// Chance to gain the star.
    pub success: f64,
    /// Chance that nothing changes.
    pub keep: f64,
    /// Chance that the item is destroyed.
    pub destroy: f64,
    /// Cost of the try in mesos.
    pub cost_mesos: f64,
    /// The star at which a destroyed item goes on; at most the star of the try.
    pub restored_to: u8,
    /// What bringing a destroyed item back costs in mesos, its spares included.
    pub restore_mesos: f64,
    /// Spare items used up by bringing a destroyed item back.
    pub restore_spares: f64,
}

/// Expected values (and the variance of the cost) of a way upwards.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Leg {
    /// Cost in mesos.
    pub(crate) mesos: f64,
    /// Variance of the cost in mesos squared.
    pub(crate) variance: f64,
    /// Tries.
    pub(crate) tries: f64,
    /// Destructions.
    pub(crate) destructions: f64,
    /// Spare items.
    pub(crate) spares: f64,
}

impl Add for Leg {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            mesos: self.mesos + other.mesos,
            variance: self.variance + other.variance,
            tries: self.tries + other.tries,
            destructions: self.destructions + other.destructions,
            spares: self.spares + other.spares,
        }
    }
}

impl Sum for Leg {
    fn sum<I: Iterator<Item = Self>>(legs: I) -> Self {
        legs.fold(Self::default(), Add::add)
    }
}

/// The legs from star 0 on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Climb {
    legs: Vec<Leg>,
}

impl Climb {
    /// The leg from the next star, where `attempt` is repeated until it succeeds.
    ///
    /// The failures before the success are geometric in number, and each costs the try and, by the
    /// share of destructions among them, the restore and the way back.
    pub(crate) fn leg(&self, attempt: &Try) -> Leg {
        let back: Leg = self.legs[usize::from(attempt.restored_to)..]
            .iter()
            .copied()
            .sum();
        let per_destruction = attempt.restore_mesos + back.mesos;
        let fail = attempt.keep + attempt.destroy;
        let failures = fail / attempt.success;
        let destructions = attempt.destroy / attempt.success;

        let variance = if fail > 0.0 {
            let (kept, destroyed) = (attempt.keep / fail, attempt.destroy / fail);
            let failure_mesos = attempt.cost_mesos + destroyed * per_destruction;
            let failure_variance =
                destroyed * back.variance + destroyed * kept * per_destruction * per_destruction;
            failures * failure_variance + failures / attempt.success * failure_mesos * failure_mesos
        } else {
            0.0
        };
        Leg {
            mesos: attempt.cost_mesos / attempt.success + destructions * per_destruction,
            variance,
            tries: 1.0 / attempt.success + destructions * back.tries,
            destructions: destructions * (1.0 + back.destructions),
            spares: destructions * (attempt.restore_spares + back.spares),
        }
    }

    /// Goes one star up.
    pub(crate) fn push(&mut self, leg: Leg) {
        self.legs.push(leg);
    }

    /// The whole way.
    pub(crate) fn total(&self) -> Leg {
        self.legs.iter().copied().sum()
    }
}
