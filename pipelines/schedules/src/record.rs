//! Admission of records, as the job does it: record and state lead to an outcome and perhaps a change.
//!
//! The real admission ([`model::admission`]) reads JSON documents and packs its state; a world needs ids, values and
//! timestamps alone, in states that are small. It has its own tests against a sequential oracle.

use crate::config::{Epoch, Op, Record};

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Applied,
    Unchanged,
    Duplicate,
    Rejected,
}

/// The state of a partition.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Admission {
    /// By key.
    pub(crate) values: Vec<u8>,
    /// Accepted ids: key, id, and when (timestamp, or epoch where the horizon is one of epochs).
    pub(crate) ids: Vec<(u8, u16, u32)>,
    /// The running maximum of timestamps.
    pub(crate) newest: u16,
}

impl Admission {
    pub(crate) fn new(keys: u8) -> Self {
        Self {
            values: vec![0; usize::from(keys)],
            ids: Vec::new(),
            newest: 0,
        }
    }

    /// Decides on a record.
    ///
    /// - `by_epoch`: the open epoch, where the horizon is measured in epochs (a mutation).
    pub(crate) fn admit(
        &mut self,
        record: Record,
        horizon: u16,
        by_epoch: Option<Epoch>,
    ) -> Outcome {
        self.newest = self.newest.max(record.timestamp);
        let now = by_epoch.unwrap_or(Epoch::from(self.newest));
        self.ids
            .retain(|&(_, _, at)| at + u32::from(horizon) >= now);
        let is_known = |&(key, id, _): &(u8, u16, u32)| (key, id) == (record.key, record.id);
        if self.ids.iter().any(is_known) {
            return Outcome::Duplicate;
        }
        let value = &mut self.values[usize::from(record.key)];
        let wanted = match record.op {
            Op::Set(wanted) => wanted,
            Op::Toggle => u8::from(*value == 0),
            Op::Confirm(held) if held == *value => held,
            Op::Confirm(_) => return Outcome::Rejected,
        };
        let accepted_at = by_epoch.unwrap_or(Epoch::from(record.timestamp));
        self.ids.push((record.key, record.id, accepted_at));
        if *value == wanted {
            return Outcome::Unchanged;
        }
        *value = wanted;
        Outcome::Applied
    }
}
