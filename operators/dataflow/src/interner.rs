//! Numbers for things that many hold: each is kept once, counted, and forgotten with its last holder.

use hashbrown::HashTable;

/// Things under small numbers, counted by holder. A number is given again once its thing is gone.
#[derive(Debug)]
pub(crate) struct Interner<K, V> {
    slots: Vec<Option<Slot<K, V>>>,
    free: Vec<u32>,
    index: HashTable<u32>,
}

#[derive(Debug)]
struct Slot<K, V> {
    hash: u64,
    holders: u32,
    key: K,
    value: V,
}

impl<K, V> Default for Interner<K, V> {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            index: HashTable::new(),
        }
    }
}

impl<K, V> Interner<K, V> {
    /// The number of the thing with this hash for which `is` holds.
    pub(crate) fn find(&self, hash: u64, is: impl Fn(&K) -> bool) -> Option<u32> {
        let found = |&id: &u32| {
            let slot = slot(&self.slots, id);
            slot.hash == hash && is(&slot.key)
        };
        self.index.find(hash, found).copied()
    }

    /// The number of the thing with this hash, most likely. It reads the index alone: done for several hashes after
    /// each other, the processor waits for their memory at once.
    pub(crate) fn guess(&self, hash: u64) -> Option<u32> {
        self.index.find(hash, |_| true).copied()
    }

    /// The thing that a guess names, if it has this hash.
    pub(crate) fn guessed(&self, guess: Option<u32>, hash: u64) -> Option<&K> {
        let slot = self.slots[guess? as usize].as_ref()?;
        (slot.hash == hash).then_some(&slot.key)
    }

    /// Keeps a new thing, with no holder yet.
    pub(crate) fn insert(&mut self, hash: u64, key: K, value: V) -> u32 {
        let id = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 distinct things are held")
        });
        self.slots[id as usize] = Some(Slot {
            hash,
            holders: 0,
            key,
            value,
        });
        let slots = &self.slots;
        self.index
            .insert_unique(hash, id, |&id| slot(slots, id).hash);
        id
    }

    /// The number of the thing with this hash for which `is` holds, which has one holder more now, and whether it
    /// is new: made by `make`.
    pub(crate) fn hold_or_insert(
        &mut self,
        hash: u64,
        is: impl Fn(&K) -> bool,
        make: impl FnOnce() -> (K, V),
    ) -> (u32, bool) {
        let found = self.find(hash, is);
        let id = found.unwrap_or_else(|| {
            let (key, value) = make();
            self.insert(hash, key, value)
        });
        self.hold(id);
        (id, found.is_none())
    }

    /// Counts one more holder.
    pub(crate) fn hold(&mut self, id: u32) {
        self.slot_mut(id).holders += 1;
    }

    /// Counts one holder less; returns how many are left.
    pub(crate) fn release(&mut self, id: u32) -> u32 {
        let slot = self.slot_mut(id);
        slot.holders -= 1;
        slot.holders
    }

    /// Forgets a thing that nobody holds.
    pub(crate) fn remove(&mut self, id: u32) -> (K, V) {
        let gone = self.slots[id as usize]
            .take()
            .expect("a number is used while it is held");
        assert_eq!(gone.holders, 0, "a thing goes with its last holder");
        if let Ok(entry) = self.index.find_entry(gone.hash, |&other| other == id) {
            entry.remove();
        }
        self.free.push(id);
        (gone.key, gone.value)
    }

    /// Number of holders; 0 if there is no such thing.
    pub(crate) fn holders(&self, id: u32) -> u32 {
        self.slots[id as usize]
            .as_ref()
            .map_or(0, |slot| slot.holders)
    }

    /// Whether there is such a thing.
    pub(crate) fn contains(&self, id: u32) -> bool {
        self.slots[id as usize].is_some()
    }

    pub(crate) fn key(&self, id: u32) -> &K {
        &slot(&self.slots, id).key
    }

    pub(crate) fn value(&self, id: u32) -> &V {
        &slot(&self.slots, id).value
    }

    pub(crate) fn value_mut(&mut self, id: u32) -> &mut V {
        &mut self.slot_mut(id).value
    }

    /// All numbers in use, ascending.
    pub(crate) fn ids(&self) -> Vec<u32> {
        (0..)
            .zip(&self.slots)
            .filter(|(_, slot)| slot.is_some())
            .map(|(id, _)| id)
            .collect()
    }

    fn slot_mut(&mut self, id: u32) -> &mut Slot<K, V> {
        self.slots[id as usize]
            .as_mut()
            .expect("a number is used while it is held")
    }
}

fn slot<K, V>(slots: &[Option<Slot<K, V>>], id: u32) -> &Slot<K, V> {
    slots[id as usize]
        .as_ref()
        .expect("a number is used while it is held")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_given_again_after_its_last_holder() {
        let mut words = Interner::default();
        let hat = words.insert(1, "hat", ());
        words.hold(hat);
        words.hold(hat);
        assert_eq!(words.find(1, |word| *word == "hat"), Some(hat));
        assert_eq!((words.release(hat), words.release(hat)), (1, 0));
        assert_eq!(words.remove(hat), ("hat", ()));

        assert_eq!(words.find(1, |word| *word == "hat"), None);
        assert_eq!(words.insert(1, "ring", ()), hat);
        assert_eq!(words.ids(), [hat]);
    }

    #[test]
    fn things_of_equal_hash_are_kept_apart() {
        let mut words = Interner::default();
        let ids = ["hat", "ring", "cape"].map(|word| words.insert(9, word, ()));

        assert_eq!(words.find(9, |word| *word == "ring"), Some(ids[1]));
        assert_eq!(words.find(9, |word| *word == "shoe"), None);
        words.remove(ids[1]);
        assert_eq!(words.find(9, |word| *word == "cape"), Some(ids[2]));
        assert_eq!(words.ids(), [ids[0], ids[2]]);
    }
}
