//! Quantiles of the number of tries until a first success.

use crate::ratio::Ratio;

/// The quantiles that are reported, in hundredths.
const QUANTILES: [u32; 3] = [50, 90, 99];

/// The smallest numbers of tries that suffice in 50, 90 and 99 of 100 cases: the smallest `n` with
/// `1 - (1 - p)^n >= q`. `u64::MAX` where it is beyond that.
#[must_use]
pub fn tries_quantiles(chance: &Ratio) -> [u64; 3] {
    QUANTILES.map(|hundredths| smallest(chance, hundredths))
}

fn smallest(chance: &Ratio, hundredths: u32) -> u64 {
    // Equality is possible for 1 and 2 tries only (1/2, 1/10 and 1/100 are no higher powers of a
    // fraction), and there floats would miss it.
    for tries in [1, 2] {
        if chance.suffices(tries, hundredths, 100) {
            return u64::from(tries);
        }
    }
    let failing = f64::from(100 - hundredths) / 100.0;
    let tries = failing.ln() / (-chance.to_f64()).ln_1p();
    // A float beyond u64 saturates.
    tries.ceil().max(3.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certain_success_takes_one_try() {
        assert_eq!(tries_quantiles(&Ratio::new(1_u32, 1_u32)), [1, 1, 1]);
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
}
