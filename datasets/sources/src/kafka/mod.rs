//! Kafka by librdkafka: assigned partitions, own offsets, one queue a partition.

mod admin;
mod backoff;
mod config;
mod context;
mod reader;
mod release;
mod security;
mod source;
mod writer;

pub use admin::{KafkaAdmin, NewTopic, TopicFacts};
pub use config::KafkaConfig;
pub(crate) use context::is_transient_code;
pub use release::KafkaRelease;
pub use security::{KafkaSecurity, Sasl, SaslMechanism};
pub use source::KafkaSource;
pub use writer::{KafkaWriter, REPLAYED_TIMESTAMP_HEADER};
