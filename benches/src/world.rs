//! Topics of a bench's own with generated records in them, and jobs that read them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use model::Topic;
use sources::KafkaConfig;
use sources::generator::{Generated, Generator, GeneratorConfig, Oracle, into_kafka};
use sources::kafka::{KafkaAdmin, KafkaWriter, NewTopic};

/// How long a service may take for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The address of a service that `benches/run` starts.
pub(crate) fn service(variable: &str) -> Result<String> {
    std::env::var(variable).with_context(|| {
        format!("{variable} must be the host:port of a service; benches/run starts it")
    })
}

/// The Redis server.
pub(crate) fn redis_url() -> Result<String> {
    Ok(format!("redis://{}", service("MESOFLOW_TEST_REDIS")?))
}

/// Topics of one bench; deleted at its end.
pub(crate) struct World {
    name: String,
    pub(crate) topics: BTreeMap<Topic, String>,
    pub(crate) kafka: KafkaConfig,
    admin: KafkaAdmin,
    config: GeneratorConfig,
    pub(crate) generator: Generator,
    pub(crate) oracle: Oracle,
}

impl World {
    /// Makes topics for what a configuration generates; they are empty still.
    pub(crate) fn new(name: &str, config: GeneratorConfig) -> Result<Self> {
        let millis = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
        let name = format!("bench-{name}-{millis}");
        let topics: BTreeMap<Topic, String> = [Topic::Equipment, Topic::Likes]
            .into_iter()
            .filter(|&topic| config.records(topic) > 0)
            .map(|topic| (topic, format!("{name}-{topic}")))
            .collect();
        let mut kafka = KafkaConfig::new(service("MESOFLOW_TEST_KAFKA")?);
        kafka.topics.clone_from(&topics);
        kafka.give_up_after = Some(PATIENCE);
        let admin = KafkaAdmin::new(kafka.clone())?;
        let new = topics.iter().map(|(&topic, name)| NewTopic {
            partitions: config.partitions,
            ..NewTopic::input(topic, name.clone())
        });
        admin.create_topics(&new.collect::<Vec<_>>())?;
        Ok(Self {
            name,
            topics,
            kafka,
            admin,
            generator: Generator::new(config.clone())?,
            config,
            // The broker's clock stamps the records: all lie within the horizon.
            oracle: Oracle::new(i64::MAX),
        })
    }

    /// Number of records of the configuration.
    pub(crate) fn records(&self) -> u64 {
        Topic::ALL
            .into_iter()
            .map(|topic| self.config.records(topic))
            .sum()
    }

    /// Writes all records, at a pace if one is given, and waits until the broker has them.
    pub(crate) fn fill(&mut self, records_per_second: Option<f64>) -> Result<Generated> {
        self.fill_some(u64::MAX, records_per_second)
    }

    /// The same of so many of the remaining records.
    pub(crate) fn fill_some(
        &mut self,
        records: u64,
        records_per_second: Option<f64>,
    ) -> Result<Generated> {
        let started = Instant::now();
        let mut writer = KafkaWriter::new(self.kafka.clone())?;
        let written = into_kafka(
            &mut self.generator,
            &mut writer,
            &self.topics,
            records,
            records_per_second,
            Some(&mut self.oracle),
        )?;
        eprintln!(
            "   {} records, {} MB, written in {:.1} s",
            written.records,
            written.bytes / 1_000_000,
            started.elapsed().as_secs_f64()
        );
        Ok(written)
    }

    /// The name of the job whose folder is the `number`th.
    pub(crate) fn job_name(&self, number: usize) -> String {
        format!("{}-{number}", self.name)
    }

    /// Writes a job file into a folder: a job with all defaults but the views.
    pub(crate) fn job(&self, number: usize, folder: &Path, views: &str) -> Result<PathBuf> {
        let topic = |topic| self.topics.get(&topic).map_or("", String::as_str);
        let text = format!(
            "job = \"{}\"\nfolder = \"data\"\n[source]\nbrokers = \"{}\"\n[source.topics]\n\
             equipment = \"{}\"\nlikes = \"{}\"\n[views]\nkind = \"{views}\"\nurl = \"{}\"\n",
            self.job_name(number),
            service("MESOFLOW_TEST_KAFKA")?,
            topic(Topic::Equipment),
            topic(Topic::Likes),
            redis_url()?,
        );
        let file = folder.join("job.toml");
        fs::write(&file, text).context("write the job file")?;
        Ok(file)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let names: Vec<&str> = self.topics.values().map(String::as_str).collect();
        if let Err(error) = self.admin.delete_topics(&names) {
            eprintln!("   the topics {names:?} stay: {error}");
        }
    }
}

/// A connection to the Redis server for what readers of views cannot ask.
pub(crate) struct Server(redis::Connection);

impl Server {
    /// Connects.
    pub(crate) fn connect() -> Result<Self> {
        let client = redis::Client::open(redis_url()?)?;
        Ok(Self(client.get_connection().context("reach Redis")?))
    }

    /// Memory that its data takes.
    pub(crate) fn used_bytes(&mut self) -> Result<u64> {
        let info: String = redis::cmd("INFO").arg("memory").query(&mut self.0)?;
        let used = info
            .lines()
            .find_map(|line| line.strip_prefix("used_memory_dataset:"));
        let used = used.context("find used_memory_dataset")?;
        used.trim().parse().context("read used_memory_dataset")
    }

    /// Deletes all keys of a job.
    pub(crate) fn forget(&mut self, job: &str) -> Result<()> {
        let mut cursor = 0_u64;
        loop {
            let (next, keys): (u64, Vec<Vec<u8>>) = redis::cmd("SCAN")
                .arg(cursor)
                .arg("MATCH")
                .arg(format!("{{{job}:*"))
                .arg("COUNT")
                .arg(10_000)
                .query(&mut self.0)?;
            if !keys.is_empty() {
                let _: u64 = redis::cmd("UNLINK").arg(keys).query(&mut self.0)?;
            }
            cursor = next;
            if cursor == 0 {
                return Ok(());
            }
        }
    }
}
