//! What a batch of records became: the buffer that admission fills and the rest of the job reads.

use crate::{EventId, Millis, Rejection, Topic};

use super::change::Change;
use super::outcome::{Counts, Outcome};
use super::row::{InputRow, RowKind};

/// What the records of one batch of one partition became. Reused: [`clear`](Self::clear) keeps the
/// memory.
#[derive(Debug)]
pub struct Admitted {
    topic: Topic,
    counts: Counts,
    rows: Vec<StoredRow>,
    rejected: Vec<Rejected>,
    /// Keys and values of the rows.
    bytes: Vec<u8>,
}

/// A record that was not accepted, with its original bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Why.
    pub rejection: Rejection,
    /// The message's key, as it came.
    pub key: Option<Box<[u8]>>,
    /// The message's value, as it came.
    pub value: Option<Box<[u8]>>,
    /// The broker's timestamp.
    pub timestamp_millis: Millis,
    /// The place in the partition.
    pub offset: i64,
}

/// A stretch of [`Admitted::bytes`].
#[derive(Clone, Copy, Debug)]
struct Span {
    start: usize,
    end: usize,
}

#[derive(Clone, Copy, Debug)]
struct StoredRow {
    kind: RowKind,
    diff: i8,
    key: Span,
    value: Option<Span>,
    event_id: Option<EventId>,
    timestamp_millis: Millis,
    offset: i64,
}

impl Admitted {
    /// An empty buffer for batches of `topic`.
    #[must_use]
    pub fn new(topic: Topic) -> Self {
        Self {
            topic,
            counts: Counts::default(),
            rows: Vec::new(),
            rejected: Vec::new(),
            bytes: Vec::new(),
        }
    }

    /// Forgets the batch and keeps the memory.
    pub fn clear(&mut self) {
        self.counts = Counts::default();
        self.rows.clear();
        self.rejected.clear();
        self.bytes.clear();
    }

    /// The topic that the batch is of.
    #[must_use]
    pub fn topic(&self) -> Topic {
        self.topic
    }

    /// The records by outcome.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The rows for the input table, in the order of their offsets.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = InputRow<'_>> {
        self.rows.iter().map(|row| InputRow {
            kind: row.kind,
            diff: row.diff,
            key: self.part(row.key),
            value: row.value.map(|span| self.part(span)),
            event_id: row.event_id,
            timestamp_millis: row.timestamp_millis,
            offset: row.offset,
        })
    }

    /// What the graphs get, in the order of the offsets.
    pub fn changes(&self) -> impl Iterator<Item = Change<'_>> {
        self.rows().filter_map(|row| {
            Change::from_row(self.topic, &row).expect("admission writes rows that it can read")
        })
    }

    /// The records that were not accepted.
    #[must_use]
    pub fn rejected(&self) -> &[Rejected] {
        &self.rejected
    }

    /// Memory that the batch keeps alive: what bounds of bytes in flight count.
    #[must_use]
    pub fn bytes_held(&self) -> usize {
        let rejected = self.rejected.iter().map(|rejected| {
            let length = |part: &Option<Box<[u8]>>| part.as_ref().map_or(0, |bytes| bytes.len());
            size_of::<Rejected>() + length(&rejected.key) + length(&rejected.value)
        });
        self.bytes.len() + self.rows.len() * size_of::<StoredRow>() + rejected.sum::<usize>()
    }

    fn part(&self, span: Span) -> &[u8] {
        &self.bytes[span.start..span.end]
    }

    pub(super) fn count(&mut self, outcome: Outcome) {
        self.counts.count(outcome);
    }

    pub(super) fn reject(&mut self, rejected: Rejected) {
        self.rejected.push(rejected);
    }

    /// Starts a row: `put_key` appends its key.
    pub(super) fn put_key(&mut self, put_key: impl FnOnce(&mut Vec<u8>)) -> Key {
        Key(self.put(put_key))
    }

    /// Adds a row to a key that was put before. `put_value` appends the value.
    pub(super) fn push_row(
        &mut self,
        kind: RowKind,
        key: Key,
        of: RowOf,
        put_value: impl FnOnce(&mut Vec<u8>),
    ) {
        let value = Some(self.put(put_value));
        self.push(kind, 1, key, value, of);
    }

    /// Adds a row without a value: an id, or a deletion.
    pub(super) fn push_bare(&mut self, kind: RowKind, diff: i8, key: Key, of: RowOf) {
        self.push(kind, diff, key, None, of);
    }

    fn push(&mut self, kind: RowKind, diff: i8, key: Key, value: Option<Span>, of: RowOf) {
        self.rows.push(StoredRow {
            kind,
            diff,
            key: key.0,
            value,
            event_id: of.event_id,
            timestamp_millis: of.timestamp_millis,
            offset: of.offset,
        });
    }

    fn put(&mut self, put: impl FnOnce(&mut Vec<u8>)) -> Span {
        let start = self.bytes.len();
        put(&mut self.bytes);
        Span {
            start,
            end: self.bytes.len(),
        }
    }
}

/// A key that stands in the buffer; several rows may share it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key(Span);

/// The record that a row is of.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowOf {
    pub(super) event_id: Option<EventId>,
    pub(super) timestamp_millis: Millis,
    pub(super) offset: i64,
}
