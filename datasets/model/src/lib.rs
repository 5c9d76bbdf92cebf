//! Records, events, epochs and offsets: the contracts of both sides.

pub mod admission;
mod codec;
pub mod document;
pub mod event;
pub mod event_id;
mod fields;
mod hashing;
mod instant;
mod json;
pub mod limits;
mod named;
pub mod reason;
pub mod record;
pub mod snapshot;
pub mod tables;
pub mod time;
pub mod topic;
pub mod valued;
pub mod view;

pub use codec::DecodeError;
pub use event_id::EventId;
pub use reason::{Reason, Rejection};
pub use record::RawRecord;
pub use time::{Epoch, Millis};
pub use topic::{PartitionId, Topic};
