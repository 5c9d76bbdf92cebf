//! The main job, stopped in the middle and restarted with another number of workers.

use std::collections::{BTreeMap, BTreeSet};

use runtime::Until;
use sources::generator::{GeneratorConfig, Outcomes};

use crate::answer::{Answer, accounting, pairs};
use crate::world::{Running, World, views};

#[test]
fn after_a_stop_and_a_restart_redis_tables_and_the_generators_model_agree() {
    let world = World::generated(
        "end-to-end",
        GeneratorConfig {
            characters: 5_000,
            documents: 20,
            equipment: 8_000,
            likes: 100_000,
            broken: 0.01,
            duplicate: 0.03,
            ..GeneratorConfig::default()
        },
    );
    let folder = tempfile::tempdir().unwrap();
    let more = format!(
        "[epoch]\nrecords_max = 2000\n[flow]\nepochs_in_flight_max = 10\n\
         [tables]\ncommit_millis = 100\nmaintain_seconds = 1\nhistory_seconds = 0\n{}",
        views()
    );
    let one = world.job(folder.path(), &format!("workers = 1\n{more}"));
    let three = world.job(folder.path(), &format!("workers = 3\n{more}"));

    let running = Running::start(&one, Until::Stopped);
    running.stop_when("a third of the records", |report| {
        report.counts().read() > 36_000
    });
    let first = running.join();
    assert!(
        first.counts().read() < 108_000,
        "the job was stopped in the middle: {first:?}"
    );
    let second = Running::start(&three, Until::End).join();

    for report in [&first, &second] {
        assert!(
            report
                .partitions
                .values()
                .all(|partition| partition.residual == 0)
        );
    }
    assert_eq!(first.counts().read() + second.counts().read(), 108_000);
    let wanted: BTreeMap<String, Outcomes> = world
        .oracle
        .outcomes()
        .iter()
        .map(|(partition, outcomes)| (partition.to_string(), outcomes.clone()))
        .collect();
    assert_eq!(accounting(folder.path()), wanted);
    let right = Answer::right(&world, "kms_2026_03");
    assert_eq!(Answer::of_tables(folder.path()), right);
    assert_eq!(Answer::of_redis(world.name()), right);
    let names = world.generator.names();
    let liked: BTreeSet<(String, String)> = world
        .oracle
        .pairs()
        .iter()
        .map(|&(account, target)| (names.ocid(target), names.account(account)))
        .collect();
    assert_eq!(pairs(folder.path()), liked);
}
