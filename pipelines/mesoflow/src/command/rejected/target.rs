//! Where replays go: to the topics that the job reads, or into a file that it can be given.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Result, anyhow};
use model::PartitionId;
use runtime::acts::{Published, RecordPlace};
use runtime::config::{Job, SourceKind};

use super::broker::Broker;
use super::file::NewFile;
use super::rows::Row;
use crate::failure::Failed as _;

/// A record that is to be published again.
#[derive(Clone, Debug)]
pub(super) struct Replay {
    /// The row that was acted on.
    pub(super) row: Row,
    /// The record in whose place it counts: the first one, where the row is of a replay itself.
    pub(super) original: RecordPlace,
    /// The value that is published.
    pub(super) value: Option<Vec<u8>>,
}

/// Where replays go.
pub(super) enum Target {
    /// The topics of the job.
    Topics(Broker),
    /// A file for a job that reads files.
    File(NewFile),
}

impl Target {
    /// The place for a job's replays.
    ///
    /// - `file`: what was given with `--to`.
    pub(super) fn of(job: &Job, file: Option<&Path>) -> Result<Self> {
        match (job.source.kind, file) {
            (SourceKind::Kafka, None) => Broker::of(job).map(Self::Topics),
            (SourceKind::Files, Some(file)) => NewFile::of(job, file).map(Self::File),
            (SourceKind::Kafka, Some(_)) => {
                Err(anyhow!("job {} reads topics: its replays go there", job.job))
                    .advise("leave --to out")
                    .wrong()
            }
            (SourceKind::Files, None) => Err(anyhow!(
                "job {} reads files: there is no topic to publish records to",
                job.job
            ))
            .advise(
                "give a new file with --to, and name it in source.paths behind all others; the job's next start reads it",
            )
            .wrong(),
        }
    }

    /// An act takes at most so many records, and values of about so many bytes.
    pub(super) fn limits(&self) -> (usize, usize) {
        match self {
            Self::Topics(_) => (10_000, 64 << 20),
            // The whole file is one act.
            Self::File(_) => (1_000_000, 512 << 20),
        }
    }

    /// Whether the job reads this partition, so that it can hear of a replay.
    pub(super) fn has(&self, place: RecordPlace) -> bool {
        match self {
            Self::Topics(broker) => broker.has(place),
            Self::File(file) => file.has(place),
        }
    }

    /// Where these partitions end now.
    pub(super) fn ends(&self, partitions: &BTreeSet<PartitionId>) -> Result<Vec<RecordPlace>> {
        match self {
            Self::Topics(broker) => broker.ends(partitions),
            Self::File(file) => file.ends(partitions),
        }
    }

    /// Publishes records, durably.
    pub(super) fn publish(&self, replays: &[Replay], ends: &[RecordPlace]) -> Result<()> {
        match self {
            Self::Topics(broker) => broker.publish(replays, ends),
            Self::File(file) => file.publish(replays, ends),
        }
    }

    /// Which of the replays are published at or above `ends`, and where.
    pub(super) fn look(&self, replays: &[Replay], ends: &[RecordPlace]) -> Result<Vec<Published>> {
        match self {
            Self::Topics(broker) => broker.look(replays, ends),
            Self::File(file) => file.look(replays),
        }
    }

    /// The same after they were published: all of them are waited for.
    pub(super) fn look_for_all(
        &self,
        replays: &[Replay],
        ends: &[RecordPlace],
    ) -> Result<Vec<Published>> {
        match self {
            Self::Topics(broker) => broker.look_for_all(replays, ends),
            Self::File(file) => file.look(replays),
        }
    }
}
