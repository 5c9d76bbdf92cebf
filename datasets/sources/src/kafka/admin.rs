//! Topics as the broker sees them: their facts for `doctor`, and making and deleting them.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context as TaskContext, Poll, Wake, Waker};
use std::thread::{self, Thread};

use model::{PartitionId, Topic};
use rdkafka::admin::{
    self, AdminClient, AdminOptions, ConfigResource, NewPartitions, ResourceSpecifier,
    TopicReplication,
};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};
use tracing::warn;

use super::backoff::retry;
use super::config::KafkaConfig;
use super::context::Context;
use super::release::{self, KafkaRelease};
use super::security::without_values;
use super::source::KafkaSource;
use crate::SourceError;
use crate::status::{Availability, StatusCell};

/// What a broker says of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicFacts {
    /// What it carries.
    pub topic: Topic,
    /// Its name on the broker.
    pub name: String,
    /// Number of partitions.
    pub partitions: usize,
    /// Lowest number of replicas of a partition.
    pub replicas: usize,
    /// `retention.ms`; `None` for without a limit.
    pub retention_millis: Option<u64>,
    /// `retention.bytes` a partition; `None` for without a limit.
    pub retention_bytes: Option<u64>,
    /// `cleanup.policy`, e.g. `delete`.
    pub cleanup_policy: String,
    /// `min.compaction.lag.ms`.
    pub min_compaction_lag_millis: u64,
    /// `message.timestamp.type`, `CreateTime` or `LogAppendTime`.
    pub timestamp_type: String,
    /// `max.message.bytes`.
    pub message_bytes_max: u64,
    /// `min.insync.replicas`.
    pub min_insync_replicas: u64,
}

/// A topic to make.
#[derive(Clone, Debug)]
pub struct NewTopic {
    /// Its name on the broker.
    pub name: String,
    /// Number of partitions.
    pub partitions: i32,
    /// Settings that differ from the broker's, e.g. `retention.ms`.
    pub settings: BTreeMap<String, String>,
}

impl NewTopic {
    /// An input topic with its number of partitions and what the design asks of it: the broker's
    /// clock, deletion by time, batches of 4 MiB. A message has at most 2 MiB, and the broker's limit
    /// is one of batches: with key, head and framing a message needs more, and one that is too long
    /// has to come through to be rejected by name.
    #[must_use]
    pub fn input(topic: Topic, name: impl Into<String>) -> Self {
        let partitions = match topic {
            Topic::Equipment | Topic::Enrich | Topic::Likes => 3,
            Topic::Donations => 1,
        };
        let settings = [
            ("message.timestamp.type", "LogAppendTime"),
            ("cleanup.policy", "delete"),
            ("max.message.bytes", "4194304"),
        ];
        Self {
            name: name.into(),
            partitions,
            settings: settings
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
        }
    }
}

/// Asks and changes topics.
pub struct KafkaAdmin {
    config: KafkaConfig,
    status: Arc<StatusCell>,
    client: AdminClient<Context>,
    /// Hears why brokers refuse connections, which an admin client does not; made when one fails.
    ear: Mutex<Option<KafkaSource>>,
}

impl KafkaAdmin {
    /// An admin client for the broker of `config`.
    pub fn new(config: KafkaConfig) -> Result<Self, SourceError> {
        let status = Arc::new(StatusCell::new(Availability::Connecting));
        let doing = || format!("make an admin client for {}", config.bootstrap_servers);
        config.security.check(&doing)?;
        let context = Context::new(status.clone(), config.security.clone());
        let client =
            without_values(config.client().create_with_context(context)).map_err(|source| {
                SourceError::Kafka {
                    doing: doing(),
                    source,
                }
            })?;
        Ok(Self {
            config,
            status,
            client,
            ear: Mutex::default(),
        })
    }

    fn listen(&self) -> Result<(), SourceError> {
        let mut ear = self.ear.lock().unwrap_or_else(PoisonError::into_inner);
        if ear.is_none() {
            let source = KafkaSource::with_status(self.config.clone(), self.status.clone())?;
            *ear = Some(source);
        }
        Ok(())
    }

    /// What the broker says of each configured topic; `None` where there is none of that name.
    pub fn topic_facts(&self) -> Result<BTreeMap<Topic, Option<TopicFacts>>, SourceError> {
        let topics = self.config.topics.iter();
        topics
            .map(|(&topic, name)| Ok((topic, self.facts_of(topic, name)?)))
            .collect()
    }

