//! `mesoflow value`.

use std::fs;
use std::path::Path;

use crate::support::{mesoflow, sample};

/// What the presets of the sample cost by the default ruleset.
const PRESETS_MESOS: [f64; 3] = [
    6_165_378_414_672.0,
    12_487_024_926_715.0,
    5_166_845_656_018.0,
];

#[test]
fn the_sample_has_its_three_totals() {
    let ran = mesoflow(["value".as_ref(), sample().as_os_str(), "--json".as_ref()]).exits_with(0);
    let presets = ran.json();

    for (number, wanted) in (1..).zip(PRESETS_MESOS) {
        let preset = &presets[number - 1];
        assert_eq!(preset["preset"], number);
        let cost = preset["cost_mesos"].as_f64().unwrap();
        assert!(
            (cost / wanted - 1.0).abs() < 1e-9,
            "preset {number}: {cost}"
        );
        assert_eq!(preset["counts"], number == 2);
        let items = preset["items"].as_array().unwrap();
        let sum: i64 = items
            .iter()
            .map(|item| item["cost_mesos"].as_i64().unwrap())
            .sum();
        assert_eq!(preset["cost_mesos"], sum);
        assert_eq!(items[0]["components"]["starforce"]["status"], "ok");
    }
    let potential = &presets[0]["items"][0]["components"]["potential"]["detail"];
    let number = |name: &str| potential[name].as_u64().unwrap();
    for quantile in ["p50", "p90", "p99"] {
        assert_eq!(
            number(&format!("cost_{quantile}_mesos")),
            number("fee_mesos") * number(&format!("tries_{quantile}"))
        );
    }
}

#[test]
fn people_read_a_table() {
    let ran = mesoflow(["value".as_ref(), sample().as_os_str(), "--items".as_ref()]).exits_with(0);
    assert!(ran.out.contains("12,487,024,926,715"), "{}", ran.out);
    assert!(ran.out.contains("무기"), "{}", ran.out);
    // What is no terminal is 80 columns wide; a Korean letter takes two of them.
    let width = |line: &str| {
        line.chars()
            .map(|letter| 1 + usize::from(letter >= '가'))
            .sum()
    };
    let widest: Option<usize> = ran.out.lines().map(width).max();
    assert!(widest <= Some(80), "{widest:?}\n{}", ran.out);
}

#[test]
fn another_ruleset_gives_another_value_and_its_hash() {
    let value = |ruleset: &str| {
        let args = ["value", "--json", "--ruleset", ruleset].map(Into::into);
        mesoflow(args.into_iter().chain([sample().into_os_string()]))
            .exits_with(0)
            .json()
    };
    let (new, old) = (value("kms_2026_03"), value("kms_2025_03"));
    assert_ne!(new[0]["cost_mesos"], old[0]["cost_mesos"]);
    assert_ne!(new[0]["ruleset"], old[0]["ruleset"]);

    let copy =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets/odds/rulesets/kms_2025_03.toml");
    assert_eq!(value(copy.to_str().unwrap()), old);
}

#[test]
fn what_is_no_document_or_ruleset_is_a_wrong_request() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.json");
    fs::write(&broken, "{\"preset_no\": ").unwrap();

    let ran = mesoflow(["value".as_ref(), broken.as_os_str()]).exits_with(2);
    assert!(ran.err.contains("broken.json"), "{}", ran.err);
    let args = ["value", "--ruleset", "kms_1999"].map(Into::into);
    let ran = mesoflow(args.into_iter().chain([sample().into_os_string()])).exits_with(2);
    for sign in ["read kms_1999: No such file", "kms_2026_03"] {
        assert!(ran.err.contains(sign), "{}", ran.err);
    }
    mesoflow(["value", "-"]).exits_with(2);
}
