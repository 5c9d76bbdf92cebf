//! The binding log: which records belong to which epoch, durable before anything shows the epoch.
//!
//! A log is text, one record a line: eight hex digits of crc32, a space, JSON, a line feed. Its first
//! record is the header; a log exists under its name only once header and inherited bindings are synced.
//! What follows the first broken line counts for nothing.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;

use failpoints::points;
use model::{Epoch, PartitionId, Topic};
use serde::{Deserialize, Serialize};

use crate::decide;
use crate::folder::{
    FolderError, Generation, JobFolder, create, io_error, numbered_files, sync_folder,
};

/// What an epoch read of one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// The first offset that the epoch did not read.
    pub next_offset: i64,
    /// Number of records that the epoch read; 0 when the partition was idle.
    pub records: u64,
    /// A hash over these records (offset, timestamp, key, value), in order.
    pub hash: u64,
}

/// What makes an epoch definite.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// The epoch.
    pub epoch: Epoch,
    /// The ruleset in force, by hash.
    pub ruleset: String,
    /// Every partition known at that epoch.
    #[serde(with = "cut_form")]
    pub cut: BTreeMap<PartitionId, Read>,
}

#[derive(Serialize, Deserialize)]
struct Header {
    generation: u64,
    inherited: usize,
}

/// The own log of one generation.
#[derive(Debug)]
pub struct BindingLog {
    path: PathBuf,
    file: File,
    generation: Generation,
    bytes: u64,
    /// What it holds, in order.
    bindings: Vec<Binding>,
}

impl BindingLog {
    /// Begins the own log with a header and a copy of the `inherited` bindings, as one durable unit.
    pub fn begin(
        folder: &JobFolder,
        generation: Generation,
        inherited: &[Binding],
    ) -> Result<Self, FolderError> {
        let path = folder.bindings().join(format!("{:020}.log", generation.0));
        let temporary = folder.bindings().join(format!(".{:020}.log", generation.0));
        let text = beginning(generation, inherited);
        let mut file = create(&temporary)?;
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(io_error("write", &temporary))?;
        points::LOG_WRITTEN.pass();
        fs::rename(&temporary, &path).map_err(io_error("rename to", &path))?;
        points::LOG_RENAMED.pass();
        sync_folder(&folder.bindings())?;
        let file = OpenOptions::new()
            .append(true)
            .open(&path)
            .map_err(io_error("open", &path))?;
        Ok(Self {
            path,
            file,
            generation,
            bytes: text.len() as u64,
            bindings: inherited.to_vec(),
        })
    }

    /// Appends bindings and syncs: once this returns they are durable. After an error the log must not be
    /// used again (a failed sync says nothing about what reached the disk).
    pub fn append(&mut self, bindings: &[Binding]) -> Result<(), FolderError> {
        let text = lines(bindings);
        self.file
            .write_all(text.as_bytes())
            .and_then(|()| points::BINDING_WRITTEN.pass_or_fail())
            .and_then(|()| self.file.sync_data())
            .map_err(io_error("append a binding to", &self.path))?;
        self.bytes += text.len() as u64;
        self.bindings.extend_from_slice(bindings);
        Ok(())
    }

    /// Size of the log in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Drops the bindings up to and including `sealed`, if they are at least half of all: every input table and
    /// sink is past them. The one newest binding stays in any case, so that its epoch is never minted again.
    pub fn trim(&mut self, folder: &JobFolder, sealed: Epoch) -> Result<(), FolderError> {
        let bound = self.bindings.iter().map(|binding| binding.epoch);
        if let Some(dropped) = decide::trimmed(bound, sealed) {
            *self = Self::begin(folder, self.generation, &self.bindings[dropped..])?;
            points::LOG_TRIMMED.pass();
        }
        Ok(())
    }
}

/// The bindings that a new generation inherits: those of the newest earlier one whose log is complete.
pub fn inherited(folder: &JobFolder, own: Generation) -> Result<Vec<Binding>, FolderError> {
    let paths: BTreeMap<u64, PathBuf> = (numbered_files(&folder.bindings(), ".log")?)
        .into_iter()
        .collect();
    let logs: Vec<Generation> = paths.keys().copied().map(Generation).collect();
    decide::inherited(own, &logs, |log| read_log(&paths[&log.0]))
}

/// Deletes the logs of generations older than `own`, whose bindings it holds a durable copy of.
pub fn remove_older(folder: &JobFolder, own: Generation) -> Result<(), FolderError> {
    for (generation, path) in numbered_files(&folder.bindings(), ".log")? {
        if generation < own.0 {
            fs::remove_file(&path).map_err(io_error("remove", &path))?;
        }
    }
    Ok(())
}

/// The bindings of one log up to the first broken line; `None` when its header or copy is broken.
fn read_log(path: &std::path::Path) -> Result<Option<Vec<Binding>>, FolderError> {
    let text = fs::read(path).map_err(io_error("read the binding log", path))?;
    Ok(parsed(&text))
}

/// The bindings in the bytes of a log up to the first broken line; `None` when its header or copy is broken.
#[must_use]
pub fn parsed(log: &[u8]) -> Option<Vec<Binding>> {
    let mut lines = log.split_inclusive(|&byte| byte == b'\n');
    let header = lines.next().and_then(parse::<Header>);
    let whole = lines.map_while(parse).collect();
    decide::counted(header.map(|header| header.inherited), whole)
}

/// How a log begins: its header and the bindings that were inherited.
#[must_use]
pub fn beginning(generation: Generation, inherited: &[Binding]) -> String {
    let header = line(&Header {
        generation: generation.0,
        inherited: inherited.len(),
    });
    header + &lines(inherited)
}

