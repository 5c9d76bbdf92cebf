//! What the graphs say of the values of one region, gathered from a read-out on a thread of its own.

use dataflow::Held;
use graphs::expectation::Equipment;
use model::Epoch;
use model::view::{CharacterEncoder, Kind, ViewKey, likes};
use views::scrub::kind_at;
use views::{Cursor, ListOrder, PayloadHash, Region};

use crate::egress::ReadOut;

/// A pass has about so many regions at most: each is found by a look at all keys.
const REGIONS_MAX: usize = 256;

/// What the values of a region are at an epoch. It keeps no page of the read-out's keys in memory.
pub(crate) struct Expected {
    /// The epoch.
    pub(crate) as_of: Epoch,
    /// The region; it holds all keys of the store that lie in it.
    pub(super) region: Region,
    /// How many keys there are in all regions.
    pub(super) keys_in_all: usize,
    /// In the order of their keys.
    pub(super) entries: Vec<Entry>,
    characters: Vec<Held<Equipment>>,
}

/// What one value is.
pub(super) struct Entry {
    pub(super) key: ViewKey,
    pub(super) hash: PayloadHash,
    /// The count of likes; a character's payload is made again from its equipment.
    count: Option<i64>,
}

impl Expected {
    /// Gathers the region that starts at `from` and has about `size` keys.
    pub(super) fn gather(
        read_out: &ReadOut,
        order: ListOrder,
        from: Option<Cursor>,
        size: usize,
    ) -> Self {
        let characters: usize = read_out.characters.iter().map(Held::len).sum();
        let counts: usize = read_out.like_counts.iter().map(|counts| counts.len()).sum();
        let size = size.max((characters + counts) / REGIONS_MAX);
        let region = match kind_at(from.as_ref()) {
            Kind::Character => {
                let ids = read_out.characters.iter().flat_map(Held::keys);
                Region::next(order, from, ids, characters, size)
            }
            Kind::Likes => {
                let held = read_out.like_counts.iter();
                let ids = held.flat_map(|counts| counts.iter().map(|(id, _)| id));
                Region::next(order, from, ids, counts, size)
            }
        };
        let mut expected = Self {
            as_of: read_out.as_of,
            region,
            keys_in_all: characters + counts,
            entries: Vec::new(),
            characters: Vec::new(),
        };
        match expected.region.kind() {
            Kind::Character => expected.gather_characters(read_out),
            Kind::Likes => expected.gather_likes(read_out),
        }
        expected.entries.sort_by(|a, b| a.key.cmp(&b.key));
        expected
    }

    fn gather_characters(&mut self, read_out: &ReadOut) {
        let mut encoder = CharacterEncoder::default();
        for held in &read_out.characters {
            let held = held.only(|ocid| self.region.contains_id(ocid));
            self.entries.extend(held.iter().map(|(ocid, value)| Entry {
                key: ViewKey::character(ocid),
                hash: PayloadHash::of(&encoder.encode(&value)),
                count: None,
            }));
            self.characters.push(held);
        }
    }

    fn gather_likes(&mut self, read_out: &ReadOut) {
        for (target, count) in read_out.like_counts.iter().flat_map(|counts| counts.iter()) {
            if self.region.contains_id(target) {
                self.entries.push(Entry {
                    key: ViewKey::likes(target),
                    hash: PayloadHash::of(&likes::encode(count)),
                    count: Some(count),
                });
            }
        }
    }

    /// Whether there is a value of `key`.
    pub(super) fn has(&self, key: &ViewKey) -> bool {
        self.entries
            .binary_search_by(|entry| entry.key.cmp(key))
            .is_ok()
    }

    /// The payload of an entry.
    pub(super) fn payload(&self, entry: &Entry) -> Vec<u8> {
        match entry.count {
            Some(count) => likes::encode(count),
            None => {
                let mut held = self.characters.iter();
                let value = held
                    .find_map(|held| held.find(&entry.key.id))
                    .expect("the entry was made of one of them");
                CharacterEncoder::default().encode(&value)
            }
        }
    }
}
