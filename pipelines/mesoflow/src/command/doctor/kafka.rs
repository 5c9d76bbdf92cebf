//! The broker and its topics.

use std::time::Duration;

use connection::SecretError;
use model::limits::MESSAGE_BYTES_MAX;
use runtime::config::Job;
use sources::kafka::{KafkaAdmin, KafkaRelease, NewTopic, TopicFacts};
use sources::{KafkaConfig, KafkaSource, SourceError, StopFlag};

use super::finding::{Findings, duration_text};
use super::records;
use super::tables::Sealed;
use crate::job;

/// How long a broker may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// What librdkafka 2 speaks with.
const RELEASE_MIN: KafkaRelease = KafkaRelease { major: 2, minor: 1 };
/// Records must outlive an outage of the job.
const KEPT_MILLIS_MIN: u64 = 3_600_000;

pub(super) fn examine(job: &Job, sealed: &Sealed, findings: &mut Findings) {
    let subject = format!("broker {}", job.source.brokers);
    let config = match config(job) {
        Ok(config) => config,
        Err(error) => {
            findings.failed(&subject, &error, job::SECRET_ADVICE);
            return;
        }
    };
    let (admin, source) = match clients(&config) {
        Ok(clients) => clients,
        Err(error) => {
            let to_do = "correct source.brokers of the job file, or the files of source.tls";
            findings.failed(&subject, &error, to_do);
            return;
        }
    };
    let security = &config.security;
    if security.tls.is_some() || security.sasl.is_some() {
        let user = security.sasl.as_ref().map(|sasl| {
            let mechanism = sasl.mechanism.name();
            format!(" as user {} by {mechanism}", sasl.login.user)
        });
        let found = format!(
            "reached by {}{}",
            security.protocol(),
            user.unwrap_or_default()
        );
        findings.fine(&subject, found);
    }
    match admin.broker_count() {
        Ok(count) => findings.fine(&subject, format!("{count} brokers in the cluster")),
        Err(error) => {
            let to_do = match &error {
                SourceError::Refused { why, .. } => runtime::advice("source", why),
                _ => "start it, or correct source.brokers; see that nothing between refuses"
                    .to_owned(),
            };
            findings.failed(&subject, &error, &to_do);
            return;
        }
    }
    release(
        &admin,
        security.protocol() != "plaintext",
        &subject,
        findings,
    );

    let mut there = 0;
    for (&topic, name) in &config.topics {
        let subject = format!("topic {name}");
        match admin.facts(topic) {
            Ok(Some(facts)) => {
                there += 1;
                let known = sealed.keys().filter(|id| id.topic == topic).count();
                judge(&facts, known, &subject, findings);
            }
            Ok(None) => findings.odd(
                &subject,
                "there is no such topic",
                "make it, or correct source.topics; a job that runs reads it from its next start on",
            ),
            Err(error) => findings.failed(
                &subject,
                &error,
                "give this client the rights Describe and DescribeConfigs on the topic",
            ),
        }
    }
    if there == 0 {
        let to_do = "make at least one of the topics that the job reads";
        findings.wrong(&subject, "no topic of the job can be read", to_do);
        return;
    }
    records::examine(&source, sealed, findings);
}

/// As the job reads, but with an end to its patience.
fn config(job: &Job) -> Result<KafkaConfig, SecretError> {
    let mut config = runtime::kafka_config(job, &StopFlag::default())?;
    config.give_up_after = Some(PATIENCE);
    Ok(config)
}

fn clients(config: &KafkaConfig) -> Result<(KafkaAdmin, KafkaSource), SourceError> {
    Ok((
        KafkaAdmin::new(config.clone())?,
        KafkaSource::new(config.clone())?,
    ))
}

fn release(admin: &KafkaAdmin, is_protected: bool, subject: &str, findings: &mut Findings) {
    match admin.release() {
        Ok(Some(release)) if release < RELEASE_MIN => findings.wrong(
            subject,
            format!("Kafka {release}"),
            "use Kafka 2.1 or newer; 4.3 is what is tested",
        ),
        Ok(Some(release)) => findings.fine(subject, format!("Kafka {release} or newer")),
        // A connection that is protected is not made only to ask for it.
        Ok(None) if is_protected => {}
        Ok(None) => findings.odd(
            subject,
            "its release is not told",
            "make sure that it is Kafka 2.1 or newer; 4.3 is what is tested",
        ),
        Err(error) => findings.failed(subject, &error, "see whether it is a Kafka broker"),
    }
}

