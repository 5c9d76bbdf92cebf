//! The keys that a rewrite wrote, in 16 bytes each.

use model::view::ViewKey;

/// Keys, by 128 bits of their hash: two of 36 million meet with a chance of 2e-24.
#[derive(Debug, Default)]
pub(super) struct HeldKeys(Vec<u128>);

/// The same, ready to be searched.
#[derive(Debug)]
pub(super) struct SortedKeys(Vec<u128>);

impl HeldKeys {
    pub(super) fn insert(&mut self, key: &ViewKey) {
        self.0.push(hash(key));
    }

    pub(super) fn sorted(mut self) -> SortedKeys {
        self.0.sort_unstable();
        SortedKeys(self.0)
    }
}

impl SortedKeys {
    pub(super) fn contains(&self, key: &ViewKey) -> bool {
        self.0.binary_search(&hash(key)).is_ok()
    }
}

fn hash(key: &ViewKey) -> u128 {
    let mut hasher = blake3::Hasher::new();
    hasher
        .update(key.kind.name().as_bytes())
        .update(&[0])
        .update(key.id.as_bytes());
    let mut head = [0; 16];
    head.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    u128::from_le_bytes(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_held_by_kind_and_id() {
        let mut held = HeldKeys::default();
        held.insert(&ViewKey::likes("b"));
        held.insert(&ViewKey::character("a"));
        let held = held.sorted();

        assert!(held.contains(&ViewKey::character("a")));
        assert!(held.contains(&ViewKey::likes("b")));
        assert!(!held.contains(&ViewKey::likes("a")));
    }
}
