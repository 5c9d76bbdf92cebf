//! `mesoflow generate`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use model::{PartitionId, Topic};
use sources::kafka::KafkaAdmin;
use sources::{FileSource, KafkaConfig, KafkaSource, Limits, Polled, RecordBatch, Source};

use crate::services::service;
use crate::support::mesoflow;

/// How much both kinds of output get.
const SIZE: [&str; 7] = [
    "--equipment",
    "40",
    "--likes",
    "60",
    "--characters",
    "10",
    "--json",
];

fn generate(folder: &Path, more: &[&str]) -> serde_json::Value {
    let args = SIZE.iter().chain(more).map(AsRef::as_ref);
    let command = ["generate".as_ref(), folder.as_os_str()];
    mesoflow(command.into_iter().chain(args))
        .exits_with(0)
        .json()
}

#[test]
fn the_same_numbers_give_the_same_bytes() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let made = folders
        .each_ref()
        .map(|folder| generate(folder.path(), &[]));

    assert_eq!(made[0]["records"], 100);
    let files = made[0]["files"].as_array().unwrap();
    assert_eq!(files.len(), 6);
    for file in files {
        let name = Path::new(file.as_str().unwrap()).file_name().unwrap();
        let [one, other] = folders
            .each_ref()
            .map(|folder| fs::read(folder.path().join(name)).unwrap());
        assert!(!one.is_empty() && one == other, "{}", name.display());
    }
}

#[test]
fn files_may_be_compressed() {
    let folder = tempfile::tempdir().unwrap();
    let made = generate(folder.path(), &["--compression", "zstd"]);
    assert!(made["files"][0].as_str().unwrap().ends_with(".zst"));
}

#[test]
fn numbers_that_make_no_sense_are_a_wrong_request() {
    let folder = tempfile::tempdir().unwrap();
    for share in ["broken", "duplicate", "late", "unchanged", "unlike"] {
        let wrong = format!("--{share}=2");
        let args = [
            "generate".as_ref(),
            folder.path().as_os_str(),
            wrong.as_ref(),
        ];
        let ran = mesoflow(args).exits_with(2);
        assert!(ran.err.contains(&format!("{share} is 2")), "{}", ran.err);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// The events of a file, by their ids, each with how often it is there.
fn events(file: &Path) -> BTreeMap<String, usize> {
    let mut events = BTreeMap::new();
    for line in fs::read_to_string(file).unwrap().lines() {
        *events.entry(member(line, "eventId", 32)).or_default() += 1;
    }
    events
}

/// The digits of a member of a record's value.
fn member(line: &str, name: &str, digits: usize) -> String {
    let after = line.split(name).nth(1).unwrap().chars();
    after.filter(char::is_ascii_hexdigit).take(digits).collect()
}

#[test]
fn shares_and_accounts_are_as_they_were_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let none = ["broken", "late", "unchanged", "duplicate"].map(|share| format!("--{share}=0"));
    let none = none.each_ref().map(String::as_str);
    let more = ["--accounts", "1", "--partitions", "1"];
    let made = generate(folder.path(), &[&none[..], &more].concat());
    assert_eq!(made["records"], 100);
    let file = |topic: &str| folder.path().join(format!("{topic}-0.jsonl"));
    for (topic, records) in [("character.equipment", 40), ("like.toggle", 60)] {
        let events = events(&file(topic));
        assert!(
            events.len() == records && events.values().all(|&count| count == 1),
            "{topic}"
        );
    }
    let likes = fs::read_to_string(file("like.toggle")).unwrap();
    let accounts = likes.lines().map(|line| member(line, "likerAccountId", 16));
    assert_eq!(accounts.collect::<BTreeSet<_>>().len(), 1);

    let twice = tempfile::tempdir().unwrap();
    let twice_more = ["--broken=0", "--duplicate=0.5", "--partitions=1"];
    generate(twice.path(), &twice_more);
    let events = events(&twice.path().join("like.toggle-0.jsonl"));
    assert!(
        events.len() < 45 && events.values().sum::<usize>() == 60,
        "{events:?}"
    );
}

#[test]
fn where_records_go_is_said_once() {
    for args in [
        &["generate"][..],
        &["generate", "in", "--brokers", "localhost:1"],
        &["generate", "in", "--create-topics"],
        &["generate", "--brokers", "localhost:1", "--job", "job.toml"],
    ] {
        mesoflow(args).exits_with(2);
    }
}

/// Topics of one test, deleted with it.
struct Topics {
    kafka: KafkaConfig,
    admin: KafkaAdmin,
}

impl Topics {
    fn named(test: &str) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let name = format!("mesoflow-{test}-{}-{}", std::process::id(), now.as_millis());
        let mut kafka = KafkaConfig::new(service("MESOFLOW_TEST_KAFKA"));
        kafka.give_up_after = Some(Duration::from_secs(30));
        kafka.topics = [Topic::Equipment, Topic::Likes]
            .map(|topic| (topic, format!("{name}-{topic}")))
            .into();
        let admin = KafkaAdmin::new(kafka.clone()).unwrap();
        Self { kafka, admin }
    }

    /// The arguments that name them.
    fn args(&self) -> Vec<&str> {
        let topics = [
            "generate",
            "--brokers",
            &self.kafka.bootstrap_servers,
            "--equipment-topic",
            &self.kafka.topics[&Topic::Equipment],
            "--likes-topic",
            &self.kafka.topics[&Topic::Likes],
        ];
        topics.into_iter().chain(SIZE).collect()
    }

    fn are_there(&self) -> bool {
        let facts = self.admin.topic_facts().unwrap();
        facts.values().all(Option::is_some)
    }
}

