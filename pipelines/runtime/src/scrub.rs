//! The scrub: all day, at a bounded rate, what views and tables hold is compared with what the graphs say;
//! what is damaged is told, and put right where that can be done (`docs/scrub.md`).

mod contents;
mod files;
mod findings;
mod pace;
mod tables;

pub use contents::{Compared, NOW, compare_now};
pub use files::{FilesChecked, check_files};
pub use findings::Finding;
pub(crate) use findings::FindingLog;
pub(crate) use pace::Pace;
pub(crate) use tables::{Anew, TableScrub, TableScrubber, read_outs};
