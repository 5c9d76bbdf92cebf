//! A batch of records in one buffer: nothing is allocated for a single record.

use model::{Millis, RawRecord};

/// Records of one partition in offset order. Clear it and use it again.
#[derive(Clone, Debug, Default)]
pub struct RecordBatch {
    bytes: Vec<u8>,
    places: Vec<Place>,
}

/// Where a record lies in the buffer: the key first, its value right behind it.
#[derive(Clone, Copy, Debug)]
struct Place {
    offset: i64,
    timestamp_millis: i64,
    start: usize,
    replays: Option<i64>,
    key_bytes: Option<u32>,
    value_bytes: Option<u32>,
}

impl RecordBatch {
    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether it holds no record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Bytes of all keys and values.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Forgets the records and keeps the buffer.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.places.clear();
    }

    /// Copies a record to the end.
    ///
    /// # Panics
    /// If a key or a value has 4 GiB or more; no source reads messages of that size.
    pub fn push(&mut self, record: RawRecord<'_>) {
        let start = self.bytes.len();
        let mut append = |part: Option<&[u8]>| {
            part.map(|part| {
                self.bytes.extend_from_slice(part);
                u32::try_from(part.len()).expect("messages are far smaller than 4 GiB")
            })
        };
        let key_bytes = append(record.key);
        let value_bytes = append(record.value);
        self.places.push(Place {
            offset: record.offset,
            timestamp_millis: record.timestamp_millis.0,
            start,
            replays: record.replays,
            key_bytes,
            value_bytes,
        });
    }

    /// The record at `index`, if there are so many.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<RawRecord<'_>> {
        self.places.get(index).map(|place| self.record(place))
    }

    /// The records in offset order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = RawRecord<'_>> {
        self.places.iter().map(|place| self.record(place))
    }

    fn record(&self, place: &Place) -> RawRecord<'_> {
        let value_start = place.start + place.key_bytes.unwrap_or(0) as usize;
        RawRecord {
            key: place
                .key_bytes
                .map(|_| &self.bytes[place.start..value_start]),
            value: place
                .value_bytes
                .map(|bytes| &self.bytes[value_start..value_start + bytes as usize]),
            timestamp_millis: Millis(place.timestamp_millis),
            offset: place.offset,
            replays: place.replays,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_gives_back_what_was_pushed() {
        let records = [
            (Some(&b"k"[..]), Some(&b"value"[..])),
            (None, Some(&b""[..])),
            (Some(&b""[..]), None),
            (None, None),
        ];
        let mut batch = RecordBatch::new();
        for _ in 0..2 {
            batch.clear();
            for (offset, (key, value)) in (7..).zip(records) {
                batch.push(RawRecord {
                    key,
                    value,
                    timestamp_millis: Millis(offset * 10),
                    offset,
                    replays: (offset == 8).then_some(3),
                });
            }
        }

        assert_eq!(batch.len(), 4);
        assert_eq!(batch.bytes(), 6);
        for (index, (key, value)) in records.into_iter().enumerate() {
            let record = batch.get(index).unwrap();
            assert_eq!((record.key, record.value), (key, value));
            assert_eq!(record.offset, 7 + index as i64);
            assert_eq!(record.replays, (record.offset == 8).then_some(3));
            assert_eq!(record.timestamp_millis, Millis(record.offset * 10));
        }
        assert_eq!(batch.iter().count(), 4);
        assert!(batch.get(4).is_none());
    }
}
