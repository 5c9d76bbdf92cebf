//! Writes records to a broker: batched, each once, acknowledged by all replicas.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use model::record::REPLAYS_HEADER;
use model::{Millis, RawRecord};
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext};

use super::config::KafkaConfig;
use super::context::Context;
use super::security::without_values;
use crate::SourceError;
use crate::status::{Availability, StatusCell};

/// How long to wait for room in the buffer before looking at the stop flag again.
const ROOM_TIMEOUT: Duration = Duration::from_millis(20);

/// The header of a replay that tells the timestamp of the record that it replays, in milliseconds since 1970: for people
/// and their tools, admission does not look at it.
pub const REPLAYED_TIMESTAMP_HEADER: &str = "mesoflow-replayed-timestamp";

/// A producer. What [`send`](Self::send) accepted is certain only after [`flush`](Self::flush).
pub struct KafkaWriter {
    config: KafkaConfig,
    producer: BaseProducer<Deliveries>,
    sent: u64,
}

/// Counts what the broker acknowledged, and keeps the first failure.
struct Deliveries {
    client: Context,
    acknowledged: AtomicU64,
    failure: Mutex<Option<KafkaError>>,
}

impl KafkaWriter {
    /// A writer for the broker of `config`.
    pub fn new(config: KafkaConfig) -> Result<Self, SourceError> {
        let doing = || format!("make a producer for {}", config.bootstrap_servers);
        config.security.check(&doing)?;
        let status = Arc::new(StatusCell::new(Availability::Connecting));
        let deliveries = Deliveries {
            client: Context::new(status, config.security.clone()),
            acknowledged: AtomicU64::new(0),
            failure: Mutex::new(None),
        };
        let producer = without_values(config.producer().create_with_context(deliveries));
        let producer = producer.map_err(|source| SourceError::Kafka {
            doing: doing(),
            source,
        })?;
        Ok(Self {
            config,
            producer,
            sent: 0,
        })
    }

    /// Hands a record over; waits while the buffer is full.
    ///
    /// - `partition`: `None` lets the client choose by the key.
    /// - `timestamp`: `None` is the time of the call. A topic with `LogAppendTime` replaces it.
    pub fn send(
        &mut self,
        topic_name: &str,
        partition: Option<i32>,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        timestamp: Option<Millis>,
    ) -> Result<(), SourceError> {
        let mut record = BaseRecord::<[u8], [u8]>::to(topic_name);
        record.partition = partition;
        record.key = key;
        record.payload = value;
        record.timestamp = timestamp.map(|timestamp| timestamp.0);
        self.put(record)
    }

    /// Hands over a record that replays another one of its partition, as the [header](REPLAYS_HEADER) says; a second
    /// header tells the timestamp of that one. Waits while the buffer is full.
    ///
    /// - `record`: its offset counts for nothing, the broker gives it the next one.
    ///
    /// # Panics
    /// If the record replays none.
    pub fn replay(
        &mut self,
        topic_name: &str,
        partition: i32,
        record: RawRecord<'_>,
        original_timestamp: Millis,
    ) -> Result<(), SourceError> {
        let replays = record.replays.expect("the record is a replay").to_string();
        let timestamp = original_timestamp.0.to_string();
        let headers = [
            (REPLAYS_HEADER, replays),
            (REPLAYED_TIMESTAMP_HEADER, timestamp),
        ];
        let headers = headers
            .iter()
            .fold(OwnedHeaders::new(), |headers, (key, value)| {
                headers.insert(Header {
                    key,
                    value: Some(value),
                })
            });
        let mut message = BaseRecord::<[u8], [u8]>::to(topic_name).headers(headers);
        message.partition = Some(partition);
        message.key = record.key;
        message.payload = record.value;
        message.timestamp = Some(record.timestamp_millis.0);
        self.put(message)
    }

    fn put(&mut self, mut record: BaseRecord<'_, [u8], [u8]>) -> Result<(), SourceError> {
        let topic_name = record.topic;
        let doing = || format!("write to {topic_name}");
        loop {
            self.check(&doing)?;
            match self.producer.send(record) {
                Ok(()) => {
                    self.sent += 1;
                    // Frees what was acknowledged, now and then: each call takes a lock.
                    if self.sent.is_multiple_of(1024) {
                        self.producer.poll(Duration::ZERO);
                    }
                    return Ok(());
                }
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    if self.config.stop.is_set() {
                        return Err(SourceError::Stopped { doing: doing() });
                    }
                    record = back;
                    self.producer.poll(ROOM_TIMEOUT);
                }
                Err((source, _)) => {
                    return Err(SourceError::Kafka {
                        doing: doing(),
                        source,
                    });
                }
            }
        }
    }

    /// Waits until everything that was sent is acknowledged; fails if some of it never will be.
    pub fn flush(&mut self) -> Result<(), SourceError> {
        let doing = || "wait until records are acknowledged".to_owned();
        let begin = Instant::now();
        loop {
            let flushed = self.producer.flush(ROOM_TIMEOUT);
            self.check(&doing)?;
            match flushed {
                Ok(()) => return Ok(()),
                Err(KafkaError::Flush(RDKafkaErrorCode::OperationTimedOut)) => {}
                Err(source) => {
                    return Err(SourceError::Kafka {
                        doing: doing(),
                        source,
                    });
                }
            }
            if self.config.stop.is_set() {
                return Err(SourceError::Stopped { doing: doing() });
            }
            if self.config.give_up_after.is_some()
                && let Some(why) = self.producer.context().client.status.refusal()
            {
                return Err(SourceError::Refused {
                    doing: doing(),
                    why,
                });
            }
            let after = begin.elapsed();
            if self
                .config
                .give_up_after
                .is_some_and(|limit| after >= limit)
            {
                return Err(SourceError::GaveUp {
                    doing: doing(),
                    after,
                    source: KafkaError::Flush(RDKafkaErrorCode::OperationTimedOut),
                });
            }
        }
    }

    /// Number of records that the broker acknowledged so far.
    #[must_use]
    pub fn acknowledged(&self) -> u64 {
        let deliveries = self.producer.context();
        deliveries.acknowledged.load(Ordering::Acquire)
    }

    fn check(&self, doing: &dyn Fn() -> String) -> Result<(), SourceError> {
        let failure = &self.producer.context().failure;
        let failure = failure.lock().unwrap_or_else(PoisonError::into_inner);
        match failure.clone() {
            None => Ok(()),
            Some(source) => Err(SourceError::Kafka {
                doing: doing(),
                source,
            }),
        }
    }
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.client.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.client.error(error, reason);
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, _opaque: ()) {
        match result {
            Ok(_) => {
                self.acknowledged.fetch_add(1, Ordering::Release);
            }
            Err((error, _)) => {
                let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
                failure.get_or_insert_with(|| error.clone());
            }
        }
    }
}
