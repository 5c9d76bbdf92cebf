//! Numbers of parts and prices of keys become the values of documents, and what changed in them.
//!
//! An epoch is worked on when all of it is there, in small turns, so that other operators of the
//! worker get theirs: value the parts that are new or touched; if values changed, scan the documents
//! for those that hold them; then document by document, say what changed. Of an epoch of which nothing is told
//! documents are kept as they come: a start loads all of them at one epoch, and has nothing to do at its end.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::appraise::held::{Held, Places};
use crate::appraise::intern::Interned;
use crate::appraise::packed::Packed;
use crate::appraise::tables::{Slot, Tables};
use crate::change::Change;
use crate::price_once::Answer;
use crate::pricing::Appraisal;

/// Steps of one turn; a step values a part or a document, or scans a few documents.
pub(super) const STEPS_A_TURN: usize = 512;
const SCANS_A_STEP: usize = 32;

/// All that came in at one epoch.
pub(super) struct Arrived<A: Appraisal> {
    pub(super) interned: Vec<Interned<A::Price>>,
    pub(super) answers: Vec<Answer<A::Price>>,
    /// Parts that are defined already, to be valued.
    parts: Vec<u32>,
    /// Documents that kept ones have replaced.
    replaced: Vec<Packed>,
}

impl<A: Appraisal> Default for Arrived<A> {
    fn default() -> Self {
        Self {
            interned: Vec::new(),
            answers: Vec::new(),
            parts: Vec::new(),
            replaced: Vec::new(),
        }
    }
}

/// The components of one part.
type Slots<P> = Box<[Slot<P>]>;

/// The documents of one worker and what their values are made of.
pub(super) struct Assembly<A: Appraisal> {
    pub(super) held: Held<A>,
    tables: Rc<RefCell<Tables<A>>>,
    places: Places,
    /// Components by part number.
    slots: Vec<Option<Slots<A::Price>>>,
    /// Prices by key number.
    prices: Vec<Option<A::Price>>,
}

/// An epoch being worked on.
pub(super) struct Work<A: Appraisal> {
    /// Whether changes are wanted, or just the state after them.
    tell: bool,
    /// Parts to be valued.
    parts: Vec<u32>,
    /// Values of the parts as they were before the epoch, where they changed.
    before: FxHashMap<u32, A::Part>,
    /// New document or none by key, at most one a key, last key first.
    upserts: Vec<(Box<str>, Option<Packed>)>,
    /// Places of documents that `upserts` replaces.
    replaced: FxHashSet<u32>,
    /// The places that are still to be scanned for documents whose parts changed; `None` before the scan.
    /// Documents that come with the epoch are not among them.
    scan: Option<Range<usize>>,
    /// Places of documents whose parts changed, last key first once all are found.
    touched: Vec<u32>,
}

impl<A: Appraisal> Assembly<A> {
    pub(super) fn new(rules: Arc<A::Rules>, tables: Rc<RefCell<Tables<A>>>) -> Self {
        Self {
            held: Held::new(rules),
            tables,
            places: Places::default(),
            slots: Vec::new(),
            prices: Vec::new(),
        }
    }

    /// Takes in what came at an epoch; the rest is done in turns.
    pub(super) fn begin(&mut self, arrived: Arrived<A>, tell: bool) -> Work<A> {
        let mut work = Work::new(tell);
        work.parts = arrived.parts;
        for interned in arrived.interned {
            match interned {
                Interned::Defined { part, slots } => self.define(part, slots, &mut work.parts),
                Interned::Document(new) => work.upserts.push((new.key().into(), Some(new))),
                Interned::Gone(key) => work.upserts.push((key, None)),
            }
        }
        self.take_prices(arrived.answers, &mut work);
        self.order_upserts(&mut work);
        for document in &arrived.replaced {
            self.release(document);
        }
        work
    }