    /// What the broker says of one configured topic; `None` where there is none of that name.
    pub fn facts(&self, topic: Topic) -> Result<Option<TopicFacts>, SourceError> {
        match self.config.topics.get(&topic) {
            Some(name) => self.facts_of(topic, name),
            None => Ok(None),
        }
    }

    /// The release of the first broker, to which a connection without encryption is made. `None`:
    /// it does not say, or connections are encrypted.
    pub fn release(&self) -> Result<Option<KafkaRelease>, SourceError> {
        let is_plain = |protocol: &str| protocol.eq_ignore_ascii_case("plaintext");
        let protocol = self.config.properties.get("security.protocol");
        let protocol = protocol.map_or(self.config.security.protocol(), String::as_str);
        if !is_plain(protocol) {
            return Ok(None);
        }
        let servers = &self.config.bootstrap_servers;
        release::ask(servers, self.config.request_timeout).map_err(|source| SourceError::Kafka {
            doing: format!("ask {servers} for its release"),
            source: KafkaError::ClientCreation(source.to_string()),
        })
    }

    /// Number of brokers of the cluster.
    pub fn broker_count(&self) -> Result<usize, SourceError> {
        self.retry(&|| "ask for the brokers".to_owned(), || {
            let timeout = self.config.request_timeout;
            let metadata = self.client.inner().fetch_metadata(None, timeout)?;
            Ok(metadata.brokers().len())
        })
    }

    /// Makes those of `topics` that do not exist, and waits until the broker shows all of them; the others
    /// stay as they are.
    pub fn create_topics(&self, topics: &[NewTopic]) -> Result<(), SourceError> {
        let asked: Vec<_> = topics.iter().map(as_asked).collect();
        let doing = || format!("make topics {:?}", names(topics));
        self.retry(&doing, || {
            let answers = block_on(self.client.create_topics(&asked, &self.options()))?;
            first_failure(answers, RDKafkaErrorCode::TopicAlreadyExists)
        })?;
        // Known to the controller at once, to the broker a little later.
        self.retry(&doing, || {
            topics
                .iter()
                .try_for_each(|topic| self.is_there(&topic.name))
        })
    }

    /// Fails as the broker does without a leader, which passes, until it knows a topic and all its leaders.
    fn is_there(&self, name: &str) -> KafkaResult<()> {
        let not_yet = KafkaError::MetadataFetch(RDKafkaErrorCode::LeaderNotAvailable);
        let timeout = self.config.request_timeout;
        let metadata = self.client.inner().fetch_metadata(Some(name), timeout)?;
        let Some(found) = metadata.topics().iter().find(|found| found.name() == name) else {
            return Err(not_yet);
        };
        match found.error().map(RDKafkaErrorCode::from) {
            None => {}
            // It was made, and not every broker has heard of it.
            Some(RDKafkaErrorCode::UnknownTopicOrPartition) => return Err(not_yet),
            Some(code) => return Err(KafkaError::MetadataFetch(code)),
        }
        let partitions = found.partitions();
        if partitions.is_empty() || partitions.iter().any(|partition| partition.leader() < 0) {
            return Err(not_yet);
        }
        Ok(())
    }

    /// Gives a topic more partitions. Keys move to other partitions then: a job must not go on.
    pub fn grow_topic(&self, name: &str, partitions: usize) -> Result<(), SourceError> {
        let doing = || format!("give topic {name} {partitions} partitions");
        self.retry(&doing, || {
            let asked = [NewPartitions::new(name, partitions)];
            let answers = block_on(self.client.create_partitions(&asked, &self.options()))?;
            first_failure(answers, RDKafkaErrorCode::NoError)
        })
    }

    /// Deletes topics; those that do not exist are no error.
    pub fn delete_topics(&self, names: &[&str]) -> Result<(), SourceError> {
        let doing = || format!("delete topics {names:?}");
        self.retry(&doing, || {
            let answers = block_on(self.client.delete_topics(names, &self.options()))?;
            first_failure(answers, RDKafkaErrorCode::UnknownTopicOrPartition)
        })
    }

