//! Files of records: JSON lines, plain, gzip or zstd, resumable by offset.
//!
//! A line is one of
//! - the *record form*: `{"topic", "partition", "offset", "key", "timestamp_millis", "value"}`, the
//!   value as text or null, or in its place `value_base64` (and `key_base64` for the key); `replays` may name the
//!   offset in its partition of a record that it replays;
//! - a *bare envelope*, whose topic follows from its `eventType`: partition 0, the offset is the
//!   number of lines before it (over all files of the source), the timestamp is its `occurredAt`. It
//!   may have members of the record form's names: where they do not make a whole record, they are
//!   unknown members, and ignored;
//! - anything else. It comes through as it is, as a record of the partition [`STRAY_LINES`] of
//!   [`STRAY_TOPIC`], its offset the number of lines before it: it will be rejected by name.

mod index;
mod line;
mod lines;
mod reader;
mod write;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::{PartitionId, Topic};

use self::index::Index;
use self::reader::FileReader;
use crate::status::{Availability, StatusCell};
use crate::{PartitionReader, Source, SourceError, SourceStatus};

pub use self::write::{Compression, RecordFile};

/// The partition of lines that are no records; Kafka numbers partitions from 0.
pub const STRAY_LINES: i32 = -1;
/// The topic under which lines that are no records are rejected.
pub const STRAY_TOPIC: Topic = Topic::Equipment;

/// Files of records as a source.
pub struct FileSource {
    paths: Arc<[PathBuf]>,
    follow: bool,
    index: Mutex<Index>,
}

impl FileSource {
    /// Opens files to be read one after the other; a folder stands for its files by name. They are
    /// read once to find their partitions, so that errors in them are found now.
    pub fn open(paths: &[PathBuf]) -> Result<Self, SourceError> {
        Self::with(&expand(paths)?, false)
    }

    /// Opens one plain file that grows: its readers wait at its end, and a line counts once it has
    /// its line break.
    pub fn follow(path: &Path) -> Result<Self, SourceError> {
        Self::with(&[path.to_owned()], true)
    }

    fn with(paths: &[PathBuf], follow: bool) -> Result<Self, SourceError> {
        let source = Self {
            paths: paths.into(),
            follow,
            index: Mutex::new(Index::default()),
        };
        drop(source.index()?);
        Ok(source)
    }

    /// The index, with what came since it was looked at last.
    fn index(&self) -> Result<MutexGuard<'_, Index>, SourceError> {
        // An index is extended line by line; a panic in between leaves a shorter one.
        let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        index.extend(&self.paths, self.follow)?;
        Ok(index)
    }
}

impl Source for FileSource {
    fn partitions(&self) -> Result<Vec<PartitionId>, SourceError> {
        Ok(self.index()?.partitions.keys().copied().collect())
    }

    fn start_offsets(&self) -> Result<BTreeMap<PartitionId, i64>, SourceError> {
        let index = self.index()?;
        let spans = index.partitions.iter();
        Ok(spans
            .map(|(&partition, span)| (partition, span.start))
            .collect())
    }

    fn end_offsets(&self) -> Result<BTreeMap<PartitionId, i64>, SourceError> {
        let index = self.index()?;
        let spans = index.partitions.iter();
        Ok(spans
            .map(|(&partition, span)| (partition, span.end))
            .collect())
    }

    fn open(
        &self,
        partition: PartitionId,
        next_offset: i64,
    ) -> Result<Box<dyn PartitionReader>, SourceError> {
        let index = self.index()?;
        let span = index.partitions.get(&partition);
        let span = span.ok_or_else(|| SourceError::UnknownPartition {
            partition,
            place: format!("{:?}", self.paths),
        })?;
        if !(span.start..=span.end).contains(&next_offset) {
            return Err(SourceError::OffsetGone {
                partition,
                next_offset,
                available: span.start..span.end,
            });
        }
        let reader = FileReader::new(
            self.paths.clone(),
            self.follow,
            span.clone(),
            partition,
            next_offset,
        );
        Ok(Box::new(reader))
    }

    fn status(&self) -> SourceStatus {
        StatusCell::new(Availability::Up).get()
    }

    /// Files have no lag tools.
    fn commit_for_lag(&self, _: &BTreeMap<PartitionId, i64>) -> Result<(), SourceError> {
        Ok(())
    }
}

/// Replaces folders by the files in them, by name.
fn expand(paths: &[PathBuf]) -> Result<Vec<PathBuf>, SourceError> {
    let mut files = Vec::new();
    for path in paths {
        let open = |source| SourceError::Open {
            path: path.clone(),
            source,
        };
        if !fs::metadata(path).map_err(open)?.is_dir() {
            files.push(path.clone());
            continue;
        }
        let mut inside = Vec::new();
        for entry in fs::read_dir(path).map_err(open)? {
            let entry = entry.map_err(open)?;
            if entry.file_type().map_err(open)?.is_file() {
                inside.push(entry.path());
            }
        }
        inside.sort();
        files.append(&mut inside);
    }
    Ok(files)
}
