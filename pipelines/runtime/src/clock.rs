//! Mints epochs: machine milliseconds, but always above everything that was ever seen.

use std::time::{SystemTime, UNIX_EPOCH};

use model::Epoch;

use crate::decide;

/// The source of new epochs. Clock jumps in either direction never make an epoch repeat or go back.
#[derive(Debug)]
pub(crate) struct EpochMint {
    newest: Epoch,
}

impl EpochMint {
    /// A mint whose epochs are all above `seen`: the highest epoch of bindings, tables and views.
    #[must_use]
    pub(crate) fn above(seen: Epoch) -> Self {
        Self { newest: seen }
    }

    /// The next epoch; `now` is the machine's time in milliseconds since 1970.
    pub(crate) fn mint(&mut self, now: u64) -> Epoch {
        self.newest = decide::mint(self.newest, now);
        self.newest
    }

    /// Never mints `epoch` or one below it.
    pub(crate) fn skip(&mut self, epoch: Epoch) {
        self.newest = self.newest.max(epoch);
    }
}

/// The machine's time in milliseconds since 1970 (0 for a clock before that).
#[must_use]
pub(crate) fn now_millis() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_grow_when_the_clock_stands_or_jumps_back() {
        let mut mint = EpochMint::above(Epoch(100));
        let minted: Vec<_> = [50, 200, 200, 10, 300]
            .into_iter()
            .map(|now| mint.mint(now).0)
            .collect();
        assert_eq!(minted, [101, 200, 201, 202, 300]);
    }
}
