//! Admission: what becomes of each record, decided in one place.
//!
//! The records of one partition in the order of their offsets go through [`Partition::admit`]; each has
//! exactly one [`Outcome`], and what it changed is collected in [`Admitted`]: rows for the input table,
//! which read back are the [`Change`]s for the graphs, and what was rejected. From the rows alone
//! [`Restore`] rebuilds the partition.
//!
//! # Replays
//!
//! A record that names another one of its partition that it [replays](crate::RawRecord::replays) counts in the place of
//! that one. The *place* of a record is the offset that it replays, else its own. Of one key the places of the accepted
//! (applied or unchanged) records only grow: a replay is [`Outcome::Superseded`] where a record of its key was accepted
//! whose place is not below its own. So an event that is newer than the original is never overwritten; of the replays of
//! one original for one key one counts, however many are published; and where nothing newer was accepted the key becomes
//! what the original would have made it, a bare toggle included, since no toggle of the pair lies in between. All else
//! holds as for any record: event id, version, form.
//!
//! The newest accepted record of a key therefore leaves a row for ever (as an id, once it is not the key's state), and a
//! replay leaves its place in the head of its key, which counts while no newer record was accepted.

mod admitted;
mod change;
mod head;
mod ids;
mod keys;
mod newest;
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