    /// Deletes the records of a partition below `offset`, as retention does.
    pub fn delete_records(&self, partition: PartitionId, offset: i64) -> Result<(), SourceError> {
        let doing = || format!("delete records of {partition} below {offset}");
        let name = self.config.topics.get(&partition.topic);
        let name = name.ok_or_else(|| SourceError::UnknownPartition {
            partition,
            place: format!("topics {:?}", self.config.topics),
        })?;
        self.retry(&doing, || {
            let mut offsets = TopicPartitionList::with_capacity(1);
            offsets.add_partition_offset(name, partition.partition, Offset::Offset(offset))?;
            block_on(self.client.delete_records(&offsets, &self.options()))?;
            Ok(())
        })
    }

    fn facts_of(&self, topic: Topic, name: &str) -> Result<Option<TopicFacts>, SourceError> {
        let doing = || format!("ask for the settings of {name}");
        self.retry(&doing, || {
            let timeout = self.config.request_timeout;
            let metadata = self.client.inner().fetch_metadata(Some(name), timeout)?;
            let Some(found) = metadata.topics().iter().find(|found| found.name() == name) else {
                return Ok(None);
            };
            match found.error().map(RDKafkaErrorCode::from) {
                None => {}
                Some(RDKafkaErrorCode::UnknownTopicOrPartition) => return Ok(None),
                Some(code) => return Err(KafkaError::MetadataFetch(code)),
            }
            let resource = [ResourceSpecifier::Topic(name)];
            let answers = block_on(self.client.describe_configs(&resource, &self.options()))?;
            let settings = match answers.into_iter().next() {
                Some(Ok(settings)) => settings,
                Some(Err(code)) => return Err(KafkaError::AdminOp(code)),
                None => return Err(KafkaError::AdminOp(RDKafkaErrorCode::Unknown)),
            };
            let replicas = found
                .partitions()
                .iter()
                .map(|found| found.replicas().len());
            Ok(Some(TopicFacts {
                topic,
                name: name.to_owned(),
                partitions: found.partitions().len(),
                replicas: replicas.min().unwrap_or(0),
                retention_millis: number(&settings, "retention.ms"),
                retention_bytes: number(&settings, "retention.bytes"),
                cleanup_policy: text(&settings, "cleanup.policy"),
                min_compaction_lag_millis: number(&settings, "min.compaction.lag.ms").unwrap_or(0),
                timestamp_type: text(&settings, "message.timestamp.type"),
                message_bytes_max: number(&settings, "max.message.bytes").unwrap_or(0),
                min_insync_replicas: number(&settings, "min.insync.replicas").unwrap_or(0),
            }))
        })
    }

    fn options(&self) -> AdminOptions {
        AdminOptions::new()
            .request_timeout(Some(self.config.request_timeout))
            .operation_timeout(Some(self.config.request_timeout))
    }

    fn retry<T>(
        &self,
        doing: &dyn Fn() -> String,
        mut act: impl FnMut() -> KafkaResult<T>,
    ) -> Result<T, SourceError> {
        let mut deaf = None;
        let done = retry(&self.config, &self.status, doing, || {
            act().inspect_err(|_| deaf = self.listen().err())
        });
        done.inspect_err(|_| {
            if let Some(error) = deaf {
                warn!(%error, "what brokers say of the connection is not heard");
            }
        })
    }
}

fn as_asked(topic: &NewTopic) -> admin::NewTopic<'_> {
    // -1: the broker's default, which suits clusters of any size.
    let replicas = TopicReplication::Fixed(-1);
    let asked = admin::NewTopic::new(&topic.name, topic.partitions, replicas);
    let settings = topic.settings.iter();
    settings.fold(asked, |asked, (name, value)| asked.set(name, value))
}

fn names(topics: &[NewTopic]) -> Vec<&str> {
    topics.iter().map(|topic| topic.name.as_str()).collect()
}

fn first_failure(answers: Vec<admin::TopicResult>, accepted: RDKafkaErrorCode) -> KafkaResult<()> {
    for answer in answers {
        match answer {
            Err((_, code)) if code != accepted => return Err(KafkaError::AdminOp(code)),
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}

fn text(settings: &ConfigResource, name: &str) -> String {
    let entry = settings.get(name);
    entry
        .and_then(|entry| entry.value.clone())
        .unwrap_or_default()
}

/// A setting that is a number; the broker writes -1 for "no limit".
fn number(settings: &ConfigResource, name: &str) -> Option<u64> {
    settings.get(name)?.value.as_ref()?.parse().ok()
}

/// Waits for an answer of librdkafka's admin thread; no executor is needed for that.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = TaskContext::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(answer) => return answer,
            Poll::Pending => thread::park(),
        }
    }
}
