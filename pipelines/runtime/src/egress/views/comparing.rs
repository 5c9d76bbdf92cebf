//! A region under comparison: what it should hold, what it does, and the keys that changed meanwhile.

use std::hash::{Hash as _, Hasher as _};

use model::Epoch;
use model::view::{Kind, ViewKey};
use rustc_hash::{FxHashSet, FxHasher};
use views::scrub::{damage, hash_of_stored};
use views::{
    Cursor, Damage, Host, PayloadHash, Stray, ViewChange, ViewError, ViewStore, ViewWriter,
};

use super::expected::Expected;
use super::scrub::OF;
use crate::egress::FinishedEpoch;
use crate::scrub::Finding;
use crate::status::chain;

/// The keys that changed after an epoch, by their hash: two that meet are both left out.
pub(super) struct Changed {
    pub(super) after: Epoch,
    pub(super) keys: FxHashSet<u64>,
}

pub(super) struct Comparing {
    pub(super) expected: Expected,
    pub(super) changed: Changed,
    /// The next entry to be compared.
    pub(super) place: usize,
    /// Where the listing goes on.
    pub(super) cursor: Option<Cursor>,
}

/// What a step found, and how much it compared.
#[derive(Default)]
pub(super) struct Found {
    pub(super) compared: usize,
    pub(super) skipped: usize,
    pub(super) findings: Vec<Finding>,
    pub(super) values: Vec<ViewChange>,
    pub(super) strays: Vec<Stray>,
    /// Whether all of the region is compared.
    pub(super) is_through: bool,
}

impl Changed {
    pub(super) fn note(&mut self, epoch: &FinishedEpoch) {
        if epoch.epoch <= self.after {
            return;
        }
        let kinds = epoch.valuations.iter().map(|change| (true, &*change.key));
        let likes = epoch.like_counts.iter().map(|change| (false, &*change.key));
        self.keys
            .extend(kinds.chain(likes).map(|(kind, id)| hash(kind, id)));
    }

    fn has(&self, key: &ViewKey) -> bool {
        let is_character = key.kind == Kind::Character;
        self.keys.contains(&hash(is_character, &key.id))
    }
}

fn hash(is_character: bool, id: &str) -> u64 {
    let mut hasher = FxHasher::default();
    (is_character, id).hash(&mut hasher);
    hasher.finish()
}

impl Comparing {
    /// Compares about so many keys of a store that is complete at `at`; `None`: it is not any more.
    pub(super) fn step<S: ViewStore, H: Host>(
        &mut self,
        writer: &mut ViewWriter<S, H>,
        at: Epoch,
        keys: usize,
    ) -> Result<Option<Found>, ViewError> {
        if self.place < self.expected.entries.len() {
            self.compare_entries(writer, at, keys)
        } else {
            self.look_for_others(writer, at, keys)
        }
    }

    /// Compares the values that there should be.
    fn compare_entries<S: ViewStore, H: Host>(
        &mut self,
        writer: &mut ViewWriter<S, H>,
        at: Epoch,
        keys: usize,
    ) -> Result<Option<Found>, ViewError> {
        let mut found = Found::default();
        let end = self.expected.entries.len().min(self.place + keys);
        let entries = &self.expected.entries[self.place..end];
        let (changed, same): (Vec<_>, Vec<_>) = entries
            .iter()
            .partition(|entry| self.changed.has(&entry.key));
        (found.compared, found.skipped) = (same.len(), changed.len());
        let wanted: Vec<ViewKey> = same.iter().map(|entry| entry.key.clone()).collect();
        let Some(values) = writer.look(&wanted)? else {
            return Ok(None);
        };
        for (entry, held) in same.into_iter().zip(values) {
            let held = held.as_deref();
            if let Some(what) = damage(held, Some(entry.hash), self.expected.as_of) {
                let payload = Some(self.expected.payload(entry));
                let done = format!("written again as of epoch {at}");
                let hashes = (held.map(hash_of_stored), Some(entry.hash));
                found.tell(writer.store_place(), &entry.key, what, at, hashes, done);
                found.values.push(ViewChange {
                    key: entry.key.clone(),
                    changed_at: at,
                    payload,
                });
            }
        }
        self.place = end;
        Ok(Some(found))
    }

