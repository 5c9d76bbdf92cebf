//! Topics of a test's own on the real broker, and jobs that read them and keep their views in the real Redis.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::PathBuf;
use std::process;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use model::view::ShardKeys;
use model::{Epoch, Topic};
use runtime::bindings::inherited;
use runtime::{Generation, JobFolder};
use sources::KafkaConfig;
use sources::generator::{Generator, GeneratorConfig, into_kafka};
use sources::kafka::{KafkaAdmin, KafkaWriter, NewTopic};
use tempfile::TempDir;
use views::{RedisReader, ViewReader as _};

use crate::process::Process;
use crate::support::{Ran, mesoflow};
use crate::whole::{assert_same, content, values};

const PATIENCE: Duration = Duration::from_secs(30);

/// The address of a service that the test command starts.
pub(crate) fn service(variable: &str) -> String {
    env::var(variable).unwrap_or_else(|_| {
        panic!("{variable} must be the host:port of a service; the test command starts one")
    })
}

/// Topics, and the folders of jobs that read them. The topics are deleted at the end.
pub(crate) struct World {
    folder: TempDir,
    name: String,
    kafka: KafkaConfig,
    admin: KafkaAdmin,
    /// More of the job files, from their beginning on.
    settings: String,
}

impl World {
    /// Empty topics.
    ///
    /// - `settings`: more of the job files, from their beginning on.
    pub(crate) fn new(test: &str, settings: &str) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let name = format!("mesoflow-{test}-{}-{}", process::id(), now.as_millis());
        let mut kafka = KafkaConfig::new(service("MESOFLOW_TEST_KAFKA"));
        kafka.give_up_after = Some(PATIENCE);
        kafka.topics = [Topic::Equipment, Topic::Likes]
            .map(|topic| (topic, format!("{name}-{topic}")))
            .into();
        let admin = KafkaAdmin::new(kafka.clone()).unwrap();
        let new: Vec<NewTopic> = kafka
            .topics
            .iter()
            .map(|(&topic, name)| NewTopic {
                partitions: GeneratorConfig::default().partitions(topic),
                ..NewTopic::input(topic, name.clone())
            })
            .collect();
        admin.create_topics(&new).unwrap();
        let deadline = Instant::now() + PATIENCE;
        while !admin.topic_facts().unwrap().values().all(Option::is_some) {
            assert!(Instant::now() < deadline, "the topics do not appear");
            thread::sleep(Duration::from_millis(20));
        }
        Self {
            folder: tempfile::tempdir().unwrap(),
            name,
            kafka,
            admin,
            settings: settings.to_owned(),
        }
    }

    /// Gives a topic more partitions.
    pub(crate) fn grow(&self, topic: Topic, partitions: usize) {
        self.admin
            .grow_topic(&self.kafka.topics[&topic], partitions)
            .unwrap();
    }

    /// Writes so many of the remaining records into the topics.
    pub(crate) fn fill(&self, generator: &mut Generator, records: u64) {
        let mut writer = KafkaWriter::new(self.kafka.clone()).unwrap();
        let topics = &self.kafka.topics;
        into_kafka(generator, &mut writer, topics, records, None, None).unwrap();
    }

    /// The beginning of the names of its jobs.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The names of the topics of equipment and likes.
    pub(crate) fn topics(&self) -> [&str; 2] {
        [Topic::Equipment, Topic::Likes].map(|topic| self.kafka.topics[&topic].as_str())
    }

    /// The folder of a job.
    pub(crate) fn job(&self, job: &str) -> PathBuf {
        self.folder.path().join(job)
    }

    /// Has `put` write to a topic, by its name on the broker.
    pub(crate) fn write(&self, topic: Topic, put: impl FnOnce(&mut KafkaWriter, &str)) {
        let mut writer = KafkaWriter::new(self.kafka.clone()).unwrap();
        put(&mut writer, &self.kafka.topics[&topic]);
        writer.flush().unwrap();
    }

    /// The name of a job.
    pub(crate) fn job_name(&self, job: &str) -> String {
        format!("{}-{job}", self.name)
    }

    /// The file of a job.
    pub(crate) fn file(&self, job: &str) -> String {
        let topic = |topic| &self.kafka.topics[&topic];
        let text = format!(
            "job = \"{}-{job}\"\nfolder = {job:?}\n{}\n\
             [source]\nbrokers = {:?}\n[source.topics]\nequipment = {:?}\nlikes = {:?}\n\
             [views]\nkind = \"redis\"\nurl = \"redis://{}\"\n",
            self.name,
            self.settings,
            self.kafka.bootstrap_servers,
            topic(Topic::Equipment),
            topic(Topic::Likes),
            service("MESOFLOW_TEST_REDIS"),
        );
        let file = self.folder.path().join(format!("{job}.toml"));
        fs::write(&file, text).unwrap();
        file.display().to_string()
    }

    /// Runs a job to the end of the topics.
    pub(crate) fn run_to_end(&self, job: &str) -> Ran {
        mesoflow(["run", "--until-end", "--json", &self.file(job)]).exits_with(0)
    }

    /// Starts a job.
    ///
    /// - `copy`: names the files of what it prints and logs.
    pub(crate) fn start(&self, job: &str, copy: &str, options: &[&str]) -> Process {
        let file = self.file(job);
        let arguments = ["run", "--json", &file]
            .into_iter()
            .chain(options.iter().copied());
        Process::start(arguments, self.folder.path(), copy)
    }

    /// The newest epoch that is bound, and how many records are in it and those before.
    pub(crate) fn bound(&self, job: &str) -> (Epoch, i64) {
        let folder = JobFolder::open(self.job(job)).unwrap();
        let bound = inherited(&folder, Generation(u64::MAX)).unwrap();
        bound.last().map_or((Epoch(0), 0), |newest| {
            let offsets = newest.cut.values().map(|read| read.next_offset);
            (newest.epoch, offsets.sum())
        })
    }

    fn reader(&self, job: &str) -> RedisReader {
        let url = format!("redis://{}", service("MESOFLOW_TEST_REDIS"));
        let keys = ShardKeys::new(&format!("{}-{job}", self.name), 0).unwrap();
        RedisReader::new(&url, keys, PATIENCE).unwrap()
    }

    /// The epoch that Redis is true of; 0 before there is any.
    pub(crate) fn shown(&self, job: &str) -> Epoch {
        let marker = self.reader(job).marker().unwrap();
        marker.and_then(|marker| marker.as_of).unwrap_or_default()
    }

    /// Asserts that one job says what another one says, in tables and Redis.
    #[track_caller]
    pub(crate) fn assert_same(&self, found: &str, wanted: &str) {
        assert_same(&content(&self.job(found)), &content(&self.job(wanted)));
        let [found, wanted]: [BTreeMap<_, _>; 2] =
            [found, wanted].map(|job| values(&mut self.reader(job)));
        assert!(!wanted.is_empty());
        assert_eq!(found, wanted);
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let names: Vec<&str> = self.kafka.topics.values().map(String::as_str).collect();
        if let Err(error) = self.admin.delete_topics(&names) {
            eprintln!("the topics {names:?} stay: {error}");
        }
    }
}
