//! Topics that are other than they were, and a broker that is away.

use model::Topic;
use runtime::{Job, JobError, Report, Until};
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

/// Records of a topic that were read.
fn read_of(report: &Report, topic: Topic) -> u64 {
    let of_topic = |name: &str| name.starts_with(topic.name());
    let partitions = report.partitions.iter();
    partitions
        .filter(|(name, _)| of_topic(name))
        .map(|(_, partition)| partition.read)
        .sum()
}

fn equipment(count: u64) -> GeneratorConfig {
    GeneratorConfig {
        seed: 2,
        characters: 20,
        equipment: count,
        likes: 0,
        ..GeneratorConfig::default()
    }
}

#[test]
fn a_topic_that_gets_more_partitions_is_held_with_an_alarm_and_the_other_is_read_on() {
    let world = World::small("grows");
    // One partition has no records.
    world.grow(Topic::Likes, 4);
    let folder = tempfile::tempdir().unwrap();
    let job = world.job(folder.path(), "");
    let running = Running::start(&job, Until::Stopped);
    running.until("all records", |report| report.counts().read() == 1_150);
    world.grow(Topic::Likes, 7);
    let is_held = |report: &Report| report.waits.contains_key(Topic::Likes.name());
    running.until("the alarm", is_held);
    world.write(equipment(30));
    let goes_on = |report: &Report| read_of(report, Topic::Equipment) >= 30 && is_held(report);
    running.stop_when("the other topic", goes_on);
    running.join();

    let again = Running::start(&job, Until::Stopped);
    world.write(equipment(30));
    again.stop_when("the other topic after a start", goes_on);
    again.join();
    let error = Running::start(&job, Until::End).fails();
    assert!(
        matches!(
            error,
            JobError::PartitionsChanged {
                topic: Topic::Likes,
                before: 4,
                now: 7
            }
        ),
        "{error:?}"
    );
    world.delete(Topic::Likes);
    let error = Running::start(&job, Until::Stopped).fails();
    assert!(
        matches!(error, JobError::TopicGone { before: 4, .. }),
        "{error:?}"
    );
}

#[test]
fn a_topic_that_appears_is_read_without_a_start() {
    let world = World::small("appears");
    world.delete(Topic::Likes);
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(&world.job(folder.path(), ""), Until::Stopped);
    let all = |report: &Report| read_of(report, Topic::Equipment) == 150;
    running.until("all equipment", all);
    world.create(3);
    world.write(GeneratorConfig {
        characters: 20,
        equipment: 0,
        likes: 500,
        ..GeneratorConfig::default()
    });
    running.stop_when("the likes", |report| read_of(report, Topic::Likes) == 500);
    running.join();
}
