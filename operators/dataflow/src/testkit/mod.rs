//! Runs operators on given input with any number of workers and collects what they say.

pub mod toy;

use std::fmt::Debug;
use std::sync::{Arc, Mutex};

use differential_dataflow::consolidation::consolidate_updates;
use differential_dataflow::{AsCollection, Data, VecCollection};
use timely::communication::Config as Communication;
use timely::container::CapacityContainerBuilder;
use timely::dataflow::channels::pact::Pipeline;
use timely::dataflow::operators::generic::Operator;
use timely::dataflow::{InputHandle, StreamVec};
use timely::{Config, ExchangeData, WorkerConfig};

/// `(data, epoch, diff)`.
pub type Update<D> = (D, u64, isize);

/// Runs `operator` on `feed` (data and epoch) and returns its output, consolidated and sorted.
///
/// With more than two workers everything exchanged is also serialized, as between processes.
pub fn run<D, O>(
    workers: usize,
    feed: impl IntoIterator<Item = (D, u64)>,
    operator: impl for<'s> Fn(StreamVec<'s, u64, D>) -> VecCollection<'s, u64, O>
    + Send
    + Sync
    + 'static,
) -> Vec<Update<O>>
where
    D: ExchangeData + Clone + Sync + Debug,
    O: Data + Send,
{
    let nothing: [((), u64); 0] = [];
    run2(workers, feed, nothing, move |stream, _| operator(stream))
}

/// As [`run`], with two inputs; what the second gets at one epoch comes from one worker.
pub fn run2<D1, D2, O>(
    workers: usize,
    feed1: impl IntoIterator<Item = (D1, u64)>,
    feed2: impl IntoIterator<Item = (D2, u64)>,
    operator: impl for<'s> Fn(
        StreamVec<'s, u64, D1>,
        StreamVec<'s, u64, D2>,
    ) -> VecCollection<'s, u64, O>
    + Send
    + Sync
    + 'static,
) -> Vec<Update<O>>
where
    D1: ExchangeData + Clone + Sync + Debug,
    D2: ExchangeData + Clone + Sync + Debug,
    O: Data + Send,
{
    let feed1 = feed1
        .into_iter()
        .enumerate()
        .map(|(place, (data, epoch))| (data, epoch, place));
    let feed2 = feed2
        .into_iter()
        .map(|(data, epoch)| (data, epoch, epoch as usize));
    let (feed1, feed2): (Vec<_>, Vec<_>) = (feed1.collect(), feed2.collect());
    let said = Arc::new(Mutex::new(Vec::new()));
    let collected = Arc::clone(&said);
    let communication = match workers {
        1 => Communication::Thread,
        2 => Communication::Process(2),
        _ => Communication::ProcessBinary(workers),
    };
    let config = Config {
        communication,
        worker: WorkerConfig::default(),
    };

    let guards = timely::execute(config, move |worker| {
        let mut input1 = InputHandle::<u64, CapacityContainerBuilder<Vec<D1>>>::new();
        let mut input2 = InputHandle::<u64, CapacityContainerBuilder<Vec<D2>>>::new();
        let said = Arc::clone(&collected);
        worker.dataflow(|scope| {
            let streams = (input1.to_stream(scope), input2.to_stream(scope));
            operator(streams.0, streams.1).inspect(move |update| {
                said.lock()
                    .expect("no worker panicked")
                    .push(update.clone());
            });
        });
        let mut epochs: Vec<u64> = feed1
            .iter()
            .map(|row| row.1)
            .chain(feed2.iter().map(|row| row.1))
            .collect();
        epochs.sort_unstable();
        epochs.dedup();
        for epoch in epochs {
            input1.advance_to(epoch);
            input2.advance_to(epoch);
            let mine = |place: usize| place % worker.peers() == worker.index();
            for (data, _, _) in feed2.iter().filter(|row| row.1 == epoch && mine(row.2)) {
                input2.send(data.clone());
            }
            for (data, _, _) in feed1.iter().filter(|row| row.1 == epoch && mine(row.2)) {
                input1.send(data.clone());
            }
            // Let workers drift apart, so that epochs overlap in every way.
            for _ in 0..(epoch as usize + worker.index()) % 4 {
                worker.step();
            }
        }
    });
    for result in guards.expect("threads can be started").join() {
        result.expect("no worker panicked");
    }

    let mut updates = std::mem::take(&mut *said.lock().expect("no worker panicked"));
    consolidate_updates(&mut updates);
    updates
}

/// What a stream says as a collection of rows: one a message, at its epoch.
pub fn as_rows<'scope, D: 'static, O: Data>(
    stream: StreamVec<'scope, u64, D>,
    row: impl Fn(&D) -> O + 'static,
) -> VecCollection<'scope, u64, O> {
    stream
        .unary(Pipeline, "Rows", move |_, _| {
            move |input, output| {
                input.for_each(|capability, batch| {
                    let epoch = *capability.least().expect("a message has an epoch");
                    let mut session = output.session(&capability);
                    for data in batch.drain(..) {
                        session.give((row(&data), epoch, 1));
                    }
                });
            }
        })
        .as_collection()
}

/// The content of a collection at `epoch`: rows and how often they are there.
pub fn content<D: Data>(updates: &[Update<D>], epoch: u64) -> Vec<(D, isize)> {
    let until = updates.iter().filter(|update| update.1 <= epoch);
    let mut content = until.map(|(data, _, diff)| (data.clone(), *diff)).collect();
    differential_dataflow::consolidation::consolidate(&mut content);
    content
}
