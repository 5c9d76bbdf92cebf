//! Records, events, epochs and offsets: the contracts of both sides.

pub mod time;
pub mod topic;
pub mod valued;

pub use time::{Epoch, Millis};
pub use topic::{PartitionId, Topic};
