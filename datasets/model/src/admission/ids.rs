//! The event ids that a partition remembers, each beside the key that it was accepted for.
//!
//! An id counts while the partition's running maximum timestamp is at most the horizon later than
//! the record that it came with, and while it is among the newest `ids_max` by timestamp and offset.
//! Both are functions of the records alone, so a replay remembers the same.

use std::collections::{BTreeMap, VecDeque};

use hashbrown::HashTable;
use rustc_hash::FxHashMap;

use crate::hashing::Hashing;
use crate::{EventId, Millis};

use super::AdmissionSettings;
use super::keys::Slot;

/// Entries of one chunk of the queue: it grows without moving what it holds.
const CHUNK: usize = 4_096;

/// An id that was accepted for a key. Parts of four bytes, so that no byte is padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    id: [u8; 16],
    timestamp: [u32; 2],
    slot: Slot,
}

impl Entry {
    fn timestamp(&self) -> i64 {
        (u64::from(self.timestamp[1]) << 32 | u64::from(self.timestamp[0])).cast_signed()
    }

    fn hash(&self, hashing: Hashing) -> u64 {
        hashing.block(u128::from_le_bytes(self.id), self.slot)
    }
}

/// The remembered ids of one partition.
#[derive(Debug)]
pub(super) struct Ids {
    settings: AdmissionSettings,
    hashing: Hashing,
    /// Entries whose timestamps do not fall, oldest first.
    queue: Queue,
    /// Sequence numbers in `queue`, by id and key.
    numbers: HashTable<u32>,
    /// The highest timestamp that the queue ever took: what comes below it is late.
    newest: i64,
    /// Entries whose timestamp was below `newest`: few, unless producers set timestamps.
    late: BTreeMap<(i64, i64), (EventId, Slot)>,
    late_ids: FxHashMap<(EventId, Slot), (i64, i64)>,
    running_max: Millis,
    /// The timestamp of the newest id that was forgotten for want of room.
    crowded_out: Option<i64>,
}

impl Ids {
    pub(super) fn new(settings: AdmissionSettings) -> Self {
        Self {
            settings,
            hashing: Hashing::default(),
            queue: Queue::default(),
            numbers: HashTable::new(),
            newest: i64::MIN,
            late: BTreeMap::new(),
            late_ids: FxHashMap::default(),
            running_max: Millis(i64::MIN),
            crowded_out: None,
        }
    }

    pub(super) fn running_max(&self) -> Millis {
        self.running_max
    }

    pub(super) fn len(&self) -> usize {
        self.queue.len() + self.late.len()
    }

    /// How far back ids are known: less than the horizon after ids were forgotten for want of room.
    pub(super) fn horizon_in_effect_millis(&self) -> i64 {
        let horizon = self.settings.dedup_horizon_millis;
        self.crowded_out.map_or(horizon, |timestamp| {
            horizon.min(self.running_max.0.saturating_sub(timestamp))
        })
    }

    /// Notes that a record has this timestamp, and forgets what is beyond the horizon now.
    #[inline]
    pub(super) fn advance(&mut self, timestamp: Millis) {
        if timestamp <= self.running_max {
            return;
        }
        self.running_max = timestamp;
        let since = timestamp
            .0
            .saturating_sub(self.settings.dedup_horizon_millis);
        while let Some(oldest) = self.oldest()
            && oldest < since
        {
            self.forget_oldest();
        }
    }

    /// Whether the id was accepted for the key and is remembered.
    #[inline]
    pub(super) fn contains(&self, id: EventId, slot: Slot) -> bool {
        let hash = self.hashing.block(u128::from_le_bytes(id.0), slot);
        let is_queued = self.numbers.find(hash, |&number| {
            let entry = self.queue.get(number);
            entry.id == id.0 && entry.slot == slot
        });
        is_queued.is_some() || (!self.late.is_empty() && self.late_ids.contains_key(&(id, slot)))
    }

    /// Remembers an id that is not remembered yet.
    #[inline]
    pub(super) fn insert(&mut self, id: EventId, slot: Slot, timestamp: Millis, offset: i64) {
        let since = self
            .running_max
            .0
            .saturating_sub(self.settings.dedup_horizon_millis);
        if timestamp.0 < since {
            return;
        }
        if timestamp.0 < self.newest {
            self.late.insert((timestamp.0, offset), (id, slot));
            self.late_ids.insert((id, slot), (timestamp.0, offset));
        } else {
            let unsigned = timestamp.0.cast_unsigned();
            let entry = Entry {
                id: id.0,
                timestamp: [unsigned as u32, (unsigned >> 32) as u32],
                slot,
            };
            self.newest = timestamp.0;
            let number = self.queue.push(entry);
            let (queue, hashing) = (&self.queue, self.hashing);
            self.numbers
                .insert_unique(entry.hash(hashing), number, |&number| {
                    queue.get(number).hash(hashing)
                });
        }
        if self.len() > self.settings.dedup_ids_max {
            self.crowded_out = self.oldest().max(self.crowded_out);
            self.forget_oldest();
        }
    }

    fn oldest(&self) -> Option<i64> {
        let late = self
            .late
            .first_key_value()
            .map(|(&(timestamp, _), _)| timestamp);
        match (self.queue.oldest().map(Entry::timestamp), late) {
            (Some(queued), Some(late)) => Some(queued.min(late)),
            (queued, late) => queued.or(late),
        }
    }

    fn forget_oldest(&mut self) {
        let late = self
            .late
            .first_key_value()
            .map(|(&(timestamp, _), _)| timestamp);
        match (self.queue.oldest().copied(), late) {
            // Of equal timestamps the queued one came first: the late one came below a newer one.
            (Some(queued), late) if late.is_none_or(|late| queued.timestamp() <= late) => {
                let number = self.queue.first_number();
                self.numbers
                    .find_entry(queued.hash(self.hashing), |&found| found == number)
                    .expect("every queued entry has its number")
                    .remove();
                self.queue.pop();
            }
            _ => {
                if let Some((_, entry)) = self.late.pop_first() {
                    self.late_ids.remove(&entry);
                }
            }
        }
    }
}

/// Entries in chunks, first in first out, each known by a number that wraps.
#[derive(Debug, Default)]
struct Queue {
    chunks: VecDeque<Vec<Entry>>,
    /// Number of the first entry of the first chunk.
    base: u32,
    /// Entries of the first chunk that were popped.
    popped: usize,
    len: usize,
}

impl Queue {
    fn len(&self) -> usize {
        self.len
    }

    fn get(&self, number: u32) -> &Entry {
        let place = number.wrapping_sub(self.base) as usize;
        &self.chunks[place / CHUNK][place % CHUNK]
    }

    fn oldest(&self) -> Option<&Entry> {
        self.chunks.front()?.get(self.popped)
    }

    fn first_number(&self) -> u32 {
        self.base.wrapping_add(self.popped as u32)
    }

    fn push(&mut self, entry: Entry) -> u32 {
        if self.chunks.back().is_none_or(|chunk| chunk.len() == CHUNK) {
            self.chunks.push_back(Vec::with_capacity(CHUNK));
        }
        let number = self.first_number().wrapping_add(self.len as u32);
        let last = self
            .chunks
            .back_mut()
            .expect("a chunk was just made sure of");
        last.push(entry);
        self.len += 1;
        number
    }

    fn pop(&mut self) {
        self.popped += 1;
        self.len -= 1;
        if self.popped == CHUNK {
            self.chunks.pop_front();
            self.base = self.base.wrapping_add(CHUNK as u32);
            self.popped = 0;
        }
    }
}
