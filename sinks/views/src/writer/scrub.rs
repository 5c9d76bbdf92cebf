//! What a scrub asks of the writer: looks at values and listings at the marker's epoch, and repairs.
//!
//! The writer is the only one that changes values, and a look is of one moment with the marker: while
//! the marker is the one believed, what is seen is the content at its epoch, or damage.

use model::Epoch;
use model::view::ViewKey;

use super::{Host, ViewWriter, Written};
use crate::change::ViewChange;
use crate::decide;
use crate::error::ViewError;
use crate::scrub::ListOrder;
use crate::store::{Cursor, Page, Stray, ViewStore};

impl<S: ViewStore, H: Host> ViewWriter<S, H> {
    /// In which order the store lists its keys.
    pub fn order(&self) -> ListOrder {
        self.store.order()
    }

    /// Where the store is, for messages; without secrets.
    pub fn store_place(&self) -> &str {
        self.store.place()
    }

    /// The stored bytes of `keys` at the epoch that the store is true of; `None`: the store is not where it
    /// was, ask for the [`need`](Self::need) again.
    pub fn look(&mut self, keys: &[ViewKey]) -> Result<Option<Vec<Option<Vec<u8>>>>, ViewError> {
        let believed = self.claimed()?;
        let found = self.insist(|store| store.read(keys))?;
        match self.follow(decide::probe(&believed, found.marker.as_deref()))? {
            Written::Done => Ok(Some(found.values)),
            Written::Gap => Ok(None),
        }
    }

    /// A piece of the listing at the epoch that the store is true of, like [`look`](Self::look).
    pub fn look_at_list(
        &mut self,
        cursor: Option<&Cursor>,
        limit: u32,
    ) -> Result<Option<Page>, ViewError> {
        let believed = self.claimed()?;
        let page = self.insist(|store| store.list(cursor, limit))?;
        match self.follow(decide::probe(&believed, page.marker.as_deref()))? {
            Written::Done => Ok(Some(page)),
            Written::Gap => Ok(None),
        }
    }

    /// Puts right what is damaged in a store that is complete at `as_of`, and stays so.
    ///
    /// - `values`: each key at most once, with its value at `as_of` as the graph has it.
    /// - `strays`: keys in buckets that are not their own.
    pub fn repair(
        &mut self,
        as_of: Epoch,
        values: Vec<ViewChange>,
        strays: Vec<Stray>,
    ) -> Result<Written, ViewError> {
        let marker = self.claimed()?;
        let need = decide::need(&marker, &self.origin, self.shown);
        let complete = decide::Need::Differences {
            from: as_of,
            finish: None,
        };
        if need != complete {
            return Err(self.out_of_step(as_of, as_of, &need));
        }
        self.attempt = decide::next_attempt(&marker, self.attempt);
        let commands = values
            .into_iter()
            .map(ViewChange::into_command)
            .chain(strays.into_iter().map(Stray::into_command))
            .collect();
        for call in decide::repair_calls(&marker, as_of, &self.origin, self.attempt, commands) {
            if self.send(&call)? == Written::Gap {
                return Ok(Written::Gap);
            }
        }
        Ok(Written::Done)
    }
}
