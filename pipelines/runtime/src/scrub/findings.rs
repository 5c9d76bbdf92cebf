//! What a scrub found: a line each in the log and in a file of the job's folder, and a count in status.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::Epoch;
use serde::{Deserialize, Serialize};

use crate::clock::now_millis;
use crate::folder::{Generation, JobFolder};
use crate::status::{Status, chain};

/// The file is put aside (`findings.old.jsonl`) when it is larger than this.
const FILE_BYTES: u64 = 16 << 20;

/// Damage that was found, and what is done about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// When, in milliseconds since 1970.
    pub found_at_millis: u64,
    /// The generation of the job that found it.
    pub generation: u64,
    /// What is damaged: `views`, or the name of a table.
    pub of: String,
    /// Where that is: the address of a store, or the folder of a table.
    pub place: String,
    /// Which value or file: kind and id of a view, or the name of a file.
    pub key: String,
    /// What is wrong with it (`docs/scrub.md`).
    pub damage: String,
    /// The epoch that it was compared at.
    pub as_of: Epoch,
    /// A hash of what is there, if anything is.
    pub held: Option<String>,
    /// A hash of what should be there, if anything should.
    pub wanted: Option<String>,
    /// What is lost by it, if anything is: which epochs of what.
    pub lost: Option<String>,
    /// Whether it is put right right after this line is written.
    pub repaired: bool,
    /// What is done about it, or what somebody should do.
    pub done: String,
}

impl Finding {
    /// A finding of this moment, of which nothing more is known yet.
    #[must_use]
    pub fn now(of: &str, place: &str, key: String, damage: &str, as_of: Epoch) -> Self {
        Self {
            found_at_millis: now_millis(),
            generation: 0,
            of: of.to_owned(),
            place: place.to_owned(),
            key,
            damage: damage.to_owned(),
            as_of,
            held: None,
            wanted: None,
            lost: None,
            repaired: false,
            done: String::new(),
        }
    }
}

/// Where a job's findings go.
#[derive(Clone, Debug)]
pub(crate) struct FindingLog {
    path: PathBuf,
    generation: Generation,
    status: Arc<Status>,
}

impl FindingLog {
    /// The log of a job.
    pub(crate) fn of(folder: &JobFolder, generation: Generation, status: Arc<Status>) -> Self {
        Self {
            path: folder.findings(),
            generation,
            status,
        }
    }

    /// Where findings are counted.
    pub(crate) fn status(&self) -> &Status {
        &self.status
    }

    /// Tells what was found, and what is to be done about it, before that is done. A file that cannot be written is
    /// no reason not to: it is said.
    pub(crate) fn tell(&self, of: &'static str, found: &mut [Finding]) {
        if found.is_empty() {
            return;
        }
        let mut lines = Vec::new();
        for finding in &mut *found {
            finding.generation = self.generation.0;
            let Finding {
                of,
                place,
                key,
                damage,
                as_of,
                held,
                wanted,
                lost,
                done,
                ..
            } = &*finding;
            let as_of = as_of.0;
            if finding.repaired {
                tracing::warn!(
                    of,
                    place,
                    key,
                    damage,
                    as_of,
                    ?held,
                    ?wanted,
                    ?lost,
                    done,
                    "found damage"
                );
            } else {
                tracing::error!(
                    of,
                    place,
                    key,
                    damage,
                    as_of,
                    ?held,
                    ?wanted,
                    ?lost,
                    done,
                    "found damage that is not put right"
                );
            }
            serde_json::to_writer(&mut lines, finding).expect("a finding has only text keys");
            lines.push(b'\n');
        }
        self.status.scrub_found(of, found);
        if let Err(error) = append(&self.path, &lines) {
            let path = self.path.display();
            tracing::error!(%path, "the log of findings could not be written: {}", chain(&error));
        }
    }
}

/// Appends lines, on disk when it returns.
fn append(path: &Path, lines: &[u8]) -> io::Result<()> {
    let mut file = open(path)?;
    if file.metadata()?.len() > FILE_BYTES {
        fs::rename(path, path.with_extension("old.jsonl"))?;
        file = open(path)?;
    }
    file.write_all(lines)?;
    file.sync_all()?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o640)
        .open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_a_line_that_can_be_read_again() {
        let root = tempfile::tempdir().unwrap();
        let folder = JobFolder::open(root.path()).unwrap();
        let log = FindingLog::of(&folder, Generation(7), Arc::default());
        let found = |key: &str| Finding::now("views", "store", key.to_owned(), "missing", Epoch(9));
        log.tell("views", &mut [found("character a"), found("likes b")]);
        log.tell("views", &mut [found("likes c")]);

        let text = fs::read_to_string(folder.findings()).unwrap();
        let read: Vec<Finding> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let keys: Vec<&str> = read.iter().map(|finding| &*finding.key).collect();
        assert_eq!(keys, ["character a", "likes b", "likes c"]);
        assert!(read.iter().all(|finding| finding.generation == 7));
        assert_eq!(log.status().report().scrubs["views"].found["missing"], 3);
    }

    #[test]
    fn a_log_that_has_grown_large_is_put_aside() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("findings.jsonl");
        File::create(&path)
            .unwrap()
            .set_len(FILE_BYTES + 1)
            .unwrap();
        append(&path, b"{}\n").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"{}\n");
        let aside = root.path().join("findings.old.jsonl");
        assert_eq!(fs::metadata(aside).unwrap().len(), FILE_BYTES + 1);
    }
}
