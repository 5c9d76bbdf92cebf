//! The chosen policy and others played out, with fixed seeds.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use valuation::starforce::{self, Edition, Kms2026Choice, StarforceRules, Try};
use valuation::{Detail, Level, Star, noljang};

use super::policies::{chosen_cost, deviations, drawn};
use crate::rulesets;

const RUNS: usize = 40_000;
/// Runs of each policy that is not the chosen one, and how many are drawn beside the deviations.
const RUNS_OF_OTHERS: usize = 4_000;
const DRAWN: usize = 8;
/// Standard errors within which a simulated mean must lie.
const ERRORS: f64 = 4.0;

/// The tries that the priced policy makes, by star.
pub(crate) fn chosen_tries(rules: &StarforceRules, level: Level, target: Star) -> Vec<Try> {
    let value = starforce::price(rules, level, target);
    let Detail::Starforce { policy, .. } = value.detail else {
        panic!("it has a policy")
    };
    let attempt = |star: u8| match &rules.edition {
        Edition::Kms2025(edition) => {
            edition.attempt(&rules.stars[usize::from(star)], level, Star(star))
        }
        Edition::Kms2026(edition) => {
            let text = policy
                .iter()
                .find(|(at, _)| *at == star)
                .map(|(_, text)| text);
            let choice = Kms2026Choice::ALL
                .into_iter()
                .find(|choice| text.is_none_or(|text| *text == choice.text(Star(star))))
                .unwrap();
            edition
                .attempt(&rules.stars, level, Star(star), choice)
                .unwrap()
        }
    };
    (0..target.0).map(attempt).collect()
}

/// What one item took, by `tries`: mesos, tries, destructions, spares.
pub(crate) fn play(tries: &[Try], rng: &mut impl Rng) -> [f64; 4] {
    let mut took = [0.0; 4];
    let mut star = 0;
    while star < tries.len() {
        let attempt = &tries[star];
        took[0] += attempt.cost_mesos;
        took[1] += 1.0;
        let roll: f64 = rng.random();
        if roll < attempt.success {
            star += 1;
        } else if roll < attempt.success + attempt.destroy {
            took[0] += attempt.restore_mesos;
            took[2] += 1.0;
            took[3] += attempt.restore_spares;
            star = usize::from(attempt.restored_to);
        }
    }
    took
}

fn mean_and_sd(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let count = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / count;
    let variance = values.map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean, variance.sqrt())
}

/// Plays `target` and compares means (within [`ERRORS`] standard errors) and the standard
/// deviation of the cost (within 5 %).
fn check(rules: &StarforceRules, level: Level, target: Star) {
    let tries = chosen_tries(rules, level, target);
    let mut rng = ChaCha8Rng::seed_from_u64(22);
    let runs: Vec<[f64; 4]> = (0..RUNS).map(|_| play(&tries, &mut rng)).collect();

    let value = starforce::price(rules, level, target);
    let Detail::Starforce {
        destructions,
        spares,
        ..
    } = value.detail
    else {
        panic!("starforce")
    };
    let priced = [
        value.cost_mesos.unwrap().0 as f64,
        value.tries.unwrap(),
        destructions,
        spares,
    ];
    for (place, priced) in priced.into_iter().enumerate() {
        let (mean, sd) = mean_and_sd(runs.iter().map(|run| run[place]));
        let error = sd / (RUNS as f64).sqrt();
        assert!(
            (mean - priced).abs() <= ERRORS * error + 1.0,
            "{place}: {mean} is not {priced}"
        );
    }
    let (_, sd) = mean_and_sd(runs.iter().map(|run| run[0]));
    let priced = value.sd_mesos.unwrap();
    assert!(
        (sd - priced).abs() <= 0.05 * priced,
        "the sd {sd} is not {priced}"
    );
}

#[test]
fn restarts_take_what_is_priced() {
    check(&rulesets::kms_2026(true, 0), Level(200), Star(21));
}

