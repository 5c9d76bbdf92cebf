//! Admission: what becomes of each record, decided in one place.
//!
//! The records of one partition in the order of their offsets go through [`Partition::admit`]; each has
//! exactly one [`Outcome`], and what it changed is collected in [`Admitted`]: rows for the input table,
//! which read back are the [`Change`]s for the graphs, and what was rejected. From the rows alone
//! [`Restore`] rebuilds the partition.

mod admitted;
mod change;
mod head;
mod ids;
mod keys;
mod outcome;
mod partition;
mod restore;
mod row;

#[cfg(test)]
mod tests;

pub use admitted::{Admitted, Rejected};
pub use change::{Change, DonationChange, EnrichChange, EquipmentChange, LikeChange};
pub use outcome::{Counts, Outcome};
pub use partition::Partition;
pub use restore::Restore;
pub use row::{InputRow, RowKind, consolidate_key};

/// How long, and how many, event ids are remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdmissionSettings {
    /// How much later than an accepted record the partition's running maximum timestamp may be for
    /// its event id to count as a duplicate still.
    pub dedup_horizon_millis: i64,
    /// At most so many event ids are remembered a partition; the oldest are forgotten first.
    pub dedup_ids_max: usize,
}
