//! Bounds what is in flight: sealed epochs that a required sink has not committed yet.
//!
//! Timely has no back-pressure, so the sources hold: while there is no room no epoch is minted, readers
//! wait at their full channel, and their split queues are no longer read.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use model::Epoch;

/// How far a required sink got, by its name.
type Positions = BTreeMap<&'static str, Option<Epoch>>;

/// The gate that sealing passes.
#[derive(Debug)]
pub(crate) struct FlowGate {
    epochs_max: usize,
    bytes_max: u64,
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Debug, Default)]
struct State {
    in_flight: VecDeque<(Epoch, u64)>,
    bytes: u64,
    positions: Positions,
    held_since: Option<Instant>,
    closed: bool,
}

/// Who holds the sources, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    /// The required sink that is furthest behind.
    pub(crate) by: &'static str,
    /// How long nothing could be sealed.
    pub(crate) age: Duration,
    /// Epochs in flight.
    pub(crate) epochs: usize,
    /// Bytes in flight.
    pub(crate) bytes: u64,
}

impl FlowGate {
    /// A gate for the required sinks of these names, all at their start.
    #[must_use]
    pub(crate) fn new(epochs_max: usize, bytes_max: u64, required: &[&'static str]) -> Self {
        let positions = required.iter().map(|&name| (name, None)).collect();
        Self {
            epochs_max,
            bytes_max,
            state: Mutex::new(State {
                positions,
                ..State::default()
            }),
            moved: Condvar::new(),
        }
    }

    /// Waits until there is room for an epoch of `bytes`; says whether there was before the gate was closed
    /// for good.
    pub(crate) fn wait_for_room(&self, bytes: u64) -> bool {
        let mut state = self.lock();
        while !state.closed && !state.in_flight.is_empty() && !self.has_room(&state, bytes) {
            state.held_since.get_or_insert_with(Instant::now);
            state = self
                .moved
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state.held_since = None;
        !state.closed
    }

    /// Takes an epoch of `bytes` into flight.
    pub(crate) fn enter(&self, epoch: Epoch, bytes: u64) {
        let mut state = self.lock();
        state.in_flight.push_back((epoch, bytes));
        state.bytes += bytes;
    }

    /// Sleeps, but not past the end of the job.
    pub(crate) fn sleep(&self, time: Duration) {
        let is_open = |state: &mut State| !state.closed;
        let slept = self.moved.wait_timeout_while(self.lock(), time, is_open);
        drop(slept.unwrap_or_else(PoisonError::into_inner));
    }

    /// A required sink committed everything up to and including `epoch`.
    ///
    /// # Panics
    /// If the gate does not know the sink.
    pub(crate) fn reached(&self, sink: &'static str, epoch: Epoch) {
        let mut state = self.lock();
        let position = state
            .positions
            .get_mut(sink)
            .expect("the gate was made for this sink");
        *position = (*position).max(Some(epoch));
        let slowest = state.positions.values().min().copied().flatten();
        while let Some(&(first, bytes)) = state.in_flight.front()
            && Some(first) <= slowest
        {
            state.in_flight.pop_front();
            state.bytes -= bytes;
        }
        self.moved.notify_all();
    }

    /// Waits until a required sink has committed an epoch; says whether it has before the gate was closed for good.
    pub(crate) fn wait_until_reached(&self, sink: &str, epoch: Epoch) -> bool {
        let lacks = |state: &mut State| {
            let position = state.positions.get(sink).copied().flatten();
            !state.closed && position < Some(epoch)
        };
        let state = self.moved.wait_while(self.lock(), lacks);
        !state.unwrap_or_else(PoisonError::into_inner).closed
    }

    /// Lets whoever waits go, with the answer that there is no room: the job ends.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.moved.notify_all();
    }

    /// Whether the job ends.
    #[must_use]
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// How far a required sink got.
    #[must_use]
    pub(crate) fn position(&self, sink: &str) -> Option<Epoch> {
        self.lock().positions.get(sink).copied().flatten()
    }

    /// Whether more than `epochs` of those in flight are above what a required sink reached.
    #[must_use]
    pub(crate) fn is_behind(&self, sink: &str, epochs: usize) -> bool {
        let state = self.lock();
        let position = state.positions.get(sink).copied().flatten();
        let newest_but = state.in_flight.iter().rev().nth(epochs);
        newest_but.is_some_and(|&(epoch, _)| Some(epoch) > position)
    }

    /// Who holds the sources now, if anyone does.
    #[must_use]
    pub(crate) fn held(&self) -> Option<Held> {
        let state = self.lock();
        let since = state.held_since?;
        let (by, _) = state
            .positions
            .iter()
            .min_by_key(|(_, position)| **position)?;
        Some(Held {
            by,
            age: since.elapsed(),
            epochs: state.in_flight.len(),
            bytes: state.bytes,
        })
    }

    /// The epoch that all required sinks have committed.
    #[must_use]
    pub(crate) fn committed(&self) -> Option<Epoch> {
        self.lock().positions.values().min().copied().flatten()
    }

    fn has_room(&self, state: &State, bytes: u64) -> bool {
        state.in_flight.len() < self.epochs_max && state.bytes + bytes <= self.bytes_max
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    #[test]
    fn what_is_in_flight_stays_within_its_bounds_until_the_slowest_sink_commits() {
        let gate = Arc::new(FlowGate::new(2, 100, &["a", "b"]));
        for epoch in 1..=2 {
            assert!(gate.wait_for_room(10));
            gate.enter(Epoch(epoch), 10);
        }
        let waiting = thread::spawn({
            let gate = Arc::clone(&gate);
            move || gate.wait_for_room(10)
        });
        while gate.held().is_none() {
            thread::yield_now();
        }
        gate.reached("a", Epoch(2));
        assert_eq!(
            gate.held().map(|held| (held.by, held.epochs, held.bytes)),
            Some(("b", 2, 20))
        );
        gate.reached("b", Epoch(1));
        assert!(waiting.join().unwrap());
        assert_eq!(gate.held(), None);
        assert_eq!(gate.committed(), Some(Epoch(1)));
    }

    #[test]
    fn a_sink_is_behind_while_more_epochs_are_in_flight_above_it() {
        let gate = FlowGate::new(10, 100, &["dataflow", "inputs"]);
        assert!(!gate.is_behind("dataflow", 0));
        (1..=4).for_each(|epoch| gate.enter(Epoch(epoch), 1));
        assert!(gate.is_behind("dataflow", 3) && !gate.is_behind("dataflow", 4));
        gate.reached("dataflow", Epoch(2));
        assert!(gate.is_behind("dataflow", 1) && !gate.is_behind("dataflow", 2));
        gate.reached("dataflow", Epoch(4));
        assert!(!gate.is_behind("dataflow", 0) && gate.is_behind("inputs", 3));
    }

    #[test]
    fn what_waits_for_a_sink_goes_on_when_it_is_there_or_the_job_ends() {
        let gate = Arc::new(FlowGate::new(10, 100, &["inputs", "likes"]));
        let waiting = |epoch| {
            let gate = Arc::clone(&gate);
            thread::spawn(move || gate.wait_until_reached("inputs", Epoch(epoch)))
        };
        let (first, second) = (waiting(1), waiting(2));
        gate.reached("likes", Epoch(5));
        gate.reached("inputs", Epoch(1));
        assert!(first.join().unwrap());
        gate.close();
        assert!(!second.join().unwrap());
    }

    #[test]
    fn an_epoch_larger_than_the_bound_passes_alone() {
        let gate = FlowGate::new(2, 100, &["a"]);
        assert!(gate.wait_for_room(500));
    }

    #[test]
    fn closing_lets_the_waiting_go() {
        let gate = Arc::new(FlowGate::new(1, 100, &["a"]));
        gate.enter(Epoch(1), 1);
        let waiting = thread::spawn({
            let gate = Arc::clone(&gate);
            move || {
                gate.sleep(Duration::MAX);
                gate.wait_for_room(1)
            }
        });
        gate.close();
        assert!(!waiting.join().unwrap());
    }
}