#[test]
fn mixed_policies_take_what_is_priced() {
    let price = 10_000_000_000;
    for (safeguard, level, actions) in [
        (false, 139, [(18, "->18"), (19, "->12"), (20, "->20")]),
        (true, 150, [(15, "safeguard"), (18, "->18"), (19, "->12")]),
    ] {
        let rules = rulesets::kms_2026(safeguard, price);
        let value = starforce::price(&rules, Level(level), Star(22));
        let Detail::Starforce { policy, .. } = value.detail else {
            panic!("it has a policy")
        };
        for (star, action) in actions {
            assert!(
                policy.contains(&(star, action.to_owned())),
                "{star} {action}: {policy:?}"
            );
        }
        check(&rules, Level(level), Star(22));
    }
}

#[test]
fn the_chosen_policy_is_never_dearer_than_another_one_that_is_played_out() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    for (level, safeguard, spare_price, target) in [
        (200, true, 0, 19),
        (150, true, 10_000_000_000, 20),
        (139, false, 10_000_000_000, 21),
        (250, true, 2_000_000_000, 22),
    ] {
        let (level, target) = (Level(level), Star(target));
        let rules = rulesets::kms_2026(safeguard, spare_price);
        let chosen = chosen_cost(&rules, level, target);
        let deviations = deviations(&rules, level, target).into_iter();
        let mut policies: Vec<_> = deviations
            .map(|(star, choice, policy)| (format!("{choice:?} at {star:?}"), policy))
            .collect();
        for number in 0..DRAWN {
            let policy = drawn(&rules, level, target, &mut rng);
            policies.push((format!("drawn {number}"), policy));
        }
        for (name, policy) in policies {
            let costs: Vec<f64> = (0..RUNS_OF_OTHERS)
                .map(|_| play(&policy, &mut rng)[0])
                .collect();
            let (mean, sd) = mean_and_sd(costs.iter().copied());
            let error = sd / (RUNS_OF_OTHERS as f64).sqrt();
            assert!(
                mean >= chosen - ERRORS * error - 1.0,
                "{level:?} {target:?}: {chosen} is dearer than {mean} ± {error}, {name}"
            );
        }
    }
}

#[test]
fn traces_at_a_level_that_is_not_listed_take_what_is_priced() {
    check(
        &rulesets::kms_2026(false, 3_000_000_000),
        Level(155),
        Star(20),
    );
}

#[test]
fn the_older_edition_takes_what_is_priced() {
    use odds::starforce::StarforceChoice;
    for safeguard in [false, true] {
        let rules = rulesets::starforce(StarforceChoice::Kms2025 {
            star_catch: true,
            destruction_event: true,
            cost_event: true,
            safeguard,
        });
        check(&rules, Level(160), Star(20));
    }
}

#[test]
fn scrolls_take_what_is_priced() {
    let rules = rulesets::noljang(true);
    let (level, target) = (Level(140), Star(9));
    let value = noljang::price(&rules, level, target);
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let costs: Vec<f64> = (0..RUNS)
        .map(|_| {
            let mut mesos = 0.0;
            for (star, row) in (0..target.0).zip(&rules.stars) {
                let scroll = row.fee.to_hundreds(level, Star(star)) * 0.7;
                loop {
                    mesos += scroll;
                    if rng.random_bool((row.success.get() * 1.05).min(1.0)) {
                        break;
                    }
                    mesos += rules.failure_mesos.0 as f64;
                }
            }
            mesos
        })
        .collect();
    let (mean, sd) = mean_and_sd(costs.iter().copied());
    let priced = value.cost_mesos.unwrap().0 as f64;
    assert!(
        (mean - priced).abs() <= ERRORS * sd / (RUNS as f64).sqrt(),
        "{mean} is not {priced}"
    );
    assert!((sd / value.sd_mesos.unwrap() - 1.0).abs() <= 0.02);
}
