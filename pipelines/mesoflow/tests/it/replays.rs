//! Rejected records that are published again, through a real broker.

use std::fs;
use std::path::PathBuf;

use model::{Millis, RawRecord, Reason, Topic};
use runtime::JobFolder;
use runtime::acts::{Act, Acts, Deed, RecordPlace};
use serde_json::Value;

use crate::rejected::{Refused, like, refuse};
use crate::services::World;
use crate::support::{Ran, mesoflow};

const PARTITION: i32 = 1;

/// Likes in one partition, and one job over them.
struct Likes(World);

impl Likes {
    fn new(test: &str) -> Self {
        Self::with(test, "")
    }

    /// With more of the job files.
    fn with(test: &str, settings: &str) -> Self {
        Self(World::new(test, settings))
    }

    /// Appends likes of targets.
    fn send(&self, records: &[(&str, String)]) {
        self.0.write(Topic::Likes, |writer, name| {
            for (key, value) in records {
                let [key, value] = [Some(key.as_bytes()), Some(value.as_bytes())];
                writer
                    .send(name, Some(PARTITION), key, value, None)
                    .unwrap();
            }
        });
    }

    /// Appends a replay, as a process does that was thought dead.
    fn send_replay(&self, key: &str, value: &str, of: i64) {
        let record = RawRecord {
            key: Some(key.as_bytes()),
            value: Some(value.as_bytes()),
            timestamp_millis: Millis(1),
            offset: 0,
            replays: Some(of),
        };
        self.0.write(Topic::Likes, |writer, name| {
            writer.replay(name, PARTITION, record, Millis(1)).unwrap();
        });
    }

    fn ask(&self, args: &[&str]) -> Ran {
        let file = self.0.file("job");
        let command = ["rejected"].iter().chain(args).copied();
        mesoflow(command.chain(["--by", "ann", "--json", "--job", &file]))
    }

    /// What is said without saying who asks.
    fn told(&self, args: &[&str]) -> Value {
        let file = self.0.file("job");
        let command = ["rejected"].iter().chain(args).copied();
        mesoflow(command.chain(["--json", "--job", &file]))
            .exits_with(0)
            .json()
    }

    /// How many accounts like each target, as the views of a job say that has read to the end.
    fn counts(&self, job: &str, targets: &[&str]) -> Vec<i64> {
        self.0.run_to_end(job);
        let file = self.0.file(job);
        let count = |target: &&str| {
            let ran = mesoflow(["get", "likes", target, "--json", "--job", &file]);
            match ran.code {
                0 => ran.json()["likes"].as_i64().unwrap(),
                _ => 0,
            }
        };
        targets.iter().map(count).collect()
    }

    /// The same of the job, and of one that reads the same topics from their start.
    #[track_caller]
    fn assert_counts(&self, fresh: &str, targets: &[&str], wanted: &[i64]) {
        assert_eq!(self.counts("job", targets), wanted);
        assert_eq!(self.counts(fresh, targets), wanted, "read from the start");
    }

    fn acts(&self) -> Acts {
        Acts::read(&JobFolder::open(self.0.job("job")).unwrap()).unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.job("job").with_file_name(name)
    }
}

fn place(offset: i64) -> RecordPlace {
    RecordPlace {
        topic: Topic::Likes,
        partition: PARTITION,
        offset,
    }
}

fn broken(value: &str) -> String {
    value.replace("2026-11-24T", "2026-11-24 ")
}

/// The number of records in each state.
fn states(likes: &Likes) -> Vec<(String, u64)> {
    let groups = likes.told(&["list"]);
    let groups = groups.as_array().unwrap().iter();
    groups
        .map(|group| {
            let state = group["state"].as_str().unwrap().to_owned();
            (state, group["count"].as_u64().unwrap())
        })
        .collect()
}

