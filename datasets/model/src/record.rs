//! A record as a source read it, before anything is known of it.

use crate::Millis;

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
}
