//! Why a job cannot start or go on.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use lake::LakeError;
use model::{DecodeError, Epoch, Millis, PartitionId, Topic};
use odds::OddsError;
use sources::{SourceError, StopFlag};
use thiserror::Error;
use views::ViewError;

use crate::egress::{NowError, SinkFailure};
use crate::flow::FlowGate;
use crate::folder::FolderError;
use crate::ingress::SealError;

/// Why a job cannot start or go on.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the messages document the variants")]
pub enum JobError {
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error("load the ruleset")]
    Rules(#[from] OddsError),
    #[error("reach the source")]
    Source(#[from] SourceError),
    #[error(transparent)]
    Secret(#[from] connection::SecretError),
    #[error("open or read the tables")]
    Lake(#[from] LakeError),
    #[error("open the view store")]
    OpenViews(#[source] ViewError),
    #[error("write the views")]
    Views(#[source] ViewError),
    #[error(
        "a row of table {table} is not what this version writes; was the table written by a newer version?"
    )]
    Row {
        table: &'static str,
        source: DecodeError,
    },
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error(transparent)]
    Sink(#[from] SinkFailure),
    #[error("generation {own} of this job was superseded by a newer start")]
    Superseded { own: crate::folder::Generation },
    #[error(
        "topic {topic} is gone, and {before} partitions of it were read: create it again only under another name or \
         for another job, as its records are not those that were read. Nothing was reset"
    )]
    TopicGone { topic: Topic, before: usize },
    #[error(
        "topic {topic} has {now} partitions and had {before}: its keys have moved and their order is not \
         defined any more. Start a new job in a new folder, or restore the topic's partition count"
    )]
    PartitionsChanged {
        topic: Topic,
        before: usize,
        now: usize,
    },
    #[error("the source has no partition to read: does one of the topics exist?")]
    NothingToRead,
    #[error(
        "records {from} to {to} of {partition} are needed and gone from the topic: they were deleted \
         before they were sealed. Nothing was reset"
    )]
    Gone {
        partition: PartitionId,
        from: i64,
        to: i64,
    },
    #[error(
        "{partition} ends at offset {end}, but the job has read it to {read}: the topic was deleted and created \
         again. Nothing was reset"
    )]
    Recreated {
        partition: PartitionId,
        end: i64,
        read: i64,
    },
    #[error(
        "{partition} holds another record at offset {offset} than the one that was read there: appended at {}, \
         not at {} (milliseconds since 1970), or with other contents. The topic was deleted and created again, \
         or its records were replaced. Nothing was reset",
        found.0,
        sealed.0,
    )]
    Replaced {
        partition: PartitionId,
        offset: i64,
        sealed: Millis,
        found: Millis,
    },
    #[error("run the dataflow workers: {0}")]
    Workers(String),
    #[error("start the thread {name}")]
    Thread {
        name: &'static str,
        source: std::io::Error,
    },
    #[error("the job was stopped because {what}; the log says more")]
    Stopped { what: &'static str },
    #[error(
        "ruleset {hash}, which the tables were committed under, is not in the job's folder any more, or not whole"
    )]
    RulesGone { hash: String },
    #[error(
        "everything is read and committed, but the views do not answer and are not true of epoch {epoch} yet; \
         the next start brings them there"
    )]
    ViewsBehind { epoch: Epoch },
    #[error(
        "epoch {epoch} is bound as the first one under ruleset {ruleset}, but has records: the binding log is not one of this program"
    )]
    SwitchWithRecords { epoch: Epoch, ruleset: String },
    #[error("open the now tables")]
    Now(#[from] NowError),
}

/// The job's one way to end before its time: the first fault counts, and everything that waits is let go.
#[derive(Clone)]
pub(crate) struct Fault {
    first: Arc<Mutex<Option<&'static str>>>,
    stop: StopFlag,
    gate: Arc<FlowGate>,
}

impl Fault {
    pub(crate) fn new(stop: StopFlag, gate: Arc<FlowGate>) -> Self {
        Self {
            first: Arc::default(),
            stop,
            gate,
        }
    }

    /// Ends the job.
    pub(crate) fn raise(&self, what: &'static str) {
        self.first
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(what);
        tracing::error!("{what}: the job ends");
        self.stop.set();
        self.gate.close();
    }

    /// Ends the job if the thread that holds it panics.
    pub(crate) fn guard(&self, what: &'static str) -> Guard {
        Guard {
            fault: self.clone(),
            what,
        }
    }

    /// The first fault, if there was one.
    pub(crate) fn first(&self) -> Option<&'static str> {
        *self.first.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for a thread of the job. One that panicked has no answer: its guard has raised the fault that ends the job.
pub(crate) fn joined<T>(thread: JoinHandle<T>) -> Option<T> {
    thread.join().ok()
}

/// Ends the job when it is dropped in a panic.
pub(crate) struct Guard {
    fault: Fault,
    what: &'static str,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.fault.raise(self.what);
        }
    }
}
