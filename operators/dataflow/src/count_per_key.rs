//! How often does each key occur?

use std::collections::BTreeMap;

use differential_dataflow::VecCollection;
use hashbrown::HashTable;
use timely::dataflow::StreamVec;
use timely::dataflow::channels::pact::{Exchange, Pipeline};
use timely::dataflow::operators::Capability;
use timely::dataflow::operators::generic::OutputBuilder;
use timely::dataflow::operators::generic::builder_rc::OperatorBuilder;
use timely::dataflow::operators::vec::Broadcast;
use timely::order::TotalOrder;
use timely::progress::Timestamp;

use crate::change::Change;
use crate::hash::{hash_bytes, route};
use crate::records::{Address, Records};

/// What [`count_per_key`] says, each on the worker that holds the key.
pub struct Counted<'scope, T: Timestamp> {
    /// What changed at each epoch, in no particular order: at most one change a key.
    pub changes: StreamVec<'scope, T, Change<i64>>,
    /// On every worker all its counts, at each epoch that they were asked for.
    pub held: StreamVec<'scope, T, Counts>,
}

/// Counts the occurrences of each key.
///
/// State is the text of each key that occurs and 20 to 30 bytes; nothing is kept by time.
///
/// - `keys`: keys, with how many more (or fewer) there are of each.
/// - `read_outs`: asks for all counts as they stand at the end of an epoch, from any worker.
/// - `tell_from`: the first epoch whose changes are told; earlier ones only build the state.
/// - returns changes of counts; a count of 0 is no count.
///
/// ```
/// # use dataflow::{count_per_key, to_collection, testkit};
/// # use differential_dataflow::AsCollection;
/// # use timely::dataflow::operators::ToStream;
/// let likes = [("kim", 1, 1), ("lee", 1, 1), ("kim", 1, 1), ("kim", 2, -1), ("lee", 3, -1)];
///
/// let counts = testkit::run(2, likes.map(|(key, epoch, diff)| ((key.to_string(), epoch, diff), epoch)), |keys| {
///     let never = None::<()>.to_stream(keys.scope());
///     to_collection(count_per_key(keys.as_collection(), never, 0).changes, |count| *count)
/// });
///
/// let row = |key: &str, count| (key.to_string(), count);
/// assert_eq!(counts, [
///     (row("kim", 1), 2, 1),
///     (row("kim", 2), 1, 1),
///     (row("kim", 2), 2, -1),
///     (row("lee", 1), 1, 1),
///     (row("lee", 1), 3, -1),
/// ]);
/// ```
pub fn count_per_key<'scope, T>(
    keys: VecCollection<'scope, T, String>,
    read_outs: StreamVec<'scope, T, ()>,
    tell_from: T,
) -> Counted<'scope, T>
where
    T: Timestamp + TotalOrder,
{
    let mut builder = OperatorBuilder::new("CountPerKey".to_owned(), keys.scope());
    let by_key =
        Exchange::new(|(key, _, _): &(String, T, isize)| route(hash_bytes(0, key.as_bytes())));
    let mut keys = builder.new_input(keys.inner, by_key);
    let mut read_outs = builder.new_input(read_outs.broadcast(), Pipeline);
    let (changes, changes_stream) = builder.new_output();
    let (held, held_stream) = builder.new_output();
    let mut changes = OutputBuilder::from(changes);
    let mut held = OutputBuilder::from(held);

    builder.build(move |_| {
        let mut counter = Counter::default();
        let mut pending = BTreeMap::<T, Pending<T>>::new();
        let mut asked = BTreeMap::<T, Capability<T>>::new();
        move |frontiers| {
            let mut changes = changes.activate();
            let mut held = held.activate();
            keys.for_each(|capability, batch| {
                // Most often a batch is of one epoch.
                let first = capability.least().expect("a message has an epoch").clone();
                let open = |epoch: &T| Pending {
                    port: capability.delayed(epoch, 0),
                    batches: Vec::new(),
                };
                if batch.iter().all(|(_, epoch, _)| *epoch == first) {
                    let entry = pending.entry(first).or_insert_with_key(open);
                    entry.batches.push(std::mem::take(batch));
                } else {
                    for update in batch.drain(..) {
                        let entry = pending.entry(update.1.clone()).or_insert_with_key(open);
                        entry.batches.push(vec![update]);
                    }
                }
            });
            read_outs.for_each(|capability, _| {
                let epoch = capability.least().expect("a message has an epoch").clone();
                asked
                    .entry(epoch)
                    .or_insert_with_key(|epoch| capability.delayed(epoch, 1));
            });
            loop {
                let next = pending
                    .keys()
                    .next()
                    .into_iter()
                    .chain(asked.keys().next())
                    .min();
                let Some(epoch) = next.cloned() else { break };
                if frontiers.iter().any(|frontier| frontier.less_equal(&epoch)) {
                    break;
                }
                if let Some(Pending { port, batches }) = pending.remove(&epoch) {
                    let updates = batches
                        .into_iter()
                        .flatten()
                        .map(|(key, _, diff)| (key, diff))
                        .collect();
                    let tell = tell_from.less_equal(&epoch);
                    let mut said = Vec::new();
                    counter.update(updates, tell, |change| said.push(change));
                    changes.session(&port).give_container(&mut said);
                }
                if let Some(port) = asked.remove(&epoch) {
                    held.session(&port).give(counter.counts.clone());
                }
            }
        }
    });

    Counted {
        changes: changes_stream,
        held: held_stream,
    }
}

