//! The prices against golden lines, brute force and simulation.

mod conformance;
mod flame;
mod potential;
mod rulesets;
mod starforce;
mod totals;

use proptest::prelude::ProptestConfig;
use proptest::test_runner::RngSeed;

/// So many random cases, always the same ones.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(20_261_124),
        ..ProptestConfig::default()
    }
}