    /// Keeps the documents that have come so far at the earliest epoch, of which nothing will be told. Values do
    /// not matter before its end.
    ///
    /// What they replace is released at the end: a number that is given again must not be answered twice in an
    /// epoch, since answers of several workers come in any order.
    pub(super) fn keep(&mut self, arrived: &mut Arrived<A>) {
        let untold = Work::new(false);
        for interned in arrived.interned.drain(..) {
            match interned {
                Interned::Defined { part, slots } => self.define(part, slots, &mut arrived.parts),
                Interned::Document(new) => {
                    let named = new.clone();
                    let (old, _) = self.exchange(named.key(), Some(new), &untold);
                    arrived.replaced.extend(old);
                }
                Interned::Gone(key) => {
                    let (old, _) = self.exchange(&key, None, &untold);
                    arrived.replaced.extend(old);
                }
            }
        }
    }

    /// Does up to `steps` of the work and counts them down; returns whether all of it is done.
    pub(super) fn turn(
        &mut self,
        work: &mut Work<A>,
        steps: &mut usize,
        mut tell: impl FnMut(Change<A::Value>),
    ) -> bool {
        while *steps > 0 {
            *steps -= 1;
            if let Some(part) = work.parts.pop() {
                self.value_part(part, work);
            } else if !self.scan(work) {
                continue;
            } else if let Some((key, document)) = work.upserts.pop() {
                self.replace(&key, document, work)
                    .into_iter()
                    .for_each(&mut tell);
            } else if let Some(place) = work.touched.pop() {
                self.revalue(place, work).into_iter().for_each(&mut tell);
            } else {
                return true;
            }
        }
        false
    }

    fn define(&mut self, part: u32, slots: Box<[Slot<A::Price>]>, parts: &mut Vec<u32>) {
        let index = part as usize;
        if self.slots.len() <= index {
            self.slots.resize_with(index + 1, || None);
        }
        self.slots[index] = Some(slots);
        parts.push(part);
    }

    /// Notes prices; parts of keys that had another one before are to be valued again.
    fn take_prices(&mut self, answers: Vec<Answer<A::Price>>, work: &mut Work<A>) {
        let mut repriced = FxHashSet::default();
        for answer in answers {
            let index = answer.ticket as usize;
            if self.prices.len() <= index {
                self.prices.resize_with(index + 1, || None);
            }
            self.prices[index] = Some(answer.price);
            if !answer.first {
                repriced.insert(answer.ticket);
            }
        }
        if repriced.is_empty() {
            return;
        }
        let is_repriced = |slot: &Slot<A::Price>| match slot {
            Slot::Settled(_) => false,
            Slot::Priced(key) => repriced.contains(key),
        };
        for (part, slots) in (0..).zip(&self.slots) {
            if slots.iter().flatten().any(is_repriced) {
                work.parts.push(part);
            }
        }
    }

    /// Puts the upserts in order of their keys; if a key has several, the last one counts.
    fn order_upserts(&mut self, work: &mut Work<A>) {
        work.upserts.reverse();
        work.upserts
            .sort_by(|(left, _), (right, _)| right.cmp(left));
        let mut overruled = Vec::new();
        work.upserts.dedup_by(|earlier, last| {
            let same = earlier.0 == last.0;
            if same {
                overruled.extend(earlier.1.take());
            }
            same
        });
        for document in overruled {
            self.release(&document);
        }
    }

    fn value_part(&mut self, part: u32, work: &mut Work<A>) {
        // A part that came and went within the epoch has no components any more.
        let Some(slots) = &self.slots[part as usize] else {
            return;
        };
        let prices: Vec<&A::Price> = slots
            .iter()
            .map(|slot| match slot {
                Slot::Settled(price) => &**price,
                Slot::Priced(key) => {
                    let price = self.prices[*key as usize].as_ref();
                    price.expect("a key is answered in the epoch of its request")
                }
            })
            .collect();
        let tables = self.tables.borrow();
        let (context, bytes) = tables.part(part);
        let value = A::part(&self.held.rules, context, bytes, &prices);
        let kept = self.held.parts.grow_mut(part as usize);
        if kept.as_ref() == Some(&value) {
            return;
        }
        if let Some(before) = kept.replace(value) {
            work.before.insert(part, before);
        }
    }

