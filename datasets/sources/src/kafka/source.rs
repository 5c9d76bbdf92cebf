//! The topics of a broker as a source.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use model::PartitionId;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};
use tracing::error;

use super::backoff::retry;
use super::config::KafkaConfig;
use super::context::Context;
use super::reader::KafkaReader;
use super::security::without_values;
use crate::status::{Availability, StatusCell};
use crate::{PartitionReader, Source, SourceError, SourceStatus};

/// How long the main queue is waited for at a time; also how long a drop may take.
const MAIN_QUEUE_TIMEOUT: Duration = Duration::from_millis(100);

/// The topics of a Kafka broker.
pub struct KafkaSource {
    client: Arc<KafkaClient>,
}

/// One consumer that is shared by the source and its readers, and the thread that serves it.
pub(super) struct KafkaClient {
    pub(super) consumer: Arc<BaseConsumer<Context>>,
    pub(super) config: KafkaConfig,
    closing: Arc<AtomicBool>,
    main_queue: Option<JoinHandle<()>>,
}

impl KafkaSource {
    /// A source for the topics of `config`. Connects in the background: an unreachable broker is
    /// seen in the [status](Source::status), wrong settings are an error.
    pub fn new(config: KafkaConfig) -> Result<Self, SourceError> {
        let status = Arc::new(StatusCell::new(Availability::Connecting));
        Self::with_status(config, status)
    }

    /// A source that tells `status` what it hears of the connections.
    pub(super) fn with_status(
        config: KafkaConfig,
        status: Arc<StatusCell>,
    ) -> Result<Self, SourceError> {
        let doing = || format!("make a consumer for {}", config.bootstrap_servers);
        config.security.check(&doing)?;
        let context = Context::new(status, config.security.clone());
        let consumer: BaseConsumer<Context> =
            without_values(config.consumer().create_with_context(context)).map_err(|source| {
                SourceError::Kafka {
                    doing: doing(),
                    source,
                }
            })?;
        let consumer = Arc::new(consumer);
        let closing = Arc::new(AtomicBool::new(false));
        let main_queue = thread::Builder::new()
            .name("kafka-main".to_owned())
            .spawn({
                let (consumer, closing) = (consumer.clone(), closing.clone());
                move || serve_main_queue(&consumer, &closing)
            })
            .map_err(|error| SourceError::Kafka {
                doing: doing(),
                source: KafkaError::ClientCreation(error.to_string()),
            })?;
        Ok(Self {
            client: Arc::new(KafkaClient {
                consumer,
                config,
                closing,
                main_queue: Some(main_queue),
            }),
        })
    }

    /// The lowest and the next offset of every partition.
    fn watermarks(&self) -> Result<BTreeMap<PartitionId, (i64, i64)>, SourceError> {
        let partitions = self.partitions()?.into_iter();
        partitions
            .map(|partition| Ok((partition, self.client.watermarks(partition)?)))
            .collect()
    }
}

impl Source for KafkaSource {
    /// The partitions of the topics that exist; a topic that does not is absent.
    fn partitions(&self) -> Result<Vec<PartitionId>, SourceError> {
        let mut partitions = Vec::new();
        for (&topic, name) in &self.client.config.topics {
            let count = self.client.partition_count(name)?;
            partitions.extend((0..count).map(|partition| PartitionId { topic, partition }));
        }
        Ok(partitions)
    }

    fn start_offsets(&self) -> Result<BTreeMap<PartitionId, i64>, SourceError> {
        let watermarks = self.watermarks()?.into_iter();
        Ok(watermarks
            .map(|(partition, (low, _))| (partition, low))
            .collect())
    }

    /// Where records are part of open transactions, the end is in front of them.
    fn end_offsets(&self) -> Result<BTreeMap<PartitionId, i64>, SourceError> {
        let watermarks = self.watermarks()?.into_iter();
        Ok(watermarks
            .map(|(partition, (_, high))| (partition, high))
            .collect())
    }

