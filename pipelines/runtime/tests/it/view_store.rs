//! A Redis that is away or refuses: what passes is waited for, what does not is named.

use std::process::Command;

use runtime::{JobError, Until};
use sources::generator::GeneratorConfig;

use crate::answer::Answer;
use crate::relay::{Passage, relay};
use crate::world::{Running, World, service, told, views, views_at};

const RULES: &str = "kms_2026_03";

/// Runs the job to its end with its views at another address, where it must fail; then runs it with its views
/// in the right server, which must have the right answer then.
fn fails_at(world: &World, url: &str) -> JobError {
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = world.job(folder.path(), &views_at(url));
    let error = Running::start(&elsewhere, Until::End).fails();

    Running::start(&world.job(folder.path(), &views()), Until::End).join();
    let right = Answer::right(world, RULES);
    assert_eq!(Answer::of_tables(folder.path()), right);
    assert_eq!(Answer::of_redis(world.name()), right);
    error
}

/// Lets so many script calls through, and does something else with all commands after them.
fn after_calls(calls: u32, then: impl Fn() -> Passage + Send + 'static) -> String {
    let mut left = calls;
    relay(move |name| {
        if name == "EVALSHA" && left > 0 {
            left -= 1;
            return Passage::Through;
        }
        if left > 0 { Passage::Through } else { then() }
    })
}

#[test]
fn a_job_whose_views_are_away_all_the_time_says_so_at_its_end_and_the_next_one_catches_up() {
    let world = World::small("views-away");
    // Nobody listens on port 1.
    let error = fails_at(&world, "redis://127.0.0.1:1");
    assert!(matches!(error, JobError::ViewsBehind { .. }), "{error:?}");
}

#[test]
fn a_job_whose_views_go_away_in_the_middle_says_so_at_its_end_and_the_next_one_catches_up() {
    let world = World::small("views-gone");
    // The claim, and the beginning of a first write.
    let error = fails_at(&world, &after_calls(2, || Passage::Cut));
    assert!(matches!(error, JobError::ViewsBehind { .. }), "{error:?}");
}

#[test]
fn a_server_that_wants_a_password_ends_the_start_and_is_told_by_that_name() {
    let world = World::small("views-password");
    let url = relay(|_| Passage::Refused("NOAUTH Authentication required."));
    let error = fails_at(&world, &url);
    assert!(matches!(error, JobError::OpenViews(_)), "{error:?}");
    assert!(told(&error).contains("NOAUTH"), "{}", told(&error));
}

#[test]
fn a_server_that_begins_to_want_a_password_ends_the_job_and_is_told_by_that_name() {
    let world = World::small("views-refuse");
    let refused = || Passage::Refused("NOAUTH Authentication required.");
    let error = fails_at(&world, &after_calls(2, refused));
    assert!(matches!(error, JobError::Views(_)), "{error:?}");
    assert!(told(&error).contains("NOAUTH"), "{}", told(&error));
}

#[test]
fn a_user_without_the_right_to_a_transaction_is_told_what_was_refused() {
    let world = World::small("views-multi");
    let url = relay(|name| match name {
        "MULTI" => Passage::Refused("NOPERM this user has no permissions to run 'multi'"),
        _ => Passage::Through,
    });
    let error = fails_at(&world, &url);
    assert!(matches!(error, JobError::OpenViews(_)), "{error:?}");
    assert!(told(&error).contains("run 'multi'"), "{}", told(&error));
}

#[test]
fn a_server_that_loads_its_data_is_waited_for() {
    let world = World::small("views-loading");
    let folder = tempfile::tempdir().unwrap();
    let mut left = 20;
    let url = relay(move |_| {
        if left == 0 {
            return Passage::Through;
        }
        left -= 1;
        Passage::Refused("LOADING Redis is loading the dataset in memory")
    });
    Running::start(&world.job(folder.path(), &views_at(&url)), Until::End).join();
    assert_eq!(Answer::of_redis(world.name()), Answer::right(&world, RULES));
}

/// Lets the server do something to all keys of a job: a piece of a script, for a key `k`.
fn for_each_key(job: &str, of: &str, script: &str) {
    let address = service("MESOFLOW_TEST_REDIS");
    let (host, port) = address.rsplit_once(':').unwrap();
    let script = format!("for _, k in ipairs(redis.call('KEYS', ARGV[1])) do {script} end");
    let keys = format!("{of}{{{job}:*");
    let arguments = ["-h", host, "-p", port, "EVAL", &script, "0", &keys];
    let ran = Command::new("redis-cli").args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success() && !said.contains("ERR"), "{said}");
}

#[test]
fn a_store_that_went_back_behind_what_is_known_of_differences_is_written_anew() {
    let world = World::small("views-back");
    let folder = tempfile::tempdir().unwrap();
    let settings = format!("{}\nprobe_millis = 50", views());
    let running = Running::start(&world.job(folder.path(), &settings), Until::Stopped);
    running.until("views", |report| report.views_as_of.is_some());
    for_each_key(
        world.name(),
        "",
        "redis.call('COPY', k, 'saved' .. k, 'REPLACE')",
    );
    let more = GeneratorConfig {
        seed: 2,
        characters: 60,
        equipment: 150,
        likes: 1_000,
        ..GeneratorConfig::default()
    };
    world.write(more);
    running.until("more of the same", |report| {
        report.counts().read() > 1_150 && report.views_as_of == Some(report.sealed)
    });
    let before = Answer::of_redis(world.name());

    // As a failover does to a replica that lacked the last writes; nothing is read after it.
    for_each_key(world.name(), "", "redis.call('DEL', k)");
    for_each_key(
        world.name(),
        "saved",
        "redis.call('RENAME', k, string.sub(k, 6))",
    );
    running.until("it to be noticed", |report| {
        report.views_as_of < Some(report.sealed)
    });
    running.stop_when("the views to be whole again", |report| {
        report.views_as_of == Some(report.sealed)
    });
    running.join();
    assert_eq!(Answer::of_redis(world.name()), before);
}
