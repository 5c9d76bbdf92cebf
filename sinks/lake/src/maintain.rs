//! Keeps a table quick to open and free of what nobody needs: checkpoints, log and file clean-up.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use failpoints::points;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tracing::{info, warn};

use crate::durable;
use crate::error::LakeError;
use crate::table::Table;

/// How long what is no longer part of the newest version stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Log entries before the last checkpoint. Hours at least: an old copy that wakes up must find
    /// that its version is taken.
    pub log: Duration,
    /// Data files since they were removed, or since they were written if no commit ever took them:
    /// longer than any query and any write may take.
    pub files: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            log: Duration::from_secs(6 * 3600),
            files: Duration::from_secs(2 * 3600),
        }
    }
}

/// What a clean-up deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// Files of the log.
    pub log_files: usize,
    /// Data files.
    pub data_files: usize,
    /// Bytes of the data files.
    pub data_bytes: u64,
}

impl Table {
    /// Writes a checkpoint of the version that this copy stands at, so that opening need not read the
    /// whole log. Due every hundred commits or so; takes tens of milliseconds.
    pub fn checkpoint(&mut self) -> Result<(), LakeError> {
        let table = self.spec().name();
        let version = self
            .view
            .kernel()
            .checkpoint()
            .map_err(LakeError::delta("write a checkpoint", table))?;
        let number = version.number();
        let log = self.log();
        points::CHECKPOINT_WRITTEN
            .pass_or_fail()
            .map_err(LakeError::io("write a checkpoint in", &log))?;
        for name in [checkpoint_name(number), "_last_checkpoint".to_owned()] {
            sync_file(&log.join(name))?;
        }
        // The checksum holds the positions: a start reads it in place of the log's tail.
        let version = match version.write_checksum() {
            Ok(version) => version,
            Err(error) => {
                warn!(table, %error, "no checksum beside the checkpoint");
                version
            }
        };
        durable::sync_folder(&log).map_err(LakeError::io("sync folder", &log))?;
        self.believe(version)?;
        info!(table, version = number, "wrote checkpoint");
        Ok(())
    }

    /// Deletes log entries before the last checkpoint, data files that are in no version that is
    /// still told, and drafts, each when older than `retention` at `now`.
    ///
    /// Reads the table anew first: a copy that is no longer the newest deletes nothing.
    pub fn clean(&mut self, retention: Retention, now: SystemTime) -> Result<Cleaned, LakeError> {
        self.refresh()?;
        let files = self.view.files()?;
        let live: HashSet<&str> = files.iter().map(|file| file.name.as_str()).collect();
        let mut cleaned = Cleaned {
            log_files: clean_log(&self.log(), retention.log, now)?,
            ..Cleaned::default()
        };
        let folder = self.view.folder();
        for entry in entries(folder)? {
            if entry.name.ends_with(".parquet")
                && !live.contains(entry.name.as_str())
                && entry.is_older(retention.files, now)
            {
                delete(&entry.path)?;
                points::CLEANING.pass();
                cleaned.data_files += 1;
                cleaned.data_bytes += entry.bytes;
            }
        }
        if cleaned != Cleaned::default() {
            info!(table = self.spec().name(), ?cleaned, "cleaned up");
        }
        Ok(cleaned)
    }
}

/// Deletes log entries of versions before the last good checkpoint, oldest version first: whoever
/// finds a version absent finds its predecessor absent as well.
fn clean_log(log: &Path, age: Duration, now: SystemTime) -> Result<usize, LakeError> {
    let mut versions: BTreeMap<u64, Vec<Entry>> = BTreeMap::new();
    let mut deleted = 0;
    for entry in entries(log)? {
        if entry.name.starts_with(".tmp-") {
            if entry.is_older(age, now) {
                delete(&entry.path)?;
                deleted += 1;
            }
        } else if let Some(version) = version_of(&entry.name) {
            versions.entry(version).or_default().push(entry);
        }
    }
    let Some(checkpoint) = last_checkpoint(&versions) else {
        return Ok(deleted);
    };
    // On disk before anything that it replaces goes.
    sync_file(&log.join(checkpoint_name(checkpoint)))?;
    durable::sync_folder(log).map_err(LakeError::io("sync folder", log))?;
    for (_, entries) in versions.range(..checkpoint) {
        if !entries.iter().all(|entry| entry.is_older(age, now)) {
            break;
        }
        for entry in entries {
            delete(&entry.path)?;
            points::CLEANING.pass();
            deleted += 1;
        }
    }
    if deleted > 0 {
        durable::sync_folder(log).map_err(LakeError::io("sync folder", log))?;
    }
    Ok(deleted)
}

/// The newest version with a checkpoint that can be read and a commit beside it.
fn last_checkpoint(versions: &BTreeMap<u64, Vec<Entry>>) -> Option<u64> {
    versions.iter().rev().find_map(|(&version, entries)| {
        let named = |name: &str| entries.iter().find(|entry| entry.name == name);
        named(&format!("{version:020}.json"))?;
        let checkpoint = named(&checkpoint_name(version))?;
        let readable = File::open(&checkpoint.path)
            .is_ok_and(|file| ParquetRecordBatchReaderBuilder::try_new(file).is_ok());
        readable.then_some(version)
    })
}

fn checkpoint_name(version: u64) -> String {
    format!("{version:020}.checkpoint.parquet")
}

fn version_of(name: &str) -> Option<u64> {
    let (digits, kind) = name.split_once('.')?;
    let known = ["json", "crc", "checkpoint.parquet"].contains(&kind);
    (known && digits.len() == 20).then(|| digits.parse().ok())?
}

/// Sets the age of files that are about to be removed to nothing: the retention counts from here.
pub(crate) fn touch(paths: &[PathBuf]) -> Result<(), LakeError> {
    for path in paths {
        File::open(path)
            .and_then(|file| file.set_modified(SystemTime::now()))
            .map_err(LakeError::io("set the age of", path))?;
    }
    Ok(())
}

fn sync_file(path: &Path) -> Result<(), LakeError> {
    File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(LakeError::io("sync file", path))
}

fn delete(path: &Path) -> Result<(), LakeError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other.map_err(LakeError::io("delete file", path)),
    }
}

/// A file of a folder.
struct Entry {
    name: String,
    path: PathBuf,
    bytes: u64,
    modified: SystemTime,
}

impl Entry {
    fn is_older(&self, age: Duration, now: SystemTime) -> bool {
        // A file from the future is as young as can be.
        now.duration_since(self.modified)
            .is_ok_and(|since| since >= age)
    }
}

fn entries(folder: &Path) -> Result<Vec<Entry>, LakeError> {
    let look = || -> io::Result<Vec<Entry>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let meta = match entry.metadata() {
                Ok(meta) => meta,
                // A draft of a commit comes and goes.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            if meta.is_file() {
                found.push(Entry {
                    name: entry.file_name().to_string_lossy().into_owned(),
                    path: entry.path(),
                    bytes: meta.len(),
                    modified: meta.modified()?,
                });
            }
        }
        Ok(found)
    };
    look().map_err(LakeError::io("list folder", folder))
}
