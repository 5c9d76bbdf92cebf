use std::collections::BTreeMap;

use odds::starforce::StarforceChoice;
use serde_json::{Value, json};
use valuation::starforce::{Edition, StarforceRules};
use valuation::{ComponentValue, Detail, Level, Star, noljang, starforce};

use crate::golden::{self, Line};
use crate::rulesets;

#[test]
fn every_golden_line_holds() {
    let held = golden::hold("starforce.jsonl", |line| {
        Some(match line.function.as_str() {
            "starforce_rates" => rates(line),
            "starforce_max_star" => json!({ "max_star": rules(line).max_star(level(line)).0 }),
            "starforce_try_cost" => {
                let cost = rules(line).try_cost(level(line), star(line)).unwrap();
                json!({ "cost_mesos": cost.0 as i64 })
            }
            "starforce_step" => step(line),
            "starforce" => answer(&starforce::price(&rules(line), level(line), stars(line))),
            "noljang" => {
                let rules = rulesets::noljang(line.switch("cost_event"));
                answer(&noljang::price(&rules, level(line), stars(line)))
            }
            function => panic!("unknown function {function}"),
        })
    });
    assert_eq!(held, 616);
}

fn level(line: &Line) -> Level {
    Level(line.whole("level"))
}

fn star(line: &Line) -> Star {
    Star(line.whole("star"))
}

fn stars(line: &Line) -> Star {
    Star(line.whole("stars"))
}

/// The rules that a line asks for; switches that it does not name are off.
fn rules(line: &Line) -> StarforceRules {
    let on = |name: &str| line.arguments[name].as_bool().unwrap_or(false);
    rulesets::starforce(match line.ruleset.as_deref() {
        Some("kms_2025_03") | None => StarforceChoice::Kms2025 {
            star_catch: on("star_catch"),
            destruction_event: on("destruction_event"),
            cost_event: on("cost_event"),
            safeguard: on("safeguard"),
        },
        Some("kms_2026_03") => StarforceChoice::Kms2026 {
            destruction_event: on("destruction_event"),
            cost_event: on("cost_event"),
            safeguard: on("safeguard"),
            spare_price_mesos: line.arguments["spare_price_mesos"].as_u64().unwrap_or(0),
        },
        Some(other) => panic!("unknown ruleset {other}"),
    })
}

fn rates(line: &Line) -> Value {
    let row = rules(line).stars[usize::from(star(line).0)];
    json!({ "success": row.success, "destroy": row.destroy })
}

fn step(line: &Line) -> Value {
    let rules = rules(line);
    let Edition::Kms2025(edition) = &rules.edition else {
        panic!("steps are of kms_2025_03")
    };
    let row = &rules.stars[usize::from(star(line).0)];
    let attempt = edition.attempt(row, level(line), star(line));
    json!({
        "success": attempt.success,
        "keep": attempt.keep,
        "destroy": attempt.destroy,
        "cost_mesos": attempt.cost_mesos,
    })
}

fn answer(value: &ComponentValue) -> Value {
    let mut answer = json!({
        "status": value.status.name(),
        "cost_mesos": value.cost_mesos.map(|cost| cost.0 as i64),
        "tries": value.tries,
        "sd_mesos": value.sd_mesos,
    });
    if let Detail::Starforce {
        target,
        destructions,
        spares,
        policy,
    } = &value.detail
    {
        let policy: BTreeMap<String, &String> = policy
            .iter()
            .map(|(star, action)| (star.to_string(), action))
            .collect();
        answer["target"] = json!(target);
        answer["destructions"] = json!(destructions);
        answer["spares"] = json!(spares);
        answer["policy"] = json!(policy);
    }
    answer
}
