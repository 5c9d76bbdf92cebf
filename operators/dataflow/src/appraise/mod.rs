//! The values of documents that consist of shared parts: what changed in them at each epoch.
//!
//! ```text
//! documents ─by key→ intern ─requests, by valuation key→ price_once ─answers, by worker→ assemble → changes
//!                       └──────────────────numbers of parts────────────────────────────────┘
//! ```
//!
//! No row a part is kept or sent anywhere: a document is its key and four bytes a part, a part is
//! kept once a worker, a key is priced once in the world.

mod assemble;
mod held;
mod intern;
mod packed;
mod tables;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::{Exchange, Pipeline};
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
use timely::dataflow::operators::vec::Broadcast;
use timely::order::TotalOrder;
use timely::progress::Timestamp;

use crate::change::Change;
use crate::price_once::{Answer, Memo, PriceCounts, price_once};
use crate::pricing::Appraisal;
use assemble::{Arrived, Assembly, STEPS_A_TURN, Work};
use intern::{InternedStreams, intern};
use tables::Tables;

pub use held::Held;

/// The document of a key from an epoch on; `None` if it has none any more.
pub type Document = (String, Option<Vec<u8>>);

/// What [`appraise`] reads.
pub struct Inputs<'scope, T: Timestamp, A: Appraisal> {
    /// Documents by key, from any worker; at most one a key and epoch.
    pub documents: StreamVec<'scope, T, Document>,
    /// Changes of the rules, from any worker; those of one epoch come from one worker.
    pub changes: StreamVec<'scope, T, A::Change>,
    /// Asks for everything as it stands at the end of an epoch, from any worker.
    pub read_outs: StreamVec<'scope, T, ()>,
}

/// What holds from the start.
pub struct Setting<T, A: Appraisal> {
    /// The rules before the first change.
    pub rules: Arc<A::Rules>,
    /// Prices that need not be computed while the rules are still those.
    pub memo: Arc<Memo<A>>,
    /// Counts the prices, over all workers that share it.
    pub prices: Arc<PriceCounts>,
    /// The first epoch whose changes are told; earlier ones only build the state.
    pub tell_from: T,
}

impl<T: Timestamp, A: Appraisal> Setting<T, A> {
    /// Given rules, nothing known beforehand, everything told.
    pub fn new(rules: A::Rules) -> Self {
        Self {
            rules: Arc::new(rules),
            memo: Arc::default(),
            prices: Arc::default(),
            tell_from: T::minimum(),
        }
    }
}

impl<T: Clone, A: Appraisal> Clone for Setting<T, A> {
    fn clone(&self) -> Self {
        Self {
            rules: Arc::clone(&self.rules),
            memo: Arc::clone(&self.memo),
            prices: Arc::clone(&self.prices),
            tell_from: self.tell_from.clone(),
        }
    }
}

/// What [`appraise`] says, each on the worker that holds the document (`prices`: the key).
pub struct Appraised<'scope, T: Timestamp, A: Appraisal> {
    /// What changed at each epoch: at most one change a key, none where the value stayed the same;
    /// within a worker in the order of the keys, replaced documents first.
    pub changes: StreamVec<'scope, T, Change<A::Value>>,
    /// On every worker all its documents, at each epoch that they were asked for.
    pub held: StreamVec<'scope, T, Held<A>>,
    /// Every price that was computed, at the epoch from which it holds.
    pub prices: StreamVec<'scope, T, (A::Key, A::Price)>,
}

