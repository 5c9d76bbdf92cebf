//! Finished epochs to sinks: one thread a group of tables, one for the views. Each sink goes on after
//! the last epoch that it committed itself, without waiting for the others.

mod committer;
mod inputs;
mod likes;
mod router;
mod valuations;

pub use committer::{Committer, SinkFailure, Sinking, TableGroup};
pub use inputs::InputTables;
pub use likes::LikeTables;
pub use router::{FinishedEpoch, FromWorker, Router};
pub use valuations::ValuationTables;
