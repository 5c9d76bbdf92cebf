//! Every choice of different options and every tier of each, one by one, from the published
//! formulas written down a second time.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use valuation::flame::{self, Flame, FlameKey, FlameWeights};
use valuation::{Level, Status};

use crate::rulesets;

/// The weights of INT, LUK, Xenon and Demon Avenger classes.
fn class_weights() -> [FlameWeights; 3] {
    let common = FlameWeights {
        all_stat: 100,
        attack: 40,
        magic: 40,
        damage: 140,
        boss_damage: 140,
        ..FlameWeights::default()
    };
    [
        FlameWeights {
            int: 10,
            luk: 1,
            ..common
        },
        FlameWeights {
            str: 10,
            dex: 10,
            luk: 10,
            ..common
        },
        FlameWeights {
            max_hp: 10,
            attack: 1500,
            ..FlameWeights::default()
        },
    ]
}

/// What each option of the pool scores, by tier 1 to 7.
fn pool_scores(key: &FlameKey) -> Vec<[f64; 7]> {
    let level = i64::from(key.level.0);
    let (single, pair, hp) = if level >= 250 {
        (12, 7, 700)
    } else {
        (level / 20 + 1, level / 40 + 1, level / 10 * 30)
    };
    let linear = |points: i64, weight: i32| {
        [1, 2, 3, 4, 5, 6, 7].map(|tier| (points * tier * i64::from(weight)) as f64)
    };
    let w = key.weights;
    let stats = [w.str, w.dex, w.int, w.luk];
    let mut pool: Vec<[f64; 7]> = stats.iter().map(|&weight| linear(single, weight)).collect();
    for first in 0..4 {
        for second in first + 1..4 {
            pool.push(linear(pair, stats[first] + stats[second]));
        }
    }
    pool.push(linear(hp, w.max_hp));
    // Max MP, level reduction, defence.
    pool.extend([[0.0; 7]; 3]);
    if key.weapon {
        for (base, weight) in [(key.base_attack, w.attack), (key.base_magic, w.magic)] {
            pool.push([1, 2, 3, 4, 5, 6, 7].map(|tier| {
                let percent = (level / 40 + 1) as f64 * f64::from(tier) * 1.1_f64.powi(tier - 3);
                (f64::from(base) * percent / 100.0 - 1e-9).ceil() * f64::from(weight)
            }));
        }
        if level >= 90 {
            pool.push(linear(2, w.boss_damage));
        }
        pool.push(linear(1, w.damage));
        pool.push(linear(1, w.all_stat));
    } else {
        if level >= 60 {
            pool.extend([linear(1, w.attack), linear(1, w.magic)]);
        }
        // Speed and jump.
        pool.extend([[0.0; 7]; 2]);
        if level >= 70 {
            pool.push(linear(1, w.all_stat));
        }
    }
    pool
}

fn tier_chances(flame: Flame, boss: bool) -> Vec<(usize, f64)> {
    let (first, chances): (usize, &[f64]) = match flame {
        Flame::Powerful => (1, &[0.2, 0.3, 0.36, 0.14]),
        Flame::Eternal => (2, &[0.29, 0.45, 0.25, 0.01]),
        Flame::Abyss => (3, &[0.63, 0.34, 0.03]),
    };
    let first = if boss { first + 2 } else { first };
    chances
        .iter()
        .enumerate()
        .map(|(place, &chance)| (first + place, chance))
        .collect()
}

/// The chance that lines still to come, chosen from `pool` in order, bring `missing`, summed over
/// the choices.
fn choices_reaching(pool: &[[f64; 7]], lines: usize, missing: f64, tiers: &[(usize, f64)]) -> f64 {
    if lines == 0 {
        return if missing <= 0.0 { 1.0 } else { 0.0 };
    }
    let mut sum = 0.0;
    for place in 0..pool.len() {
        for &(tier, chance) in tiers {
            let rest = missing - pool[place][tier - 1];
            sum += chance * choices_reaching(&pool[place + 1..], lines - 1, rest, tiers);
        }
    }
    sum
}

