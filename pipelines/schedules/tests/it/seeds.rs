//! Walks from seeds.

use schedules::{Report, mutations, simulate, simulate_mutated};

/// The seeds that CI walks.
const SEEDS: std::ops::Range<u64> = 0..24;

/// Within so many seeds a mutation must be found (they are found within 600).
const SOON: u64 = 3_000;

#[test]
fn the_fixed_seeds_keep_the_promise_and_inject_every_fault() {
    let mut sum = Report::default();
    for seed in SEEDS {
        match simulate(seed) {
            Ok(report) => {
                assert!(report.crashes > 0, "seed {seed} has no crash");
                sum.add(&report);
            }
            Err(violation) => panic!("{violation}"),
        }
    }
    println!("{sum}");
    for (what, count) in [
        ("crashes", sum.crashes),
        ("torn tails", sum.torn_tails),
        ("power losses", sum.power_losses),
        ("failovers", sum.failovers),
        ("flushes", sum.flushes),
        ("lost answers", sum.lost_answers),
        ("late calls", sum.late_calls),
        ("late arrivals", sum.late_arrivals),
        ("steps of older generations", sum.steps_of_older),
        ("compactions", sum.compactions),
        ("trims", sum.trims),
        ("clock jumps", sum.clock_jumps),
        ("epochs compared", sum.epochs_compared),
        ("values compared", sum.values_compared),
    ] {
        assert!(count > 0, "no {what} in these seeds");
    }
}

#[test]
fn a_seed_walks_the_same_way_twice() {
    for seed in [3, 17] {
        assert_eq!(simulate(seed), simulate(seed));
    }
    let mutation = &mutations()[0];
    let first = (0..SOON).find_map(|seed| simulate_mutated(seed, mutation).err());
    let violation = first.expect("the mutation is found");
    assert_eq!(simulate_mutated(violation.seed, mutation), Err(violation));
}

#[test]
fn each_mutation_breaks_the_promise_within_a_few_thousand_seeds() {
    let mut missed = Vec::new();
    for mutation in mutations().iter().filter(|of| of.shows_in_walks()) {
        let found = (0..SOON).find_map(|seed| simulate_mutated(seed, mutation).err());
        match found {
            Some(violation) => println!(
                "{}: seed {} after {} steps: {}",
                mutation.name,
                violation.seed,
                violation.steps.len(),
                violation.broken.what
            ),
            None => missed.push(mutation.name),
        }
    }
    assert!(missed.is_empty(), "not found: {missed:?}");
}