impl Drop for Topics {
    fn drop(&mut self) {
        let names: Vec<&str> = self.kafka.topics.values().map(String::as_str).collect();
        if let Err(error) = self.admin.delete_topics(&names) {
            eprintln!("{error}");
        }
    }
}

type Parts = (Option<Vec<u8>>, Option<Vec<u8>>);

/// Keys and values of all records, by partition.
fn records(source: &dyn Source) -> BTreeMap<PartitionId, Vec<Parts>> {
    let limits = Limits {
        records: 1_000,
        bytes: 1 << 20,
    };
    let mut batch = RecordBatch::new();
    let ends = source.end_offsets().unwrap();
    let mut all = BTreeMap::new();
    for (partition, end) in ends {
        let mut reader = source.open(partition, 0).unwrap();
        let records: &mut Vec<Parts> = all.entry(partition).or_default();
        loop {
            let polled = reader.poll(&mut batch, limits, Some(end), Duration::from_secs(1));
            let parts = batch.iter().map(|record| {
                let [key, value] = [record.key, record.value].map(|part| part.map(Vec::from));
                (key, value)
            });
            records.extend(parts);
            if polled.unwrap() == Polled::End {
                break;
            }
        }
    }
    all.retain(|_, records: &mut Vec<Parts>| !records.is_empty());
    all
}

#[test]
fn topics_get_the_records_of_the_files_in_the_same_partitions() {
    let topics = Topics::named("generate");
    let args = topics.args();
    let ran = mesoflow(&args).exits_with(2);
    assert!(
        ran.err.contains("there is no topic") && ran.err.contains("--create-topics"),
        "{}",
        ran.err
    );
    assert!(!topics.are_there(), "nobody asked for them");

    let made = [&args[..], &["--create-topics", "--partitions", "4"]].concat();
    let made = mesoflow(&made).exits_with(0).json();
    assert_eq!(
        (&made["records"], &made["partitions"]),
        (&100.into(), &4.into())
    );

    let folder = tempfile::tempdir().unwrap();
    generate(folder.path(), &["--partitions", "4"]);
    let files = FileSource::open(&[folder.path().to_owned()]).unwrap();
    let in_topics = records(&KafkaSource::new(topics.kafka.clone()).unwrap());
    assert!(in_topics == records(&files));
    assert_eq!(in_topics.values().map(Vec::len).sum::<usize>(), 100);

    // The topics say how many partitions they have; other numbers are refused.
    mesoflow(&args).exits_with(0);
    let other = [&args[..], &["--partitions", "3"]].concat();
    let ran = mesoflow(&other).exits_with(2);
    assert!(ran.err.contains("--partitions says 3"), "{}", ran.err);
}