    /// Finds documents whose value may have changed though they did not; returns whether it is done.
    fn scan(&mut self, work: &mut Work<A>) -> bool {
        if work.before.is_empty() {
            return true;
        }
        let Range { start: from, end } = work.scan.take().unwrap_or_else(|| {
            let replaced = work
                .upserts
                .iter()
                .filter_map(|(key, _)| self.places.find(&self.held, key));
            work.replaced = replaced.collect();
            0..self.held.documents.len()
        });
        let to = end.min(from + SCANS_A_STEP);
        work.scan = Some(to..end);
        if from == end {
            return true;
        }
        for place in from..to {
            let Some(document) = self.held.documents.get(place) else {
                continue;
            };
            let place = u32::try_from(place).expect("fewer than 2^32 documents");
            if !work.replaced.contains(&place) && work.touches(document) {
                work.touched.push(place);
            }
        }
        if to == end {
            let key = |&place: &u32| {
                self.held
                    .documents
                    .get(place as usize)
                    .as_ref()
                    .map(Packed::key)
            };
            work.touched
                .sort_by(|left, right| key(right).cmp(&key(left)));
        }
        false
    }

    /// Gives a key another document, or none.
    fn replace(
        &mut self,
        key: &str,
        new: Option<Packed>,
        work: &Work<A>,
    ) -> Option<Change<A::Value>> {
        let (old, change) = self.exchange(key, new, work);
        if let Some(old) = old {
            self.release(&old);
        }
        change
    }

    /// The same, but what the key had before is to be released still.
    fn exchange(
        &mut self,
        key: &str,
        new: Option<Packed>,
        work: &Work<A>,
    ) -> (Option<Packed>, Option<Change<A::Value>>) {
        if let Some(new) = &new {
            let context = Arc::clone(self.tables.borrow().context(new.context()));
            let kept = self.held.contexts.grow_mut(new.context() as usize);
            if kept
                .as_ref()
                .is_none_or(|kept| !Arc::ptr_eq(kept, &context))
            {
                *kept = Some(context);
            }
        }
        let place = self.places.find(&self.held, key);
        let old = place.and_then(|place| self.held.documents.get(place as usize).clone());
        let same = old == new && old.as_ref().is_none_or(|document| !work.touches(document));
        let change = (work.tell && !same).then(|| {
            let old = old
                .as_ref()
                .map(|document| self.value_before(document, work));
            let new = new.as_ref().map(|document| self.held.value(document));
            (old != new).then(|| Change {
                key: key.into(),
                old,
                new,
            })
        });
        match (place, new) {
            (Some(place), Some(new)) => *self.held.documents.get_mut(place as usize) = Some(new),
            (Some(place), None) => self.places.remove(&mut self.held, place),
            (None, Some(new)) => self.places.insert(&mut self.held, new),
            (None, None) => {}
        }
        (old, change.flatten())
    }

    /// Says what changed in a document whose parts changed.
    fn revalue(&self, place: u32, work: &Work<A>) -> Option<Change<A::Value>> {
        let document = self.held.documents.get(place as usize).as_ref()?;
        if !work.tell {
            return None;
        }
        let old = self.value_before(document, work);
        let new = self.held.value(document);
        (old != new).then(|| Change {
            key: document.key().into(),
            old: Some(old),
            new: Some(new),
        })
    }

    fn value_before(&self, document: &Packed, work: &Work<A>) -> A::Value {
        self.held.value_with(document, |part| {
            work.before
                .get(&part)
                .unwrap_or_else(|| self.held.part(part))
        })
    }

    fn release(&mut self, document: &Packed) {
        let tables = Rc::clone(&self.tables);
        tables
            .borrow_mut()
            .release(document, |part| self.forget_part(part));
    }

    fn forget_part(&mut self, part: u32) {
        self.slots[part as usize] = None;
        if (part as usize) < self.held.parts.len() {
            *self.held.parts.get_mut(part as usize) = None;
        }
    }
}

impl<A: Appraisal> Work<A> {
    fn new(tell: bool) -> Self {
        Self {
            tell,
            parts: Vec::new(),
            before: FxHashMap::default(),
            upserts: Vec::new(),
            replaced: FxHashSet::default(),
            scan: None,
            touched: Vec::new(),
        }
    }

    /// Whether the value of `document` may be another than before the epoch.
    fn touches(&self, document: &Packed) -> bool {
        !self.before.is_empty() && document.parts().any(|part| self.before.contains_key(&part))
    }
}

#[cfg(test)]
mod tests;
