//! The versioned binary form of a snapshot: `version, class, distinct items, three lists of indexes`.
//!
//! Items repeat across presets, so each distinct one is stored once. Its bytes are canonical: they are
//! also the identity of the item's configuration, in the whole world.

use std::ops::Range;

use hashbrown::HashTable;
use valuation::Item;

use crate::codec::{DecodeError, Reader, put_bytes, put_varint};
use crate::hashing::Hashing;

use super::Snapshot;
use super::fields::ItemFields;
use super::item::{put_item, read_item};

const VERSION: u8 = 1;
const WHAT: &str = "a snapshot";

/// The snapshot's bytes. Items that are equal are stored once, in the order of their first appearance.
#[must_use]
pub fn encode(snapshot: &Snapshot) -> Box<[u8]> {
    let mut builder = Builder::default();
    for (preset, items) in snapshot.presets.iter().enumerate() {
        for item in items {
            let index = builder.intern(&item.into());
            builder.wear(preset, index);
        }
    }
    builder.finish(&snapshot.class).into_boxed_slice()
}

/// The bytes of one item: its identity.
#[must_use]
pub fn encode_item(item: &Item) -> Box<[u8]> {
    let mut bytes = Vec::with_capacity(96);
    put_item(&mut bytes, &item.into());
    bytes.into_boxed_slice()
}

/// Reads one item back from its bytes.
pub fn decode_item(bytes: &[u8]) -> Result<Item, DecodeError> {
    read_item(bytes)
}

/// A snapshot's bytes, read without decoding an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotView<'a> {
    class: &'a str,
    items: Vec<&'a [u8]>,
    presets: [Vec<u32>; 3],
}

impl<'a> SnapshotView<'a> {
    /// Reads the form; what the items hold is not looked at.
    pub fn new(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::versioned(WHAT, bytes, VERSION)?;
        let class = reader.text()?;
        let count = reader.length()?;
        // A count that lies must not reserve memory: an item takes at least one byte.
        let mut items = Vec::with_capacity(count.min(reader.rest().len()));
        for _ in 0..count {
            items.push(reader.bytes()?);
        }
        let mut presets = [const { Vec::new() }; 3];
        for preset in &mut presets {
            let worn = reader.length()?;
            preset.reserve(worn.min(reader.rest().len()));
            for _ in 0..worn {
                let index = reader.length()?;
                if index >= items.len() {
                    return Err(reader.invalid("a preset wears an item that is not there"));
                }
                preset.push(index as u32);
            }
        }
        reader.end()?;
        Ok(Self {
            class,
            items,
            presets,
        })
    }

    /// The class, as the document says it; empty if it says none.
    #[must_use]
    pub fn class(&self) -> &'a str {
        self.class
    }

    /// The distinct items, each as its identity, for [`decode_item`].
    #[must_use]
    pub fn items(&self) -> &[&'a [u8]] {
        &self.items
    }

    /// The three presets: indexes into [`items`](Self::items), in the order of the document.
    #[must_use]
    pub fn presets(&self) -> &[Vec<u32>; 3] {
        &self.presets
    }

    /// The snapshot with its items decoded.
    pub fn decode(&self) -> Result<Snapshot, DecodeError> {
        let items = self.items.iter().map(|item| decode_item(item));
        let items = items.collect::<Result<Vec<Item>, DecodeError>>()?;
        let wear = |preset: &Vec<u32>| {
            preset
                .iter()
                .map(|&index| items[index as usize].clone())
                .collect()
        };
        Ok(Snapshot {
            class: self.class.to_owned(),
            presets: self.presets.each_ref().map(wear),
        })
    }
}

/// Collects the distinct items of a snapshot, already in their binary form.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    /// The items, each behind its length.
    bytes: Vec<u8>,
    /// Where each stands in `bytes`, behind its length.
    items: Vec<Range<usize>>,
    /// Indexes of `items` by their bytes.
    known: HashTable<u32>,
    presets: [Vec<u32>; 3],
    /// The item at hand.
    item: Vec<u8>,
    hashing: Hashing,
}

impl Builder {
    /// The index of the item, which is new or has come before.
    pub(crate) fn intern(&mut self, item: &ItemFields<'_>) -> u32 {
        self.item.clear();
        put_item(&mut self.item, item);
        let Self {
            bytes,
            items,
            known,
            item,
            hashing,
            ..
        } = self;
        let hash = hashing.bytes(item);
        if let Some(&index) = known.find(hash, |&index| {
            bytes[items[index as usize].clone()] == **item
        }) {
            return index;
        }
        let index = items.len() as u32;
        known.insert_unique(hash, index, |&index| {
            hashing.bytes(&bytes[items[index as usize].clone()])
        });
        put_bytes(bytes, item);
        items.push(bytes.len() - item.len()..bytes.len());
        index
    }

    /// Adds an item to a preset, 0 to 2.
    pub(crate) fn wear(&mut self, preset: usize, item: u32) {
        self.presets[preset].push(item);
    }

    /// The snapshot's bytes.
    pub(crate) fn finish(&self, class: &str) -> Vec<u8> {
        let worn: usize = self.presets.iter().map(Vec::len).sum();
        let mut bytes = Vec::with_capacity(self.bytes.len() + class.len() + worn + 16);
        bytes.push(VERSION);
        put_bytes(&mut bytes, class.as_bytes());
        put_varint(&mut bytes, self.items.len() as u64);
        bytes.extend_from_slice(&self.bytes);
        for preset in &self.presets {
            put_varint(&mut bytes, preset.len() as u64);
            for &index in preset {
                put_varint(&mut bytes, index.into());
            }
        }
        bytes
    }
}
