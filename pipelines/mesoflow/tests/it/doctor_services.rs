//! `mesoflow doctor` and `get` with a real broker and a real Redis, which the test command starts and
//! names in `MESOFLOW_TEST_KAFKA` and `MESOFLOW_TEST_REDIS`.

use std::process;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use model::view::ShardKeys;
use model::{Epoch, Topic};
use sources::KafkaConfig;
use sources::kafka::{KafkaAdmin, KafkaWriter, NewTopic};
use views::{RedisStore, ViewChange};

use crate::doctor::{doctor, found};
use crate::services::service;
use crate::support::{TestJob, mesoflow, ruleset, write_views};

const PATIENCE: Duration = Duration::from_secs(30);

/// Topics and a job of one test, under names of their own.
struct Services {
    config: KafkaConfig,
    admin: KafkaAdmin,
    name: String,
}

impl Services {
    fn new(test: &str) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let name = format!("mesoflow-{test}-{}-{}", process::id(), now.as_millis());
        let mut config = KafkaConfig::new(service("MESOFLOW_TEST_KAFKA"));
        config.give_up_after = Some(PATIENCE);
        for topic in config.topics.values_mut() {
            *topic = format!("{name}-{topic}");
        }
        let admin = KafkaAdmin::new(config.clone()).unwrap();
        Self {
            config,
            admin,
            name,
        }
    }

    /// Makes a topic as the design asks, with settings of its own.
    fn make(&self, topic: Topic, settings: &[(&str, &str)]) {
        let mut new = NewTopic::input(topic, self.config.topics[&topic].clone());
        let settings = settings.iter();
        new.settings
            .extend(settings.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self.admin.create_topics(&[new]).unwrap();
    }

    fn job(&self) -> TestJob {
        let [equipment, likes] =
            [Topic::Equipment, Topic::Likes].map(|topic| &self.config.topics[&topic]);
        TestJob::new(&format!(
            "job = \"{}\"\n[source]\nbrokers = \"{}\"\n[source.topics]\nequipment = \"{equipment}\"\nlikes = \"{likes}\"\n[views]\nkind = \"redis\"\nurl = \"redis://{}\"",
            self.name,
            self.config.bootstrap_servers,
            service("MESOFLOW_TEST_REDIS"),
        ))
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        let names: Vec<&str> = self.config.topics.values().map(String::as_str).collect();
        if let Err(error) = self.admin.delete_topics(&names) {
            eprintln!("{error}");
        }
    }
}

#[test]
fn services_as_the_design_asks_have_no_errors() {
    let services = Services::new("fine");
    services.make(Topic::Equipment, &[]);
    services.make(Topic::Likes, &[]);
    let mut writer = KafkaWriter::new(services.config.clone()).unwrap();
    let topic = &services.config.topics[&Topic::Likes];
    writer
        .send(topic, Some(1), Some(b"key"), Some(b"{}"), None)
        .unwrap();
    writer.flush().unwrap();

    let report = doctor(&services.job()).exits_with(0).json();

    assert_eq!(report["errors"], 0);
    let broker = found(&report, "ok", "broker");
    assert!(
        broker.iter().any(|found| found.starts_with("Kafka 4.")),
        "{broker:?}"
    );
    assert_eq!(found(&report, "warning", "topic"), [""; 0], "{report}");
    let records = found(&report, "ok", "records");
    assert!(
        records
            .iter()
            .any(|found| found.starts_with("1 partitions were read")),
        "{records:?}"
    );
    let redis = found(&report, "ok", "Redis");
    for sign in ["version 7", "runs scripts", "noeviction", "clock"] {
        assert!(
            redis.iter().any(|found| found.contains(sign)),
            "{sign}: {redis:?}"
        );
    }
}

#[test]
fn a_compacted_topic_is_an_error_and_a_missing_one_is_named() {
    let services = Services::new("compacted");
    let settings = [
        ("cleanup.policy", "compact"),
        ("message.timestamp.type", "CreateTime"),
        ("max.message.bytes", "1048588"),
    ];
    services.make(Topic::Likes, &settings);

    let report = doctor(&services.job()).exits_with(1).json();

    let topic = format!("topic {}", services.config.topics[&Topic::Likes]);
    let errors = found(&report, "error", &topic);
    assert!(
        errors.len() == 1 && errors[0].contains("compact"),
        "{errors:?}"
    );
    let odd = found(&report, "warning", &topic);
    assert!(
        odd.iter().any(|found| found.contains("CreateTime")),
        "{odd:?}"
    );
    assert!(
        odd.iter().any(|found| found.contains("max.message.bytes")),
        "{odd:?}"
    );
    let topic = format!("topic {}", services.config.topics[&Topic::Equipment]);
    assert_eq!(
        found(&report, "warning", &topic),
        ["there is no such topic"]
    );
}

#[test]
fn likes_are_read_from_redis() {
    let services = Services::new("get");
    let job = services.job();
    let url = format!("redis://{}", service("MESOFLOW_TEST_REDIS"));
    let keys = ShardKeys::new(&services.name, 0).unwrap();
    let store = RedisStore::new(&url, keys, PATIENCE).unwrap();
    let likes = ViewChange::likes("evan", Epoch(7), Some(3));
    write_views(store, &ruleset(), Epoch(7), vec![likes]);

    let ran = mesoflow(["get", "likes", "evan", "--json", "--job", &job.file()]).exits_with(0);
    assert_eq!(
        (&ran.json()["likes"], &ran.json()["as_of"]),
        (&3.into(), &7.into())
    );
    let ran = mesoflow(["get", "likes", "nobody", "--job", &job.file()]).exits_with(1);
    assert!(ran.err.contains("as of epoch 7"), "{}", ran.err);
}
