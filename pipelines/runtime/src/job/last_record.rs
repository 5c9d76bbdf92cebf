//! Whether a topic is still the one that was read: the last record that an input table sealed is read again
//! and compared. A topic that was deleted and created again may have grown past the old offsets.

use std::time::{Duration, Instant};

use sources::{Limits, PartitionReader, Polled, RecordBatch, SourceError, StopFlag};

use crate::error::JobError;
use crate::ingress::LastRecord;
use crate::status::Status;

/// How long one look at a partition takes.
const LOOK: Duration = Duration::from_millis(100);
/// A record that is waited for longer is shown as a wait.
const SOON: Duration = Duration::from_secs(2);

/// Reads on from the last record that was sealed, up to what was sealed, and compares that record.
///
/// - `reader`: stands at the last record; afterwards at `sealed`.
///
/// # Errors
/// If another record is there.
pub(super) fn check(
    reader: &mut dyn PartitionReader,
    last: &LastRecord,
    sealed: i64,
    status: &Status,
    stop: &StopFlag,
) -> Result<(), JobError> {
    const ONE_BY_ONE: Limits = Limits {
        records: 1,
        bytes: 1,
    };
    let partition = reader.partition();
    let mut batch = RecordBatch::new();
    let mut first = None;
    let begun = Instant::now();
    while reader.next_offset() < sealed {
        if stop.is_set() {
            let doing = "compare the last record that was sealed".to_owned();
            return Err(SourceError::Stopped { doing }.into());
        }
        match reader.poll(&mut batch, ONE_BY_ONE, Some(sealed), LOOK) {
            Ok(Polled::Records) => {
                let read = batch.iter().next();
                first = first.or(read.map(|record| LastRecord::of(&record)));
            }
            Ok(Polled::End) => break,
            Ok(Polled::Idle) => {
                if begun.elapsed() > SOON {
                    let why =
                        format!("the last record that was sealed of {partition} is read again");
                    status.wait("source", &why);
                }
            }
            Err(error) if error.is_transient() => {
                status.wait("source", &crate::status::chain(&error));
            }
            Err(error) => return Err(error.into()),
        }
    }
    status.go_on("source");
    match first {
        Some(found) if found.offset == last.offset && found != *last => Err(JobError::Replaced {
            partition,
            offset: last.offset,
            sealed: last.timestamp_millis,
            found: found.timestamp_millis,
        }),
        Some(found) if found.offset == last.offset => Ok(()),
        // Compacted away, or aborted: it says nothing of the others.
        Some(_) | None => {
            tracing::warn!(%partition, offset = last.offset, "the last record that was sealed is not there any more");
            Ok(())
        }
    }
}
