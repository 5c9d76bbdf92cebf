use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use valuation::Meso;
use valuation::totals::{ItemTotal, best_preset, p90, preset_total};

const RUNS: usize = 40_000;

/// A cost that is the fee times a geometric number of tries.
struct Wait {
    fee: f64,
    chance: f64,
}

impl Wait {
    fn mean(&self) -> f64 {
        self.fee / self.chance
    }

    fn variance(&self) -> f64 {
        self.fee * self.fee * (1.0 - self.chance) / (self.chance * self.chance)
    }

    fn draw(&self, random: &mut ChaCha8Rng) -> f64 {
        let uniform: f64 = 1.0 - random.random::<f64>();
        self.fee * (uniform.ln() / (-self.chance).ln_1p()).ceil().max(1.0)
    }
}

fn simulated_p90(waits: &[Wait]) -> f64 {
    let mut random = ChaCha8Rng::seed_from_u64(90);
    let mut sums: Vec<f64> = (0..RUNS)
        .map(|_| waits.iter().map(|wait| wait.draw(&mut random)).sum())
        .collect();
    sums.sort_by(f64::total_cmp);
    sums[RUNS * 9 / 10]
}

#[test]
fn the_ninetieth_percentile_is_near_that_of_simulated_totals() {
    let alike = |count| {
        (0..count)
            .map(|_| Wait {
                fee: 5e7,
                chance: 0.001,
            })
            .collect::<Vec<_>>()
    };
    // One dear potential among cheaper ones, as characters have them.
    let unlike = |count: u32| {
        (0..count)
            .map(|at| Wait {
                fee: 5e7,
                chance: 0.0001 * f64::from(at * at + 1),
            })
            .collect()
    };
    for waits in [
        alike(1),
        alike(2),
        alike(8),
        alike(40),
        unlike(2),
        unlike(5),
        unlike(20),
    ] {
        let mean: f64 = waits.iter().map(Wait::mean).sum();
        let variance: f64 = waits.iter().map(Wait::variance).sum();
        let approximated = p90(mean, variance.sqrt());
        let simulated = simulated_p90(&waits);
        let off = (approximated - simulated).abs() / simulated;
        assert!(
            off < 0.03,
            "{} waits: {approximated} is {off} off {simulated}",
            waits.len()
        );
    }
}

#[test]
fn a_total_without_spread_is_its_own_quantile() {
    assert_eq!(p90(5.0, 0.0), 5.0);
    assert_eq!(p90(0.0, 0.0), 0.0);
}

#[test]
fn the_first_of_the_largest_presets_counts() {
    for (totals, best) in [
        ([1, 1, 1], 1),
        ([1, 2, 2], 2),
        ([0, 1, 2], 3),
        ([3, 2, 3], 1),
        ([0, 0, 0], 1),
    ] {
        assert_eq!(best_preset(totals.map(Meso)), best, "{totals:?}");
    }
}

#[test]
fn a_preset_sums_costs_missing_parts_and_variances() {
    let item = |cost, missing_parts, variance| ItemTotal {
        cost_mesos: Meso(cost),
        missing_parts,
        variance,
    };
    let total = preset_total([item(1 << 60, 1, 9.0), item(1 << 60, 2, 16.0)]);
    assert_eq!((total.cost_mesos, total.missing_parts), (Meso(1 << 61), 3));
    assert_eq!(total.sd_mesos, 5.0);
    assert_eq!(preset_total([]), Default::default());
}
