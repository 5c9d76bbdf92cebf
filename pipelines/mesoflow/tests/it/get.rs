//! `mesoflow get`.

use model::Epoch;
use views::{SqliteStore, ViewChange};

use crate::support::{
    TestJob, character, claim_views, mesoflow, ruleset, sample_snapshot, valuation,
};

const AS_OF: Epoch = Epoch(1_767_225_600_000);

/// A job whose views hold the sample, and a target with likes.
fn job() -> TestJob {
    let job = TestJob::new("");
    let ruleset = ruleset();
    let valuation = valuation(&ruleset, &sample_snapshot());
    let values = vec![
        character("evan", AS_OF, &valuation),
        ViewChange::likes("evan", AS_OF, Some(12)),
    ];
    job.embedded_views(&ruleset, AS_OF, values);
    job
}

#[test]
fn a_character_comes_with_presets_items_time_and_ruleset() {
    let job = job();
    let args = ["get", "character", "evan", "--json", "--job", &job.file()];
    let answer = mesoflow(args).exits_with(0).json();

    assert_eq!(answer["ocid"], "evan");
    assert_eq!(answer["as_of"], AS_OF.0);
    assert_eq!(answer["as_of_time"], "2026-01-01T00:00:00.000Z");
    assert_eq!(answer["changed_at"], AS_OF.0);
    assert_eq!(answer["ruleset"], ruleset().hash().to_string());
    assert_eq!(answer["preset"], 2);
    let wanted = valuation(&ruleset(), &sample_snapshot());
    for (shown, wanted) in answer["presets"]
        .as_array()
        .unwrap()
        .iter()
        .zip(&wanted.presets)
    {
        assert_eq!(
            shown["cost_mesos"],
            i64::try_from(wanted.cost_mesos.0).unwrap()
        );
        assert_eq!(shown["missing_parts"], wanted.missing_parts);
        assert_eq!(shown["items"].as_array().unwrap().len(), wanted.items.len());
    }
    let weapon = answer["presets"][1]["items"].as_array().unwrap();
    let weapon = weapon.iter().find(|item| item["slot"] == "무기").unwrap();
    let potential = &weapon["components"]["potential"];
    assert_eq!(potential["status"], "ok");
    let quantiles =
        ["tries_p50", "tries_p90", "tries_p99"].map(|name| potential["detail"][name].as_u64());
    assert!(
        quantiles.is_sorted() && quantiles[0] >= Some(1),
        "{potential}"
    );
}

#[test]
fn people_read_tables() {
    let job = job();
    let ran = mesoflow(["get", "character", "evan", "--job", &job.file()]).exits_with(0);
    assert!(
        ran.out.contains("12,487,024,926,715") && ran.out.contains("무기"),
        "{}",
        ran.out
    );
    assert!(
        ran.out
            .contains("as of epoch 1767225600000 (2026-01-01T00:00:00.000Z)"),
        "{}",
        ran.out
    );
    let ran = mesoflow(["get", "likes", "evan", "--job", &job.file()]).exits_with(0);
    assert!(
        ran.out.starts_with("12 accounts like evan\n"),
        "{}",
        ran.out
    );
}

#[test]
fn the_job_is_named_at_any_place() {
    let job = job();
    for args in [
        ["get", "--job", &job.file(), "--json", "likes", "evan"],
        ["--json", "get", "likes", "--job", &job.file(), "evan"],
    ] {
        assert_eq!(mesoflow(args).exits_with(0).json()["likes"], 12);
    }
}

#[test]
fn a_store_that_was_emptied_is_not_said_to_be_new() {
    let job = TestJob::new("");
    let ruleset = ruleset();
    // As a job leaves it that is stopped while it writes everything again.
    let store = SqliteStore::open(&job.path().join("views.sqlite")).unwrap();
    claim_views(store, &ruleset);
    let ran = mesoflow(["get", "likes", "evan", "--job", &job.file()]).exits_with(1);
    assert!(
        ran.err.contains("shows nothing yet") && !ran.err.contains("first time"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("to do: "), "{}", ran.err);
}

#[test]
fn likes_come_with_their_time() {
    let job = job();
    let answer = mesoflow(["get", "likes", "evan", "--json", "--job", &job.file()])
        .exits_with(0)
        .json();
    assert_eq!(
        (&answer["likes"], &answer["as_of"]),
        (&12.into(), &AS_OF.0.into())
    );
}

#[test]
fn an_unknown_key_is_no_answer_and_says_as_of_when() {
    let job = job();
    for kind in ["character", "likes"] {
        let ran = mesoflow(["get", kind, "nobody", "--job", &job.file()]).exits_with(1);
        assert!(
            ran.err.contains("nobody") && ran.err.contains("as of epoch 1767225600000"),
            "{}",
            ran.err
        );
        assert_eq!(ran.out, "");
    }
}

#[test]
fn without_a_store_or_a_job_file_the_request_is_wrong() {
    let job = TestJob::new("");
    let ran = mesoflow(["get", "likes", "evan", "--job", &job.file()]).exits_with(2);
    assert!(ran.err.contains("views.sqlite"), "{}", ran.err);
    let ran = mesoflow(["get", "likes", "evan", "--job", "/nowhere/job.toml"]).exits_with(2);
    assert!(ran.err.contains("/nowhere/job.toml"), "{}", ran.err);
    let none = TestJob::new("[views]\nkind = \"none\"");
    let ran = mesoflow(["get", "likes", "evan", "--job", &none.file()]).exits_with(2);
    assert!(ran.err.contains("keeps no views"), "{}", ran.err);
}

#[test]
fn a_redis_that_does_not_answer_is_a_failure() {
    let job = TestJob::new("[views]\nkind = \"redis\"\nurl = \"redis://127.0.0.1:1\"");
    let ran = mesoflow(["get", "likes", "evan", "--job", &job.file()]).exits_with(1);
    assert!(ran.err.contains("127.0.0.1:1"), "{}", ran.err);
}

#[test]
fn a_password_in_the_address_of_redis_is_refused_and_not_shown() {
    let url = "redis://user:hunter2@127.0.0.1:1";
    let job = TestJob::new(&format!("[views]\nkind = \"redis\"\nurl = {url:?}"));
    for command in [
        &["get", "likes", "evan", "--job", &job.file()][..],
        &["run", &job.file()],
        &["explain", "evan", "--job", &job.file()],
    ] {
        let ran = mesoflow(command).exits_with(2);
        assert!(ran.err.contains("views.url"), "{}", ran.err);
        assert!(ran.err.contains("views.password_file"), "{}", ran.err);
        assert!(!ran.err.contains("hunter2"), "{}", ran.err);
    }
    let ran = mesoflow(["doctor", &job.file(), "--json"]).exits_with(1);
    assert!(ran.out.contains("views.password_file") && !ran.out.contains("hunter2"));
}
