//! Definite epochs: what each key's value is at every epoch, whoever asks.

use std::collections::BTreeMap;

use model::Epoch;
use model::view::ViewKey;
use views::ViewChange;

/// A key, and what it became at which epochs; `None`: it went.
pub(crate) type Story<'a> = (&'a str, &'a [(u64, Option<i64>)]);

/// Like counts over the epochs.
#[derive(Clone, Default)]
pub(crate) struct History {
    /// By key and epoch, what the value became; `None`: it went.
    changes: BTreeMap<ViewKey, BTreeMap<u64, Option<i64>>>,
}

impl History {
    /// The history of these keys.
    pub(crate) fn of(stories: &[Story<'_>]) -> Self {
        let mut history = Self::default();
        for (id, story) in stories {
            for &(epoch, value) in *story {
                history.set(id, epoch, value);
            }
        }
        history
    }

    /// `count` keys (`k0000`...) that are 1 at epoch 1 and 2 at epoch 2.
    pub(crate) fn of_many(count: usize) -> Self {
        let mut history = Self::default();
        for number in 0..count {
            let id = format!("k{number:04}");
            history.set(&id, 1, Some(1));
            history.set(&id, 2, Some(2));
        }
        history
    }

    pub(crate) fn set(&mut self, id: &str, epoch: u64, value: Option<i64>) {
        let story = self.changes.entry(ViewKey::likes(id)).or_default();
        story.insert(epoch, value);
    }

    fn at(story: &BTreeMap<u64, Option<i64>>, epoch: u64) -> (u64, Option<i64>) {
        let last = story.range(..=epoch).next_back();
        last.map_or((0, None), |(&epoch, &value)| (epoch, value))
    }

    /// What there is at an epoch.
    pub(crate) fn state(&self, epoch: u64) -> BTreeMap<ViewKey, i64> {
        let state = self.changes.iter();
        state
            .filter_map(|(key, story)| Some((key.clone(), Self::at(story, epoch).1?)))
            .collect()
    }

    /// Everything at an epoch.
    pub(crate) fn all(&self, epoch: u64) -> Vec<ViewChange> {
        let state = self.changes.iter();
        state
            .filter_map(|(key, story)| {
                let (changed_at, value) = Self::at(story, epoch);
                Some(ViewChange::likes(&key.id, Epoch(changed_at), Some(value?)))
            })
            .collect()
    }

    /// The net differences: `from` exclusive, `to` inclusive.
    pub(crate) fn between(&self, from: Epoch, to: Epoch) -> Vec<ViewChange> {
        let stories = self.changes.iter();
        stories
            .filter_map(|(key, story)| {
                let before = Self::at(story, from.0).1;
                let (changed_at, after) = Self::at(story, to.0);
                (before != after).then(|| ViewChange::likes(&key.id, Epoch(changed_at), after))
            })
            .collect()
    }
}
