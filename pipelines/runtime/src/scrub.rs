//! The scrub: all day, at a bounded rate, what views and tables hold is compared with what the graphs say;
//! what is damaged is told, and put right where that can be done (`docs/scrub.md`).

mod findings;
mod pace;

pub use findings::Finding;
pub(crate) use findings::FindingLog;
pub(crate) use pace::Pace;
