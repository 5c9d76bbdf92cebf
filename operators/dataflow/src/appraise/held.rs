//! The documents of one worker as they stand at an epoch.

use std::sync::Arc;

use hashbrown::HashTable;

use crate::appraise::packed::Packed;
use crate::hash::hash_bytes;
use crate::paged::Paged;
use crate::pricing::Appraisal;

/// Every document that a worker holds, as of one epoch: a frozen copy that shares its memory with
/// the worker and may be read on another thread at any pace, without holding the worker up.
pub struct Held<A: Appraisal> {
    pub(super) rules: Arc<A::Rules>,
    pub(super) documents: Paged<Option<Packed>>,
    pub(super) parts: Paged<Option<A::Part>>,
    pub(super) contexts: Paged<Option<Arc<str>>>,
    pub(super) len: usize,
}

impl<A: Appraisal> Clone for Held<A> {
    fn clone(&self) -> Self {
        Self {
            rules: Arc::clone(&self.rules),
            documents: self.documents.clone(),
            parts: self.parts.clone(),
            contexts: self.contexts.clone(),
            len: self.len,
        }
    }
}

impl<A: Appraisal> Held<A> {
    pub(super) fn new(rules: Arc<A::Rules>) -> Self {
        Self {
            rules,
            documents: Paged::default(),
            parts: Paged::default(),
            contexts: Paged::default(),
            len: 0,
        }
    }

    /// Number of documents.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no document.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Each document's key and value, valued as it is asked for; in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, A::Value)> {
        let documents = self.documents.iter().flatten();
        documents.map(|document| (document.key(), self.value(document)))
    }

    /// The key of each document, in no particular order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.documents.iter().flatten().map(Packed::key)
    }

    /// The value of the document of `key`, found by looking at all of them.
    pub fn find(&self, key: &str) -> Option<A::Value> {
        let mut documents = self.documents.iter().flatten();
        let document = documents.find(|document| document.key() == key)?;
        Some(self.value(document))
    }

    /// The documents whose keys `keep` wants. It does not keep the pages of the others in memory.
    #[must_use]
    pub fn only(&self, keep: impl Fn(&str) -> bool) -> Self {
        let mut documents = Paged::default();
        for document in self.documents.iter().flatten() {
            if keep(document.key()) {
                documents.push(Some(document.clone()));
            }
        }
        Self {
            rules: Arc::clone(&self.rules),
            len: documents.len(),
            documents,
            parts: self.parts.clone(),
            contexts: self.contexts.clone(),
        }
    }

    pub(super) fn value(&self, document: &Packed) -> A::Value {
        self.value_with(document, |part| self.part(part))
    }

    /// The value of a document from other values of its parts.
    pub(super) fn value_with<'a>(
        &'a self,
        document: &Packed,
        value_of: impl Fn(u32) -> &'a A::Part,
    ) -> A::Value {
        let context = self.contexts.get(document.context() as usize).as_ref();
        let context = context.expect("a document's context was noted with it");
        let parts: Vec<&A::Part> = document.parts().map(value_of).collect();
        A::value(&self.rules, context, document.layout(), &parts)
    }

    pub(super) fn part(&self, part: u32) -> &A::Part {
        let value = self.parts.get(part as usize).as_ref();
        value.expect("a part is valued before its documents")
    }
}

/// Where each key's document stands.
#[derive(Default)]
pub(super) struct Places {
    index: HashTable<u32>,
    free: Vec<u32>,
}

impl Places {
    pub(super) fn find<A: Appraisal>(&self, held: &Held<A>, key: &str) -> Option<u32> {
        let same = |&place: &u32| document_at(held, place).key() == key;
        self.index
            .find(hash_bytes(0, key.as_bytes()), same)
            .copied()
    }

    /// Puts the document of a new key in its place.
    pub(super) fn insert<A: Appraisal>(&mut self, held: &mut Held<A>, document: Packed) {
        let hash = hash_bytes(0, document.key().as_bytes());
        let end = || u32::try_from(held.documents.len()).expect("fewer than 2^32 documents");
        let place = self.free.pop().unwrap_or_else(end);
        *held.documents.grow_mut(place as usize) = Some(document);
        held.len += 1;
        let rehash = |&place: &u32| hash_bytes(0, document_at(held, place).key().as_bytes());
        self.index.insert_unique(hash, place, rehash);
    }

    pub(super) fn remove<A: Appraisal>(&mut self, held: &mut Held<A>, place: u32) {
        let hash = hash_bytes(0, document_at(held, place).key().as_bytes());
        if let Ok(entry) = self.index.find_entry(hash, |&other| other == place) {
            entry.remove();
        }
        *held.documents.get_mut(place as usize) = None;
        held.len -= 1;
        self.free.push(place);
    }
}

fn document_at<A: Appraisal>(held: &Held<A>, place: u32) -> &Packed {
    held.documents
        .get(place as usize)
        .as_ref()
        .expect("a place in use has a document")
}
