//! The thread that remembers prices: those that workers compute are written now and then, and at the end.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use graphs::expectation::Memo;
use model::valued::SharedComponent;
use valuation::Key;

use super::{PRICES_MAX, PriceMemo};
use crate::error::{Fault, JobError, joined};
use crate::priority;
use crate::status::chain;

/// New prices are written when none has come for so long.
const QUIET: Duration = Duration::from_secs(5);
/// They are written at the latest so long after the first.
const WRITE_AFTER: Duration = Duration::from_secs(60);

/// Prices that were computed.
pub(crate) type Priced = Vec<(Key, SharedComponent)>;

/// The running thread. It ends when all who compute prices have.
pub(crate) struct PriceKeeper {
    /// Where prices are sent that were computed.
    pub(crate) priced: Sender<Priced>,
    thread: JoinHandle<()>,
}

impl PriceKeeper {
    /// Starts the thread.
    ///
    /// - `known`: what the memo holds.
    pub(crate) fn start(
        memo: PriceMemo,
        known: Arc<Memo>,
        fault: &Fault,
    ) -> Result<Self, JobError> {
        let (priced, received) = unbounded();
        let guard = fault.guard("the thread that remembers prices panicked");
        let keep = Keep {
            memo,
            known,
            computed: Vec::new(),
            unwritten: None,
        };
        let thread = thread::Builder::new()
            .name("prices".to_owned())
            .spawn(move || {
                let _guard = guard;
                priority::commits();
                keep.run(&received);
            })
            .map_err(|source| JobError::Thread {
                name: "prices",
                source,
            })?;
        Ok(Self { priced, thread })
    }

    /// Waits until all is written; those who compute prices have ended.
    pub(crate) fn finish(self) {
        drop(self.priced);
        joined(self.thread);
    }
}

struct Keep {
    memo: PriceMemo,
    known: Arc<Memo>,
    /// What was computed since the start.
    computed: Priced,
    /// When the first price came that is not written.
    unwritten: Option<Instant>,
}

impl Keep {
    fn run(mut self, received: &Receiver<Priced>) {
        loop {
            let wait = match self.unwritten {
                Some(since) => QUIET.min(WRITE_AFTER.saturating_sub(since.elapsed())),
                None => WRITE_AFTER,
            };
            match received.recv_timeout(wait) {
                Ok(priced) => {
                    self.take(priced);
                    if self
                        .unwritten
                        .is_some_and(|since| since.elapsed() >= WRITE_AFTER)
                    {
                        self.write();
                    }
                }
                Err(RecvTimeoutError::Timeout) => self.write(),
                Err(RecvTimeoutError::Disconnected) => return self.write(),
            }
        }
    }

    fn take(&mut self, priced: Priced) {
        if priced.is_empty() || self.computed.len() >= PRICES_MAX {
            return;
        }
        self.unwritten.get_or_insert_with(Instant::now);
        self.computed.extend(priced);
        if self.computed.len() >= PRICES_MAX {
            self.computed.truncate(PRICES_MAX);
            tracing::warn!(prices = PRICES_MAX, "no more prices are remembered");
        }
    }

    /// A memo that cannot be written is none: the next start computes again.
    fn write(&mut self) {
        if self.unwritten.take().is_none() {
            return;
        }
        let prices = remembered(&self.known, &self.computed, PRICES_MAX);
        let count = prices.len();
        let started = Instant::now();
        match self.memo.write(prices.into_iter()) {
            Ok(()) => {
                tracing::debug!(prices = count, elapsed = ?started.elapsed(), "wrote the memo of prices");
            }
            Err(error) => {
                tracing::warn!("could not write the memo of prices: {}", chain(&error));
            }
        }
    }
}

/// What is remembered: what was computed now goes before what was known before.
fn remembered<'a>(
    known: &'a Memo,
    computed: &'a Priced,
    prices_max: usize,
) -> Vec<(&'a Key, &'a SharedComponent)> {
    let computed = computed.iter().map(|(key, price)| (key, price));
    computed.chain(known).take(prices_max).collect()
}

#[cfg(test)]
mod tests {
    use model::valued::SharedComponent;
    use valuation::{ComponentValue, Level, Star, Status};

    use super::*;

    #[test]
    fn new_prices_push_old_ones_out_where_there_is_no_more_room() {
        let key = |target| Key::Starforce {
            level: Level(200),
            target: Star(target),
        };
        let price = || SharedComponent::from(ComponentValue::settled(Status::Impossible));
        let known: Memo = [(key(1), price()), (key(2), price())].into_iter().collect();
        let computed = vec![(key(3), price()), (key(4), price())];

        let kept = remembered(&known, &computed, 3);
        assert_eq!(kept.len(), 3);
        assert_eq!((kept[0].0, kept[1].0), (&key(3), &key(4)));
        assert_eq!(remembered(&known, &computed, 9).len(), 4);
    }
}
