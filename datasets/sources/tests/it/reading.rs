//! Reading a partition to a place, as owned records.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use model::PartitionId;
use sources::{Limits, PartitionReader, Polled, RecordBatch, Source};

/// A record that owns its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owned {
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
    pub(crate) timestamp_millis: i64,
    pub(crate) offset: i64,
    pub(crate) replays: Option<i64>,
}

impl From<model::RawRecord<'_>> for Owned {
    fn from(record: model::RawRecord<'_>) -> Self {
        Self {
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.map(<[u8]>::to_vec),
            timestamp_millis: record.timestamp_millis.0,
            offset: record.offset,
            replays: record.replays,
        }
    }
}

pub(crate) const LIMITS: Limits = Limits {
    records: 1_000,
    bytes: 1 << 20,
};

/// How long a test waits before it fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// Reads up to `stop_at`.
pub(crate) fn read_to(reader: &mut dyn PartitionReader, stop_at: i64) -> Vec<Owned> {
    let deadline = Instant::now() + PATIENCE;
    let mut batch = RecordBatch::new();
    let mut records = Vec::new();
    loop {
        let polled = reader.poll(
            &mut batch,
            LIMITS,
            Some(stop_at),
            Duration::from_millis(100),
        );
        records.extend(batch.iter().map(Owned::from));
        match polled.unwrap() {
            Polled::Records | Polled::Idle => assert!(
                Instant::now() < deadline,
                "{} is at {} after 30 s, not at {stop_at}",
                reader.partition(),
                reader.next_offset()
            ),
            Polled::End => return records,
        }
    }
}

/// Reads every partition from its start to its end.
pub(crate) fn read_all(source: &dyn Source) -> BTreeMap<PartitionId, Vec<Owned>> {
    let starts = source.start_offsets().unwrap();
    let ends = source.end_offsets().unwrap().into_iter();
    ends.map(|(partition, end)| {
        let mut reader = source.open(partition, starts[&partition]).unwrap();
        let records = read_to(&mut *reader, end);
        assert_eq!(reader.next_offset(), end);
        (partition, records)
    })
    .collect()
}