/// Judges a topic; `known` is the number of its partitions that the job has sealed records of.
fn judge(facts: &TopicFacts, known: usize, subject: &str, findings: &mut Findings) {
    partitions(facts, known, subject, findings);
    kept(facts, subject, findings);
    match facts.timestamp_type.as_str() {
        "LogAppendTime" => findings.fine(subject, "records carry the broker's time"),
        other => findings.odd(
            subject,
            format!("message.timestamp.type is {other}: records carry their producers' time"),
            "set it to LogAppendTime: one record from the future makes all event ids forgotten",
        ),
    }
    let bytes_max = facts.message_bytes_max;
    if bytes_max < MESSAGE_BYTES_MAX as u64 {
        findings.odd(
            subject,
            format!("max.message.bytes is {bytes_max}"),
            "set it to at least 2097152 (better 4194304, a batch counts as one): documents of 2 MiB are accepted",
        );
    } else {
        findings.fine(subject, format!("messages of {bytes_max} bytes fit"));
    }
}

fn partitions(facts: &TopicFacts, known: usize, subject: &str, findings: &mut Findings) {
    let usual = NewTopic::input(facts.topic, &*facts.name).partitions;
    let now = facts.partitions;
    if known > 0 && now != known {
        findings.wrong(
            subject,
            format!("it has {now} partitions, and {known} when the job sealed it"),
            "start a new job in a new folder: its keys have moved, their order is not defined any more",
        );
    } else if usize::try_from(usual) != Ok(now) {
        findings.odd(
            subject,
            format!("it has {now} partitions, where {usual} are usual"),
            "fine if meant; settle it before the first start, since keys move when it grows",
        );
    } else {
        findings.fine(
            subject,
            format!("{now} partitions, {} replicas", facts.replicas),
        );
    }
}

/// Records must be readable until their tables have sealed them.
fn kept(facts: &TopicFacts, subject: &str, findings: &mut Findings) {
    let policy = &facts.cleanup_policy;
    let lag = facts.min_compaction_lag_millis;
    let compacts = policy.contains("compact");
    if compacts && lag == 0 {
        findings.wrong(
            subject,
            format!("cleanup.policy is {policy} without min.compaction.lag.ms"),
            "set cleanup.policy=delete, or min.compaction.lag.ms to hours: a record that vanishes before it is sealed leaves outputs wrong for ever. Where neither can be, flow.outputs = \"after_inputs\" shows nothing before it is sealed",
        );
    } else if compacts && lag < KEPT_MILLIS_MIN {
        findings.odd(
            subject,
            format!("it compacts records after {}", duration_text(lag)),
            "set min.compaction.lag.ms to hours: longer than the job may be away",
        );
    }
    match facts.retention_millis {
        Some(millis) if policy.contains("delete") && millis < KEPT_MILLIS_MIN => findings.odd(
            subject,
            format!("it keeps records for {}", duration_text(millis)),
            "set retention.ms to hours: longer than the job may be away",
        ),
        Some(millis) if policy.contains("delete") => {
            findings.fine(
                subject,
                format!("it keeps records for {}", duration_text(millis)),
            );
        }
        Some(_) | None => findings.fine(subject, "it keeps records without a limit of time"),
    }
}

#[cfg(test)]
mod tests {
    use model::Topic;

    use super::super::finding::Severity;
    use super::*;

    fn facts() -> TopicFacts {
        TopicFacts {
            topic: Topic::Likes,
            name: "like.toggle".to_owned(),
            partitions: 3,
            replicas: 1,
            retention_millis: Some(604_800_000),
            retention_bytes: None,
            cleanup_policy: "delete".to_owned(),
            min_compaction_lag_millis: 0,
            timestamp_type: "LogAppendTime".to_owned(),
            message_bytes_max: 4 << 20,
            min_insync_replicas: 1,
        }
    }

    fn judged(facts: TopicFacts, known: usize) -> (usize, usize) {
        let mut findings = Findings::default();
        judge(&facts, known, "topic", &mut findings);
        (
            findings.count(Severity::Error),
            findings.count(Severity::Warning),
        )
    }

    #[test]
    fn a_topic_as_the_contract_says_is_fine() {
        assert_eq!(judged(facts(), 0), (0, 0));
        assert_eq!(judged(facts(), 3), (0, 0));
    }

    #[test]
    fn compaction_is_an_error_unless_it_waits() {
        let compacted = |min_compaction_lag_millis| TopicFacts {
            cleanup_policy: "compact".to_owned(),
            min_compaction_lag_millis,
            ..facts()
        };
        assert_eq!(judged(compacted(0), 0), (1, 0));
        assert_eq!(judged(compacted(60_000), 0), (0, 1));
        assert_eq!(judged(compacted(86_400_000), 0), (0, 0));
    }

    #[test]
    fn another_number_of_partitions_is_an_error_once_records_are_sealed() {
        let grown = || TopicFacts {
            partitions: 6,
            ..facts()
        };
        assert_eq!(judged(grown(), 0), (0, 1));
        assert_eq!(judged(grown(), 3), (1, 0));
    }

    #[test]
    fn short_retention_producers_time_and_small_messages_are_named() {
        let odd = TopicFacts {
            retention_millis: Some(60_000),
            timestamp_type: "CreateTime".to_owned(),
            message_bytes_max: 1_048_588,
            ..facts()
        };
        assert_eq!(judged(odd, 0), (0, 3));
    }
}
