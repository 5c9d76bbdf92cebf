//! One file a question: the dataflow graphs.
//!
//! [`build`] puts the graphs of the main job on a worker; each is a pure function of its own, too.

pub mod expectation;
mod job;
pub mod likes;

pub use job::{Inputs, Output, Progress, Settings, build};