struct Pending<T: Timestamp> {
    port: Capability<T>,
    batches: Vec<Vec<(String, T, isize)>>,
}

/// The counts of one worker as of one epoch: a frozen copy that shares its memory with the worker
/// and may be read on another thread at any pace, without holding the worker up.
#[derive(Clone, Default)]
pub struct Counts {
    records: Records,
    len: usize,
}

impl Counts {
    /// Number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Each key and its count, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, i64)> {
        self.records.iter().map(|(key, count)| (as_key(key), count))
    }
}

fn as_key(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).expect("a key was kept as text")
}

#[derive(Default)]
struct Counter {
    counts: Counts,
    index: HashTable<Address>,
}

impl Counter {
    fn update(
        &mut self,
        updates: Vec<(String, isize)>,
        tell: bool,
        mut say: impl FnMut(Change<i64>),
    ) {
        let mut touched = Vec::with_capacity(updates.len());
        let guesses: Vec<_> = updates
            .iter()
            .map(|(key, _)| self.guess(key.as_bytes()))
            .collect();
        for ((key, diff), (hash, guess)) in updates.into_iter().zip(guesses) {
            let address = self.address_of(key.as_bytes(), hash, guess);
            let diff = i64::try_from(diff).expect("64 bits");
            if let Some(old) = self.counts.records.add(address, diff) {
                touched.push((address, old));
            }
        }
        for (address, old) in touched {
            let new = self.counts.records.settle(address);
            if tell && new != old {
                let key = as_key(self.counts.records.text(address)).into();
                let present = |count| (count != 0).then_some(count);
                say(Change {
                    key,
                    old: present(old),
                    new: present(new),
                });
            }
            if new == 0 {
                self.forget(address);
            }
        }
    }

    /// The hash of a key, and where its record most likely stands. It reads the index alone; so done
    /// for many keys after each other, the processor waits for the memory of several at once.
    fn guess(&self, key: &[u8]) -> (u64, Option<Address>) {
        let hash = hash_bytes(0, key);
        (hash, self.index.find(hash, |_| true).copied())
    }

    /// Where the record of a key stands, found or made.
    fn address_of(&mut self, key: &[u8], hash: u64, guess: Option<Address>) -> Address {
        let Self { counts, index } = self;
        if let Some(address) = guess.filter(|&address| counts.records.text(address) == key) {
            return address;
        }
        let found = index.find(hash, |&address| counts.records.text(address) == key);
        if let Some(&address) = found {
            return address;
        }
        let address = counts.records.insert(key);
        counts.len += 1;
        index.insert_unique(hash, address, |&other| {
            hash_bytes(0, counts.records.text(other))
        });
        address
    }

    fn forget(&mut self, address: Address) {
        let hash = hash_bytes(0, self.counts.records.text(address));
        if let Ok(entry) = self.index.find_entry(hash, |&other| other == address) {
            entry.remove();
        }
        self.counts.records.remove(address);
        self.counts.len -= 1;
    }
}
