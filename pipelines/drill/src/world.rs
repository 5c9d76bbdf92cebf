//! Topics of a drill's own, what is written into them, and what must come of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use model::{PartitionId, Topic};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use sources::generator::{Generator, GeneratorConfig, Names, Oracle};
use sources::kafka::{KafkaAdmin, KafkaSource, KafkaWriter, NewTopic};
use sources::{KafkaConfig, Limits, Polled, RecordBatch, Source as _};

use crate::service::PATIENCE;

/// How often the pace of a load is compared with the clock.
const PACE_STEP: Duration = Duration::from_millis(2);

/// Topics with records in them; deleted at the end.
pub(crate) struct World {
    /// The job's name.
    pub(crate) name: String,
    pub(crate) topics: BTreeMap<Topic, String>,
    pub(crate) admin: KafkaAdmin,
    kafka: KafkaConfig,
    config: GeneratorConfig,
    made: Option<Made>,
}

/// What makes the records, and the model of the right answer.
pub(crate) struct Made {
    pub(crate) generator: Generator,
    pub(crate) oracle: Oracle,
    draw: ChaCha8Rng,
}

/// Records that are being written.
pub(crate) struct Load {
    thread: JoinHandle<Result<Made>>,
    stop: Arc<AtomicBool>,
    again: Arc<AtomicU64>,
}

/// How a load is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Records, of those that are left.
    pub(crate) records: u64,
    /// Records a second; all at once for `None`.
    pub(crate) per_second: Option<f64>,
    /// The share of records that the producer sends once more right away, as after a lost answer.
    pub(crate) again: f64,
}

impl Pace {
    /// All that is left, spread over a time.
    pub(crate) fn rest_in(world: &World, time: Duration) -> Self {
        let records = world.records();
        Self {
            records: u64::MAX,
            per_second: Some(records as f64 / time.as_secs_f64()),
            again: 0.0,
        }
    }

    /// So many, at once.
    pub(crate) fn at_once(records: u64) -> Self {
        Self {
            records,
            per_second: None,
            again: 0.0,
        }
    }
}

impl World {
    /// Makes empty topics for what a configuration generates.
    pub(crate) fn new(broker: &str, name: String, config: GeneratorConfig) -> Result<Self> {
        let topics: BTreeMap<Topic, String> = [Topic::Equipment, Topic::Likes]
            .into_iter()
            .map(|topic| (topic, format!("{name}-{topic}")))
            .collect();
        let mut kafka = KafkaConfig::new(broker);
        kafka.topics.clone_from(&topics);
        kafka.give_up_after = Some(PATIENCE);
        let world = Self {
            admin: KafkaAdmin::new(kafka.clone())?,
            made: Some(Made {
                generator: Generator::new(config.clone())?,
                // The broker's clock stamps the records: all lie within the horizon.
                oracle: Oracle::new(i64::MAX),
                draw: ChaCha8Rng::seed_from_u64(config.seed),
            }),
            name,
            topics,
            kafka,
            config,
        };
        world.create(&[])?;
        Ok(world)
    }

    /// Makes the topics, which must not be there.
    ///
    /// - `settings`: of the topics, beside those of an input.
    pub(crate) fn create(&self, settings: &[(&str, &str)]) -> Result<()> {
        let new = self.topics.iter().map(|(&topic, name)| {
            let mut new = NewTopic {
                partitions: self.config.partitions,
                ..NewTopic::input(topic, name.clone())
            };
            let settings = settings
                .iter()
                .map(|&(key, value)| (key.to_owned(), value.to_owned()));
            new.settings.extend(settings);
            new
        });
        self.admin.create_topics(&new.collect::<Vec<_>>())?;
        self.until("the topics appear", |world| {
            let facts = world.admin.topic_facts()?;
            Ok(facts.values().all(Option::is_some))
        })
    }

    /// Deletes the topics and waits until they are gone.
    pub(crate) fn delete(&self) -> Result<()> {
        let names: Vec<&str> = self.topics.values().map(String::as_str).collect();
        self.admin.delete_topics(&names)?;
        self.until("the topics are gone", |world| {
            let facts = world.admin.topic_facts()?;
            Ok(facts.values().all(Option::is_none))
        })
    }

    /// The same topics with other records to be written into them. This one has nothing more to do with them.
    pub(crate) fn again(self, config: GeneratorConfig) -> Result<Self> {
        let mut other = self;
        other.made = Some(Made {
            generator: Generator::new(config.clone())?,
            oracle: Oracle::new(i64::MAX),
            draw: ChaCha8Rng::seed_from_u64(config.seed),
        });
        other.config = config;
        Ok(other)
    }

