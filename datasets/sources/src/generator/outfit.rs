//! Who wears what: names of characters and accounts, and the equipment of every revision.

use uuid::Builder;
use valuation::Item;

use super::catalogue::Catalogue;
use super::document::DocumentTemplate;
use super::draw::{Share, mix_all};
use super::kinds::{BRANCHES, SLOTS};

/// What a character wears: what its document or snapshot says.
#[derive(Clone, Debug, PartialEq)]
pub struct Outfit {
    /// The class.
    pub class: &'static str,
    /// The three presets, each in the order of its document.
    pub presets: [Vec<Item>; 3],
}

/// The names that numbers stand for.
#[derive(Clone, Copy, Debug)]
pub struct Names {
    pub(super) seed: u64,
}

/// What kind of name a number is mixed for.
mod salt {
    pub(super) const OCID: u64 = 1;
    pub(super) const ACCOUNT: u64 = 2;
    pub(super) const EVENT: u64 = 3;
    pub(super) const HASH: u64 = 4;
    pub(super) const CLASS: u64 = 5;
    pub(super) const ITEM: u64 = 6;
    pub(super) const VERSIONED: u64 = 7;
    pub(super) const WORLD: u64 = 8;
}

impl Names {
    /// The ocid of a character: 32 hexadecimal digits.
    #[must_use]
    pub fn ocid(self, character: u32) -> String {
        let mut text = Vec::with_capacity(32);
        self.push_ocid(&mut text, character);
        String::from_utf8(text).expect("hexadecimal digits are ASCII")
    }

    /// The id of an account: 16 hexadecimal digits.
    #[must_use]
    pub fn account(self, account: u32) -> String {
        let mut text = Vec::with_capacity(16);
        self.push_account(&mut text, account);
        String::from_utf8(text).expect("hexadecimal digits are ASCII")
    }

    pub(super) fn push_ocid(self, out: &mut Vec<u8>, character: u32) {
        let number = u64::from(character);
        push_hex(out, mix_all([self.seed, salt::OCID, number]));
        // Distinct for certain by its end.
        push_hex(out, mix_all([self.seed, salt::OCID]) ^ number);
    }

    pub(super) fn push_account(self, out: &mut Vec<u8>, account: u32) {
        let number = u64::from(account);
        push_hex(out, mix_all([self.seed, salt::ACCOUNT]) ^ number);
    }

    pub(super) fn push_event_id(self, out: &mut Vec<u8>, event: u64) {
        let high = mix_all([self.seed, salt::EVENT, event]);
        // Distinct for certain by its end, which the version and the variant leave alone.
        let low = mix_all([self.seed, salt::EVENT]) ^ event;
        let id = u128::from(high) << 64 | u128::from(low);
        let id = Builder::from_random_bytes(id.to_be_bytes()).into_uuid();
        let mut text = [0; 36];
        out.extend_from_slice(id.hyphenated().encode_lower(&mut text).as_bytes());
    }

    pub(super) fn push_hash(self, out: &mut Vec<u8>, character: u32, revision: u32) {
        let (character, revision) = (u64::from(character), u64::from(revision));
        push_hex(out, mix_all([self.seed, salt::HASH, character, revision]));
    }

    pub(super) fn world(self, character: u32) -> &'static str {
        const WORLDS: [&str; 5] = ["스카니아", "루나", "엘리시움", "크로아", "베라"];
        WORLDS[(mix_all([self.seed, salt::WORLD, character.into()]) % 5) as usize]
    }

    /// Whether the records of a key carry versions.
    pub(super) fn is_versioned(self, share: Share, key: [u32; 2]) -> bool {
        let [first, second] = key.map(u64::from);
        share.holds(mix_all([self.seed, salt::VERSIONED, first, second]))
    }
}

fn push_hex(out: &mut Vec<u8>, number: u64) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in number.to_be_bytes() {
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 15)]);
    }
}

/// Who wears what, at every revision.
pub(super) struct Wardrobe {
    pub(super) names: Names,
    pub(super) catalogue: Catalogue,
    pub(super) template: DocumentTemplate,
    /// The first so many characters have documents.
    pub(super) documents: u32,
}

/// The configurations of a preset, as indexes into the catalogue.
pub(super) type Preset = Vec<usize>;

impl Wardrobe {
    pub(super) fn has_document(&self, character: u32) -> bool {
        character < self.documents
    }

    pub(super) fn class(&self, character: u32) -> &'static str {
        let classes = BRANCHES[self.branch(character)].classes;
        let drawn = mix_all([self.names.seed, salt::CLASS, 1, character.into()]);
        classes[(drawn % classes.len() as u64) as usize]
    }

    fn branch(&self, character: u32) -> usize {
        let drawn = mix_all([self.names.seed, salt::CLASS, 0, character.into()]);
        (drawn % BRANCHES.len() as u64) as usize
    }

    /// The three presets of a character at a revision. A revision changes one slot.
    pub(super) fn presets(&self, character: u32, revision: u32) -> [Preset; 3] {
        if !self.has_document(character) {
            let only = (0..SLOTS.len()).map(|slot| self.worn(character, revision, 0, slot));
            return [only.collect(), Vec::new(), Vec::new()];
        }
        [0, 1, 2].map(|preset| {
            let slots = self.template.slots(preset).iter();
            slots
                .map(|&slot| {
                    // Presets share most of their items.
                    let own = if slot % 4 == preset { preset } else { 0 };
                    self.worn(character, revision, own, slot)
                })
                .collect()
        })
    }

    fn worn(&self, character: u32, revision: u32, own: usize, slot: usize) -> usize {
        let slots = SLOTS.len() as u32;
        // Revision n, from 1, changes slot (n - 1 + character) modulo the number of slots.
        let behind = (slot as u32 + slots - character % slots) % slots;
        let changes = (revision + slots - 1 - behind) / slots;
        let choice = mix_all([
            self.names.seed,
            salt::ITEM,
            character.into(),
            slot as u64,
            own as u64,
            changes.into(),
        ]);
        self.catalogue.choose(self.branch(character), slot, choice)
    }

    pub(super) fn outfit(&self, character: u32, revision: u32) -> Outfit {
        let items = |preset: Preset| {
            let items = preset.into_iter();
            items
                .map(|index| self.catalogue.item(index).clone())
                .collect()
        };
        Outfit {
            class: self.class(character),
            presets: self.presets(character, revision).map(items),
        }
    }
}