fn brute_force(key: &FlameKey, flame: Flame) -> f64 {
    let pool = pool_scores(key);
    let tiers = tier_chances(flame, key.boss);
    let lines: &[(usize, f64)] = if key.boss {
        &[(4, 1.0)]
    } else {
        &[(1, 0.4), (2, 0.4), (3, 0.16), (4, 0.04)]
    };
    lines
        .iter()
        .map(|&(count, chance)| {
            let choices = (0..count).fold(1.0, |ways, i| {
                ways * (pool.len() - i) as f64 / (i + 1) as f64
            });
            chance * choices_reaching(&pool, count, key.score as f64, &tiers) / choices
        })
        .sum()
}

#[test]
fn the_chance_equals_brute_force() {
    let rules = rulesets::flame();
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let levels = [40, 59, 60, 65, 70, 89, 90, 145, 160, 199, 200, 250, 300];
    for case in 0..24 {
        let weapon = rng.random();
        let base = if weapon { rng.random_range(1..500) } else { 0 };
        let weights = class_weights()[case % 3];
        let mut key = FlameKey {
            boss: rng.random(),
            weapon,
            level: Level(levels[rng.random_range(0..levels.len())]),
            weights,
            score: 0,
            base_attack: base,
            base_magic: base / 2,
        };
        let best = pool_scores(&key)
            .iter()
            .map(|scores| scores[6] as i64)
            .max()
            .unwrap();
        key.score = rng.random_range(1..=best * 2);
        let flame = Flame::ALL[rng.random_range(0..3)];

        let wanted = brute_force(&key, flame);
        let got = flame::tries(&rules, &key, flame);
        match got {
            Some(tries) => {
                assert!(
                    (tries * wanted - 1.0).abs() < 1e-10,
                    "{key:?} {flame:?}: {tries}"
                );
            }
            None => assert_eq!(wanted, 0.0, "{key:?} {flame:?}"),
        }
    }
}

#[test]
fn a_higher_score_never_takes_fewer_tries() {
    let rules = rulesets::flame();
    let at_score = |score| FlameKey {
        boss: true,
        weapon: true,
        level: Level(200),
        weights: class_weights()[0],
        score,
        base_attack: 241,
        base_magic: 406,
    };
    for flame in Flame::ALL {
        let tries: Vec<f64> = (1..150)
            .map(|step| flame::tries(&rules, &at_score(step * 97), flame).unwrap_or(f64::INFINITY))
            .collect();
        assert!(
            tries
                .windows(2)
                .all(|pair| pair[0] <= pair[1] * (1.0 + 1e-12)),
            "{flame:?}"
        );
    }
}

#[test]
fn a_better_flame_never_takes_more_tries() {
    let rules = rulesets::flame();
    for score in (10..2_400).step_by(70) {
        let key = FlameKey {
            boss: true,
            weapon: false,
            level: Level(250),
            weights: class_weights()[0],
            score,
            base_attack: 0,
            base_magic: 0,
        };
        let tries =
            Flame::ALL.map(|flame| flame::tries(&rules, &key, flame).unwrap_or(f64::INFINITY));
        assert!(
            tries.is_sorted_by(|a, b| a * (1.0 + 1e-12) >= *b),
            "{score}: {tries:?}"
        );
    }
}

#[test]
fn a_score_beyond_four_best_lines_is_impossible() {
    let rules = rulesets::flame();
    let key = FlameKey {
        boss: false,
        weapon: false,
        level: Level(200),
        weights: class_weights()[2],
        score: 1_000_000,
        base_attack: 0,
        base_magic: 0,
    };
    let value = flame::price(&rules, &key);
    assert_eq!(
        (value.status, value.cost_mesos, value.tries),
        (Status::Impossible, None, None)
    );
}
