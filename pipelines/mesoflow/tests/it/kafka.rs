//! Jobs over topics with views in Redis that are killed, stopped, or started twice.

use std::thread;
use std::time::{Duration, Instant};

use lake::Lake;
use model::Epoch;
use model::tables::{Kind, Relation};
use sources::generator::{Generator, GeneratorConfig};

use crate::history::History;
use crate::process::Obstacle;
use crate::services::World;

/// Small epochs, few in flight, quick commits.
const SMALL: &str = "[epoch]\nrecords_max = 50\n[flow]\nepochs_in_flight_max = 3\n\
     [tables]\ncommit_millis = 10\nnow_seconds = 1";

const RECORDS: i64 = 6_000;

fn generator() -> Generator {
    Generator::new(GeneratorConfig {
        characters: 200,
        equipment: 1_000,
        likes: 5_000,
        broken: 0.05,
        ..GeneratorConfig::default()
    })
    .unwrap()
}

#[test]
fn a_job_that_was_killed_twice_says_in_redis_and_tables_what_one_says_that_ran_through() {
    let world = World::new("killed", SMALL);
    // Of empty topics: the tables are there.
    world.run_to_end("killed");
    world.fill(&mut generator(), u64::MAX);
    world.run_to_end("through");

    let mut histories = Vec::new();
    // The job is not at its end when it is killed: one table takes some commits, and no more.
    for (relation, commits) in [(Relation::LikeCounts, 5), (Relation::InputEquipment, 7)] {
        let obstacle = Obstacle::behind(&world.job("killed"), relation, commits);
        let (before, _) = world.bound("killed");
        let mut process = world.start("killed", "killed", &["--until-end"]);
        process.until("a new epoch in Redis", || world.shown("killed") > before);
        process.kill();
        obstacle.remove();
        histories.push(History::of(&world.job("killed")));
        assert!(world.bound("killed").1 < RECORDS);
    }
    world.run_to_end("killed");
    histories.push(History::of(&world.job("killed")));
    for pair in histories.windows(2) {
        pair[0].stands_in(&pair[1]);
    }
    world.assert_same("killed", "through");
}

/// What README promises, and what a machine may need that does much else.
const STOPPED_WITHIN: Duration = Duration::from_secs(5 + 5);

#[test]
fn a_live_job_that_gets_sigterm_ends_in_time_with_all_that_it_read_committed() {
    let world = World::new("stopped", "[epoch]\nrecords_max = 200");
    let mut generator = generator();
    world.fill(&mut generator, 1_000);
    let mut process = world.start("job", "job", &[]);
    process.until("an epoch in Redis", || world.shown("job") > Epoch(0));

    // Records come before the signal and after it.
    let (took, ran) = thread::scope(|scope| {
        scope.spawn(|| world.fill(&mut generator, u64::MAX));
        process.until("more records", || world.bound("job").1 > 1_000);
        let asked = Instant::now();
        process.ask_to_stop();
        let ran = process.ends();
        (asked.elapsed(), ran.exits_with(0))
    });

    assert!(took < STOPPED_WITHIN, "it took {took:?}: {}", ran.err);
    let report = ran.json();
    let (sealed, read) = world.bound("job");
    assert_eq!(report["sealed"], sealed.0);
    let partitions = report["partitions"].as_object().unwrap().values();
    let counted: i64 = partitions
        .map(|partition| {
            assert_eq!(partition["residual"], 0);
            partition["read"].as_i64().unwrap()
        })
        .sum();
    assert_eq!(counted, read);
    let lake = Lake::open(&world.job("job").join("tables")).unwrap();
    for relation in Relation::ALL {
        if relation.spec().kind != Kind::Now {
            let committed = lake.view(relation).unwrap().unwrap().committed();
            assert_eq!(committed, Some(sealed), "{relation}");
        }
    }
    assert_eq!(world.shown("job"), sealed);

    world.run_to_end("job");
    assert_eq!(world.bound("job").1, RECORDS);
    world.run_to_end("through");
    world.assert_same("job", "through");
}

#[test]
fn a_second_start_ends_the_first_by_its_name_and_goes_on_itself() {
    let world = World::new("superseded", "");
    let mut generator = generator();
    world.fill(&mut generator, 1_000);
    let mut first = world.start("job", "first", &[]);
    first.until("an epoch in Redis", || world.shown("job") > Epoch(0));

    let mut second = world.start("job", "second", &[]);
    world.fill(&mut generator, u64::MAX);
    let first = first.ends().exits_with(1);
    for sign in ["generation 1 of this job was superseded", "generation 2"] {
        assert!(first.err.contains(sign), "{sign}: {}", first.err);
    }
    second.until("all records", || world.bound("job").1 == RECORDS);
    let (code, log) = second.stop();
    assert_eq!(code, 0, "{log}");

    world.run_to_end("through");
    world.assert_same("job", "through");
}
