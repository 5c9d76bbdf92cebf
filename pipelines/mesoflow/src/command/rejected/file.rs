//! A new file of replays, for a job that reads files: it is there whole, or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use model::{PartitionId, RawRecord, Topic};
use runtime::acts::{Published, RecordPlace};
use runtime::config::Job;
use sources::file::{Compression, FileSource, RecordFile};
use sources::{Limits, Polled, RecordBatch, Source as _};

use super::target::Replay;
use crate::failure::Failed as _;

const LIMITS: Limits = Limits {
    records: 1_000,
    bytes: 8 << 20,
};

/// The file, and what the job reads before it.
pub(super) struct NewFile {
    path: PathBuf,
    before: FileSource,
    topics: Vec<Topic>,
}

impl NewFile {
    pub(super) fn of(job: &Job, path: &Path) -> Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            before: FileSource::open(&job.source.paths)
                .advise("correct source.paths of the job file")?,
            topics: job.topics(),
        })
    }

    pub(super) fn has(&self, place: RecordPlace) -> bool {
        self.topics.contains(&place.topic) && place.partition >= 0
    }

    pub(super) fn ends(&self, partitions: &BTreeSet<PartitionId>) -> Result<Vec<RecordPlace>> {
        let ends = self.before.end_offsets()?;
        partitions
            .iter()
            .map(|partition| {
                let &offset = ends.get(partition).with_context(|| {
                    format!("the files of the job have no partition {partition} any more")
                })?;
                Ok(RecordPlace {
                    topic: partition.topic,
                    partition: partition.partition,
                    offset,
                })
            })
            .collect()
    }

    /// Writes the records behind the ends of their partitions.
    pub(super) fn publish(&self, replays: &[Replay], ends: &[RecordPlace]) -> Result<()> {
        if replays.is_empty() {
            return Ok(());
        }
        let write = || format!("write {}", self.path.display());
        let advice = "name a file in a folder that may be written and has room";
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{}", process::id()));
        let temporary = PathBuf::from(name);
        let mut next: BTreeMap<PartitionId, i64> = ends
            .iter()
            .map(|end| (end.partition(), end.offset))
            .collect();
        let mut file = RecordFile::create(&temporary, Compression::Plain).advise(advice)?;
        for replay in replays {
            let partition = replay.row.place.partition();
            let next = next
                .get_mut(&partition)
                .context("each partition has its end")?;
            let record = RawRecord {
                value: replay.value.as_deref(),
                offset: *next,
                replays: Some(replay.original.offset),
                ..replay.row.record()
            };
            *next += 1;
            file.write(partition, record).advise(advice)?;
        }
        file.finish().advise(advice)?;
        let synced = File::open(&temporary).and_then(|file| file.sync_all());
        synced.with_context(write).advise(advice)?;
        // Another file of that name is never replaced.
        let linked = fs::hard_link(&temporary, &self.path);
        fs::remove_file(&temporary).with_context(|| format!("remove {}", temporary.display()))?;
        match linked {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return Err(anyhow!("{} is there already", self.path.display())).advise(
                    "nothing was written: finish with `mesoflow rejected resume --to` and the name of a file that is not there",
                );
            }
            linked => linked.with_context(write).advise(advice)?,
        }
        let folder = self
            .path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))
            .and_then(|folder| folder.sync_all())
            .with_context(write)
    }

    /// Which of the replays the file holds, and at which offsets.
    pub(super) fn look(&self, replays: &[Replay]) -> Result<Vec<Published>> {
        if !self.path.is_file() {
            return Ok(Vec::new());
        }
        let source = FileSource::open(std::slice::from_ref(&self.path))?;
        let mut found: BTreeMap<RecordPlace, i64> = BTreeMap::new();
        for (partition, start) in source.start_offsets()? {
            let mut reader = source.open(partition, start)?;
            let mut batch = RecordBatch::new();
            while reader.poll(&mut batch, LIMITS, None, Duration::ZERO)? != Polled::End {
                for record in batch.iter() {
                    if let Some(offset) = record.replays {
                        let original = RecordPlace {
                            topic: partition.topic,
                            partition: partition.partition,
                            offset,
                        };
                        found.entry(original).or_insert(record.offset);
                    }
                }
            }
        }
        let published = replays.iter().filter_map(|replay| {
            Some(Published {
                record: replay.row.place,
                replayed_at: *found.get(&replay.original)?,
            })
        });
        Ok(published.collect())
    }
}
