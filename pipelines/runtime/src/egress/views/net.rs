//! Changes of keys over some epochs, folded into net differences.

use model::Epoch;
use rustc_hash::FxHashMap;

/// Changes of keys over some epochs, folded; in the order of their first change.
pub(super) struct Net<'a, V> {
    places: FxHashMap<&'a str, usize>,
    changes: Vec<NetChange<'a, V>>,
}

impl<V> Default for Net<'_, V> {
    fn default() -> Self {
        Self {
            places: FxHashMap::default(),
            changes: Vec::new(),
        }
    }
}

struct NetChange<'a, V> {
    key: &'a str,
    old: Option<&'a V>,
    new: Option<&'a V>,
    at: Epoch,
}

impl<'a, V: PartialEq> Net<'a, V> {
    pub(super) fn add(&mut self, key: &'a str, old: Option<&'a V>, new: Option<&'a V>, at: Epoch) {
        let place = *self.places.entry(key).or_insert(self.changes.len());
        match self.changes.get_mut(place) {
            Some(change) => {
                change.new = new;
                change.at = at;
            }
            None => self.changes.push(NetChange { key, old, new, at }),
        }
    }

    /// Keys whose value is another than before, each with its new value and when it came.
    pub(super) fn differing(self) -> impl Iterator<Item = (&'a str, Option<&'a V>, Epoch)> {
        self.changes
            .into_iter()
            .filter(|change| change.old != change.new)
            .map(|change| (change.key, change.new, change.at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_a_key_are_folded_and_what_came_back_is_left_out() {
        let mut net = Net::<i64>::default();
        net.add("a", None, Some(&1), Epoch(1));
        net.add("b", Some(&5), Some(&6), Epoch(1));
        net.add("a", Some(&1), Some(&2), Epoch(2));
        net.add("b", Some(&6), Some(&5), Epoch(3));
        net.add("c", Some(&1), None, Epoch(3));
        let differing: Vec<_> = net.differing().collect();
        assert_eq!(
            differing,
            [("a", Some(&2), Epoch(2)), ("c", None, Epoch(3))]
        );
    }
}
