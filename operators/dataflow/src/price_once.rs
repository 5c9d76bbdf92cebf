//! One price a key for all workers, computed when it is first asked for or the rules touch it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::{Exchange, Pipeline};
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
use timely::dataflow::operators::vec::Broadcast;
use timely::order::TotalOrder;
use timely::progress::Timestamp;
use timely::progress::frontier::MutableAntichain;

use crate::hash::{hash_of, route};
use crate::interner::Interner;
use crate::pricing::Pricing;

/// Work done before a worker looks after its other operators.
const EFFORT_A_TURN: usize = 512;
/// What it takes to price a key; to see whether it must be priced takes 1.
const EFFORT_OF_PRICE: usize = 32;

/// A worker wants the price of a key from this epoch on, or no longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request<K> {
    /// The key.
    pub key: K,
    /// Index of the worker that asks.
    pub asker: u32,
    /// The asker's own number for the key.
    pub ticket: u32,
    /// Whether the price is wanted; `false` takes back an earlier request.
    pub wanted: bool,
}

/// The price of a requested key from this epoch on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer<P> {
    /// Index of the worker that asked.
    pub asker: u32,
    /// The asker's own number for the key.
    pub ticket: u32,
    /// The price.
    pub price: P,
    /// Whether it is the first answer to the request; else the rules changed the price.
    pub first: bool,
}

/// Prices known beforehand, all of them under the rules that the graph starts with.
pub type Memo<P> = FxHashMap<<P as Pricing>::Key, <P as Pricing>::Price>;

/// How many prices there were, over all workers that share the counts.
#[derive(Debug, Default)]
pub struct PriceCounts {
    computed: AtomicU64,
    remembered: AtomicU64,
}

impl PriceCounts {
    /// Prices that were computed.
    #[must_use]
    pub fn computed(&self) -> u64 {
        self.computed.load(Ordering::Relaxed)
    }

    /// Prices that were asked for and known beforehand.
    #[must_use]
    pub fn remembered(&self) -> u64 {
        self.remembered.load(Ordering::Relaxed)
    }
}

/// What [`price_once`] returns.
pub struct Prices<'scope, T: Timestamp, P: Pricing> {
    /// Answers, still on the worker that priced the key.
    pub answers: StreamVec<'scope, T, Answer<P::Price>>,
    /// Every price that was computed, at the epoch from which it holds: what a memo is made of.
    pub computed: StreamVec<'scope, T, (P::Key, P::Price)>,
}

