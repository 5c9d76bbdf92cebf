//! What people did about rejected records: one file an act, in order, none ever changed.
//!
//! ```text
//! <job>/acts/00000000000000000007.json   put-if-absent, one an act, synced before the act counts
//! ```
//! An act is decided on what all acts before it say, and takes the number after theirs: of two decided on the
//! same grounds one finds its number taken, and is decided anew. A replay is two acts, one before anything is
//! published and one after; one without the other is a replay that was cut off, and says what is left to do.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use model::{Millis, PartitionId, Topic};
use serde::{Deserialize, Serialize};

use crate::folder::{FolderError, JobFolder, io_error, numbered_files, sync_folder};

/// One record by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordPlace {
    /// The topic.
    pub topic: Topic,
    /// The partition's number.
    pub partition: i32,
    /// The offset in the partition.
    pub offset: i64,
}

impl RecordPlace {
    /// The partition.
    #[must_use]
    pub fn partition(&self) -> PartitionId {
        PartitionId {
            topic: self.topic,
            partition: self.partition,
        }
    }
}

impl std::fmt::Display for RecordPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}", self.topic, self.partition, self.offset)
    }
}

/// What someone did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// When, by the clock of the machine it was done on.
    pub at_millis: Millis,
    /// Who.
    pub by: String,
    /// The version of the program.
    pub program: String,
    /// What.
    #[serde(flatten)]
    pub deed: Deed,
}

/// The kinds of acts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum Deed {
    /// Records will never be replayed.
    Discard {
        /// Which.
        records: Vec<RecordPlace>,
        /// Why.
        note: String,
    },
    /// Records are about to be published again.
    ReplayBegun {
        /// Which.
        records: Vec<RecordPlace>,
        /// Why, if it was said.
        note: Option<String>,
        /// The value that is published in place of the record's own, if another one is.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        value: Option<String>,
        /// Where each partition ended before anything was published: what is published is at or above it.
        ends: Vec<RecordPlace>,
    },
    /// The records of a replay are published.
    ReplayEnded {
        /// The number of the act that began it.
        begun: u64,
        /// Which, and at which offset of its partition each stands now.
        published: Vec<Published>,
    },
}

/// A record that was published again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// The record that was replayed.
    #[serde(flatten)]
    pub record: RecordPlace,
    /// The offset of its replay in the same partition.
    pub replayed_at: i64,
}

/// Where a rejected record stands. Of several acts on one record the newest counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// Nothing was done about it.
    #[default]
    Open,
    /// A replay of it began and did not end.
    Replaying {
        /// The number of the act that began it.
        act: u64,
    },
    /// It was published again.
    Replayed {
        /// The number of the act that ended it.
        act: u64,
        /// The offset of the replay in the record's partition.
        at: i64,
    },
    /// It will not be replayed.
    Discarded {
        /// The number of the act.
        act: u64,
    },
}

/// The acts of a job's folder, as they were read.
#[derive(Clone, Debug)]
pub struct Acts {
    folder: PathBuf,
    acts: BTreeMap<u64, Act>,
}

impl Acts {
    /// Reads all acts. A folder without any is none.
    pub fn read(folder: &JobFolder) -> Result<Self, FolderError> {
        Self::read_from(folder.root().join("acts"))
    }

    /// The same, with the acts that were added since.
    pub fn again(&self) -> Result<Self, FolderError> {
        Self::read_from(self.folder.clone())
    }

    fn read_from(folder: PathBuf) -> Result<Self, FolderError> {
        let mut acts = BTreeMap::new();
        let there = folder
            .try_exists()
            .map_err(io_error("look for the acts in", &folder))?;
        if there {
            for (number, path) in numbered_files(&folder, ".json")? {
                let text = fs::read(&path).map_err(io_error("read the act", &path))?;
                let act = serde_json::from_slice(&text)
                    .map_err(|source| FolderError::Act { path, source })?;
                acts.insert(number, act);
            }
        }
        Ok(Self { folder, acts })
    }

