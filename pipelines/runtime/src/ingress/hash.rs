//! The hash of a binding over the records that its epoch read.

use model::record::RawRecord;

/// The hash of one record. An epoch's hash is the wrapping sum over its records: batches may be cut
/// elsewhere when the records are read again.
pub(super) fn record_hash(record: &RawRecord<'_>) -> u64 {
    let part = |part: Option<&[u8]>| part.map_or(0, |bytes| u64::from(crc32fast::hash(bytes)) + 1);
    let mut hash = mix(record.offset.cast_unsigned());
    hash = mix(hash ^ record.timestamp_millis.0.cast_unsigned());
    hash = mix(hash ^ part(record.key));
    hash = mix(hash ^ part(record.value));
    // As it was before there were replays, where there is none.
    record
        .replays
        .map_or(hash, |place| mix(hash ^ place.cast_unsigned()))
}

/// The finalizer of splitmix64 (Steele, Lea, Flood 2014).
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use model::Millis;

    use super::*;

    #[test]
    fn every_part_of_a_record_counts() {
        let record = |key, value, millis, offset| RawRecord {
            key,
            value,
            timestamp_millis: Millis(millis),
            offset,
            replays: None,
        };
        let hashes = [
            record(Some(&b"k"[..]), Some(&b"v"[..]), 1, 1),
            record(Some(b"k"), Some(b"w"), 1, 1),
            record(Some(b"l"), Some(b"v"), 1, 1),
            record(Some(b"k"), Some(b"v"), 2, 1),
            record(Some(b"k"), Some(b"v"), 1, 2),
            record(None, Some(b"v"), 1, 1),
            record(Some(b""), Some(b"v"), 1, 1),
            record(Some(b"k"), None, 1, 1),
            RawRecord {
                replays: Some(0),
                ..record(Some(b"k"), Some(b"v"), 1, 1)
            },
            RawRecord {
                replays: Some(-1),
                ..record(Some(b"k"), Some(b"v"), 1, 1)
            },
        ]
        .map(|record| record_hash(&record));
        let distinct: std::collections::BTreeSet<_> = hashes.iter().collect();
        assert_eq!(distinct.len(), hashes.len());
    }
}
