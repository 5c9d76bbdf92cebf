//! How to reach a broker and which topics to read, and what that means for librdkafka.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use model::Topic;
use rdkafka::ClientConfig;

use super::security::KafkaSecurity;
use crate::StopFlag;

/// How to reach a broker, and which topics to read.
#[derive(Clone)]
pub struct KafkaConfig {
    /// `host:port`, several separated by commas.
    pub bootstrap_servers: String,
    /// The topics to read, each with its name on the broker.
    pub topics: BTreeMap<Topic, String>,
    /// The group under which tools see the job's lag. The job never joins it and never reads it.
    pub group: String,
    /// Bytes of records that may wait in memory for one partition's reader.
    pub queue_bytes: usize,
    /// How long one request may take before it is tried again.
    pub request_timeout: Duration,
    /// How long to try again before a call fails; `None` for without a limit.
    pub give_up_after: Option<Duration>,
    /// Ends waiting calls.
    pub stop: StopFlag,
    /// How the connections are protected.
    pub security: KafkaSecurity,
    /// Settings of librdkafka that come on top. Their values are not shown by `Debug`.
    pub properties: BTreeMap<String, String>,
}

impl KafkaConfig {
    /// Default of [`queue_bytes`](Self::queue_bytes): ten partitions hold 80 MiB at most.
    pub const QUEUE_BYTES: usize = 8 << 20;
    /// Default of [`request_timeout`](Self::request_timeout).
    pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

    /// All topics under their default names, read from `bootstrap_servers`.
    #[must_use]
    pub fn new(bootstrap_servers: impl Into<String>) -> Self {
        Self {
            bootstrap_servers: bootstrap_servers.into(),
            topics: Topic::ALL
                .into_iter()
                .map(|topic| (topic, topic.name().to_owned()))
                .collect(),
            group: "mesoflow".to_owned(),
            queue_bytes: Self::QUEUE_BYTES,
            request_timeout: Self::REQUEST_TIMEOUT,
            give_up_after: None,
            stop: StopFlag::default(),
            security: KafkaSecurity::default(),
            properties: BTreeMap::new(),
        }
    }

    /// What every client needs.
    pub(super) fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        client
            .set("bootstrap.servers", &self.bootstrap_servers)
            .set("client.id", &self.group)
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "2000")
            // Asking for a topic must not make it: producers and admin clients would.
            .set("allow.auto.create.topics", "false")
            // An endless wait is visible in the status; librdkafka need not log every attempt.
            .set("log.connection.close", "false");
        self.security.apply(&mut client);
        for (name, value) in &self.properties {
            client.set(name, value);
        }
        client
    }

    /// A consumer that is assigned its partitions and keeps its offsets itself.
    pub(super) fn consumer(&self) -> ClientConfig {
        let mut client = self.client();
        client
            // Assigning needs the name of a group; nothing is ever subscribed or joined.
            .set("group.id", &self.group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "error")
            .set("isolation.level", "read_committed")
            .set("enable.partition.eof", "true")
            // With its default of 1,000 ms a full queue stops fetching for a second each time.
            .set("fetch.queue.backoff.ms", "2")
            .set("fetch.wait.max.ms", "10")
            .set("fetch.message.max.bytes", "4194304")
            .set("queued.min.messages", "200000")
            // How long a topic may seem absent after it was first asked for.
            .set("topic.metadata.propagation.max.ms", "5000")
            .set(
                "queued.max.messages.kbytes",
                (self.queue_bytes / 1024).max(1).to_string(),
            );
        // The caller's settings win, also over these.
        for (name, value) in &self.properties {
            client.set(name, value);
        }
        client
    }

    /// A producer that writes each record once and waits for all replicas.
    pub(super) fn producer(&self) -> ClientConfig {
        let mut client = self.client();
        client
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("linger.ms", "5")
            .set("batch.size", "1000000")
            .set("batch.num.messages", "100000")
            .set("message.max.bytes", "4194304")
            .set("queue.buffering.max.messages", "500000")
            .set("queue.buffering.max.kbytes", "262144")
            .set("compression.type", "lz4");
        for (name, value) in &self.properties {
            client.set(name, value);
        }
        client
    }
}

impl fmt::Debug for KafkaConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaConfig")
            .field("bootstrap_servers", &self.bootstrap_servers)
            .field("topics", &self.topics)
            .field("group", &self.group)
            .field("queue_bytes", &self.queue_bytes)
            .field("request_timeout", &self.request_timeout)
            .field("give_up_after", &self.give_up_after)
            .field("security", &self.security)
            .field("properties", &self.properties.keys())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        let mut config = KafkaConfig::new("broker:9092");
        config
            .properties
            .insert("sasl.password".to_owned(), "hunter2".to_owned());

        let shown = format!("{config:?}");

        assert!(shown.contains("sasl.password"));
        assert!(!shown.contains("hunter2"));
    }
}
