//! Messages and documents at large: generated ones, broken ones, and what is documented of them.

#[path = "../../fuzz/admit.rs"]
mod admit;
mod corpus;
mod documents;
mod generated;
mod messages;
mod rejections;

use std::path::{Path, PathBuf};

use proptest::test_runner::{Config, RngSeed};

/// The cases of a property, the same in every run.
fn cases(cases: u32) -> Config {
    Config {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(20_261_124),
        ..Config::default()
    }
}

/// A file or folder of the repository.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}
