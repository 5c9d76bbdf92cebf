//! Generated records in topics of a test's own, and jobs that read them.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use model::Topic;
use runtime::{Handle, Job, JobError, Report, Until};
use sources::KafkaConfig;
use sources::generator::{Generator, GeneratorConfig, Oracle, into_kafka};
use sources::kafka::{KafkaAdmin, KafkaWriter, NewTopic, TopicFacts};

const PATIENCE: Duration = Duration::from_secs(60);

/// The address of a service that the test command starts.
pub(crate) fn service(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!("{variable} must be the host:port of a service; the test command starts it")
    })
}

/// Topics of one test with what was generated into them; deleted at its end.
pub(crate) struct World {
    name: String,
    topics: BTreeMap<Topic, String>,
    kafka: KafkaConfig,
    admin: KafkaAdmin,
    pub(crate) generator: Generator,
    pub(crate) oracle: Oracle,
}

impl World {
    /// Generates all records of a configuration.
    pub(crate) fn generated(name: &str, config: GeneratorConfig) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let name = format!("{name}-{}-{}", std::process::id(), now.as_millis());
        let topics: BTreeMap<Topic, String> = [Topic::Equipment, Topic::Likes]
            .into_iter()
            .map(|topic| (topic, format!("{name}-{topic}")))
            .collect();
        let mut kafka = KafkaConfig::new(service("MESOFLOW_TEST_KAFKA"));
        kafka.topics.clone_from(&topics);
        kafka.give_up_after = Some(PATIENCE);
        let mut world = Self {
            name,
            topics,
            admin: KafkaAdmin::new(kafka.clone()).unwrap(),
            kafka,
            generator: Generator::new(config.clone()).unwrap(),
            // The broker's clock stamps the records: all lie within the horizon.
            oracle: Oracle::new(i64::MAX),
        };
        world.fill(config.partitions);
        world
    }

    /// A small world.
    pub(crate) fn small(name: &str) -> Self {
        Self::generated(
            name,
            GeneratorConfig {
                characters: 60,
                equipment: 150,
                likes: 1_000,
                ..GeneratorConfig::default()
            },
        )
    }

    /// Deletes the topics and creates them again with all records of another configuration.
    pub(crate) fn create_again(&mut self, config: GeneratorConfig) {
        let names: Vec<&str> = self.topics.values().map(String::as_str).collect();
        self.admin.delete_topics(&names).unwrap();
        self.wait_until(|facts| facts.values().all(Option::is_none));
        self.generator = Generator::new(config.clone()).unwrap();
        self.oracle = Oracle::new(i64::MAX);
        self.fill(config.partitions);
    }

    /// Gives a topic more partitions.
    pub(crate) fn grow(&self, topic: Topic, partitions: usize) {
        self.admin
            .grow_topic(&self.topics[&topic], partitions)
            .unwrap();
    }

    /// Deletes a topic.
    pub(crate) fn delete(&self, topic: Topic) {
        self.admin.delete_topics(&[&self.topics[&topic]]).unwrap();
        self.wait_until(|facts| facts[&topic].is_none());
    }

    /// Writes the records of another configuration, of which nothing is to be known later.
    pub(crate) fn write(&self, config: GeneratorConfig) {
        let mut generator = Generator::new(config).unwrap();
        let mut writer = KafkaWriter::new(self.kafka.clone()).unwrap();
        into_kafka(
            &mut generator,
            &mut writer,
            &self.topics,
            u64::MAX,
            None,
            None,
        )
        .unwrap();
    }

    /// Writes some thousand records a second of another configuration, for as long as `goes_on` says.
    pub(crate) fn write_while(&self, config: GeneratorConfig, goes_on: impl Fn() -> bool) {
        let mut generator = Generator::new(config).unwrap();
        let mut writer = KafkaWriter::new(self.kafka.clone()).unwrap();
        while goes_on() {
            let written = into_kafka(
                &mut generator,
                &mut writer,
                &self.topics,
                100,
                Some(3_000.0),
                None,
            );
            assert_ne!(written.unwrap().records, 0, "the records are used up");
        }
    }

    /// Creates the topics that are not there.
    pub(crate) fn create(&self, partitions: i32) {
        for (topic, facts) in self.admin.topic_facts().unwrap() {
            if facts.is_none() {
                let mut new = NewTopic::input(topic, self.topics[&topic].clone());
                new.partitions = partitions;
                self.admin.create_topics(&[new]).unwrap();
            }
        }
        self.wait_until(|facts| facts.values().all(Option::is_some));
    }

    fn fill(&mut self, partitions: i32) {
        self.create(partitions);
        let mut writer = KafkaWriter::new(self.kafka.clone()).unwrap();
        into_kafka(
            &mut self.generator,
            &mut writer,
            &self.topics,
            u64::MAX,
            None,
            Some(&mut self.oracle),
        )
        .unwrap();
    }

    fn wait_until(&self, is_so: impl Fn(&BTreeMap<Topic, Option<TopicFacts>>) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let facts = self.admin.topic_facts().unwrap();
            if is_so(&facts) {
                return;
            }
            assert!(Instant::now() < deadline, "the topics stay {facts:?}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// A job that reads the topics, with its folder and what else differs from the defaults.
    pub(crate) fn job(&self, folder: &Path, more: &str) -> Job {
        let text = format!(
            r#"
            job = "{}"
            folder = "{}"
            {more}
            [source]
            brokers = "{}"
            [source.topics]
            equipment = "{}"
            likes = "{}"
            "#,
            self.name,
            folder.display(),
            service("MESOFLOW_TEST_KAFKA"),
            self.topics[&Topic::Equipment],
            self.topics[&Topic::Likes],
        );
        Job::parse(&text, "the test's job").unwrap()
    }

    /// The job's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let names: Vec<&str> = self.topics.values().map(String::as_str).collect();
        if let Err(error) = self.admin.delete_topics(&names) {
            eprintln!("the topics {names:?} stay: {error}");
        }
    }
}

