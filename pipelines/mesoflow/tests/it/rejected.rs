//! `mesoflow rejected` over what stands in the table.

use std::borrow::Cow;
use std::fs;

use lake::{Lake, Owner};
use model::admission::Rejected;
use model::tables::{RejectedRows, Relation};
use model::{Epoch, Millis, PartitionId, Reason, Rejection, Topic};
use runtime::{Handle, Job, Until};
use serde_json::{Value, json};

use crate::support::{Ran, TestJob, mesoflow};

/// A record that was rejected, be it rightly or not.
pub(crate) struct Refused<'a> {
    pub(crate) topic: Topic,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) reason: Reason,
    pub(crate) path: &'a str,
    pub(crate) expected: &'static str,
    pub(crate) key: &'a str,
    pub(crate) value: &'a [u8],
}

/// Writes the table of rejected records of a job, as an earlier start left it.
pub(crate) fn refuse(job: &str, folder: &std::path::Path, refused: &[Refused<'_>]) {
    let owner = Owner {
        job: job.to_owned(),
        generation: 0,
    };
    let lake = Lake::open(&folder.join("tables")).unwrap();
    let mut table = lake.table(Relation::Rejected, &owner).unwrap();
    let mut rows = RejectedRows::default();
    for refused in refused {
        let partition = PartitionId {
            topic: refused.topic,
            partition: refused.partition,
        };
        let rejected = Rejected {
            rejection: Rejection {
                reason: refused.reason,
                path: refused.path.to_owned(),
                expected: Cow::Borrowed(refused.expected),
            },
            key: Some(refused.key.as_bytes().into()),
            value: Some(refused.value.into()),
            timestamp_millis: Millis(1_764_000_000_000 + refused.offset),
            offset: refused.offset,
        };
        rows.push(partition, Epoch(7), &rejected);
    }
    table.append(&[rows.finish()], Epoch(7), &[]).unwrap();
}

/// A like of `target` by `account`.
pub(crate) fn like(number: u8, target: &str, account: &str, more: &str) -> String {
    format!(
        r#"{{"eventId":"0191d5a0-7f3a-7c51-9c1e-2b7c5a0f9d{number:02x}","eventType":"LikeToggled","occurredAt":"2026-11-24T10:15:30Z","aggregateId":"{target}","payload":{{"likerAccountId":"{account}","targetOcid":"{target}"{more}}}}}"#
    )
}

fn refused<'a>(offset: i64, reason: Reason, path: &'a str, value: &'a [u8]) -> Refused<'a> {
    Refused {
        topic: Topic::Likes,
        partition: 0,
        offset,
        reason,
        path,
        expected: "something else",
        key: "a",
        value,
    }
}

/// A job with six rejected records: two that are fine by now, one with the fault that it had, one with another
/// one, one that is no text, and a confirmation.
fn job() -> TestJob {
    let job = TestJob::new("");
    let fine = [1, 2].map(|number| like(number, "a", "acc", ""));
    let wrong = like(3, "a", "acc", "").replace("2026-11-24T", "2026-11-24 ");
    let other = like(4, "b", "acc", "");
    let confirmation = r#"{"eventId":"0191d5a0-7f3a-7c51-9c1e-2b7c5a0f9d11","eventType":"EquipmentUpdated","occurredAt":"2026-11-24T10:15:30Z","aggregateId":"a","payload":{"ocid":"a","equipmentHash":"h"}}"#;
    let confirmation = Refused {
        topic: Topic::Equipment,
        partition: 2,
        ..refused(
            5,
            Reason::EquipmentMissing,
            "payload.equipmentHash",
            confirmation.as_bytes(),
        )
    };
    let all = [
        refused(
            10,
            Reason::InvalidField,
            "payload.list[0].x",
            fine[0].as_bytes(),
        ),
        refused(
            11,
            Reason::InvalidField,
            "payload.list[12].x",
            fine[1].as_bytes(),
        ),
        refused(12, Reason::InvalidField, "occurredAt", wrong.as_bytes()),
        refused(13, Reason::InvalidField, "payload", other.as_bytes()),
        refused(14, Reason::Malformed, "", b"{\"a\":\"\xff\x1b\"}"),
        confirmation,
    ];
    refuse("mesoflow", job.path(), &all);
    job
}

fn ask(job: &TestJob, args: &[&str]) -> Ran {
    let file = job.file();
    let command = ["rejected"].iter().chain(args);
    mesoflow(command.copied().chain(["--job", &file]))
}

fn asked(job: &TestJob, args: &[&str]) -> Value {
    let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
    ask(job, &args).exits_with(0).json()
}

#[test]
fn rejected_records_are_grouped_by_cause_whatever_the_index() {
    let job = job();
    let groups = asked(&job, &["list"]);
    let groups = groups.as_array().unwrap();
    assert_eq!(groups.len(), 5, "{groups:?}");
    let first = &groups[0];
    assert_eq!(first["path"], "payload.list[*].x");
    assert_eq!(
        (&first["count"], &first["state"]),
        (&json!(2), &json!("open"))
    );
    assert_eq!(first["first"]["record"], "like.toggle/0/10");
    assert_eq!(first["last"]["offset"], 11);
    assert_eq!(first["last"]["timestamp_millis"], 1_764_000_000_011_i64);

    for (filter, count) in [
        (&["--topic", "character.equipment"][..], 1),
        (&["--reason", "MALFORMED"], 1),
        (&["--path", "payload.list[3].x"], 1),
        (&["--path", "payload.list[*].x", "--partition", "1"], 0),
        (&["--key", "a", "--since", "2025-11-24T16:00:00.012Z"], 3),
        (&["--until", "2025-11-24T16:00:00.012Z"], 2),
        (&["--state", "discarded"], 0),
        (&["like.toggle/0/10", "like.toggle/0/14"], 2),
    ] {
        let args: Vec<&str> = ["list"].iter().chain(filter).copied().collect();
        let groups = asked(&job, &args);
        assert_eq!(
            groups.as_array().unwrap().len(),
            count,
            "{filter:?}: {groups}"
        );
    }
    let text = ask(&job, &["list"]).exits_with(0).out;
    assert!(text.contains("like.toggle/0/11"), "{text}");
}

#[test]
fn a_record_is_shown_with_its_bytes_and_the_place_that_was_wrong() {
    let job = job();
    let shown = asked(&job, &["show", "like.toggle/0/12"]);
    let value = shown[0]["value"]["text"].as_str().unwrap();
    let fault = |end: &str| shown[0]["fault"][end].as_u64().unwrap() as usize;
    assert_eq!(
        &value[fault("from")..fault("to")],
        r#""2026-11-24 10:15:30Z""#
    );
    assert_eq!(shown[0]["key"]["text"], "a");
    assert_eq!(shown[0]["size"], value.len());

    let binary = asked(&job, &["show", "like.toggle/0/14"]);
    assert_eq!(binary[0]["value"]["base64"], "eyJhIjoi/xsifQ==");
    assert_eq!(binary[0]["fault"]["from"], 6);
    let text = ask(&job, &["show", "like.toggle/0/14"]).exits_with(0).out;
    assert!(text.contains(r#"{"a":"\xff\u{1b}"}"#), "{text}");

    let file = job.path().join("value.json");
    let file = file.display().to_string();
    ask(&job, &["show", "like.toggle/0/14", "--to", &file]).exits_with(0);
    assert_eq!(fs::read(file).unwrap(), b"{\"a\":\"\xff\x1b\"}");
    ask(&job, &["show", "like.toggle/0/99"]).exits_with(1);
}

#[test]
fn todays_parser_says_which_records_are_fine_now() {
    let job = job();
    let groups = asked(&job, &["diff"]);
    let said: Vec<(String, u64)> = groups
        .as_array()
        .unwrap()
        .iter()
        .map(|group| {
            let now = group["now"]["reason"].as_str().unwrap_or_default();
            let verdict = group["verdict"].as_str().unwrap();
            (format!("{verdict} {now}"), group["count"].as_u64().unwrap())
        })
        .collect();
    let wanted = [
        ("accepted ", 2),
        ("other KEY_MISMATCH", 1),
        ("same ", 2),
        ("undecided ", 1),
    ];
    let mut found = std::collections::BTreeMap::new();
    for (verdict, count) in said {
        *found.entry(verdict).or_insert(0) += count;
    }
    assert_eq!(
        found,
        wanted
            .map(|(verdict, count)| (verdict.to_owned(), count))
            .into()
    );
    let accepted = asked(&job, &["diff", "--only-accepted", "--topic", "like.toggle"]);
    assert_eq!(accepted.as_array().unwrap().len(), 1, "{accepted}");
    assert_eq!(accepted[0]["count"], 2);
}

#[test]
fn what_is_no_filter_is_a_wrong_request() {
    let job = job();
    for args in [
        &["list", "--topic", "likes"][..],
        &["list", "--reason", "BAD"],
        &["list", "like.toggle/0"],
        &["diff", "--since", "yesterday"],
    ] {
        let ran = ask(&job, args).exits_with(2);
        assert!(ran.err.contains("to do: "), "{}", ran.err);
    }
}

#[test]
fn records_that_are_discarded_leave_the_queue_with_a_note_and_only_once() {
    let job = job();
    let discard = [
        "discard",
        "--reason",
        "INVALID_FIELD",
        "--note",
        "test data",
        "--by",
        "ann",
    ];
    let tried = [&discard[..], &["--dry-run"]].concat();
    assert_eq!(asked(&job, &tried)["discarded"], 4);
    assert_eq!(asked(&job, &["acts"]), json!([]));

    assert_eq!(asked(&job, &discard)["acts"], json!([1]));
    let open = asked(&job, &["list", "--state", "open"]);
    assert_eq!(open.as_array().unwrap().len(), 2, "{open}");
    let shown = asked(&job, &["show", "like.toggle/0/12"]);
    assert_eq!(shown[0]["state"], "discarded");
    assert_eq!(
        (&shown[0]["acts"][0]["by"], &shown[0]["acts"][0]["note"]),
        (&json!("ann"), &json!("test data"))
    );
    let ran = ask(&job, &discard).exits_with(1);
    assert!(ran.err.contains("4 discarded"), "{}", ran.err);
    // Nobody means everything by saying nothing.
    let ran = ask(&job, &["discard", "--note", "all", "--by", "ann"]).exits_with(2);
    assert!(ran.err.contains("--all"), "{}", ran.err);
    let all = ["discard", "--all", "--note", "the rest", "--by", "bob"];
    let done = asked(&job, &all);
    assert_eq!(
        (&done["discarded"], &done["skipped"]["discarded"]),
        (&json!(2), &json!(4))
    );
}

/// Runs a job to the end of its files, and gives how many accounts like a character.
fn likes_after_a_run(job: &TestJob, target: &str) -> i64 {
    let file = job.file();
    mesoflow(["run", "--until-end", &file]).exits_with(0);
    let got = mesoflow(["get", "likes", target, "--json", "--job", &file]);
    got.exits_with(0).json()["likes"].as_i64().unwrap()
}

#[test]
fn a_job_over_files_is_given_its_replays_as_a_file() {
    let job = TestJob::new("[source]\nkind = \"files\"\npaths = [\"in\"]");
    fs::create_dir(job.path().join("in")).unwrap();
    let record = |offset: u8, value: String| {
        let line = json!({"topic": "like.toggle", "partition": 2, "offset": offset, "timestamp_millis": 1,
            "key": "a", "value": value});
        format!("{line}\n")
    };
    let wrong = |number| like(number, "a", &format!("acc-{number}"), r#","liked":0"#);
    let lines = [0, 1].map(|number| record(number, wrong(number))).concat();
    let lines = lines + &record(5, like(5, "a", "acc-5", ""));
    fs::write(job.path().join("in/1.jsonl"), lines).unwrap();
    assert_eq!(likes_after_a_run(&job, "a"), 1);

    let place = "like.toggle/2/0";
    let value = job.path().join("value.json").display().to_string();
    fs::write(&value, like(0, "a", "acc-0", "")).unwrap();
    let replay = ["replay", place, "--value", &value, "--by", "ann"];
    let ran = ask(&job, &replay).exits_with(2);
    assert!(
        ran.err.contains("reads files") && ran.err.contains("--to"),
        "{}",
        ran.err
    );
    let there = job.path().join("in/1.jsonl").display().to_string();
    ask(&job, &[&replay[..], &["--to", &there]].concat()).exits_with(2);

    let to = job.path().join("in/2.jsonl").display().to_string();
    let done = asked(&job, &[&replay[..], &["--to", &to]].concat());
    assert_eq!(
        done["published"],
        json!([{"record": place, "replayed_at": 6}])
    );
    assert_eq!(likes_after_a_run(&job, "a"), 2);

    // One that was cut off: of act 3 there is no end, and no file.
    let cut_off = json!({"at_millis": 1, "by": "bob", "program": "0.1.0", "act": "replay_begun", "note": null,
        "records": [{"topic": "like.toggle", "partition": 2, "offset": 1}], "value": like(1, "a", "acc-1", ""),
        "ends": [{"topic": "like.toggle", "partition": 2, "offset": 7}]});
    fs::write(
        job.path().join("acts/00000000000000000003.json"),
        cut_off.to_string(),
    )
    .unwrap();
    let to = job.path().join("in/3.jsonl").display().to_string();
    let resumed = asked(&job, &["resume", "--to", &to, "--by", "ann"]);
    assert_eq!(resumed[0]["published"], 1);
    assert_eq!(likes_after_a_run(&job, "a"), 3);
    assert_eq!(asked(&job, &["list", "--state", "open"]), json!([]));
}

#[test]
fn what_a_job_rejected_is_listed_to_the_last_record() {
    let job = TestJob::new("[source]\nkind = \"files\"\npaths = [\"records.jsonl\"]");
    let lines: Vec<String> = (0..6)
        .map(|number| match number % 3 {
            0 => like(number, "a", &format!("acc-{number}"), ""),
            1 => like(number, "a", "acc", r#","liked":7"#),
            _ => "nonsense".to_owned(),
        })
        .collect();
    fs::write(job.path().join("records.jsonl"), lines.join("\n") + "\n").unwrap();
    let settings = Job::read(job.file().as_ref()).unwrap();
    let handle = Handle::default();
    runtime::run(&settings, Until::End, &handle).unwrap();
    assert_eq!(handle.status().report().counts().rejected, 4);

    let groups = asked(&job, &["list"]);
    let counts: Vec<_> = groups
        .as_array()
        .unwrap()
        .iter()
        .map(|group| &group["count"])
        .collect();
    assert_eq!(counts, [2, 2], "{groups}");
    let same = asked(&job, &["diff"]);
    for group in same.as_array().unwrap() {
        assert_eq!(
            group["verdict"], "same",
            "the program that wrote them is this one"
        );
    }
}
