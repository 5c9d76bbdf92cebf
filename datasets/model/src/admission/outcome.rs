//! What becomes of a record, and how many became what.

use std::iter::Sum;
use std::ops::{Add, AddAssign};

use serde::{Deserialize, Serialize};

/// What became of one record: exactly one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Accepted; it is now the state of its key.
    Applied,
    /// Equipment whose hash is that of the latest accepted snapshot: confirmed, not parsed.
    Unchanged,
    /// Its event id was accepted for the same key within the horizon.
    Duplicate,
    /// Its version is not above the highest one accepted for the key; or it is a replay, and the place that it would
    /// count in is not above that of the newest record accepted for the key.
    Superseded,
    /// Not accepted; [`Admitted::rejected`](super::Admitted::rejected) says why.
    Rejected,
}

impl Outcome {
    /// All outcomes, in the order of checking turned round.
    pub const ALL: [Self; 5] = [
        Self::Applied,
        Self::Unchanged,
        Self::Duplicate,
        Self::Superseded,
        Self::Rejected,
    ];

    /// The name as tables and golden files write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Unchanged => "unchanged",
            Self::Duplicate => "duplicate",
            Self::Superseded => "superseded",
            Self::Rejected => "rejected",
        }
    }
}

/// Records by outcome. `read() = applied + unchanged + duplicate + superseded + rejected`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are the outcomes")]
pub struct Counts {
    pub applied: u64,
    pub unchanged: u64,
    pub duplicate: u64,
    pub superseded: u64,
    pub rejected: u64,
}

impl Counts {
    /// Counts one record.
    pub fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Applied => self.applied += 1,
            Outcome::Unchanged => self.unchanged += 1,
            Outcome::Duplicate => self.duplicate += 1,
            Outcome::Superseded => self.superseded += 1,
            Outcome::Rejected => self.rejected += 1,
        }
    }

    /// The number of records that had this outcome.
    #[must_use]
    pub fn of(&self, outcome: Outcome) -> u64 {
        match outcome {
            Outcome::Applied => self.applied,
            Outcome::Unchanged => self.unchanged,
            Outcome::Duplicate => self.duplicate,
            Outcome::Superseded => self.superseded,
            Outcome::Rejected => self.rejected,
        }
    }

    /// The number of records read.
    #[must_use]
    pub fn read(&self) -> u64 {
        Outcome::ALL
            .into_iter()
            .map(|outcome| self.of(outcome))
            .sum()
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.applied += other.applied;
        self.unchanged += other.unchanged;
        self.duplicate += other.duplicate;
        self.superseded += other.superseded;
        self.rejected += other.rejected;
    }
}

impl Add for Counts {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        self += other;
        self
    }
}

impl Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_is_the_sum_of_the_outcomes() {
        let mut counts = Counts::default();
        for (index, outcome) in Outcome::ALL.into_iter().enumerate() {
            for _ in 0..=index {
                counts.count(outcome);
            }
        }

        assert_eq!(counts.read(), 15);
        assert_eq!(counts.of(Outcome::Rejected), 5);
        assert_eq!([counts, counts].into_iter().sum::<Counts>().read(), 30);
    }
}
