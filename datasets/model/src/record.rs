//! A record as a source read it, before anything is known of it.

use crate::Millis;

/// The header of a message that replays an earlier one: the offset of that one in the same partition, in decimal digits.
pub const REPLAYS_HEADER: &str = "mesoflow-replays";

/// One record of one partition. Borrowed: a source keeps the bytes, admission copies what it keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawRecord<'a> {
    /// The message's key, if it has one.
    pub key: Option<&'a [u8]>,
    /// The message's value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// The broker's timestamp of the message. Duplicates are measured by it alone.
    pub timestamp_millis: Millis,
    /// The place in the partition.
    pub offset: i64,
    /// Of a replay: the offset in the same partition of the record that it replays, in whose place it counts. Admission
    /// refuses one that is no earlier offset; a source gives -1 where it cannot be read.
    pub replays: Option<i64>,
}
