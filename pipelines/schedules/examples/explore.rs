//! Explores the small worlds, or the one named, and says how many states there are.
//!
//! `cargo run -p schedules --example explore [NAME] [WITHOUT,WITHOUT] [STATES_MAX]`

#[path = "../tests/it/checked.rs"]
mod checked;

fn main() {
    let mut args = std::env::args().skip(1);
    let name = args.next().unwrap_or_else(|| "all".to_owned());
    let without = args.next().unwrap_or_default();
    let without: Vec<&str> = without.split(',').filter(|name| !name.is_empty()).collect();
    let states_max = args.next().and_then(|text| text.parse().ok());
    let states_max = states_max.unwrap_or(5_000_000);
    let is_short = args.next().is_some();
    match name.as_str() {
        "seeds" => return seeds(states_max as u64),
        "soon" => return soon(states_max as u64, &without),
        "mutations" => return mutations(states_max),
        _ => {}
    }
    let worlds = schedules::worlds::all().into_iter();
    let worlds = worlds.chain(schedules::worlds::rewrites());
    for (world, config) in worlds.chain(schedules::worlds::larger()) {
        if name != "all" && name != world {
            continue;
        }
        let config = config.without(&without);
        let explored = checked::explore(&config, states_max);
        println!(
            "{world}: {} states{}",
            explored.states,
            if explored.complete {
                ", all of them"
            } else {
                ""
            }
        );
        if let Some((broken, way)) = explored.broken {
            println!(
                "  in {} steps: {}: {}",
                way.len(),
                broken.property,
                broken.what
            );
            if is_short {
                continue;
            }
            for action in way {
                println!("    {action:?}");
            }
        }
    }
}

/// Walks so many seeds.
fn seeds(count: u64) {
    let mut sum = schedules::Report::default();
    for seed in 0..count {
        match schedules::simulate(seed) {
            Ok(report) => sum.add(&report),
            Err(violation) => {
                println!("{violation}");
                std::process::exit(1);
            }
        }
    }
    println!("{count} seeds: {sum}");
}

/// Of each mutation, or the one without these protections, the first seed that finds it.
fn soon(count: u64, without: &[&str]) {
    for mutation in schedules::mutations() {
        if !without.is_empty() && mutation.without != without {
            continue;
        }
        let found = (0..count).find_map(|seed| schedules::simulate_mutated(seed, mutation).err());
        match found {
            Some(violation) if without.is_empty() => println!(
                "{} ({:?}): seed {}, {} steps: {}",
                mutation.name,
                mutation.verdict,
                violation.seed,
                violation.steps.len(),
                violation.broken.what
            ),
            Some(violation) => println!("{}: {violation}", mutation.name),
            None => println!("{}: in no seed ({:?})", mutation.name, mutation.verdict),
        }
    }
}

/// Explores the small world of each mutation.
fn mutations(states_max: usize) {
    for mutation in schedules::mutations() {
        let explored = checked::explore(&mutation.small(), states_max);
        let found = match &explored.broken {
            Some((broken, way)) => format!("{} steps: {}", way.len(), broken.what),
            None if explored.complete => "holds in all states".to_owned(),
            None => "holds so far".to_owned(),
        };
        println!(
            "{} | {} | {} | {} | {found}",
            mutation
                .schedule
                .map_or(String::new(), |number| number.to_string()),
            mutation.name,
            mutation.world,
            explored.states,
        );
    }
}
