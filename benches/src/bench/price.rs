//! How many distinct valuation keys a core prices, by kind.

use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;

use anyhow::{Result, ensure};
use sources::generator::{Generator, GeneratorConfig};
use valuation::potential::PotentialKind;
use valuation::totals::character_value;
use valuation::{Key, Keyed, Ruleset, Status, key};

use super::Size;
use crate::figure::Figure;
use crate::measure::timed;

const SAMPLE: &[u8] = include_bytes!("../../../datasets/samples/evan_equip.json");
/// Small kinds are priced again until so many prices were computed: enough to be timed.
const ROUND_KEYS_MIN: usize = 5_000;
/// What the presets of the sample cost under the default ruleset, in mesos, to a relative 1e-9.
const SAMPLE_MESOS: [f64; 3] = [
    6_165_378_414_672.0,
    12_487_024_926_715.0,
    5_166_845_656_018.0,
];

pub(super) fn run(size: Size) -> Result<Vec<Figure>> {
    let rules = odds::shipped(odds::SHIPPED[0])?;
    check_sample(&rules)?;
    let keys = distinct_keys(&rules, size.of(100, 30_000))?;
    let mut figures = Vec::new();
    let (mut all_keys, mut all_seconds) = (0, vec![0.0; size.of(1, 3)]);
    for (kind, keys) in &keys {
        let mut rates = Vec::new();
        let mut first = None;
        for seconds in &mut all_seconds {
            let rounds = size.of(1, ROUND_KEYS_MIN.div_ceil(keys.len()));
            let (prices, took) = timed(|| {
                let prices = keys.iter().map(|priced| key::price(&rules, priced));
                let prices: Vec<_> = prices.collect();
                for _ in 1..rounds {
                    for priced in keys {
                        black_box(key::price(&rules, priced));
                    }
                }
                Ok(prices)
            })?;
            let took = took / rounds as f64;
            for (key, price) in keys.iter().zip(&prices) {
                ensure!(
                    price.status == Status::Ok && price.cost_mesos.is_some(),
                    "{key:?} has the price {price:?}"
                );
            }
            ensure!(
                first.get_or_insert_with(|| prices.clone()) == &prices,
                "a price of {kind} differs between runs"
            );
            rates.push(keys.len() as f64 / took);
            *seconds += took;
        }
        all_keys += keys.len();
        figures.push(Figure::new(
            format!("{kind}, {} distinct keys", keys.len()),
            "keys a second and core",
            rates,
        ));
    }
    figures.push(Figure::new(
        format!("all {all_keys} keys of the catalogue"),
        "keys a second and core",
        all_seconds
            .into_iter()
            .map(|seconds| all_keys as f64 / seconds)
            .collect(),
    ));
    Ok(figures)
}

/// The prices are those of the published sample.
fn check_sample(rules: &Ruleset) -> Result<()> {
    let snapshot = model::document::parse(SAMPLE)?;
    let value = character_value(rules, &snapshot.class, &snapshot.presets);
    for ((total, _), wanted) in value.presets.iter().zip(SAMPLE_MESOS) {
        let got = total.cost_mesos.0 as f64;
        ensure!(
            (got / wanted - 1.0).abs() < 1e-9,
            "a preset of the sample costs {got} mesos, not {wanted}"
        );
    }
    Ok(())
}

/// The keys of what the generator's characters wear, by kind.
fn distinct_keys(
    rules: &Ruleset,
    characters: u32,
) -> Result<BTreeMap<&'static str, BTreeSet<Key>>> {
    let generator = Generator::new(GeneratorConfig::default())?;
    let mut keys: BTreeMap<&'static str, BTreeSet<Key>> = BTreeMap::new();
    for character in 0..characters {
        let outfit = generator.outfit(character, 0);
        for item in outfit.presets.iter().flatten() {
            for keyed in key::components(rules, outfit.class, item) {
                if let Keyed::Priced(key) = keyed {
                    keys.entry(kind(&key)).or_default().insert(key);
                }
            }
        }
    }
    Ok(keys)
}

fn kind(key: &Key) -> &'static str {
    match key {
        Key::Potential(key) => match key.kind {
            PotentialKind::Main => "potential",
            PotentialKind::Additional => "additional potential",
        },
        Key::GradeUp(_) => "grade-up",
        Key::Starforce { .. } => "starforce",
        Key::Noljang { .. } => "noljang",
        Key::Flame(_) => "flame",
    }
}
