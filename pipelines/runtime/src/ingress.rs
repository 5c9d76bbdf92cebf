//! Batches to epochs: readers poll and admit on their own threads, the sealer closes epochs over whole
//! batches, makes each durable in the binding log, and hands it on once it is released.

mod hash;
mod reader;
mod sealer;

pub use reader::ReaderError;
pub(crate) use reader::{LastRecord, PartitionPlan, Readers};
pub use sealer::SealError;
pub(crate) use sealer::{ClosingRule, Pending, SealedEpoch, Sealer};
