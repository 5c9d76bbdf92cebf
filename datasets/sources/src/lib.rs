//! Where records come from: Kafka, files, the generator.
//!
//! A [`Source`] names its partitions and opens a [`PartitionReader`] for each of them at an offset
//! of the caller's choice; a reader fills a [`RecordBatch`] with records in offset order. Whoever
//! owns a reader reads it on a thread of its own; a reader that is not read holds its source back.

mod batch;
mod error;
pub mod file;
pub mod generator;
pub mod kafka;
mod source;
mod status;

pub use batch::RecordBatch;
pub use error::SourceError;
pub use file::FileSource;
pub use kafka::{KafkaConfig, KafkaSource};
pub use source::{Limits, PartitionReader, Polled, Source, StopFlag, Wake};
pub use status::{Availability, SourceStatus};
