//! The main job, stopped in the middle and restarted with another number of workers.

use std::collections::{BTreeMap, BTreeSet};

use runtime::Until;
use sources::generator::{GeneratorConfig, Outcomes};

use crate::answer::{Answer, Views, accounting, pairs, worn};
use crate::breakdown::assert_breakdowns;
use crate::rows::{
    assert_now, assert_same_rows, items_in_tables, rejections, right_items, right_rejections,
};
use crate::world::{Running, World, views};

const RULES: &str = "kms_2026_03";

#[test]
fn after_a_stop_and_a_restart_redis_tables_and_the_generators_model_agree() {
    let config = GeneratorConfig {
        characters: 5_000,
        documents: 20,
        equipment: 8_000,
        likes: 100_000,
        broken: 0.01,
        duplicate: 0.03,
        ..GeneratorConfig::default()
    };
    let world = World::generated("end-to-end", config.clone());
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
    let worn = worn(&world, RULES);
    let right = Answer::of_worn(&world, &worn);
    let views = Views::of_redis(world.name());
    assert_eq!(Answer::of_tables(folder.path()), right);
    assert_eq!(Answer::of_views(&views), right);
    assert_breakdowns(&views.characters, &worn);
    let items = items_in_tables(folder.path());
    assert_same_rows("item_valuations", &items, &right_items(&worn));
    assert_now(folder.path(), second.sealed, &worn, &right.likes, RULES);
    let kept = rejections(folder.path());
    assert_same_rows("rejected", &kept, &right_rejections(&config));
    let names = world.generator.names();
    let liked: BTreeSet<(String, String)> = world
        .oracle
        .pairs()
        .iter()
        .map(|&(account, target)| (names.ocid(target), names.account(account)))
        .collect();
    assert_eq!(pairs(folder.path()), liked);
}
