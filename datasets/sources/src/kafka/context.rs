//! What librdkafka tells outside of the records: errors of the connection, logs, commits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::{ClientContext, TopicPartitionList};
use tracing::{debug, warn};

use super::security::KafkaSecurity;
use crate::status::StatusCell;

/// Whether an operation that failed with `code` may succeed when it is tried again.
pub(crate) fn is_transient_code(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::BrokerTransportFailure
            | Code::AllBrokersDown
            | Code::Resolve
            | Code::OperationTimedOut
            | Code::MessageTimedOut
            | Code::TimedOutQueue
            | Code::WaitingForCoordinator
            | Code::WaitCache
            | Code::Retry
            | Code::InProgress
            | Code::QueueFull
            | Code::LeaderNotAvailable
            | Code::NotLeaderForPartition
            | Code::RequestTimedOut
            | Code::BrokerNotAvailable
            | Code::ReplicaNotAvailable
            | Code::NetworkException
            | Code::CoordinatorLoadInProgress
            | Code::CoordinatorNotAvailable
            | Code::NotCoordinator
            | Code::NotController
            | Code::NotEnoughReplicas
            | Code::NotEnoughReplicasAfterAppend
            | Code::KafkaStorageError
            | Code::FencedLeaderEpoch
            | Code::UnknownLeaderEpoch
            | Code::OffsetNotAvailable
            | Code::PreferredLeaderNotAvailable
            | Code::EligibleLeadersNotAvailable
            | Code::ThrottlingQuotaExceeded
            | Code::UnstableOffsetCommit
    )
}

/// Whether `code` is of one partition, and not of the connection.
fn is_of_partition(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::PartitionEOF
            | Code::AutoOffsetReset
            | Code::OffsetOutOfRange
            | Code::LogTruncation
            | Code::UnknownTopicOrPartition
            | Code::UnknownTopic
            | Code::UnknownPartition
    )
}

/// Hears what concerns a whole client.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) status: Arc<StatusCell>,
    security: KafkaSecurity,
    /// A record came by another way than its partition's queue.
    pub(super) misrouted: AtomicBool,
}

impl Context {
    pub(super) fn new(status: Arc<StatusCell>, security: KafkaSecurity) -> Self {
        Self {
            status,
            security,
            misrouted: AtomicBool::new(false),
        }
    }

    pub(super) fn is_misrouted(&self) -> bool {
        self.misrouted.load(Ordering::Relaxed)
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error
            | RDKafkaLogLevel::Warning => warn!(facility, message, "librdkafka"),
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => {
                debug!(facility, message, "librdkafka");
            }
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        // How long it took to fail differs each time, and says nothing.
        let reason = reason.split(" (after ").next().unwrap_or(reason);
        let text = format!("{error}: {reason}");
        match error.rdkafka_error_code() {
            // These come by the partition's queue as well, and are answered there.
            Some(code) if is_of_partition(code) => {}
            // A broker that ends a connection at once may lack the client's certificate, and librdkafka does not say it.
            Some(code) if is_transient_code(code) => match self.security.problem_at_end(reason) {
                Some(problem) => self.status.refused(format!("{problem}: {reason}")),
                None => self.status.away(text),
            },
            // What is wrong with the client's rights or with TLS; librdkafka tries again all the same.
            Some(RDKafkaErrorCode::SSL) => match self.security.problem(reason) {
                Some(problem) => self.status.refused(format!("{problem}: {reason}")),
                None => self.status.refused(text),
            },
            Some(RDKafkaErrorCode::Authentication | RDKafkaErrorCode::SaslAuthenticationFailed)
                if reason.contains("invalid credentials") =>
            {
                self.status
                    .refused(format!("user or password is wrong: {reason}"));
            }
            _ => self.status.refused(text),
        }
    }
}

impl ConsumerContext for Context {
    fn commit_callback(&self, result: KafkaResult<()>, _offsets: &TopicPartitionList) {
        if let Err(error) = result {
            warn!(%error, "offsets for lag tools were not committed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::Availability;

    #[test]
    fn a_refused_client_is_away_and_says_why() {
        for code in [
            RDKafkaErrorCode::Authentication,
            RDKafkaErrorCode::SaslAuthenticationFailed,
            RDKafkaErrorCode::SSL,
            RDKafkaErrorCode::ClusterAuthorizationFailed,
        ] {
            let status = Arc::new(StatusCell::new(Availability::Connecting));
            let context = Context::new(status, KafkaSecurity::default());

            context.error(KafkaError::Global(code), "wrong password");
            // The client's last broker is gone with it, which says less.
            context.error(
                KafkaError::Global(RDKafkaErrorCode::AllBrokersDown),
                "1/1 brokers are down",
            );

            let status = context.status.get();
            assert_eq!(status.availability, Availability::Away);
            let error = status.last_error.unwrap();
            assert!(error.ends_with(": wrong password"), "{error}");
        }
    }

    #[test]
    fn what_a_partition_says_is_no_fault_of_the_connection() {
        let status = Arc::new(StatusCell::new(Availability::Up));
        let context = Context::new(status, KafkaSecurity::default());

        context.error(KafkaError::Global(RDKafkaErrorCode::PartitionEOF), "");
        context.error(
            KafkaError::Global(RDKafkaErrorCode::OffsetOutOfRange),
            "gone",
        );

        assert_eq!(context.status.get().availability, Availability::Up);
        assert_eq!(context.status.get().last_error, None);
    }
}
