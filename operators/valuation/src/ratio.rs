//! Exact fractions of unsigned integers of any size, and their way to floats and mesos.

use num_bigint::BigUint;
use num_traits::{ToPrimitive, Zero};

use crate::units::Meso;

/// An exact fraction that is not negative. It need not be in lowest terms.
#[derive(Clone, Debug)]
pub struct Ratio {
    numerator: BigUint,
    denominator: BigUint,
}

impl Ratio {
    /// The fraction.
    ///
    /// # Panics
    /// When the denominator is 0.
    #[must_use]
    pub fn new(numerator: impl Into<BigUint>, denominator: impl Into<BigUint>) -> Self {
        let (numerator, denominator) = (numerator.into(), denominator.into());
        assert!(
            !denominator.is_zero(),
            "a fraction has a denominator above 0"
        );
        Self {
            numerator,
            denominator,
        }
    }

    /// Whether it is 0.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.numerator.is_zero()
    }

    /// The nearest `f64`.
    #[must_use]
    pub fn to_f64(&self) -> f64 {
        nearest(&self.numerator, &self.denominator)
    }

    /// One over the fraction as the nearest `f64`; infinite for 0.
    #[must_use]
    pub fn inverse_to_f64(&self) -> f64 {
        if self.is_zero() {
            f64::INFINITY
        } else {
            nearest(&self.denominator, &self.numerator)
        }
    }

    /// `⌊fee / self + ½⌋`: the mean cost in whole mesos, computed exactly. `None` when the
    /// fraction is 0, when `fee` is negative, or when the cost exceeds [`Self::COST_MAX`].
    #[must_use]
    pub fn mean_cost(&self, fee: Meso) -> Option<Meso> {
        let fee = BigUint::try_from(fee.0).ok()?;
        if self.is_zero() {
            return None;
        }
        let twice = &self.numerator * 2_u32;
        let cost = (fee * 2_u32 * &self.denominator + &self.numerator) / twice;
        cost.to_i128()
            .map(Meso)
            .filter(|cost| *cost <= Self::COST_MAX)
    }

    /// The greatest mean cost that is still called one: 2^96 mesos. So no sum of costs overflows.
    pub const COST_MAX: Meso = Meso(1 << 96);

    /// Whether `1 - (1 - self)^tries >= part / of`, exactly; for chances in 0..=1.
    pub(crate) fn suffices(&self, tries: u32, part: u32, of: u32) -> bool {
        let failures = &self.denominator - (&self.numerator).min(&self.denominator);
        failures.pow(tries) * of <= self.denominator.pow(tries) * (of - part)
    }
}

impl std::ops::Add<&Ratio> for Ratio {
    type Output = Ratio;

    fn add(self, other: &Ratio) -> Ratio {
        if self.denominator == other.denominator {
            return Ratio::new(self.numerator + &other.numerator, self.denominator);
        }
        Ratio::new(
            self.numerator * &other.denominator + &other.numerator * &self.denominator,
            self.denominator * &other.denominator,
        )
    }
}

impl PartialEq for Ratio {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ratio {}

impl PartialOrd for Ratio {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ratio {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (&self.numerator * &other.denominator).cmp(&(&other.numerator * &self.denominator))
    }
}

/// The quotient rounded once, to nearest, ties to even.
fn nearest(numerator: &BigUint, denominator: &BigUint) -> f64 {
    if numerator.is_zero() {
        return 0.0;
    }
    // Scale so that the quotient has 64 to 66 bits: more than the 53 of a float, and the last one
    // then says whether anything was left over.
    let bits = |value: &BigUint| i64::try_from(value.bits()).expect("bits fit in 63 bits");
    let shift = 65 - (bits(numerator) - bits(denominator));
    let (scaled, divisor) = if shift >= 0 {
        (numerator << shift.unsigned_abs(), denominator.clone())
    } else {
        (numerator.clone(), denominator << shift.unsigned_abs())
    };
    let quotient = &scaled / &divisor;
    let left_over = &quotient * &divisor != scaled;
    let quotient = quotient.to_u128().expect("66 bits fit") | u128::from(left_over);
    let exponent = i32::try_from(-shift).expect("the fraction is within the range of floats");
    quotient as f64 * 2_f64.powi(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fraction_becomes_the_nearest_float() {
        for (numerator, denominator) in [
            (1_u64, 3_u64),
            (2, 3),
            (1, 1),
            (7, 10),
            (123_456_789, 1_000_003),
        ] {
            let ratio = Ratio::new(numerator, denominator);
            assert_eq!(ratio.to_f64(), numerator as f64 / denominator as f64);
            assert_eq!(
                ratio.inverse_to_f64(),
                denominator as f64 / numerator as f64
            );
        }
    }

    #[test]
    fn halves_of_a_meso_are_rounded_up() {
        assert_eq!(Ratio::new(2_u32, 5_u32).mean_cost(Meso(1)), Some(Meso(3)));
        assert_eq!(Ratio::new(2_u32, 5_u32).mean_cost(Meso(2)), Some(Meso(5)));
        assert_eq!(Ratio::new(3_u32, 4_u32).mean_cost(Meso(1)), Some(Meso(1)));
    }

    #[test]
    fn a_cost_without_end_is_no_cost() {
        assert_eq!(Ratio::new(0_u32, 5_u32).mean_cost(Meso(1)), None);
        assert_eq!(Ratio::new(1_u32, u128::MAX).mean_cost(Meso(1)), None);
    }

    #[test]
    fn sums_are_exact() {
        let third = Ratio::new(1_u32, 3_u32);
        assert_eq!(third.clone() + &third + &third, Ratio::new(1_u32, 1_u32));
        assert_eq!(third + &Ratio::new(1_u32, 6_u32), Ratio::new(1_u32, 2_u32));
    }
}
