//! Quantiles of the number of tries until a first success.

use crate::ratio::Ratio;

/// The quantiles that are reported, in hundredths.
const QUANTILES: [u32; 3] = [50, 90, 99];

/// The smallest numbers of tries that suffice in 50, 90 and 99 of 100 cases: the smallest `n` with
/// `1 - (1 - p)^n >= q`. `u64::MAX` where it is beyond that.
#[must_use]
pub fn tries_quantiles(chance: &Ratio) -> [u64; 3] {
    QUANTILES.map(|hundredths| {
        smallest(chance.to_f64(), hundredths, |tries| {
            chance.suffices(tries, hundredths, 100)
        })
    })
}

/// The same where the mean number of tries is all that is known of the chance, and may be too large by
/// `error` of itself, since it was made of a rounded cost.
#[must_use]
pub fn tries_quantiles_of_mean(mean: f64, error: f64) -> [u64; 3] {
    let chance = (1.0 / mean).min(1.0);
    // Of the chances that the mean may stand for the one that suffices soonest.
    let most = ((1.0 + error + 4.0 * f64::EPSILON) / mean).min(1.0);
    QUANTILES.map(|hundredths| {
        smallest(chance, hundredths, |tries| {
            let failing = f64::from(100 - hundredths) / 100.0;
            (1.0 - most).powi(tries.cast_signed()) <= failing
        })
    })
}

/// The smallest number of tries, `suffices` saying exactly of a few whether so many do.
fn smallest(chance: f64, hundredths: u32, suffices: impl Fn(u32) -> bool) -> u64 {
    // Equality is possible for 1 and 2 tries only (1/2, 1/10 and 1/100 are no higher powers of a
    // fraction), and there floats would miss it.
    for tries in [1, 2] {
        if suffices(tries) {
            return u64::from(tries);
        }
    }
    let failing = f64::from(100 - hundredths) / 100.0;
    let tries = failing.ln() / (-chance).ln_1p();
    // A float beyond u64 saturates.
    tries.ceil().max(3.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Meso;

    #[test]
    fn a_certain_success_takes_one_try() {
        assert_eq!(tries_quantiles(&Ratio::new(1_u32, 1_u32)), [1, 1, 1]);
        assert_eq!(tries_quantiles_of_mean(1.0, 0.0), [1, 1, 1]);
    }

    #[test]
    fn equality_suffices() {
        assert_eq!(tries_quantiles(&Ratio::new(9_u32, 10_u32)), [1, 1, 2]);
        assert_eq!(tries_quantiles(&Ratio::new(1_u32, 2_u32))[0], 1);
    }

    #[test]
    fn quantiles_are_the_smallest_that_suffice() {
        for denominator in 2_u32..60 {
            let chance = Ratio::new(1_u32, denominator);
            for (tries, hundredths) in tries_quantiles(&chance).into_iter().zip(QUANTILES) {
                let tries = u32::try_from(tries).unwrap();
                assert!(chance.suffices(tries, hundredths, 100), "1/{denominator}");
                assert!(tries == 1 || !chance.suffices(tries - 1, hundredths, 100));
            }
        }
    }

    #[test]
    fn a_mean_of_a_rounded_cost_has_the_quantiles_of_its_chance() {
        for fee in [1_000_000, 50_000_000, 98_000_000] {
            for denominator in [2_u32, 3, 5, 10, 100, 1_000] {
                for numerator in 1..=denominator {
                    let chance = Ratio::new(numerator, denominator);
                    let cost = chance.mean_cost(Meso(fee)).unwrap().0 as f64;
                    assert_eq!(
                        tries_quantiles_of_mean(cost / fee as f64, 0.5 / cost),
                        tries_quantiles(&chance),
                        "{numerator}/{denominator} at {fee}"
                    );
                }
            }
        }
    }
}
