//! Whether records can be read, those still to be sealed are there, and the broker's clock is right.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use model::{Millis, PartitionId};
use sources::{KafkaSource, Limits, Polled, RecordBatch, Source, SourceError};

use super::finding::Findings;
use super::tables::Sealed;

/// How long a record may take to come.
const PATIENCE: Duration = Duration::from_secs(10);
/// Clocks may differ by so much.
const SKEW_MILLIS_MAX: i64 = 1_000;

const ONE: Limits = Limits {
    records: 1,
    bytes: 1,
};

pub(super) fn examine(source: &KafkaSource, sealed: &Sealed, findings: &mut Findings) {
    let asked = source
        .start_offsets()
        .and_then(|starts| Ok((starts, source.end_offsets()?)));
    let (starts, ends) = match asked {
        Ok(asked) => asked,
        Err(error) => {
            let to_do = "give this client the right Describe on the topics";
            findings.failed("records", &error, to_do);
            return;
        }
    };
    let mut newest = None;
    let mut read = 0;
    for (&partition, &end) in &ends {
        let start = starts.get(&partition).copied().unwrap_or_default();
        if let Some(&next) = sealed.get(&partition) {
            still_there(partition, next, start, end, findings);
        }
        if end <= start {
            continue;
        }
        match last_record(source, partition, end) {
            Ok(timestamp) => {
                read += 1;
                newest = newest.max(timestamp);
            }
            Err(error) => {
                let to_do = "give this client the right Read on the topic";
                findings.failed(&format!("records of {partition}"), &error, to_do);
            }
        }
    }
    let unread = ends.len() - read;
    findings.fine(
        "records",
        format!("{read} partitions were read, {unread} are empty or failed"),
    );
    clock(newest, now(), findings);
}

fn now() -> Millis {
    let since_1970 = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Millis(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
}

/// Judges the records between what is sealed and what the topic holds.
fn still_there(partition: PartitionId, next: i64, start: i64, end: i64, findings: &mut Findings) {
    let subject = format!("records of {partition}");
    if next < start {
        findings.wrong(
            &subject,
            format!("offsets {next} to {start} were deleted before they were sealed"),
            "restore them, or start a new job in a new folder; nothing is reset in silence",
        );
    } else if next > end {
        findings.wrong(
            &subject,
            format!("sealed up to offset {next}, and the topic ends at {end}"),
            "the topic was made anew or cut: restore it, or start a new job in a new folder",
        );
    } else {
        let left = end - next;
        findings.fine(
            &subject,
            format!("{left} are not sealed yet, all of them are there"),
        );
    }
}

/// Reads the newest record and gives its timestamp; the last offset may hold none.
fn last_record(
    source: &KafkaSource,
    partition: PartitionId,
    end: i64,
) -> Result<Option<Millis>, SourceError> {
    let mut reader = source.open(partition, end - 1)?;
    let mut batch = RecordBatch::default();
    let begin = Instant::now();
    while begin.elapsed() < PATIENCE {
        match reader.poll(&mut batch, ONE, Some(end), Duration::from_millis(200))? {
            Polled::Records => {
                return Ok(batch.iter().map(|record| record.timestamp_millis).max());
            }
            Polled::End => return Ok(None),
            Polled::Idle => {}
        }
    }
    Err(SourceError::Stopped {
        doing: format!("read the newest record of {partition} for {PATIENCE:?}"),
    })
}

/// Judges the newest timestamp of all partitions: a record cannot be of a later time than now.
fn clock(newest: Option<Millis>, now: Millis, findings: &mut Findings) {
    let Some(newest) = newest else {
        return;
    };
    let ahead = newest.0 - now.0;
    if ahead > SKEW_MILLIS_MAX {
        findings.odd(
            "clock",
            format!("the newest record is of {ahead} ms from now"),
            "set the clocks of this machine and of the brokers by one time server",
        );
    } else {
        findings.fine("clock", "no record is of a later time than now");
    }
}

#[cfg(test)]
mod tests {
    use model::Topic;

    use super::super::finding::Severity;
    use super::*;

    #[test]
    fn records_that_are_gone_or_never_were_are_errors() {
        let partition = PartitionId {
            topic: Topic::Likes,
            partition: 0,
        };
        let errors = |next, start, end| {
            let mut findings = Findings::default();
            still_there(partition, next, start, end, &mut findings);
            findings.count(Severity::Error)
        };
        assert_eq!(errors(5, 0, 9), 0);
        assert_eq!(errors(9, 9, 9), 0);
        assert_eq!(errors(5, 6, 9), 1);
        assert_eq!(errors(10, 0, 9), 1);
    }

    #[test]
    fn a_record_from_the_future_is_named() {
        let mut findings = Findings::default();
        clock(Some(Millis(1_000)), Millis(0), &mut findings);
        clock(Some(Millis(1_001)), Millis(0), &mut findings);
        clock(None, Millis(0), &mut findings);
        assert_eq!(findings.count(Severity::Ok), 1);
        assert_eq!(findings.count(Severity::Warning), 1);
    }
}