/// Values documents by their shared parts, and says what changed.
///
/// - `inputs`: documents by key; changes of the rules; when to read everything out.
/// - `setting`: what holds from the start.
/// - returns changes of values, read-outs, and the prices that were computed.
///
/// ```
/// # use dataflow::{Setting, appraise, to_collection, testkit::{self, toy::{Toy, ToyChange, ToyRules, toy_inputs}}};
/// // A document of the toy domain: `context:parts`, each letter of a part a key with a price.
/// let documents = [("cat", "x:ab a", 1), ("dog", "x:b", 1), ("dog", "", 3)];
/// let changes = [(ToyChange('a', 5), 0), (ToyChange('b', 1), 0), (ToyChange('a', 6), 2)];
///
/// let values = testkit::run2(2, toy_inputs(documents), changes, |documents, changes| {
///     let appraised = appraise::<_, Toy>(testkit::toy::inputs(documents, changes), Setting::new(ToyRules::default()));
///     to_collection(appraised.changes, |value| value.total)
/// });
///
/// let row = |key: &str, total| (key.to_string(), total);
/// assert_eq!(values, [
///     (row("cat", 11), 1, 1),
///     (row("cat", 11), 2, -1),
///     (row("cat", 13), 2, 1),
///     (row("dog", 1), 1, 1),
///     (row("dog", 1), 3, -1),
/// ]);
/// ```
pub fn appraise<'scope, T, A>(
    inputs: Inputs<'scope, T, A>,
    setting: Setting<T, A>,
) -> Appraised<'scope, T, A>
where
    T: Timestamp + TotalOrder,
    A: Appraisal,
{
    let Setting {
        rules,
        memo,
        prices: counts,
        tell_from,
    } = setting;
    let tables = Rc::new(RefCell::new(Tables::default()));
    let InternedStreams { interned, requests } =
        intern(inputs.documents, Arc::clone(&rules), Rc::clone(&tables));
    let prices = price_once::<_, A>(requests, inputs.changes, Arc::clone(&rules), memo, counts);

    let mut builder = OperatorBuilder::new("Assemble".to_owned(), interned.scope());
    let activator = interned
        .scope()
        .activator_for(builder.operator_info().address);
    let by_asker = Exchange::new(|answer: &Answer<A::Price>| u64::from(answer.asker));
    let mut interned = builder.new_input(interned, Pipeline);
    let mut answers = builder.new_input(prices.answers, by_asker);
    let mut read_outs = builder.new_input(inputs.read_outs.broadcast(), Pipeline);
    let (changes, changes_stream) = builder.new_output();
    let (held, held_stream) = builder.new_output();
    let mut changes = OutputBuilder::from(changes);
    let mut held = OutputBuilder::from(held);

    builder.build(move |_| {
        let mut assembly = Assembly::<A>::new(rules, tables);
        let mut pending = BTreeMap::<T, Pending<T, A>>::new();
        let mut work: Option<(Ports<T>, Work<A>)> = None;
        move |frontiers| {
            let mut changes = changes.activate();
            let mut held = held.activate();
            interned.for_each(|capability, batch| {
                let epoch = capability.least().expect("a message has an epoch").clone();
                let ports = || Ports::new(|port| capability.delayed(&epoch, port));
                at(&mut pending, &epoch, ports)
                    .arrived
                    .interned
                    .append(batch);
            });
            answers.for_each(|capability, batch| {
                let epoch = capability.least().expect("a message has an epoch").clone();
                let ports = || Ports::new(|port| capability.delayed(&epoch, port));
                at(&mut pending, &epoch, ports)
                    .arrived
                    .answers
                    .append(batch);
            });
            read_outs.for_each(|capability, _| {
                let epoch = capability.least().expect("a message has an epoch").clone();
                let ports = || Ports::new(|port| capability.delayed(&epoch, port));
                at(&mut pending, &epoch, ports).read_out = true;
            });
            if work.is_none()
                && let Some(mut first) = pending.first_entry()
                && !tell_from.less_equal(first.key())
                && !frontiers
                    .iter()
                    .any(|frontier| frontier.less_than(first.key()))
            {
                assembly.keep(&mut first.get_mut().arrived);
            }
            let mut steps = STEPS_A_TURN;
            loop {
                let Some((ports, current)) = &mut work else {
                    let Some(entry) = pending.first_entry() else {
                        break;
                    };
                    if frontiers
                        .iter()
                        .any(|frontier| frontier.less_equal(entry.key()))
                    {
                        break;
                    }
                    let tell = tell_from.less_equal(entry.key());
                    let Pending {
                        ports,
                        read_out,
                        arrived,
                    } = entry.remove();
                    let ports = Ports {
                        held: ports.held.filter(|_| read_out),
                        ..ports
                    };
                    work = Some((ports, assembly.begin(arrived, tell)));
                    continue;
                };
                let mut said = Vec::new();
                let done = assembly.turn(current, &mut steps, |change| said.push(change));
                changes.session(&ports.changes).give_container(&mut said);
                if !done {
                    activator.activate();
                    break;
                }
                if let Some(port) = &ports.held {
                    held.session(port).give(assembly.held.clone());
                }
                work = None;
            }
        }
    });

    Appraised {
        changes: changes_stream,
        held: held_stream,
        prices: prices.computed,
    }
}

/// The right to say something at an epoch.
struct Ports<T: Timestamp> {
    changes: Capability<T>,
    held: Option<Capability<T>>,
}

impl<T: Timestamp> Ports<T> {
    fn new(port: impl Fn(usize) -> Capability<T>) -> Self {
        Self {
            changes: port(0),
            held: Some(port(1)),
        }
    }
}

struct Pending<T: Timestamp, A: Appraisal> {
    ports: Ports<T>,
    read_out: bool,
    arrived: Arrived<A>,
}

fn at<'a, T: Timestamp, A: Appraisal>(
    pending: &'a mut BTreeMap<T, Pending<T, A>>,
    epoch: &T,
    ports: impl FnOnce() -> Ports<T>,
) -> &'a mut Pending<T, A> {
    pending.entry(epoch.clone()).or_insert_with(|| Pending {
        ports: ports(),
        read_out: false,
        arrived: Arrived::default(),
    })
}
