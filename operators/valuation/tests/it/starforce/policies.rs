//! The chosen policy against all others, each solved apart by elimination in the whole chain.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use valuation::starforce::{self, Edition, Kms2026Choice, StarforceRules, Try};
use valuation::{Level, Star};

use super::simulation::chosen_tries;
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

/// Every policy that differs from the chosen one at one star, with that star and choice.
pub(super) fn deviations(
    rules: &StarforceRules,
    level: Level,
    target: Star,
) -> Vec<(Star, Kms2026Choice, Vec<Try>)> {
    let chosen = chosen_tries(rules, level, target);
    let stars = (0..target.0).map(Star);
    let others = stars.flat_map(|star| {
        let choices = choices(rules, level, star).into_iter();
        choices.map(move |(choice, attempt)| (star, choice, attempt))
    });
    others
        .filter(|(star, _, attempt)| *attempt != chosen[usize::from(star.0)])
        .map(|(star, choice, attempt)| {
            let mut policy = chosen.clone();
            policy[usize::from(star.0)] = attempt;
            (star, choice, policy)
        })
        .collect()
}

/// A policy with a choice drawn at each star.
pub(super) fn drawn(
    rules: &StarforceRules,
    level: Level,
    target: Star,
    rng: &mut impl Rng,
) -> Vec<Try> {
    let stars = (0..target.0).map(Star);
    stars
        .map(|star| {
            let choices = choices(rules, level, star);
            choices[rng.random_range(0..choices.len())].1
        })
        .collect()
}

/// Expected cost from star 0, by taking star after star out of the chain, from the top. A star's way
/// out is the sum of its moves and never `1 - …`: nothing is subtracted, so no digits are lost at high
/// stars. It shares nothing with the chain under test.
fn expected_cost(tries: &[Try]) -> f64 {
    let top = tries.len();
    let mut moves = vec![vec![0.0; top + 1]; top];
    let mut costs = Vec::new();
    for (star, attempt) in tries.iter().enumerate() {
        moves[star][star + 1] += attempt.success;
        moves[star][usize::from(attempt.restored_to)] += attempt.destroy;
        costs.push(attempt.cost_mesos + attempt.destroy * attempt.restore_mesos);
    }
    for gone in (1..top).rev() {
        let (below, from) = moves.split_at_mut(gone);
        let from = &from[0];
        let elsewhere = || (0..gone).chain([top]);
        let out: f64 = elsewhere().map(|to| from[to]).sum();
        for (star, row) in below.iter_mut().enumerate() {
            let share = std::mem::take(&mut row[gone]) / out;
            elsewhere().for_each(|to| row[to] += share * from[to]);
            costs[star] += share * costs[gone];
        }
    }
    costs[0] / moves[0][top]
}

/// The priced cost of the chosen policy.
pub(super) fn chosen_cost(rules: &StarforceRules, level: Level, target: Star) -> f64 {
    let value = starforce::price(rules, level, target);
    value.cost_mesos.unwrap().0 as f64
}

#[test]
fn no_other_policy_is_cheaper_up_to_eighteen_stars() {
    for (level, spare_price) in [(140, 0), (150, 300_000_000), (200, 1_500_000_000), (155, 5)] {
        let (level, target) = (Level(level), Star(18));
        let rules = rulesets::kms_2026(true, spare_price);
        let chosen = chosen_cost(&rules, level, target);

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
        let target = Star(rng.random_range(16..=30));
        let spare_price = 10_u64.pow(rng.random_range(0..=11));
        let rules = rulesets::kms_2026(rng.random(), spare_price);
        let chosen = chosen_cost(&rules, level, target);
        for _ in 0..20 {
            let other = expected_cost(&drawn(&rules, level, target, &mut rng));
            assert!(
                chosen <= other * (1.0 + 1e-9) + 1.0,
                "{chosen} is dearer than {other}"
            );
        }
    }
}

#[test]
fn no_policy_with_another_choice_at_one_star_is_cheaper_at_any_target() {
    let mut compared = 0;
    for (level, safeguard, spare_price) in [
        (140, true, 0),
        (150, true, 300_000_000),
        (155, true, 5_000_000_000),
        (200, false, 1_500_000_000),
        (250, true, 10_000_000_000),
    ] {
        let (level, rules) = (Level(level), rulesets::kms_2026(safeguard, spare_price));
        for target in (1..=30).map(Star) {
            let chosen = chosen_cost(&rules, level, target);
            let solved = expected_cost(&chosen_tries(&rules, level, target));
            assert!(
                (chosen - solved).abs() <= 1.0 + 1e-9 * solved,
                "{level:?} {target:?}: {chosen} is not {solved}"
            );
            for (star, choice, policy) in deviations(&rules, level, target) {
                let other = expected_cost(&policy);
                assert!(
                    chosen <= other * (1.0 + 1e-9) + 1.0,
                    "{level:?} {target:?}: {chosen} is dearer than {other}, {choice:?} at {star:?}"
                );
                compared += 1;
            }
        }
    }
    assert!(compared > 600, "{compared}");
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