    /// The acts by number, oldest first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (u64, &Act)> {
        self.acts.iter().map(|(&number, act)| (number, act))
    }

    /// An act by its number.
    #[must_use]
    pub fn get(&self, number: u64) -> Option<&Act> {
        self.acts.get(&number)
    }

    /// Where each record stands that anything was done about; all others are open.
    #[must_use]
    pub fn standings(&self) -> BTreeMap<RecordPlace, Standing> {
        let mut standings = BTreeMap::new();
        for (&act, Act { deed, .. }) in &self.acts {
            match deed {
                Deed::Discard { records, .. } => {
                    let all = records.iter();
                    standings.extend(all.map(|&record| (record, Standing::Discarded { act })));
                }
                Deed::ReplayBegun { records, .. } => {
                    let all = records.iter();
                    standings.extend(all.map(|&record| (record, Standing::Replaying { act })));
                }
                Deed::ReplayEnded { published, .. } => {
                    standings.extend(published.iter().map(|published| {
                        let at = published.replayed_at;
                        (published.record, Standing::Replayed { act, at })
                    }));
                }
            }
        }
        standings
    }

    /// Of each replay the record that was rejected in the first place: a replay that was rejected again and is replayed
    /// still counts in that one's place.
    #[must_use]
    pub fn originals(&self) -> BTreeMap<RecordPlace, RecordPlace> {
        let mut originals = BTreeMap::new();
        for act in self.acts.values() {
            if let Deed::ReplayEnded { published, .. } = &act.deed {
                for &Published {
                    record,
                    replayed_at,
                } in published
                {
                    let original = originals.get(&record).copied().unwrap_or(record);
                    let replay = RecordPlace {
                        offset: replayed_at,
                        ..record
                    };
                    originals.insert(replay, original);
                }
            }
        }
        originals
    }

    /// The numbers of the replays that began and did not end.
    #[must_use]
    pub fn unfinished(&self) -> Vec<u64> {
        let mut open = Vec::new();
        for (&number, act) in &self.acts {
            match act.deed {
                Deed::ReplayBegun { .. } => open.push(number),
                Deed::ReplayEnded { begun, .. } => open.retain(|&open| open != begun),
                Deed::Discard { .. } => {}
            }
        }
        open
    }

    /// Adds an act, durably, if no other one has come since these were read; gives its number then. `None`: read
    /// them again, and decide anew.
    pub fn add(&mut self, act: Act) -> Result<Option<u64>, FolderError> {
        fs::create_dir_all(&self.folder).map_err(io_error("create the folder", &self.folder))?;
        let number = self.acts.keys().next_back().map_or(1, |newest| newest + 1);
        let path = self.folder.join(format!("{number:020}.json"));
        let temporary = self
            .folder
            .join(format!(".{number:020}.{}", std::process::id()));
        let text =
            serde_json::to_string(&act).expect("acts have no maps with keys that JSON lacks");
        // Values of records may be in it: not for everyone's eyes.
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o640)
            .open(&temporary)
            .map_err(io_error("create", &temporary))?;
        file.write_all(text.as_bytes())
            .and_then(|()| file.write_all(b"\n"))
            .and_then(|()| file.sync_all())
            .map_err(io_error("write the act", &temporary))?;
        // A link is made with the content whole, or not at all.
        let linked = fs::hard_link(&temporary, &path);
        fs::remove_file(&temporary).map_err(io_error("remove", &temporary))?;
        match linked {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
            Err(error) => return Err(io_error("record the act", &path)(error)),
        }
        sync_folder(&self.folder)?;
        if number == 1 {
            let job = self.folder.parent().expect("it stands in the job's folder");
            sync_folder(job)?;
        }
        self.acts.insert(number, act);
        Ok(Some(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(offset: i64) -> RecordPlace {
        RecordPlace {
            topic: Topic::Likes,
            partition: 3,
            offset,
        }
    }

    fn act(deed: Deed) -> Act {
        Act {
            at_millis: Millis(7),
            by: "ann".to_owned(),
            program: "0.1.0".to_owned(),
            deed,
        }
    }

    fn discard(offset: i64) -> Act {
        act(Deed::Discard {
            records: vec![place(offset)],
            note: "a test of the producer".to_owned(),
        })
    }

    fn begun(offsets: &[i64]) -> Act {
        act(Deed::ReplayBegun {
            records: offsets.iter().copied().map(place).collect(),
            note: None,
            value: Some("{}".to_owned()),
            ends: vec![place(9)],
        })
    }

    fn ended(begun: u64, offset: i64) -> Act {
        act(Deed::ReplayEnded {
            begun,
            published: vec![Published {
                record: place(offset),
                replayed_at: 12,
            }],
        })
    }

    fn folder() -> (tempfile::TempDir, JobFolder) {
        let dir = tempfile::tempdir().unwrap();
        let folder = JobFolder::open(dir.path()).unwrap();
        (dir, folder)
    }

    #[test]
    fn acts_are_read_back_as_they_were_added_and_the_newest_on_a_record_counts() {
        let (_dir, folder) = folder();
        let mut acts = Acts::read(&folder).unwrap();
        let all = [discard(1), begun(&[1, 2]), ended(2, 1)];
        for (number, act) in (1..).zip(&all) {
            assert_eq!(acts.add(act.clone()).unwrap(), Some(number));
        }

        let read = Acts::read(&folder).unwrap();
        assert!(read.iter().map(|(_, act)| act).eq(&all));
        let standings = read.standings();
        assert_eq!(standings[&place(1)], Standing::Replayed { act: 3, at: 12 });
        assert_eq!(standings[&place(2)], Standing::Replaying { act: 2 });
        assert_eq!(standings.get(&place(3)), None);
    }

    #[test]
    fn a_replay_is_unfinished_until_its_end_is_recorded() {
        let (_dir, folder) = folder();
        let mut acts = Acts::read(&folder).unwrap();
        acts.add(begun(&[1])).unwrap();
        acts.add(begun(&[2])).unwrap();
        assert_eq!(acts.unfinished(), [1, 2]);
        acts.add(ended(1, 1)).unwrap();
        assert_eq!(acts.unfinished(), [2]);
    }

    #[test]
    fn a_replay_of_a_replay_stands_for_the_first_record() {
        let (_dir, folder) = folder();
        let mut acts = Acts::read(&folder).unwrap();
        acts.add(begun(&[1])).unwrap();
        acts.add(ended(1, 1)).unwrap();
        acts.add(begun(&[12])).unwrap();
        let again = Published {
            record: place(12),
            replayed_at: 20,
        };
        acts.add(act(Deed::ReplayEnded {
            begun: 3,
            published: vec![again],
        }))
        .unwrap();
        let originals = acts.originals();
        assert_eq!(originals[&place(12)], place(1));
        assert_eq!(originals[&place(20)], place(1));
        assert_eq!(originals.get(&place(1)), None);
    }

    #[test]
    fn of_two_acts_on_the_same_grounds_one_is_refused() {
        let (_dir, folder) = folder();
        let mut one = Acts::read(&folder).unwrap();
        let mut other = Acts::read(&folder).unwrap();
        assert_eq!(one.add(discard(1)).unwrap(), Some(1));
        assert_eq!(other.add(begun(&[1])).unwrap(), None);
        assert_eq!(Acts::read(&folder).unwrap().get(1), Some(&discard(1)));
    }

    #[test]
    fn an_act_that_is_damaged_is_named() {
        let (dir, folder) = folder();
        Acts::read(&folder).unwrap().add(discard(1)).unwrap();
        let path = dir.path().join("acts/00000000000000000001.json");
        fs::write(&path, "{").unwrap();
        let error = Acts::read(&folder).unwrap_err().to_string();
        assert!(error.contains("00000000000000000001.json"), "{error}");
    }
}