/// The settings of views in a Redis server.
pub(crate) fn views_at(url: &str) -> String {
    format!("[views]\nkind = \"redis\"\nurl = {url:?}")
}

/// The settings of views in the Redis server of the tests.
pub(crate) fn views() -> String {
    views_at(&format!("redis://{}", service("MESOFLOW_TEST_REDIS")))
}

/// An error and its causes.
pub(crate) fn told(error: &JobError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// A job that runs beside the test.
pub(crate) struct Running {
    handle: Handle,
    thread: JoinHandle<Result<(), JobError>>,
}

impl Running {
    pub(crate) fn start(job: &Job, until: Until) -> Self {
        let handle = Handle::default();
        let thread = thread::spawn({
            let (job, handle) = (job.clone(), handle.clone());
            move || runtime::run(&job, until, &handle)
        });
        Self { handle, thread }
    }

    /// Waits until the report is as wanted, and asks the job to stop.
    pub(crate) fn stop_when(&self, what: &str, is_so: impl Fn(&Report) -> bool) {
        self.until(what, is_so);
        self.handle.stop();
    }

    /// Waits until the report is as wanted.
    pub(crate) fn until(&self, what: &str, is_so: impl Fn(&Report) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so(&self.handle.status().report()) {
            assert!(!self.thread.is_finished(), "the job ended before {what}");
            assert!(
                Instant::now() < deadline,
                "{what} does not come: {:?}",
                self.handle.status().report()
            );
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// The report of this moment.
    pub(crate) fn report(&self) -> Report {
        self.handle.status().report()
    }

    /// Waits for the end of the job and gives its last report.
    pub(crate) fn join(self) -> Report {
        let (report, done) = self.end();
        done.expect("the job failed");
        report
    }

    /// Waits for the end of the job, which is none that it wanted, and gives the reason.
    pub(crate) fn fails(self) -> JobError {
        let (report, done) = self.end();
        match done {
            Err(error) => error,
            Ok(()) => panic!("the job did not fail: {report:?}"),
        }
    }

    fn end(self) -> (Report, Result<(), JobError>) {
        let deadline = Instant::now() + PATIENCE;
        while !self.thread.is_finished() {
            assert!(
                Instant::now() < deadline,
                "the job does not end: {:?}",
                self.handle.status().report()
            );
            thread::sleep(Duration::from_millis(2));
        }
        let done = self.thread.join().expect("the job panicked");
        (self.handle.status().report(), done)
    }
}