    /// How many of the records of a partition below an offset are still there.
    pub(crate) fn count_below(&self, partition: PartitionId, end: i64) -> Result<u64> {
        let source = KafkaSource::new(self.kafka.clone())?;
        let mut reader = source.open(partition, 0)?;
        let mut batch = RecordBatch::new();
        let limits = Limits {
            records: 10_000,
            bytes: 4 << 20,
        };
        let mut count = 0;
        let begun = Instant::now();
        while reader.next_offset() < end {
            ensure!(begun.elapsed() < PATIENCE, "{partition} cannot be read");
            match reader.poll(&mut batch, limits, Some(end), Duration::from_millis(100))? {
                Polled::Records => count += batch.len() as u64,
                Polled::Idle => {}
                Polled::End => break,
            }
        }
        Ok(count)
    }

    fn until(&self, what: &str, is_so: impl Fn(&Self) -> Result<bool>) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !is_so(self)? {
            ensure!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}");
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Number of records of the configuration.
    pub(crate) fn records(&self) -> u64 {
        let topics = Topic::ALL.into_iter();
        topics.map(|topic| self.config.records(topic)).sum()
    }

    pub(crate) fn config(&self) -> &GeneratorConfig {
        &self.config
    }

    /// Names of characters and accounts.
    pub(crate) fn names(&self) -> Result<Names> {
        Ok(self.made()?.generator.names())
    }

    /// What was made so far.
    ///
    /// # Errors
    /// While a load has it.
    pub(crate) fn made(&self) -> Result<&Made> {
        self.made.as_ref().context("the load has ended")
    }

    /// Begins to write records.
    pub(crate) fn begin(&mut self, pace: Pace) -> Result<Load> {
        let mut made = self.made.take().context("one load at a time")?;
        let mut writer = KafkaWriter::new(self.kafka.clone())?;
        let topics = self.topics.clone();
        let (stop, again) = <(Arc<AtomicBool>, Arc<AtomicU64>)>::default();
        let (stopping, repeated) = (Arc::clone(&stop), Arc::clone(&again));
        let thread = thread::Builder::new()
            .name("load".to_owned())
            .spawn(move || {
                let begun = Instant::now();
                let mut records = 0_u64;
                while records < pace.records && !stopping.load(Ordering::SeqCst) {
                    let Some(generated) = made.generator.next() else {
                        break;
                    };
                    let is_again = made.draw.random_bool(pace.again);
                    for _ in 0..=usize::from(is_again) {
                        let PartitionId { topic, partition } = generated.partition;
                        let record = generated.record;
                        writer.send(
                            &topics[&topic],
                            Some(partition),
                            record.key,
                            record.value,
                            Some(record.timestamp_millis),
                        )?;
                        let (partition, fact) = (generated.partition, &generated.fact);
                        made.oracle.see(partition, record.timestamp_millis, fact);
                    }
                    repeated.fetch_add(u64::from(is_again), Ordering::SeqCst);
                    records += 1;
                    if let Some(per_second) = pace.per_second {
                        let due = begun + Duration::from_secs_f64(records as f64 / per_second);
                        let early = due.saturating_duration_since(Instant::now());
                        if early >= PACE_STEP {
                            writer.flush()?;
                            thread::sleep(due.saturating_duration_since(Instant::now()));
                        }
                    }
                }
                writer.flush()?;
                Ok(made)
            })?;
        Ok(Load {
            thread,
            stop,
            again,
        })
    }

    /// Waits until a load is written.
    ///
    /// - returns the number of records that were sent twice.
    pub(crate) fn end(&mut self, load: Load) -> Result<u64> {
        let made = load.thread.join();
        self.made = Some(made.map_err(|_| anyhow!("the load panicked"))??);
        Ok(load.again.load(Ordering::SeqCst))
    }

    /// Writes records and waits until the broker has them.
    pub(crate) fn write(&mut self, pace: Pace) -> Result<u64> {
        let load = self.begin(pace)?;
        self.end(load)
    }

    /// For every partition the next offset.
    pub(crate) fn ends(&self) -> Result<BTreeMap<PartitionId, i64>> {
        Ok(KafkaSource::new(self.kafka.clone())?.end_offsets()?)
    }

    /// A producer beside the load.
    pub(crate) fn writer(&self) -> Result<KafkaWriter> {
        Ok(KafkaWriter::new(self.kafka.clone())?)
    }
}

impl Load {
    /// Whether all of it is written.
    pub(crate) fn is_written(&self) -> bool {
        self.thread.is_finished()
    }

    /// Ends it before its time.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let names: Vec<&str> = self.topics.values().map(String::as_str).collect();
        if let Err(error) = self.admin.delete_topics(&names) {
            tracing::debug!(%error, "the topics {names:?} stay");
        }
    }
}
