//! Texts with a count each, without an allocation each: records in pages, freed ones used again.

use std::sync::Arc;

use rustc_hash::FxHashMap;

/// Bytes of one page; a record never crosses pages.
const PAGE: usize = 1 << 16;
/// Records stand at multiples of this.
const UNIT: usize = 8;
/// `count i64, length u16, mark u8, unused u8`, then the text.
const HEAD: usize = 12;

/// Where a record stands: its place in units, pages after each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Address(u32);

impl Address {
    fn page(self) -> usize {
        self.0 as usize / (PAGE / UNIT)
    }

    fn start(self) -> usize {
        self.0 as usize % (PAGE / UNIT) * UNIT
    }
}

/// Records of texts with a count and a mark. A free record has the count 0. Clones share pages until
/// one of them writes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Records {
    pages: Vec<Arc<Vec<u8>>>,
    /// Freed records by the length of their text.
    free: FxHashMap<u16, Vec<Address>>,
}

impl Records {
    /// A record of `text` with count 0.
    pub(crate) fn insert(&mut self, text: &[u8]) -> Address {
        let size = (HEAD + text.len()).next_multiple_of(UNIT);
        assert!(size <= PAGE, "a key fits a page");
        let len = u16::try_from(text.len()).expect("a page holds fewer than 2^16 bytes");
        if let Some(address) = self.free.get_mut(&len).and_then(Vec::pop) {
            self.bytes_mut(address)[HEAD..HEAD + text.len()].copy_from_slice(text);
            return address;
        }
        if self
            .pages
            .last()
            .is_none_or(|page| page.len() + size > PAGE)
        {
            self.pages.push(Arc::new(Vec::with_capacity(PAGE)));
        }
        let number = self.pages.len() - 1;
        let page = Arc::make_mut(&mut self.pages[number]);
        let place = (number * PAGE + page.len()) / UNIT;
        page.extend_from_slice(&[0; HEAD - 4]);
        page.extend_from_slice(&len.to_le_bytes());
        page.extend_from_slice(&[0; 2]);
        page.extend_from_slice(text);
        page.resize(page.len().next_multiple_of(UNIT), 0);
        Address(u32::try_from(place).expect("keys take less than 32 GiB a worker"))
    }

    pub(crate) fn text(&self, address: Address) -> &[u8] {
        text_of(&self.pages[address.page()][address.start()..])
    }

    /// Adds to a count. Returns the count before, if the record was not marked yet, and marks it.
    pub(crate) fn add(&mut self, address: Address, diff: i64) -> Option<i64> {
        let record = self.bytes_mut(address);
        let (count, rest) = record.split_first_chunk_mut().expect("a record has a head");
        let before = i64::from_le_bytes(*count);
        *count = (before + diff).to_le_bytes();
        let was_marked = std::mem::replace(&mut rest[2], 1) == 1;
        (!was_marked).then_some(before)
    }

    /// The count of a record, whose mark is taken off.
    pub(crate) fn settle(&mut self, address: Address) -> i64 {
        let record = self.bytes_mut(address);
        record[10] = 0;
        count_of(record)
    }

    /// Frees a record with the count 0.
    pub(crate) fn remove(&mut self, address: Address) {
        let len = self.text(address).len();
        let len = u16::try_from(len).expect("a page holds fewer than 2^16 bytes");
        self.free.entry(len).or_default().push(address);
    }

    /// Texts and counts of the records in use.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], i64)> {
        self.pages
            .iter()
            .flat_map(|page| RecordsOf(page))
            .filter(|(_, count)| *count != 0)
    }

    fn bytes_mut(&mut self, address: Address) -> &mut [u8] {
        &mut Arc::make_mut(&mut self.pages[address.page()])[address.start()..]
    }
}

/// The records of what is left of a page.
struct RecordsOf<'a>(&'a [u8]);

impl<'a> Iterator for RecordsOf<'a> {
    type Item = (&'a [u8], i64);

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let (text, count) = (text_of(self.0), count_of(self.0));
        self.0 = &self.0[(HEAD + text.len()).next_multiple_of(UNIT)..];
        Some((text, count))
    }
}

fn count_of(record: &[u8]) -> i64 {
    i64::from_le_bytes(*record.first_chunk().expect("a record has a head"))
}

fn text_of(record: &[u8]) -> &[u8] {
    let len = u16::from_le_bytes([record[8], record[9]]);
    &record[HEAD..HEAD + usize::from(len)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_kept_over_pages_and_used_again() {
        let mut records = Records::default();
        let words: Vec<String> = (0..20_000).map(|number| format!("word {number}")).collect();
        let places: Vec<Address> = words
            .iter()
            .map(|word| records.insert(word.as_bytes()))
            .collect();
        for (place, count) in places.iter().zip(1..) {
            assert_eq!(records.add(*place, count), Some(0));
            assert_eq!(records.add(*place, 0), None);
            assert_eq!(records.settle(*place), count);
        }
        let wanted = words.iter().map(String::as_bytes).zip(1..);
        assert!(records.iter().eq(wanted));

        let copy = records.clone();
        records.add(places[7], -8);
        records.remove(places[7]);
        assert_eq!(records.insert(b"gone 7"), places[7]);
        assert_eq!(
            (records.text(places[7]), copy.text(places[7])),
            (&b"gone 7"[..], &b"word 7"[..])
        );
        assert_eq!(
            (records.iter().count(), copy.iter().count()),
            (19_999, 20_000)
        );
    }

    #[test]
    fn the_empty_text_and_one_that_fills_a_page_fit() {
        let mut records = Records::default();
        let long = vec![b'x'; PAGE - HEAD];
        for text in [&b""[..], &long, b"", b"y"] {
            let place = records.insert(text);
            records.add(place, 1);
            assert_eq!(records.text(place), text);
        }
        assert_eq!(records.iter().count(), 4);
    }
}
