//! Every failpoint is passed by a job that runs: one that is not shows nothing when a drill strikes it.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use failpoints::{LOG, PLAN, points};

use crate::scene::{NEW, OLD, Records, Scene};
use crate::support::mesoflow;

/// Passed when upkeep has something to do, which depends on time, or when more than a thousand values of the views
/// change at once.
const LATE: [&str; 6] = [
    "checkpoint.written",
    "cleaning",
    "compaction.done",
    "compaction.written",
    "log.trimmed",
    "part.written",
];

/// Small epochs and quick commits and upkeep.
const SETTINGS: &str = "maintain_seconds = 1\nhistory_seconds = 0\n[epoch]\nrecords_max = 50";

#[test]
fn a_job_passes_every_failpoint_but_those_of_upkeep() {
    let mut scene = Scene::of(1_500, 20_000, SETTINGS);
    scene.workers = 1;
    let log = scene.job("passed.log");
    // Rules change between the two.
    for (ruleset, records) in [(OLD, Records::Half), (NEW, Records::All)] {
        let ran = Command::new(env!("CARGO_BIN_EXE_mesoflow"))
            .args(scene.arguments("job", ruleset, records))
            .env(PLAN, "*=count")
            .env(LOG, &log)
            .output()
            .unwrap();
        assert!(ran.status.success(), "{ran:?}");
    }
    let text = fs::read_to_string(&log).unwrap();
    let passed: BTreeSet<&str> = text
        .lines()
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    let missed: Vec<_> = points::ALL
        .iter()
        .map(|point| point.name())
        .filter(|name| !passed.contains(name) && !LATE.contains(name))
        .collect();
    assert!(missed.is_empty(), "never passed: {missed:?}");
}

#[test]
fn a_plan_that_cannot_be_followed_is_a_wrong_request() {
    let ran = Command::new(env!("CARGO_BIN_EXE_mesoflow"))
        .arg("drill")
        .env(PLAN, "binding.sunk=crash")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(2), "{said}");
    assert!(said.contains("no failpoint \"binding.sunk\""), "{said}");
}

#[test]
fn drills_and_failpoints_are_listed() {
    let drills = mesoflow(["drill"]).exits_with(0);
    let listed = mesoflow(["drill", "--failpoints"]).exits_with(0);
    for drill in drill::ALL {
        assert!(drills.out.contains(drill.name), "{}", drills.out);
    }
    for point in points::ALL {
        assert!(listed.out.contains(point.name()), "{}", listed.out);
    }
    let wrong = mesoflow(["drill", "flood"]).exits_with(2);
    assert!(wrong.err.contains("no drill \"flood\""), "{}", wrong.err);
}
