//! With a protection taken out the checker finds what it protected from, or the test says that another stands behind it.

use std::collections::BTreeSet;

use schedules::{Mutation, Property, Protections, Verdict, mutations};

use crate::checked::{Explored, explore};

/// More states than any world here has.
const ALL: usize = 40_000_000;

fn told(mutation: &Mutation) -> Explored {
    let explored = explore(&mutation.small(), ALL);
    let schedule = mutation
        .schedule
        .map_or(String::new(), |number| format!("schedule {number}, "));
    let name = mutation.name;
    match &explored.broken {
        Some((broken, way)) => println!(
            "{schedule}{name}: {} after {} steps, {} states: {}",
            broken.property,
            way.len(),
            explored.states,
            broken.what
        ),
        None => println!("{schedule}{name}: holds in {} states", explored.states),
    }
    explored
}

#[test]
fn every_schedule_of_the_protocol_is_found_when_its_protection_is_out() {
    let mut found = BTreeSet::new();
    for mutation in mutations() {
        if let Some(schedule) = mutation.schedule {
            let explored = told(mutation);
            assert!(explored.broken.is_some(), "{} is not missed", mutation.name);
            found.insert(schedule);
        }
    }
    assert_eq!(found, (1..=20).collect());
}

#[test]
fn every_other_protection_is_missed_when_it_is_out() {
    let others = mutations().iter().filter(|of| of.schedule.is_none());
    for mutation in others.filter(|of| of.verdict == Verdict::Breaks) {
        assert!(
            told(mutation).broken.is_some(),
            "{} is not missed",
            mutation.name
        );
    }
}

#[test]
fn behind_a_second_belt_the_promise_holds() {
    for mutation in mutations()
        .iter()
        .filter(|of| of.verdict == Verdict::SecondBelt)
    {
        let explored = told(mutation);
        assert_eq!(explored.broken, None, "{} is no second belt", mutation.name);
        assert!(explored.complete, "{}: not all states", mutation.name);
    }
}

#[test]
fn without_the_fence_of_a_table_an_older_commit_lands_but_nothing_wrong_is_said() {
    let fences = mutations().iter();
    for mutation in fences.filter(|of| matches!(of.without, ["fence_inputs" | "fence_derived"])) {
        let mut world = mutation.small();
        let explored = explore(&world, ALL);
        let property = explored.broken.map(|(broken, _)| broken.property);
        assert_eq!(property, Some(Property::OneGeneration), "{}", mutation.name);
        world.one_generation = false;
        let explored = explore(&world, ALL);
        println!("{}: {} states", mutation.name, explored.states);
        assert_eq!(explored.broken, None, "{}", mutation.name);
        assert!(explored.complete, "{}: not all states", mutation.name);
    }
}

#[test]
fn every_protection_has_its_mutation() {
    let taken: BTreeSet<&str> = mutations()
        .iter()
        .flat_map(|of| of.without)
        .copied()
        .collect();
    let all: BTreeSet<&str> = Protections::NAMES.iter().copied().collect();
    assert_eq!(taken, all);
}