/// Prices each requested key once for all workers, and again when a change of the rules touches it.
///
/// - `requests`: at most one standing request an asker and key.
/// - `changes`: changes of the rules, from any worker; those of one epoch come from one worker and
///   are applied in the order in which they were given, before the requests of that epoch.
/// - `rules`: the rules before the first of them.
/// - `memo`: prices that need not be computed while the rules are still those.
/// - `counts`: counts the prices, over all workers that share it.
/// - returns an answer a request, at its epoch, and one whenever a requested price changes.
///
/// ```
/// # use std::sync::Arc;
/// # use dataflow::{PriceCounts, Request, price_once, testkit::{self, toy::{Toy, ToyChange, ToyRules}}};
/// let counts = Arc::<PriceCounts>::default();
/// let requests = [(0, 1), (1, 1), (1, 2)]
///     .map(|(asker, epoch)| (Request { key: 'a', asker, ticket: 7 + epoch as u32, wanted: true }, epoch));
/// let changes = [(ToyChange('a', 5), 1), (ToyChange('b', 6), 2), (ToyChange('a', 6), 3)];
///
/// let counter = Arc::clone(&counts);
/// let answers = testkit::run2(2, requests, changes, move |requests, changes| {
///     let rules = Arc::new(ToyRules::default());
///     let prices = price_once::<_, Toy>(requests, changes, rules, Arc::default(), Arc::clone(&counter));
///     testkit::as_rows(prices.answers, |answer| (answer.asker, answer.ticket, answer.price, answer.first))
/// });
///
/// assert_eq!(answers, [
///     ((0, 8, 5, true), 1, 1),
///     ((0, 8, 6, false), 3, 1),
///     ((1, 8, 5, true), 1, 1),
///     ((1, 8, 6, false), 3, 1),
///     ((1, 9, 5, true), 2, 1),
///     ((1, 9, 6, false), 3, 1),
/// ]);
/// assert_eq!(counts.computed(), 2, "once when asked, once when touched");
/// ```
pub fn price_once<'scope, T, P>(
    requests: StreamVec<'scope, T, Request<P::Key>>,
    changes: StreamVec<'scope, T, P::Change>,
    rules: Arc<P::Rules>,
    memo: Arc<Memo<P>>,
    counts: Arc<PriceCounts>,
) -> Prices<'scope, T, P>
where
    T: Timestamp + TotalOrder,
    P: Pricing,
{
    let mut builder = OperatorBuilder::new("PriceOnce".to_owned(), requests.scope());
    let activator = requests
        .scope()
        .activator_for(builder.operator_info().address);
    let by_key = Exchange::new(|request: &Request<P::Key>| route(hash_of(&request.key)));
    let mut requests = builder.new_input(requests, by_key);
    let mut changes = builder.new_input(changes.broadcast(), Pipeline);
    let (answers, answers_stream) = builder.new_output();
    let (computed, computed_stream) = builder.new_output();
    let mut answers = OutputBuilder::from(answers);
    let mut computed = OutputBuilder::from(computed);

    builder.build(move |_| {
        let mut book = Book::<P>::new(rules, memo, counts);
        let mut pending = BTreeMap::<T, Pending<T, P>>::new();
        move |frontiers| {
            let mut answers = answers.activate();
            let mut computed = computed.activate();
            requests.for_each(|capability, batch| {
                let epoch = capability.least().expect("a message has an epoch").clone();
                let capabilities = || Capabilities {
                    answers: capability.delayed(&epoch, 0),
                    computed: capability.delayed(&epoch, 1),
                };
                let entry = pending.entry(epoch.clone());
                entry
                    .or_insert_with(|| Pending::new(capabilities()))
                    .requests
                    .append(batch);
            });
            changes.for_each(|capability, batch| {
                let epoch = capability.least().expect("a message has an epoch").clone();
                let capabilities = || Capabilities {
                    answers: capability.delayed(&epoch, 0),
                    computed: capability.delayed(&epoch, 1),
                };
                let entry = pending.entry(epoch.clone());
                entry
                    .or_insert_with(|| Pending::new(capabilities()))
                    .changes
                    .append(batch);
            });
            let mut effort = EFFORT_A_TURN;
            while let Some(mut entry) = pending.first_entry() {
                if !is_next(entry.key(), &frontiers[0], &frontiers[1]) {
                    break;
                }
                let Pending {
                    capabilities,
                    requests,
                    changes,
                } = entry.get_mut();
                let mut answer = answers.session(&capabilities.answers);
                book.apply(std::mem::take(changes));
                for request in requests.drain(..) {
                    book.take(request, |told| answer.give(told));
                }
                let mut session = computed.session(&capabilities.computed);
                book.price(
                    &mut effort,
                    |told| answer.give(told),
                    |priced| session.give(priced),
                );
                if !book.queue.is_empty() {
                    activator.activate();
                    break;
                }
                drop((answer, session));
                entry.remove();
            }
        }
    });

    Prices {
        answers: answers_stream,
        computed: computed_stream,
    }
}

/// Whether nothing before `epoch` can come any more, and no change of the rules at it either.
fn is_next<T: Timestamp>(
    epoch: &T,
    data: &MutableAntichain<T>,
    changes: &MutableAntichain<T>,
) -> bool {
    !data.less_than(epoch) && !changes.less_equal(epoch)
}

struct Capabilities<T: Timestamp> {
    answers: Capability<T>,
    computed: Capability<T>,
}

struct Pending<T: Timestamp, P: Pricing> {
    capabilities: Capabilities<T>,
    requests: Vec<Request<P::Key>>,
    changes: Vec<P::Change>,
}

impl<T: Timestamp, P: Pricing> Pending<T, P> {
    fn new(capabilities: Capabilities<T>) -> Self {
        Self {
            capabilities,
            requests: Vec::new(),
            changes: Vec::new(),
        }
    }
}

/// The keys of one worker, with their prices and who asked for them.
struct Book<P: Pricing> {
    rules: Arc<P::Rules>,
    memo: Option<Arc<Memo<P>>>,
    counts: Arc<PriceCounts>,
    keys: Interner<P::Key, Entry<P>>,
    /// Keys that have no price, or one that may have been touched.
    queue: Vec<u32>,
    /// What the last changes touched.
    touched: Vec<P::Touched>,
}

struct Entry<P: Pricing> {
    price: Option<P::Price>,
    queued: bool,
    /// `(asker, ticket)`.
    askers: Vec<(u32, u32)>,
    /// How many of the askers know a price.
    answered: usize,
}