/// What is appended to a log for `bindings`.
#[must_use]
pub fn lines(bindings: &[Binding]) -> String {
    bindings.iter().map(line).collect()
}

fn line<T: Serialize>(record: &T) -> String {
    let json =
        serde_json::to_string(record).expect("bindings have no maps with keys that JSON lacks");
    format!("{:08x} {json}\n", crc32fast::hash(json.as_bytes()))
}

fn parse<T: serde::de::DeserializeOwned>(line: &[u8]) -> Option<T> {
    let line = std::str::from_utf8(line.strip_suffix(b"\n")?).ok()?;
    let (crc, json) = line.split_once(' ')?;
    let crc = u32::from_str_radix(crc, 16).ok()?;
    if crc32fast::hash(json.as_bytes()) != crc {
        return None;
    }
    serde_json::from_str(json).ok()
}

/// JSON form of a cut: `[topic, partition, next_offset, records, hash]` for each partition.
mod cut_form {
    use super::{BTreeMap, Deserialize, PartitionId, Read, Serialize, Topic};
    use serde::{Deserializer, Serializer};

    type Row = (Topic, i32, i64, u64, u64);

    pub(super) fn serialize<S: Serializer>(
        cut: &BTreeMap<PartitionId, Read>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let rows: Vec<Row> = cut
            .iter()
            .map(|(id, read)| {
                (
                    id.topic,
                    id.partition,
                    read.next_offset,
                    read.records,
                    read.hash,
                )
            })
            .collect();
        rows.serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<BTreeMap<PartitionId, Read>, D::Error> {
        let rows = Vec::<Row>::deserialize(from)?;
        Ok(rows
            .into_iter()
            .map(|(topic, partition, next_offset, records, hash)| {
                (
                    PartitionId { topic, partition },
                    Read {
                        next_offset,
                        records,
                        hash,
                    },
                )
            })
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binding(epoch: u64) -> Binding {
        let id = PartitionId {
            topic: Topic::Likes,
            partition: 1,
        };
        let read = Read {
            next_offset: epoch as i64 * 10,
            records: 10,
            hash: u64::MAX - epoch,
        };
        Binding {
            epoch: Epoch(epoch),
            ruleset: "r".to_owned(),
            cut: BTreeMap::from([(id, read)]),
        }
    }

    fn folder() -> (tempfile::TempDir, JobFolder) {
        let dir = tempfile::tempdir().unwrap();
        let folder = JobFolder::open(dir.path()).unwrap();
        (dir, folder)
    }

    #[test]
    fn a_new_generation_inherits_what_the_newest_earlier_one_bound() {
        let (_dir, folder) = folder();
        let mut log = BindingLog::begin(&folder, Generation(1), &[]).unwrap();
        log.append(&[binding(1), binding(2)]).unwrap();
        let bindings = inherited(&folder, Generation(2)).unwrap();
        assert_eq!(bindings, [binding(1), binding(2)]);
        BindingLog::begin(&folder, Generation(2), &bindings).unwrap();
        log.append(&[binding(3)]).unwrap();
        assert_eq!(
            inherited(&folder, Generation(3)).unwrap(),
            bindings,
            "what an old copy binds later counts for nothing"
        );
    }

    #[test]
    fn a_torn_tail_is_cut_off_at_the_first_broken_line() {
        let (dir, folder) = folder();
        let mut log = BindingLog::begin(&folder, Generation(1), &[]).unwrap();
        log.append(&[binding(1), binding(2), binding(3)]).unwrap();
        let path = dir.path().join("bindings/00000000000000000001.log");
        let whole = fs::read(&path).unwrap();
        let second = whole
            .split_inclusive(|&b| b == b'\n')
            .take(2)
            .map(<[u8]>::len)
            .sum::<usize>();
        for cut in second..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let bindings = inherited(&folder, Generation(2)).unwrap();
            assert!(!bindings.is_empty() && bindings.len() < 3, "cut at {cut}");
        }
        let mut damaged = whole.clone();
        damaged[second + 12] ^= 1;
        fs::write(&path, &damaged).unwrap();
        assert_eq!(inherited(&folder, Generation(2)).unwrap(), [binding(1)]);
    }

    #[test]
    fn a_log_whose_copy_is_broken_is_passed_over() {
        let (dir, folder) = folder();
        BindingLog::begin(&folder, Generation(1), &[binding(1)]).unwrap();
        BindingLog::begin(&folder, Generation(2), &[binding(1), binding(2)]).unwrap();
        let path = dir.path().join("bindings/00000000000000000002.log");
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        assert_eq!(inherited(&folder, Generation(3)).unwrap(), [binding(1)]);
    }

    #[test]
    fn trimming_keeps_what_is_not_sealed_and_always_the_newest() {
        let (_dir, folder) = folder();
        let mut log = BindingLog::begin(&folder, Generation(1), &[binding(1)]).unwrap();
        log.append(&[binding(2), binding(3)]).unwrap();
        log.trim(&folder, Epoch(1)).unwrap();
        let kept = || inherited(&folder, Generation(2)).unwrap();
        assert_eq!(kept().len(), 3, "a third is not worth writing the rest");
        log.trim(&folder, Epoch(2)).unwrap();
        log.append(&[binding(4)]).unwrap();
        assert_eq!(kept(), [binding(3), binding(4)]);
        log.trim(&folder, Epoch(9)).unwrap();
        assert_eq!(inherited(&folder, Generation(2)).unwrap(), [binding(4)]);
    }
}
