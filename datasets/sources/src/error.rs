//! Why a source did not give its records.

use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use model::PartitionId;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use thiserror::Error;

use crate::kafka::is_transient_code;

/// Why a source did not give its records.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the messages document the variants")]
pub enum SourceError {
    #[error(
        "read {partition} from offset {next_offset}: only offsets {} to {} exist, {} to {} are missing",
        available.start, available.end,
        missing(*next_offset, available).start, missing(*next_offset, available).end
    )]
    OffsetGone {
        partition: PartitionId,
        next_offset: i64,
        available: Range<i64>,
    },
    #[error("open {partition}: there is no such partition in {place}")]
    UnknownPartition {
        partition: PartitionId,
        place: String,
    },
    #[error("open {partition}: it is being read by another reader of this source")]
    AlreadyOpen { partition: PartitionId },
    #[error("read {partition}: a record came outside of the partition's own queue")]
    Misrouted { partition: PartitionId },
    #[error("{doing}")]
    Kafka { doing: String, source: KafkaError },
    #[error("{doing}")]
    Tls {
        doing: String,
        source: Box<connection::TlsError>,
    },
    #[error("{doing}: refused: {why}")]
    Refused { doing: String, why: String },
    #[error("{doing}: no success within {after:?}")]
    GaveUp {
        doing: String,
        after: Duration,
        source: KafkaError,
    },
    #[error("{doing}: stopped on request")]
    Stopped { doing: String },
    #[error("open {}", path.display())]
    Open { path: PathBuf, source: io::Error },
    #[error("read line {line} of {}", path.display())]
    Read {
        path: PathBuf,
        line: u64,
        source: io::Error,
    },
    #[error("write {}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("read line {line} of {}: it is longer than {bytes_max} bytes", path.display())]
    LineTooLong {
        path: PathBuf,
        line: u64,
        bytes_max: usize,
    },
    #[error(
        "read line {line} of {}: offset {offset} of {partition} is not above the one before it",
        path.display()
    )]
    OffsetNotGrowing {
        path: PathBuf,
        line: u64,
        partition: PartitionId,
        offset: i64,
    },
    #[error("follow {}: only one plain file can be followed", path.display())]
    CannotFollow { path: PathBuf },
    #[error("generate records: {problem}")]
    Generator { problem: String },
}

impl SourceError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Kafka { source, .. } => {
                source.rdkafka_error_code().is_some_and(is_transient_code)
            }
            Self::GaveUp { .. } => true,
            Self::Open { source, .. } | Self::Read { source, .. } | Self::Write { source, .. } => {
                matches!(
                    source.kind(),
                    io::ErrorKind::Interrupted
                        | io::ErrorKind::WouldBlock
                        | io::ErrorKind::TimedOut
                        | io::ErrorKind::StorageFull
                )
            }
            Self::OffsetGone { .. }
            | Self::UnknownPartition { .. }
            | Self::AlreadyOpen { .. }
            | Self::Misrouted { .. }
            | Self::Stopped { .. }
            | Self::Tls { .. }
            | Self::Refused { .. }
            | Self::LineTooLong { .. }
            | Self::OffsetNotGrowing { .. }
            | Self::CannotFollow { .. }
            | Self::Generator { .. } => false,
        }
    }

    /// The offsets that should be there and are not, if that is the error.
    #[must_use]
    pub fn missing_offsets(&self) -> Option<Range<i64>> {
        match self {
            Self::OffsetGone {
                next_offset,
                available,
                ..
            } => Some(missing(*next_offset, available)),
            _ => None,
        }
    }

    /// The broker's or the client's code, if there is one.
    #[must_use]
    pub fn kafka_code(&self) -> Option<RDKafkaErrorCode> {
        match self {
            Self::Kafka { source, .. } | Self::GaveUp { source, .. } => source.rdkafka_error_code(),
            _ => None,
        }
    }
}

/// What lies between the wanted offset and those that exist: below them (deleted by retention) or
/// behind them (the topic was truncated or made anew).
fn missing(next_offset: i64, available: &Range<i64>) -> Range<i64> {
    if next_offset < available.start {
        next_offset..available.start
    } else {
        available.end..next_offset
    }
}