#[test]
fn a_corrected_record_counts_in_its_place_and_never_over_a_newer_one() {
    let likes = Likes::new("corrected");
    let toggle = like(1, "a", "acc-2", "");
    likes.send(&[
        ("a", broken(&like(0, "a", "acc-1", ""))),
        ("a", broken(&toggle)),
        ("b", broken(&like(2, "b", "acc-3", ""))),
        ("a", like(3, "a", "acc-2", r#","liked":true"#)),
        ("c", like(4, "c", "acc-4", "")),
    ]);
    likes.0.run_to_end("job");
    assert_eq!(states(&likes), [("open".to_owned(), 3)]);
    let [first, second, third] = [0, 1, 2].map(|offset| place(offset).to_string());

    // As they are they would be rejected again.
    let ran = likes.ask(&["replay", "--all"]).exits_with(1);
    assert!(
        ran.err.contains("3 that would be rejected again"),
        "{}",
        ran.err
    );
    likes.ask(&["replay"]).exits_with(2);

    let file = likes.path("value.json").display().to_string();
    likes.told(&["show", &first, "--to", &file]);
    let original = fs::read_to_string(&file).unwrap();
    let replay = ["replay", &first, "--value", &file];
    let ran = likes.ask(&replay).exits_with(2);
    assert!(
        ran.err.contains("INVALID_FIELD at occurredAt"),
        "{}",
        ran.err
    );
    fs::write(&file, original.replace("2026-11-24 ", "2026-11-24T")).unwrap();
    let tried = likes.ask(&["replay", &first, "--value", &file, "--dry-run"]);
    assert_eq!(tried.exits_with(0).json()["replayed"], 1);
    assert_eq!(likes.acts().iter().len(), 0, "a dry run is no act");

    let done = likes.ask(&replay).exits_with(0).json();
    assert_eq!(done["published"][0]["record"], first);
    assert_eq!(done["published"][0]["replayed_at"], 5);
    let ran = likes.ask(&replay).exits_with(1);
    assert!(ran.err.contains("1 replayed before"), "{}", ran.err);
    let forced = likes.ask(&["replay", &first, "--value", &file, "--force"]);
    assert_eq!(
        forced.exits_with(0).json()["published"][0]["replayed_at"],
        6
    );

    // The same account has liked the same character since: a toggle on top would take that back.
    fs::write(&file, toggle).unwrap();
    likes
        .ask(&["replay", &second, "--value", &file])
        .exits_with(0);
    let discarded = likes.ask(&["discard", &third, "--note", "a test of the producer"]);
    assert_eq!(discarded.exits_with(0).json()["discarded"], 1);
    let ran = likes
        .ask(&["replay", &third, "--value", &file])
        .exits_with(1);
    assert!(ran.err.contains("1 discarded"), "{}", ran.err);

    likes.assert_counts("fresh", &["a", "b", "c"], &[2, 0, 1]);
    let counted = likes.0.run_to_end("fresh-too").json();
    let partition = &counted["partitions"][format!("like.toggle/{PARTITION}")];
    for (outcome, wanted) in [
        ("applied", 3),
        ("duplicate", 1),
        ("superseded", 1),
        ("rejected", 3),
    ] {
        assert_eq!(partition[outcome], wanted, "{outcome}: {partition}");
    }
    assert_eq!(
        states(&likes),
        [("replayed".to_owned(), 2), ("discarded".to_owned(), 1)]
    );
    let acts = likes.told(&["acts"]);
    let acts: Vec<String> = acts
        .as_array()
        .unwrap()
        .iter()
        .map(|act| {
            format!(
                "{} by {}",
                act["what"].as_str().unwrap(),
                act["by"].as_str().unwrap()
            )
        })
        .collect();
    let replay = ["replay begun by ann", "replay ended by ann"];
    assert_eq!(
        acts,
        [&replay[..], &replay, &replay, &["discard by ann"]].concat()
    );
    let shown = likes.told(&["show", &third]);
    assert_eq!(shown[0]["acts"][0]["note"], "a test of the producer");
}

/// Likes that an older program refused, as the table of rejected records holds them.
fn refused(likes: &Likes, values: &[(String, String)]) {
    let refused: Vec<Refused<'_>> = (0..)
        .zip(values)
        .map(|(offset, (key, value))| Refused {
            topic: Topic::Likes,
            partition: PARTITION,
            offset,
            reason: Reason::InvalidField,
            path: "payload.since",
            expected: "nothing of that name",
            key,
            value: value.as_bytes(),
        })
        .collect();
    refuse(&likes.0.job_name("job"), &likes.0.job("job"), &refused);
}

/// Bare toggles of five targets, which an older program refused; in the topic others stand at their offsets.
fn five(likes: &Likes) -> Vec<(String, String)> {
    let values: Vec<(String, String)> = (0..5)
        .map(|number| {
            let target = format!("x{number}");
            let value = like(number, &target, "acc", "");
            (target, value)
        })
        .collect();
    refused(likes, &values);
    let others: Vec<(&str, String)> = (10..15)
        .map(|number| ("other", like(number, "other", &format!("acc-{number}"), "")))
        .collect();
    likes.send(&others);
    values
}

const FIVE: [&str; 6] = ["x0", "x1", "x2", "x3", "x4", "other"];

#[test]
fn a_group_that_is_fine_by_now_is_replayed_and_what_is_newer_stays() {
    let likes = Likes::new("group");
    let _values = five(&likes);
    likes.send(&[("x2", like(20, "x2", "acc", r#","liked":false"#))]);
    likes.0.run_to_end("job");
    let diff = likes.told(&["diff", "--only-accepted"]);
    assert_eq!(diff[0]["count"], 5, "{diff}");

    let done = likes.ask(&[
        "replay",
        "--path",
        "payload.since",
        "--note",
        "fixed in 0.1.0",
    ]);
    assert_eq!(done.exits_with(0).json()["replayed"], 5);
    likes.assert_counts("fresh", &FIVE, &[1, 1, 0, 1, 1, 5]);
    assert_eq!(states(&likes), [("replayed".to_owned(), 5)]);
}

/// A replay that was cut off when so many of its records were published.
fn cut_off(likes: &Likes, values: &[(String, String)], published: usize) {
    let records: Vec<RecordPlace> = (0..values.len() as i64).map(place).collect();
    let begun = Act {
        at_millis: Millis(1),
        by: "bob".to_owned(),
        program: "0.1.0".to_owned(),
        deed: Deed::ReplayBegun {
            records,
            note: None,
            value: None,
            ends: vec![place(values.len() as i64)],
        },
    };
    likes.acts().add(begun).unwrap().unwrap();
    for (offset, (key, value)) in (0..).zip(&values[..published]) {
        likes.send_replay(key, value, offset);
    }
}

#[test]
fn a_replay_that_was_cut_off_is_finished_and_nothing_is_lost_or_doubled() {
    for published in [0, 3, 5] {
        let likes = Likes::new("cut-off");
        let values = five(&likes);
        likes.0.run_to_end("job");
        cut_off(&likes, &values, published);
        assert_eq!(states(&likes), [("replaying".to_owned(), 5)]);
        let ran = likes.ask(&["replay", "--all"]).exits_with(1);
        assert!(
            ran.err.contains("replay 1 by bob") && ran.err.contains("resume"),
            "{}",
            ran.err
        );

        let resumed = likes.ask(&["resume"]).exits_with(0).json();
        assert_eq!(resumed[0]["found"], published);
        assert_eq!(resumed[0]["published"], 5 - published);
        assert_eq!(states(&likes), [("replayed".to_owned(), 5)]);
        let again = likes.ask(&["resume"]).exits_with(0).json();
        assert_eq!(again.as_array().unwrap().len(), 0);

        // The process that was cut off was not dead: it publishes its records after all. No toggle is taken back.
        for (offset, (key, value)) in (0..).zip(&values) {
            likes.send_replay(key, value, offset);
        }
        likes.assert_counts("fresh", &FIVE, &[1, 1, 1, 1, 1, 5]);
    }
}

#[test]
fn a_job_that_is_killed_while_it_reads_replays_ends_where_one_ends_that_ran_through() {
    const TARGETS: i64 = 10;
    const PAIRS: i64 = 300;
    let settings = "[epoch]\nrecords_max = 20\n[flow]\nepochs_in_flight_max = 3\n\
         [tables]\ncommit_millis = 10\nmaintain_seconds = 1\nhistory_seconds = 0";
    let likes = Likes::with("killed-replays", settings);
    // An older program refused a bare toggle of every pair. Every third pair has another one since, which counts alone.
    let toggle = |pair: i64, more| {
        let target = format!("x{}", pair % TARGETS);
        let value = like(0, &target, &format!("acc-{pair}"), more);
        let id = format!("{pair:012x}");
        (target, value.replace("2b7c5a0f9d00", &id))
    };
    let values: Vec<(String, String)> = (0..PAIRS).map(|pair| toggle(pair, "")).collect();
    refused(&likes, &values);
    let others: Vec<(&str, String)> = (0..PAIRS)
        .map(|at| ("other", like(0, "other", &format!("acc-{at}"), "")))
        .collect();
    likes.send(&others);
    let newer: Vec<(String, String)> = (0..PAIRS)
        .step_by(3)
        .map(|pair| {
            let (target, value) = toggle(pair, r#","liked":true"#);
            (target, value.replace("0191d5a0", "0191d5a1"))
        })
        .collect();
    let newer: Vec<(&str, String)> = newer
        .iter()
        .map(|(target, value)| (target.as_str(), value.clone()))
        .collect();
    likes.send(&newer);

    let before = |likes: &Likes| likes.0.bound("job").1;
    let all = PAIRS + PAIRS / 3;
    let mut job = likes.0.start("job", "first", &[]);
    job.until("all records", || before(&likes) == all);
    let done = likes.ask(&["replay", "--all"]).exits_with(0).json();
    assert_eq!(done["replayed"], PAIRS);
    job.until("a replay", || before(&likes) > all);
    job.kill();
    // What is bound is read again, with the places.
    let mut job = likes.0.start("job", "second", &[]);
    job.until("all replays", || before(&likes) == all + PAIRS);
    job.kill();

    let targets: Vec<String> = (0..TARGETS).map(|target| format!("x{target}")).collect();
    let targets: Vec<&str> = targets.iter().map(String::as_str).collect();
    // Each pair is liked: by the replay, or by what is newer.
    let wanted = vec![PAIRS / TARGETS; TARGETS as usize];
    likes.assert_counts("fresh", &targets, &wanted);
    let report = likes.0.run_to_end("fresh-too").json();
    let partition = &report["partitions"][format!("like.toggle/{PARTITION}")];
    assert_eq!(partition["superseded"], PAIRS / 3, "{partition}");
}

#[test]
fn a_replay_that_is_rejected_again_is_replayed_in_the_place_of_the_first_record() {
    let likes = Likes::new("again");
    let wrong = broken(&like(1, "a", "acc", r#","liked":false"#));
    likes.send(&[("a", wrong.clone())]);
    // Newer than the first record, older than its replay.
    likes.send(&[("a", like(2, "a", "acc", r#","liked":true"#))]);
    likes.0.run_to_end("job");
    likes
        .ask(&["replay", &place(0).to_string(), "--force"])
        .exits_with(0);
    likes.0.run_to_end("job");
    assert_eq!(
        states(&likes),
        [("open".to_owned(), 1), ("replayed".to_owned(), 1)]
    );

    let file = likes.path("value.json");
    fs::write(&file, wrong.replace("2026-11-24 ", "2026-11-24T")).unwrap();
    let file = file.display().to_string();
    likes
        .ask(&["replay", &place(2).to_string(), "--value", &file])
        .exits_with(0);
    likes.assert_counts("fresh", &["a"], &[1]);
}
