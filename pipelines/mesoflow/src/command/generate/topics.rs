//! Generated records into the topics of a broker.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, anyhow};
use clap::Args as ClapArgs;
use model::Topic;
use runtime::config::{Job, SourceKind};
use serde::Serialize;
use sources::generator::{GeneratorConfig, into_kafka_while};
use sources::kafka::{KafkaAdmin, KafkaWriter, NewTopic, TopicFacts};
use sources::{KafkaConfig, SourceError, StopFlag};

use super::{Args, generator, stop_flag};
use crate::failure::Failed as _;
use crate::job;
use crate::terminal::{self, Bar};

/// How long the broker may be away before what waits to be sent is given up.
const GIVE_UP_AFTER: Duration = Duration::from_secs(60);
/// How long the broker may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Which broker and which topics.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Kafka")]
pub(super) struct KafkaArgs {
    /// Writes into the topics of this broker: host:port, several separated by commas.
    #[arg(long, value_name = "HOST:PORT", group = "kafka")]
    brokers: Option<String>,
    /// Writes into the topics that this job reads.
    #[arg(long, value_name = "JOB.toml", group = "kafka")]
    job: Option<PathBuf>,
    /// Name of the topic of equipment on the broker. Default: as in the job file.
    #[arg(long, value_name = "NAME", requires = "kafka")]
    equipment_topic: Option<String>,
    /// Name of the topic of likes on the broker. Default: as in the job file.
    #[arg(long, value_name = "NAME", requires = "kafka")]
    likes_topic: Option<String>,
    /// Makes the topics that are not there, with `--partitions` and the settings that a job needs.
    #[arg(long, requires = "kafka")]
    create_topics: bool,
}

impl KafkaArgs {
    /// Broker and topics.
    fn kafka(&self, stop: &StopFlag) -> Result<KafkaConfig> {
        let mut job = match &self.job {
            Some(path) => job::read(path)?,
            None => Job::default(),
        };
        if self.job.is_some() && job.source.kind != SourceKind::Kafka {
            return Err(anyhow!("job {} does not read from Kafka", job.job))
                .advise("name a job whose source.kind is \"kafka\", or a broker with --brokers")
                .wrong();
        }
        let given = [
            (&self.brokers, &mut job.source.brokers),
            (&self.equipment_topic, &mut job.source.topics.equipment),
            (&self.likes_topic, &mut job.source.topics.likes),
        ];
        for (given, setting) in given {
            if let Some(given) = given {
                setting.clone_from(given);
            }
        }
        let mut kafka = job::kafka_config(&job, stop)?;
        kafka.give_up_after = Some(PATIENCE);
        Ok(kafka)
    }
}

#[derive(Serialize)]
struct Filled<'a> {
    brokers: &'a str,
    topics: Vec<&'a str>,
    partitions: i32,
    records: u64,
    bytes: u64,
}

/// Writes the records and waits until the broker has them.
pub(super) fn fill(args: &Args, json: bool) -> Result<()> {
    // Wrong numbers are refused before anything is made.
    drop(generator(args.config())?);
    let stop = stop_flag()?;
    let kafka = args.kafka.kafka(&stop)?;
    let waiting = terminal::spinner("looking at the topics");
    let partitions = partitions(args, &kafka)?;
    waiting.finish_and_clear();
    let names = &kafka.topics;
    let of = |topic, records| {
        if names.contains_key(&topic) {
            records
        } else {
            0
        }
    };
    let config = GeneratorConfig {
        equipment: of(Topic::Equipment, args.equipment),
        likes: of(Topic::Likes, args.likes),
        partitions,
        ..args.config()
    };
    let total = config.equipment + config.likes;
    // What was handed over is written, also when a stop is asked for; a second signal does not wait.
    let mut writer = KafkaWriter::new(KafkaConfig {
        stop: StopFlag::default(),
        give_up_after: Some(GIVE_UP_AFTER),
        ..kafka.clone()
    })?;

    let mut bar = Bar::new(total, "records");
    let written = into_kafka_while(
        &mut generator(config)?,
        &mut writer,
        names,
        |_, written| {
            bar.set(written.records);
            !stop.is_set()
        },
    )
    .advise("look at the broker; what it has stays there, and a job counts it once if it is written again")?;
    drop(bar);

    let filled = Filled {
        brokers: &kafka.bootstrap_servers,
        topics: names.values().map(String::as_str).collect(),
        partitions,
        records: written.records,
        bytes: written.bytes,
    };
    if json {
        terminal::print_json(&filled)?;
    } else {
        terminal::print(&format!(
            "{} records, {} bytes, in {} of {}, {partitions} partitions each\n",
            filled.records,
            filled.bytes,
            filled.topics.join(" and "),
            filled.brokers,
        ))?;
    }
    if written.records < total {
        let written = written.records;
        return Err(anyhow!("stopped on request at {written} of {total} records")).advise(
            "they are in the topics; the same command writes them again, and a job counts them once",
        );
    }
    Ok(())
}

/// The broker's answer, or what to do about there being none.
fn reached<T>(answer: std::result::Result<T, SourceError>) -> Result<T> {
    answer.map_err(|error| {
        let advice = runtime::advice("source", &error.to_string());
        let failed = Err::<(), _>(error).advise(advice);
        failed.expect_err("it was made of an error")
    })
}

/// Makes the topics if that is wanted, and looks how many partitions each of them has.
fn partitions(args: &Args, kafka: &KafkaConfig) -> Result<i32> {
    let brokers = &kafka.bootstrap_servers;
    let admin =
        KafkaAdmin::new(kafka.clone()).advise("correct the files of source.tls in the job file")?;
    if args.kafka.create_topics {
        let new: Vec<NewTopic> = kafka
            .topics
            .iter()
            .map(|(&topic, name)| NewTopic {
                partitions: args.config().partitions,
                ..NewTopic::input(topic, name.clone())
            })
            .collect();
        reached(admin.create_topics(&new))?;
    }
    let facts: BTreeMap<Topic, Option<TopicFacts>> = reached(admin.topic_facts())?;
    let mut found: BTreeMap<&str, usize> = BTreeMap::new();
    for (topic, facts) in &facts {
        let name = kafka.topics[topic].as_str();
        match facts {
            Some(facts) => found.insert(name, facts.partitions),
            None => {
                return Err(anyhow!("there is no topic {name} on {brokers}"))
                    .advise("make it with --create-topics, or name another one")
                    .wrong();
            }
        };
    }
    let wanted = args
        .partitions
        .and_then(|wanted| usize::try_from(wanted).ok());
    let all = wanted.or_else(|| found.values().next().copied());
    match all {
        Some(all) if found.values().all(|&partitions| partitions == all) => {
            Ok(i32::try_from(all).expect("the protocol counts partitions in 32 bits"))
        }
        Some(_) => {
            let found: Vec<String> = found
                .iter()
                .map(|(name, partitions)| format!("{name} has {partitions}"))
                .collect();
            let wanted = wanted.map_or_else(String::new, |wanted| {
                format!(", --partitions says {wanted}")
            });
            Err(anyhow!(
                "the topics do not have the partitions that records are for: {}{wanted}",
                found.join(", ")
            ))
            .advise("leave --partitions out, and name topics with the same number of partitions")
            .wrong()
        }
        None => Err(anyhow!("the job reads no topic"))
            .advise("name one under [source.topics] of the job file")
            .wrong(),
    }
}
