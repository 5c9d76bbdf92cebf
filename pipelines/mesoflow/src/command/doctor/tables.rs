//! The job's tables: readable, whole, and how far the inputs are sealed.

use std::collections::BTreeMap;

use lake::{Lake, LakeError, View};
use model::tables::Relation;
use model::{PartitionId, Topic};
use runtime::config::Job;

use super::finding::{Findings, bytes_text};
use crate::instant::epoch_with_time;
use crate::job::tables_folder;

/// The first offset of each partition that its input table has not sealed.
pub(super) type Sealed = BTreeMap<PartitionId, i64>;

pub(super) fn examine(job: &Job, findings: &mut Findings) -> Sealed {
    let mut sealed = Sealed::new();
    let folder = tables_folder(job);
    if !folder.is_dir() {
        findings.fine("tables", "none yet: the first start makes them");
        return sealed;
    }
    let lake = match Lake::open(&folder) {
        Ok(lake) => lake,
        Err(error) => {
            findings.failed(
                "tables",
                &error,
                "give this user the right to read and write them",
            );
            return sealed;
        }
    };
    for relation in Relation::ALL {
        let subject = format!("table {relation}");
        match lake
            .view(relation)
            .and_then(|view| view.map(looked_at).transpose())
        {
            Ok(None) => {}
            Ok(Some((view, table))) => {
                table.tell(&subject, findings);
                sealed.extend(offsets(&view, relation, &job.job));
            }
            Err(error) => findings.failed(
                &subject,
                &error,
                "see that its folder can be read and is whole; restore it from a backup if not",
            ),
        }
    }
    sealed
}

/// What a table's log and files are like.
struct Looked {
    as_of: String,
    files: usize,
    bytes: u64,
    /// Files that are missing or of another length than the log says.
    broken: Vec<String>,
}

fn looked_at(view: View) -> Result<(View, Looked), LakeError> {
    let files = view.files()?;
    let is_whole = |path: &std::path::Path, bytes: u64| {
        path.metadata().is_ok_and(|facts| facts.len() == bytes)
    };
    let broken = files
        .iter()
        .filter(|file| !is_whole(&file.path, file.bytes));
    let looked = Looked {
        as_of: view
            .committed()
            .map_or_else(|| "no epoch".to_owned(), epoch_with_time),
        files: files.len(),
        bytes: files.iter().map(|file| file.bytes).sum(),
        broken: broken.map(|file| file.name.clone()).collect(),
    };
    Ok((view, looked))
}

impl Looked {
    fn tell(&self, subject: &str, findings: &mut Findings) {
        let (files, bytes) = (self.files, bytes_text(self.bytes));
        let found = format!("sealed through {}, {files} files, {bytes}", self.as_of);
        match self.broken.as_slice() {
            [] => findings.fine(subject, found),
            [first, ..] => findings.wrong(
                subject,
                format!(
                    "{found}; {} of them missing or cut short, such as {first}",
                    self.broken.len()
                ),
                "restore these files from a backup: what only they held is gone",
            ),
        }
    }
}

/// The offsets that an input table is sealed through, which its commits name `job/table/offset/N`.
fn offsets(view: &View, relation: Relation, job: &str) -> Vec<(PartitionId, i64)> {
    let topic = match relation {
        Relation::InputEquipment => Topic::Equipment,
        Relation::InputLikes => Topic::Likes,
        _ => return Vec::new(),
    };
    let beginning = format!("{job}/{relation}/offset/");
    let positions = view.positions().iter().filter_map(|(name, at)| {
        let partition = name.strip_prefix(&beginning)?.parse().ok()?;
        Some((PartitionId { topic, partition }, *at))
    });
    positions.collect()
}