impl<P: Pricing> Book<P> {
    fn new(rules: Arc<P::Rules>, memo: Arc<Memo<P>>, counts: Arc<PriceCounts>) -> Self {
        Self {
            rules,
            memo: Some(memo),
            counts,
            keys: Interner::default(),
            queue: Vec::new(),
            touched: Vec::new(),
        }
    }

    /// Changes the rules; every key is to be looked at again.
    fn apply(&mut self, changes: Vec<P::Change>) {
        if changes.is_empty() {
            return;
        }
        assert!(
            self.queue.is_empty(),
            "what was touched before has been priced again"
        );
        self.memo = None;
        let rules = Arc::make_mut(&mut self.rules);
        self.touched = changes
            .iter()
            .map(|change| P::apply(rules, change))
            .collect();
        for id in self.keys.ids() {
            self.enqueue(id);
        }
    }

    /// Takes a request; answers at once if the price is known and not about to change.
    fn take(&mut self, request: Request<P::Key>, answer: impl FnMut(Answer<P::Price>)) {
        let hash = hash_of(&request.key);
        let found = self.keys.find(hash, |key| *key == request.key);
        let asker = (request.asker, request.ticket);
        if !request.wanted {
            let id = found.expect("only a standing request is taken back");
            return self.take_back(id, asker);
        }
        let id = found.unwrap_or_else(|| {
            let entry = Entry {
                price: None,
                queued: false,
                askers: Vec::new(),
                answered: 0,
            };
            let id = self.keys.insert(hash, request.key, entry);
            self.enqueue(id);
            id
        });
        let entry = self.keys.value_mut(id);
        entry.askers.push(asker);
        if !entry.queued {
            let from = entry.answered;
            entry.tell(from, answer);
        }
    }

    fn take_back(&mut self, id: u32, asker: (u32, u32)) {
        let entry = self.keys.value_mut(id);
        let place = entry.askers.iter().position(|known| *known == asker);
        let place = place.expect("only a standing request is taken back");
        entry.askers.remove(place);
        if place < entry.answered {
            entry.answered -= 1;
        }
        if entry.askers.is_empty() {
            self.keys.remove(id);
        }
    }

    fn enqueue(&mut self, id: u32) {
        let entry = self.keys.value_mut(id);
        if !entry.queued {
            entry.queued = true;
            self.queue.push(id);
        }
    }

    /// Prices queued keys as far as `effort` goes.
    fn price(
        &mut self,
        effort: &mut usize,
        mut answer: impl FnMut(Answer<P::Price>),
        mut computed: impl FnMut((P::Key, P::Price)),
    ) {
        while *effort > 0
            && let Some(id) = self.queue.pop()
        {
            *effort -= 1;
            // A queued key may have been taken back, and its number given to another one.
            if !self.keys.contains(id) || !self.keys.value(id).queued {
                continue;
            }
            let key = self.keys.key(id);
            let depends = |touched| P::depends(&self.rules, key, touched);
            if self.keys.value(id).price.is_some() && !self.touched.iter().any(depends) {
                self.keys.value_mut(id).settle(None, &mut answer);
                continue;
            }
            let known = self.memo.as_ref().and_then(|memo| memo.get(key));
            let price = match known {
                Some(price) => {
                    self.counts.remembered.fetch_add(1, Ordering::Relaxed);
                    price.clone()
                }
                None => {
                    *effort = effort.saturating_sub(EFFORT_OF_PRICE);
                    self.counts.computed.fetch_add(1, Ordering::Relaxed);
                    let price = P::price(&self.rules, key);
                    computed((key.clone(), price.clone()));
                    price
                }
            };
            self.keys.value_mut(id).settle(Some(price), &mut answer);
        }
    }
}

impl<P: Pricing> Entry<P> {
    /// Takes note of a price, or that the known one stays, and tells those who do not know it.
    fn settle(&mut self, price: Option<P::Price>, answer: impl FnMut(Answer<P::Price>)) {
        self.queued = false;
        let mut from = self.answered;
        if price.is_some() && price != self.price {
            self.price = price;
            from = 0;
        }
        self.tell(from, answer);
    }

    /// Tells the price to the askers from number `from` on.
    fn tell(&mut self, from: usize, mut answer: impl FnMut(Answer<P::Price>)) {
        let price = self
            .price
            .as_ref()
            .expect("a key that is not queued has a price");
        for (place, &(asker, ticket)) in self.askers.iter().enumerate().skip(from) {
            answer(Answer {
                asker,
                ticket,
                price: price.clone(),
                first: place >= self.answered,
            });
        }
        self.answered = self.askers.len();
    }
}
