//! Finished epochs to sinks: one thread a group of tables, one for the views. Each sink goes on after
//! the last epoch that it committed itself, without waiting for the others.

mod committer;
mod inputs;
mod likes;
mod maintenance;
mod now;
mod router;
mod valuations;
mod views;

pub use committer::SinkFailure;
pub(crate) use committer::{Committer, Ending, Sinking, TableGroup};
pub(crate) use inputs::InputTables;
pub(crate) use likes::LikeTables;
pub use now::NowError;
pub(crate) use now::NowTables;
pub(crate) use router::{Finished, FinishedEpoch, FromWorker, ReadOut, Router, Said, WantedBy};
pub(crate) use valuations::ValuationTables;
pub(crate) use views::{ViewHost, ViewPlan, ViewQueue, ViewScrub, ViewSink};
