//! Topics that are other than they were, and a broker that is away.

use runtime::{Job, JobError, Until};
use sources::generator::GeneratorConfig;

use crate::answer::Answer;
use crate::world::{Running, World, told};

#[test]
fn a_topic_that_was_created_again_with_fewer_records_stops_the_job_and_nothing_is_reset() {
    let mut world = World::small("again");
    let folder = tempfile::tempdir().unwrap();
    let job = world.job(folder.path(), "");
    Running::start(&job, Until::End).join();
    let before = Answer::right(&world, "kms_2026_03");
    assert_eq!(Answer::of_tables(folder.path()), before);

    world.create_again(GeneratorConfig {
        seed: 2,
        characters: 20,
        equipment: 20,
        likes: 20,
        ..GeneratorConfig::default()
    });
    for until in [Until::End, Until::Stopped] {
        let error = Running::start(&job, until).fails();
        assert!(matches!(error, JobError::Recreated { .. }), "{error:?}");
        let names = ["character.equipment/", "like.toggle/"];
        assert!(
            names.iter().any(|name| told(&error).contains(name)),
            "{error}"
        );
    }
    assert_eq!(Answer::of_tables(folder.path()), before);
}

#[test]
fn a_job_that_waits_for_its_broker_ends_when_it_is_asked_to() {
    let folder = tempfile::tempdir().unwrap();
    // Nobody listens on port 1.
    let text = format!(
        "folder = {:?}\n[source]\nbrokers = \"127.0.0.1:1\"",
        folder.path()
    );
    let running = Running::start(
        &Job::parse(&text, "the test's job").unwrap(),
        Until::Stopped,
    );
    running.stop_when("its wait for the broker", |report| {
        report.waits.contains_key("source")
    });
    running.join();
}
