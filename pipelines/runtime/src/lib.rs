//! Runs the graphs as a job: ingress (batches to epochs), workers, egress (finished epochs to sinks),
//! recovery, accounting.
//!
//! [`run`] runs a job from its start to its end on the calling thread; a [`Handle`] stops it and tells
//! what it does.

pub mod acts;
mod advice;
pub mod bindings;
mod clock;
pub mod config;
pub mod decide;
mod egress;
mod error;
mod feeder;
mod flow;
pub mod folder;
mod ingress;
mod job;
mod keeper;
mod prices;
mod priority;
mod recovery;
pub mod scrub;
mod status;
mod teller;
mod watch;
mod workers;

pub use advice::advice;
pub use config::{ConfigError, Job};
pub use egress::{NowError, SinkFailure};
pub use error::JobError;
pub use folder::{FolderError, Generation, JobFolder};
pub use ingress::{ReaderError, SealError};
pub use job::{Handle, Until, kafka_config, load_rules, open_source, run};
pub use scrub::Finding;
pub use status::{
    GroupReport, LoadingReport, PartitionReport, Phase, PhaseReport, Report, ScrubReport, Status,
    StepsReport, Trace, WaitReport,
};
pub use teller::started_ticks;
