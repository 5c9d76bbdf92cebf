//! A partition's state, rebuilt from the rows that its records left behind.

use rustc_hash::FxHashMap;

use crate::codec::DecodeError;
use crate::{EventId, Millis, Topic};

use super::change::KEY_SEPARATOR;
use super::head::Head;
use super::keys::Slot;
use super::newest::Newest;
use super::partition::{Keys, Partition};
use super::{AdmissionSettings, InputRow, RowKind};

/// Takes the rows of one partition in any order, and gives the partition as it was when it had left them.
#[derive(Debug)]
pub struct Restore {
    partition: Partition,
    /// By key: the offset of the newest row of kind row, of kind head, and of the settled ones of kind row.
    newest: Vec<[i64; 3]>,
    /// Of keys whose newest head is that of a replay: the replay's offset and its place.
    replayed: FxHashMap<Slot, (i64, i64)>,
    ids: Vec<Accepted>,
    running_max: Millis,
}

/// An id as a row tells it; ordered as ids are forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Accepted {
    timestamp: Millis,
    offset: i64,
    id: EventId,
    slot: Slot,
}

impl Restore {
    /// Begins with a partition of which nothing was read.
    #[must_use]
    pub fn new(topic: Topic, settings: AdmissionSettings) -> Self {
        Self {
            partition: Partition::new(topic, settings),
            newest: Vec::new(),
            replayed: FxHashMap::default(),
            ids: Vec::new(),
            running_max: Millis(i64::MIN),
        }
    }

    /// Takes a row. Of the rows of one kind and key the one with the highest offset counts.
    pub fn row(&mut self, row: &InputRow<'_>) -> Result<(), DecodeError> {
        self.take(row).map(drop)
    }

    /// Takes a row as [`Self::row`] does, and says whether it changes what those taken by this function make of
    /// their keys: of likes, which add up, each row of kind row does, of all others those that are newer than all
    /// of their key before them.
    pub fn settled_row(&mut self, row: &InputRow<'_>) -> Result<bool, DecodeError> {
        let slot = self.take(row)?;
        Ok(match slot {
            Some(slot) if row.kind == RowKind::Row => {
                let adds_up = matches!(self.partition.keys, Keys::Likes { .. });
                adds_up || self.is_newest(slot, 2, row.offset)
            }
            _ => false,
        })
    }

    /// Takes a row, and gives the number of its key unless it is the partition's own.
    fn take(&mut self, row: &InputRow<'_>) -> Result<Option<Slot>, DecodeError> {
        self.running_max = self.running_max.max(row.timestamp_millis);
        self.partition.last_offset = self.partition.last_offset.max(row.offset);
        if row.key.is_empty() {
            return Ok(None);
        }
        let slot = self.partition.keys.intern(row.key)?;
        self.newest
            .resize(self.partition.keys().max(self.newest.len()), [-1; 3]);
        let keys = self.partition.keys().max(self.partition.newest.len());
        self.partition.newest.resize(keys, Newest::default());
        if let Some(id) = row.event_id {
            let newest = &mut self.partition.newest[slot as usize];
            if newest.place() < Some(row.offset) {
                *newest = newest.at(row.offset);
            }
            self.ids.push(Accepted {
                timestamp: row.timestamp_millis,
                offset: row.offset,
                id,
                slot,
            });
        }
        match row.kind {
            RowKind::Row if self.is_newest(slot, 0, row.offset) => {
                let newest = &mut self.partition.newest[slot as usize];
                *newest = newest.liked(row.diff > 0);
            }
            RowKind::Head if self.is_newest(slot, 1, row.offset) => {
                let head = Head::read(row.value.unwrap_or_default())?;
                match head.place {
                    Some(place) => self.replayed.insert(slot, (row.offset, place)),
                    None => self.replayed.remove(&slot),
                };
                if let Some(version) = head.version {
                    self.partition.versions.insert(slot, version);
                }
                if let Keys::Equipment { hashes, .. } = &mut self.partition.keys {
                    hashes[slot as usize] = head.hash.map(Box::from);
                }
            }
            RowKind::Row | RowKind::Head | RowKind::Id => {}
        }
        Ok(Some(slot))
    }

    /// The partition.
    #[must_use]
    pub fn finish(mut self) -> Partition {
        for (slot, (offset, place)) in self.replayed {
            let newest = &mut self.partition.newest[slot as usize];
            // A newer record may have come, and told no head.
            if newest.place() == Some(offset) {
                *newest = newest.at(place);
            }
        }
        let ids = &mut self.partition.ids;
        ids.advance(self.running_max);
        self.partition.told_max = self.running_max;
        self.ids.sort_unstable();
        for accepted in self.ids {
            ids.insert(
                accepted.id,
                accepted.slot,
                accepted.timestamp,
                accepted.offset,
            );
        }
        self.partition
    }

    fn is_newest(&mut self, slot: Slot, kind: usize, offset: i64) -> bool {
        let newest = &mut self.newest[slot as usize][kind];
        let is_newest = offset > *newest;
        *newest = offset.max(*newest);
        is_newest
    }
}

impl Keys {
    /// The number of the key that stands in a row.
    fn intern(&mut self, key: &[u8]) -> Result<Slot, DecodeError> {
        match self {
            Self::Equipment { ocids, hashes } => {
                let slot = ocids.intern(key);
                hashes.resize(ocids.len(), None);
                Ok(slot)
            }
            Self::Enrich { ocids } => Ok(ocids.intern(key)),
            Self::Likes { pairs } => {
                let (target, account) = parts(key)?;
                Ok(pairs.intern(target, account))
            }
            Self::Donations { pairs } => {
                let (sender, request) = parts(key)?;
                Ok(pairs.intern(sender, request))
            }
        }
    }
}

fn parts(key: &[u8]) -> Result<(&[u8], &[u8]), DecodeError> {
    let separator = memchr::memchr(KEY_SEPARATOR, key).ok_or(DecodeError::Invalid {
        what: "an input row",
        problem: "the key is not two ids",
    })?;
    Ok((&key[..separator], &key[separator + 1..]))
}