    /// Looks for values that there should not be.
    fn look_for_others<S: ViewStore, H: Host>(
        &mut self,
        writer: &mut ViewWriter<S, H>,
        at: Epoch,
        keys: usize,
    ) -> Result<Option<Found>, ViewError> {
        let limit = u32::try_from(4 * keys).unwrap_or(u32::MAX);
        let Some(page) = writer.look_at_list(self.cursor.as_ref(), limit)? else {
            return Ok(None);
        };
        let mut found = Found::default();
        let is_other = |key: &ViewKey| {
            self.expected.region.contains(key) && !self.expected.has(key) && !self.changed.has(key)
        };
        let others: Vec<ViewKey> = page.keys.into_iter().filter(is_other).collect();
        if !others.is_empty() {
            let Some(values) = writer.look(&others)? else {
                return Ok(None);
            };
            for (key, held) in others.into_iter().zip(values) {
                let hashes = (held.as_deref().map(hash_of_stored), None);
                let done = "deleted".to_owned();
                found.tell(writer.store_place(), &key, Damage::Extra, at, hashes, done);
                found.values.push(ViewChange {
                    key,
                    changed_at: at,
                    payload: None,
                });
            }
        }
        for stray in page.strays {
            let done = format!("deleted from bucket {:x}", stray.bucket);
            let place = writer.store_place();
            found.tell(place, &stray.key, Damage::Stray, at, (None, None), done);
            found.strays.push(stray);
        }
        found.is_through = self.expected.region.is_listed_by(page.next.as_ref());
        self.cursor = page.next;
        Ok(Some(found))
    }

    /// Something in the region cannot be read as a view: it is said, and the region left.
    pub(super) fn unreadable(&self, place: &str, at: Epoch, error: &ViewError) -> Found {
        let region = format!(
            "{} from {:?} on",
            self.expected.region.kind().name(),
            self.cursor
        );
        let finding = Finding {
            done: format!(
                "nothing: {}; what else is damaged there is found once it is gone",
                chain(error)
            ),
            ..Finding::now(OF, place, region, "unreadable", at)
        };
        Found {
            findings: vec![finding],
            is_through: true,
            ..Found::default()
        }
    }
}

impl Found {
    fn tell(
        &mut self,
        place: &str,
        key: &ViewKey,
        damage: Damage,
        at: Epoch,
        (held, wanted): (Option<PayloadHash>, Option<PayloadHash>),
        done: String,
    ) {
        let name = format!("{} {}", key.kind.name(), key.id);
        self.findings.push(Finding {
            held: held.map(|hash| hash.to_string()),
            wanted: wanted.map(|hash| hash.to_string()),
            repaired: true,
            done,
            ..Finding::now(OF, place, name, damage.name(), at)
        });
    }
}

#[cfg(test)]
mod tests {
    use dataflow::Change;

    use super::*;

    #[test]
    fn what_changes_after_the_read_out_is_known_by_kind_and_id() {
        let mut changed = Changed {
            after: Epoch(5),
            keys: FxHashSet::default(),
        };
        let counts = |epoch, target: &str| FinishedEpoch {
            epoch: Epoch(epoch),
            like_counts: vec![Change {
                key: target.into(),
                old: Some(1),
                new: Some(2),
            }],
            ..FinishedEpoch::default()
        };
        changed.note(&counts(5, "before"));
        changed.note(&counts(6, "after"));

        assert!(changed.has(&ViewKey::likes("after")));
        assert!(!changed.has(&ViewKey::likes("before")));
        assert!(!changed.has(&ViewKey::character("after")));
    }
}
