//! Keys as numbers: texts are kept once, and what is known of a key stands under its number.

use hashbrown::HashTable;

use crate::hashing::Hashing;

/// The number of a key, from 0 in the order of first acceptance.
pub(super) type Slot = u32;

/// Texts, each kept once and known by a number.
#[derive(Debug, Default)]
pub(super) struct Texts {
    hashing: Hashing,
    bytes: Vec<u8>,
    /// Where each text ends in `bytes`.
    ends: Vec<usize>,
    numbers: HashTable<Slot>,
}

impl Texts {
    pub(super) fn find(&self, text: &[u8]) -> Option<Slot> {
        self.find_hashed(self.hashing.bytes(text), text)
    }

    pub(super) fn intern(&mut self, text: &[u8]) -> Slot {
        let hash = self.hashing.bytes(text);
        if let Some(number) = self.find_hashed(hash, text) {
            return number;
        }
        let number = next_slot(self.ends.len());
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len());
        let (hashing, bytes, ends) = (&self.hashing, &self.bytes, &self.ends);
        self.numbers.insert_unique(hash, number, |&number| {
            hashing.bytes(text_at(bytes, ends, number))
        });
        number
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    fn find_hashed(&self, hash: u64, text: &[u8]) -> Option<Slot> {
        self.numbers
            .find(hash, |&number| {
                text_at(&self.bytes, &self.ends, number) == text
            })
            .copied()
    }
}

fn text_at<'a>(bytes: &'a [u8], ends: &[usize], number: Slot) -> &'a [u8] {
    let index = number as usize;
    let start = index.checked_sub(1).map_or(0, |before| ends[before]);
    &bytes[start..ends[index]]
}

/// Pairs of texts, each known by a number.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    hashing: Hashing,
    firsts: Texts,
    seconds: Texts,
    pairs: Vec<(Slot, Slot)>,
    numbers: HashTable<Slot>,
}

impl Pairs {
    pub(super) fn find(&self, first: &[u8], second: &[u8]) -> Option<Slot> {
        let pair = (self.firsts.find(first)?, self.seconds.find(second)?);
        self.find_pair(pair)
    }

    pub(super) fn intern(&mut self, first: &[u8], second: &[u8]) -> Slot {
        let pair = (self.firsts.intern(first), self.seconds.intern(second));
        if let Some(number) = self.find_pair(pair) {
            return number;
        }
        let number = next_slot(self.pairs.len());
        self.pairs.push(pair);
        let (hashing, pairs) = (&self.hashing, &self.pairs);
        self.numbers
            .insert_unique(hashing.pair(pair.0, pair.1), number, |&number| {
                let (first, second) = pairs[number as usize];
                hashing.pair(first, second)
            });
        number
    }

    pub(super) fn len(&self) -> usize {
        self.pairs.len()
    }

    fn find_pair(&self, pair: (Slot, Slot)) -> Option<Slot> {
        self.numbers
            .find(self.hashing.pair(pair.0, pair.1), |&number| {
                self.pairs[number as usize] == pair
            })
            .copied()
    }
}

fn next_slot(taken: usize) -> Slot {
    Slot::try_from(taken).expect("a partition has fewer than four billion keys")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_keeps_its_number_and_others_have_others() {
        let mut texts = Texts::default();
        for n in 0..5_000_u32 {
            assert_eq!(texts.intern(format!("ocid-{n}").as_bytes()), n);
        }
        for n in 0..5_000_u32 {
            assert_eq!(texts.find(format!("ocid-{n}").as_bytes()), Some(n));
            assert_eq!(texts.intern(format!("ocid-{n}").as_bytes()), n);
        }
        assert_eq!(texts.find(b""), None);
        assert_eq!(texts.len(), 5_000);
    }

    #[test]
    fn a_pair_is_known_by_both_of_its_texts() {
        let mut pairs = Pairs::default();
        assert_eq!(pairs.intern(b"a", b"b"), 0);
        assert_eq!(pairs.intern(b"b", b"a"), 1);
        assert_eq!(pairs.intern(b"a", b"a"), 2);
        assert_eq!(pairs.find(b"b", b"b"), None);
        assert_eq!(pairs.find(b"b", b"a"), Some(1));
        assert_eq!(pairs.len(), 3);
    }
}
