//! Trying again with growing pauses.

use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rdkafka::error::KafkaError;

use super::config::KafkaConfig;
use super::context::is_transient_code;
use crate::SourceError;
use crate::status::StatusCell;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How soon a request to stop is seen.
const NAP: Duration = Duration::from_millis(50);

/// The pause before attempt `attempt` (from 1), with `jitter` in `0.0..1.0`: between half of it and
/// the whole, doubled with each attempt up to a bound.
fn pause(attempt: u32, jitter: f64) -> Duration {
    let whole = FIRST_PAUSE
        .saturating_mul(1 << attempt.saturating_sub(1).min(16))
        .min(LONGEST_PAUSE);
    whole.mul_f64(0.5 + jitter / 2.0)
}

/// Calls `act` until it succeeds, fails for good, the configured patience ends or a stop is asked for.
pub(super) fn retry<T>(
    config: &KafkaConfig,
    status: &StatusCell,
    doing: &dyn Fn() -> String,
    mut act: impl FnMut() -> Result<T, KafkaError>,
) -> Result<T, SourceError> {
    let begin = Instant::now();
    for attempt in 1.. {
        match act() {
            Ok(done) => {
                status.up();
                return Ok(done);
            }
            Err(source) if !is_transient(&source) => {
                return Err(SourceError::Kafka {
                    doing: doing(),
                    source,
                });
            }
            Err(source) => {
                status.away(format!("{}: {source}", doing()));
                // Someone has to mend it: whoever has no endless patience learns why at once.
                if config.give_up_after.is_some()
                    && let Some(why) = status.refusal()
                {
                    return Err(SourceError::Refused {
                        doing: doing(),
                        why,
                    });
                }
                let after = begin.elapsed();
                if config.give_up_after.is_some_and(|limit| after >= limit) {
                    return Err(SourceError::GaveUp {
                        doing: doing(),
                        after,
                        source,
                    });
                }
            }
        }
        let until = Instant::now() + pause(attempt, jitter());
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            if config.stop.is_set() {
                return Err(SourceError::Stopped { doing: doing() });
            }
            thread::sleep(left.min(NAP));
        }
    }
    unreachable!("attempts are not limited")
}

fn is_transient(error: &KafkaError) -> bool {
    match error {
        KafkaError::AdminOp(code) => is_transient_code(*code),
        other => other.rdkafka_error_code().is_some_and(is_transient_code),
    }
}

/// A number in `0.0..1.0` that differs between processes that failed together.
fn jitter() -> f64 {
    let nanos = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .subsec_nanos();
    f64::from(nanos % 1000) / 1000.0
}

#[cfg(test)]
mod tests {
    use rdkafka::error::RDKafkaErrorCode;

    use super::*;
    use crate::status::Availability;

    #[test]
    fn pauses_double_up_to_a_bound() {
        assert_eq!(pause(1, 0.0), Duration::from_millis(25));
        assert_eq!(pause(3, 0.0), Duration::from_millis(100));
        assert_eq!(pause(1000, 0.0), Duration::from_secs(1));
        assert!(pause(1000, 0.999) <= LONGEST_PAUSE);
    }

    #[test]
    fn a_transient_error_is_tried_again_and_shown() {
        let status = StatusCell::new(Availability::Connecting);
        let mut attempts = 0;

        let answer = retry(
            &KafkaConfig::new("nowhere:1"),
            &status,
            &|| "ask".to_owned(),
            || {
                attempts += 1;
                if attempts == 1 {
                    return Err(KafkaError::MetadataFetch(RDKafkaErrorCode::AllBrokersDown));
                }
                assert_eq!(status.get().availability, Availability::Away);
                Ok(7)
            },
        );

        assert_eq!(answer.unwrap(), 7);
        assert_eq!(status.get().availability, Availability::Up);
        assert!(status.get().last_error.unwrap().starts_with("ask: "));
    }

    #[test]
    fn other_errors_are_final_and_a_stop_ends_the_waiting() {
        let status = StatusCell::new(Availability::Connecting);
        let config = KafkaConfig::new("nowhere:1");
        let fail = |code| {
            retry::<()>(&config, &status, &|| "ask".to_owned(), || {
                Err(KafkaError::MetadataFetch(code))
            })
        };

        let denied = fail(RDKafkaErrorCode::TopicAuthorizationFailed).unwrap_err();
        assert!(!denied.is_transient());
        status.refused("wrong password".to_owned());
        let impatient = KafkaConfig {
            give_up_after: Some(Duration::from_secs(3600)),
            ..config.clone()
        };
        let refused = retry::<()>(&impatient, &status, &|| "ask".to_owned(), || {
            Err(KafkaError::MetadataFetch(RDKafkaErrorCode::AllBrokersDown))
        });
        assert_eq!(
            refused.unwrap_err().to_string(),
            "ask: refused: wrong password"
        );
        config.stop.set();
        assert!(matches!(
            fail(RDKafkaErrorCode::AllBrokersDown),
            Err(SourceError::Stopped { .. })
        ));
    }
}
