//! What the documents of one worker share: contexts, parts and keys, each once, counted by holder.
//!
//! Both halves of the operator work on them: `intern` gives numbers, `assemble` counts holders down
//! when a document is gone. A number never stands for anything else while something, a message
//! under way included, holds it; so it does not matter how far one half is ahead of the other.

use std::rc::Rc;
use std::sync::Arc;

use crate::appraise::packed::Packed;
use crate::hash::{hash_bytes, hash_of};
use crate::interner::Interner;
use crate::pricing::{Appraisal, Component};

/// A component as it is kept with its part.
#[derive(Clone, Debug)]
pub(crate) enum Slot<P> {
    /// The part alone settles the price.
    Settled(Rc<P>),
    /// The price is that of the key with this number.
    Priced(u32),
}

/// What a part is valued under, by number, and its bytes.
type PartIdentity = (u32, Box<[u8]>);

/// The numbers of a context.
#[derive(Clone, Copy)]
pub(crate) struct Context {
    /// Its own.
    pub(crate) id: u32,
    /// Of what its parts are [valued as](Appraisal::valued_as).
    pub(crate) valued_as: u32,
}

/// What a look for a part has found.
#[derive(Clone, Copy)]
pub(crate) struct PartLook {
    hash: u64,
    /// The part's number; `None` if it is new, or not where it was looked for.
    guess: Option<u32>,
}

pub(crate) struct Tables<A: Appraisal> {
    /// With the number of what their parts are valued as.
    contexts: Interner<Arc<str>, u32>,
    /// What parts are valued as, held by the contexts.
    valued_as: Interner<Arc<str>, ()>,
    /// With the numbers of their keys.
    parts: Interner<PartIdentity, Box<[u32]>>,
    keys: Interner<A::Key, ()>,
    /// Keys that may have lost their last holder.
    idle: Vec<u32>,
    /// The few different prices that parts settle alone.
    settled: Vec<Rc<A::Price>>,
}

/// How many different settled prices are shared; others are kept with their part.
const SETTLED_MAX: usize = 64;

impl<A: Appraisal> Default for Tables<A> {
    fn default() -> Self {
        Self {
            contexts: Interner::default(),
            valued_as: Interner::default(),
            parts: Interner::default(),
            keys: Interner::default(),
            idle: Vec::new(),
            settled: Vec::new(),
        }
    }
}

impl<A: Appraisal> Tables<A> {
    /// The numbers of a context, held by its document.
    pub(crate) fn hold_context(&mut self, rules: &A::Rules, text: &str) -> Context {
        let Self {
            contexts,
            valued_as,
            ..
        } = self;
        let (id, _) = contexts.hold_or_insert(
            hash_bytes(0, text.as_bytes()),
            |context| **context == *text,
            || {
                let under = A::valued_as(rules, text);
                let (under, _) = valued_as.hold_or_insert(
                    hash_bytes(0, under.as_bytes()),
                    |known| **known == *under,
                    || (Arc::from(under), ()),
                );
                (Arc::from(text), under)
            },
        );
        let valued_as = *contexts.value(id);
        Context { id, valued_as }
    }

    /// Looks for the parts of a document, one step for all of them before the next: they lie anywhere in memory,
    /// and each step of one does not wait for another's.
    pub(crate) fn look_for_parts(
        &self,
        context: Context,
        parts: &[&[u8]],
        looks: &mut Vec<PartLook>,
    ) {
        let under = context.valued_as;
        looks.clear();
        looks.extend(parts.iter().map(|bytes| {
            let hash = hash_bytes(under, bytes);
            let guess = self.parts.guess(hash);
            PartLook { hash, guess }
        }));
        for look in &mut *looks {
            if self.parts.guessed(look.guess, look.hash).is_none() {
                look.guess = None;
            }
        }
        for (look, bytes) in looks.iter_mut().zip(parts) {
            let guessed = self.parts.guessed(look.guess, look.hash);
            if guessed.is_none_or(|part| part.0 != under || *part.1 != **bytes) {
                look.guess = None;
            }
        }
    }

    /// The number of a part that was looked for, held by its document, and whether it is new and to be defined.
    pub(crate) fn hold_part(
        &mut self,
        context: Context,
        bytes: &[u8],
        look: PartLook,
    ) -> (u32, bool) {
        if let Some(part) = look.guess {
            self.parts.hold(part);
            return (part, false);
        }
        let under = context.valued_as;
        self.parts.hold_or_insert(
            look.hash,
            |part| part.0 == under && *part.1 == *bytes,
            || ((under, bytes.into()), [].into()),
        )
    }

    /// Gives a new part its components; `ask` is called with each key that is new.
    pub(crate) fn define(
        &mut self,
        part: u32,
        components: Vec<Component<A>>,
        mut ask: impl FnMut(&A::Key, u32),
    ) -> Box<[Slot<A::Price>]> {
        let slots: Box<[_]> = components
            .into_iter()
            .map(|component| match component {
                Component::Settled(price) => Slot::Settled(self.share(price)),
                Component::Priced(key) => Slot::Priced(self.hold_key(key, &mut ask)),
            })
            .collect();
        let keys = slots.iter().filter_map(|slot| match slot {
            Slot::Settled(_) => None,
            Slot::Priced(key) => Some(*key),
        });
        *self.parts.value_mut(part) = keys.collect();
        slots
    }

    /// Ends a document's hold on its context and parts; `gone` is told which parts are gone.
    pub(crate) fn release(&mut self, document: &Packed, mut gone: impl FnMut(u32)) {
        for part in document.parts() {
            if self.parts.release(part) == 0 {
                let (_, keys) = self.parts.remove(part);
                for key in keys {
                    if self.keys.release(key) == 0 {
                        self.idle.push(key);
                    }
                }
                gone(part);
            }
        }
        if self.contexts.release(document.context()) == 0 {
            let (_, valued_as) = self.contexts.remove(document.context());
            if self.valued_as.release(valued_as) == 0 {
                self.valued_as.remove(valued_as);
            }
        }
    }

    /// Forgets the keys that nothing holds any more and hands them out with their numbers.
    pub(crate) fn forget_idle_keys(&mut self, mut forgotten: impl FnMut(A::Key, u32)) {
        for key in std::mem::take(&mut self.idle) {
            if self.keys.contains(key) && self.keys.holders(key) == 0 {
                forgotten(self.keys.remove(key).0, key);
            }
        }
    }

    pub(crate) fn context(&self, id: u32) -> &Arc<str> {
        self.contexts.key(id)
    }

    /// What a part is valued as, and its bytes.
    pub(crate) fn part(&self, id: u32) -> (&Arc<str>, &[u8]) {
        let (valued_as, bytes) = self.parts.key(id);
        (self.valued_as.key(*valued_as), bytes)
    }

    fn hold_key(&mut self, key: A::Key, mut ask: impl FnMut(&A::Key, u32)) -> u32 {
        let hash = hash_of(&key);
        let id = self
            .keys
            .find(hash, |known| *known == key)
            .unwrap_or_else(|| {
                let id = self.keys.insert(hash, key, ());
                ask(self.keys.key(id), id);
                id
            });
        self.keys.hold(id);
        id
    }

    fn share(&mut self, price: A::Price) -> Rc<A::Price> {
        if let Some(known) = self.settled.iter().find(|known| ***known == price) {
            return Rc::clone(known);
        }
        let price = Rc::new(price);
        if self.settled.len() < SETTLED_MAX {
            self.settled.push(Rc::clone(&price));
        }
        price
    }
}
