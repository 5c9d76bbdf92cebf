//! Rules that change by a restart.

use runtime::Until;
use sources::generator::GeneratorConfig;

use crate::answer::Answer;
use crate::world::{Running, World, views};

#[test]
fn new_rules_hold_from_the_first_new_epoch_on_and_what_was_said_before_stays() {
    let world = World::generated(
        "rules",
        GeneratorConfig {
            characters: 150,
            equipment: 400,
            likes: 500,
            ..GeneratorConfig::default()
        },
    );
    let folder = tempfile::tempdir().unwrap();
    let views = views();
    let run = |ruleset: &str| {
        let job = world.job(folder.path(), &format!("ruleset = {ruleset:?}\n{views}"));
        Running::start(&job, Until::End).join()
    };

    let first = run("kms_2026_03");
    assert_eq!(first.counts().read(), 900);
    let old = Answer::right(&world, "kms_2026_03");
    assert_eq!(Answer::of_tables(folder.path()), old);

    let second = run("kms_2025_03");
    assert_eq!(second.counts().read(), 0);
    let new = Answer::right(&world, "kms_2025_03");
    assert_ne!(new.characters, old.characters);
    assert_eq!(Answer::of_tables(folder.path()), new);
    assert_eq!(Answer::of_redis(world.name()), new);
    assert_eq!(Answer::of_tables_as_of(folder.path(), first.sealed), old);

    run("kms_2026_03");
    assert_eq!(Answer::of_tables(folder.path()), old);
    assert_eq!(Answer::of_redis(world.name()), old);
}