    fn open(
        &self,
        partition: PartitionId,
        next_offset: i64,
    ) -> Result<Box<dyn PartitionReader>, SourceError> {
        let name = self.client.topic_name(partition)?;
        if partition.partition >= self.client.partition_count(name)? {
            return Err(self.client.unknown_partition(partition));
        }
        let reader =
            KafkaReader::open(self.client.clone(), partition, name.to_owned(), next_offset)?;
        Ok(Box::new(reader))
    }

    fn status(&self) -> SourceStatus {
        self.client.status().get()
    }

    /// Sends them without waiting for the answer; a failure is logged.
    fn commit_for_lag(&self, next_offsets: &BTreeMap<PartitionId, i64>) -> Result<(), SourceError> {
        let doing = || format!("commit offsets of group {}", self.client.config.group);
        let kafka = |source| SourceError::Kafka {
            doing: doing(),
            source,
        };
        let mut offsets = TopicPartitionList::with_capacity(next_offsets.len());
        for (&partition, &next_offset) in next_offsets {
            let name = self.client.topic_name(partition)?;
            offsets
                .add_partition_offset(name, partition.partition, Offset::Offset(next_offset))
                .map_err(kafka)?;
        }
        self.client
            .consumer
            .commit(&offsets, CommitMode::Async)
            .map_err(kafka)
    }
}

impl KafkaClient {
    pub(super) fn status(&self) -> &StatusCell {
        &self.consumer.context().status
    }

    fn topic_name(&self, partition: PartitionId) -> Result<&str, SourceError> {
        self.config
            .topics
            .get(&partition.topic)
            .map(String::as_str)
            .ok_or_else(|| self.unknown_partition(partition))
    }

    pub(super) fn unknown_partition(&self, partition: PartitionId) -> SourceError {
        SourceError::UnknownPartition {
            partition,
            place: format!("topics {:?}", self.config.topics),
        }
    }

    /// Number of partitions, 0 if there is no such topic.
    fn partition_count(&self, name: &str) -> Result<i32, SourceError> {
        let count = || -> KafkaResult<usize> {
            let timeout = self.config.request_timeout;
            let metadata = self.consumer.fetch_metadata(Some(name), timeout)?;
            let Some(topic) = metadata.topics().iter().find(|topic| topic.name() == name) else {
                return Ok(0);
            };
            match topic.error().map(RDKafkaErrorCode::from) {
                None => Ok(topic.partitions().len()),
                Some(RDKafkaErrorCode::UnknownTopicOrPartition) => Ok(0),
                Some(code) => Err(KafkaError::MetadataFetch(code)),
            }
        };
        let doing = || format!("ask for the partitions of {name}");
        let count = retry(&self.config, self.status(), &doing, count)?;
        Ok(i32::try_from(count).expect("the protocol counts partitions in 32 bits"))
    }

    /// The lowest offset and the next one behind the last that may be read.
    pub(super) fn watermarks(&self, partition: PartitionId) -> Result<(i64, i64), SourceError> {
        let name = self.topic_name(partition)?;
        let doing = || format!("ask for the offsets of {partition}");
        retry(&self.config, self.status(), &doing, || {
            let timeout = self.config.request_timeout;
            self.consumer
                .fetch_watermarks(name, partition.partition, timeout)
        })
    }
}

impl Drop for KafkaClient {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Release);
        if let Some(thread) = self.main_queue.take()
            && thread.join().is_err()
        {
            error!("the thread of the consumer's main queue panicked");
        }
    }
}

/// Serves what belongs to no partition: errors of the connection, logs, answers to commits.
fn serve_main_queue(consumer: &BaseConsumer<Context>, closing: &AtomicBool) {
    while !closing.load(Ordering::Acquire) {
        match consumer.poll(MAIN_QUEUE_TIMEOUT) {
            // The context has heard of the error.
            None | Some(Err(_)) => {}
            Some(Ok(_)) => {
                error!("a record came outside of its partition's queue");
                consumer.context().misrouted.store(true, Ordering::Relaxed);
            }
        }
    }
}
