//! The chosen policy against all others, each solved apart by elimination of the whole chain.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use valuation::starforce::{self, Edition, Kms2026Choice, StarforceRules, Try};
use valuation::{Level, Star};

use crate::rulesets;

/// The choices that can be made at `star`.
fn choices(rules: &StarforceRules, level: Level, star: Star) -> Vec<(Kms2026Choice, Try)> {
    let Edition::Kms2026(edition) = &rules.edition else {
        panic!("policies are of kms_2026_03")
    };
    let all = Kms2026Choice::ALL.into_iter();
    all.filter_map(|choice| {
        let attempt = edition.attempt(&rules.stars, level, star, choice)?;
        Some((choice, attempt))
    })
    .collect()
}

/// Expected cost from star 0, by Gauss elimination from the top: `E[s] = a[s] · E[r] + …` solved
/// as a dense system, which shares nothing with the chain under test.
fn expected_cost(tries: &[Try]) -> f64 {
    let n = tries.len();
    let mut rows: Vec<Vec<f64>> = tries
        .iter()
        .enumerate()
        .map(|(star, attempt)| {
            let mut row = vec![0.0; n + 1];
            row[star] += attempt.success + attempt.destroy;
            row[usize::from(attempt.restored_to)] -= attempt.destroy;
            if star + 1 < n {
                row[star + 1] -= attempt.success;
            }
            row[n] = attempt.cost_mesos + attempt.destroy * attempt.restore_mesos;
            row
        })
        .collect();
    for pivot in (0..n).rev() {
        let divisor = rows[pivot][pivot];
        rows[pivot].iter_mut().for_each(|cell| *cell /= divisor);
        let by = rows[pivot].clone();
        for row in rows.iter_mut().take(pivot) {
            let factor = row[pivot];
            row.iter_mut()
                .zip(&by)
                .for_each(|(cell, from)| *cell -= factor * from);
        }
    }
    rows[0][n]
}

#[test]
fn no_other_policy_is_cheaper_up_to_eighteen_stars() {
    for (level, spare_price) in [(140, 0), (150, 300_000_000), (200, 1_500_000_000), (155, 5)] {
        let (level, target) = (Level(level), Star(18));
        let rules = rulesets::kms_2026(true, spare_price);
        let chosen = starforce::price(&rules, level, target)
            .cost_mesos
            .unwrap()
            .0 as f64;

        let mut policies: Vec<Vec<Try>> = vec![Vec::new()];
        for star in (0..target.0).map(Star) {
            let choices = choices(&rules, level, star);
            policies = policies
                .into_iter()
                .flat_map(|policy| {
                    choices.iter().map(move |(_, attempt)| {
                        let mut longer = policy.clone();
                        longer.push(*attempt);
                        longer
                    })
                })
                .collect();
        }
        assert_eq!(policies.len(), 27, "three stars with three choices each");
        let least = policies
            .iter()
            .map(|policy| expected_cost(policy))
            .fold(f64::MAX, f64::min);
        assert!(
            (chosen - least).abs() <= 1.0 + 1e-9 * least,
            "{chosen} is not {least}"
        );
    }
}

#[test]
fn no_sampled_policy_is_cheaper_at_any_target() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    for _ in 0..400 {
        let level = Level(rng.random_range(138..=300));
        let target = Star(rng.random_range(16..=24));
        let spare_price = 10_u64.pow(rng.random_range(0..=11));
        let rules = rulesets::kms_2026(rng.random(), spare_price);
        let chosen = starforce::price(&rules, level, target)
            .cost_mesos
            .unwrap()
            .0 as f64;
        for _ in 0..20 {
            let policy: Vec<Try> = (0..target.0)
                .map(|star| {
                    let choices = choices(&rules, level, Star(star));
                    choices[rng.random_range(0..choices.len())].1
                })
                .collect();
            let other = expected_cost(&policy);
            assert!(
                chosen <= other * (1.0 + 1e-9) + 1.0,
                "{chosen} is dearer than {other}"
            );
        }
    }
}

#[test]
fn more_stars_cost_at_least_as_much() {
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    for _ in 0..100 {
        let level = Level(rng.random_range(1..=300));
        let rules = rulesets::kms_2026(rng.random(), rng.random_range(0..10_000_000_000));
        let costs: Vec<_> = (0..=30)
            .map(|stars| {
                starforce::price(&rules, level, Star(stars))
                    .cost_mesos
                    .unwrap()
            })
            .collect();
        assert!(costs.is_sorted(), "level {level:?}: {costs:?}");
    }
}

#[test]
fn dearer_spares_and_a_forbidden_safeguard_never_make_it_cheaper() {
    for stars in (15..=30).map(Star) {
        let level = Level(200);
        let cost = |safeguard, spare_price| {
            let rules = rulesets::kms_2026(safeguard, spare_price);
            starforce::price(&rules, level, stars).cost_mesos.unwrap()
        };
        let costs: Vec<_> = (0..=11)
            .map(|power| cost(true, 10_u64.pow(power)))
            .collect();
        assert!(costs.is_sorted(), "{stars:?}: {costs:?}");
        assert!(cost(true, 10_000_000_000) <= cost(false, 10_000_000_000));
    }
}
