//! The writing end of a table: fenced at open, one commit in flight, never a blind re-base.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use failpoints::points;
use model::Epoch;
use model::tables::{Relation, TableSpec};
use tracing::{debug, info, warn};

use crate::decide::{Found, Opening, Settled, opening, settle};
use crate::durable;
use crate::error::LakeError;
use crate::kernel::{self, Commit, Outcome, Purpose, Version};
use crate::lake::{Lake, url_of};
use crate::view::View;
use crate::write::{Prepared, Writer};

/// How often a commit is built anew because others took its version, before the caller hears of it.
const ATTEMPTS: u32 = 20;

/// Whose table it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The job's name; positions are kept under it.
    pub job: String,
    /// The job's generation: older ones are refused.
    pub generation: u64,
}

/// The writing end of a table. Blocks; meant for a thread of its own.
#[derive(Debug)]
pub struct Table {
    pub(crate) lake: Lake,
    pub(crate) view: View,
    owner: Owner,
    sync_failed: Arc<AtomicBool>,
    /// Whether the outcome of the last commit is still to be found out.
    unsettled: bool,
}

/// What a commit changes besides files.
pub(crate) struct Change<'a> {
    pub purpose: Purpose,
    pub prepared: &'a Prepared,
    pub remove: Option<&'a std::collections::HashSet<String>>,
    /// The epoch that the table is sealed through afterwards.
    pub through: Option<Epoch>,
    /// Further positions by their short names.
    pub positions: &'a [(String, i64)],
}

impl Table {
    pub(crate) fn open(lake: &Lake, relation: Relation, owner: &Owner) -> Result<Self, LakeError> {
        let spec = relation.spec();
        let folder = lake.folder_of(relation);
        let sync_failed = Arc::new(AtomicBool::new(false));
        if !kernel::exists(&folder).map_err(LakeError::io("look for a table in", &folder))? {
            create(lake, spec, &folder, &sync_failed)?;
        }
        let view = View::newest_for_writing(lake, relation)?;
        let schema = view
            .kernel()
            .schema()
            .map_err(LakeError::delta("read the columns", spec.name()))?;
        if let Some(difference) = difference(&spec.schema, &schema) {
            return Err(LakeError::SchemaDiffers {
                table: spec.name().to_owned(),
                difference,
            });
        }
        check_newest_commit(&view)?;
        let mut table = Self {
            lake: lake.clone(),
            view,
            owner: owner.clone(),
            sync_failed,
            unsettled: false,
        };
        table.fence()?;
        Ok(table)
    }

    /// The specification of the table.
    #[must_use]
    pub fn spec(&self) -> &'static TableSpec {
        self.view.spec()
    }

    /// The version that this copy committed or read last, for reading.
    #[must_use]
    pub fn view(&self) -> &View {
        &self.view
    }

    /// The epoch that the table is sealed through for this job.
    #[must_use]
    pub fn committed(&self) -> Option<Epoch> {
        self.position("epoch").map(|at| Epoch(at.cast_unsigned()))
    }

    /// The retained epoch: compaction merged what is below.
    #[must_use]
    pub fn since(&self) -> Option<Epoch> {
        self.position("since").map(|at| Epoch(at.cast_unsigned()))
    }

    /// A position that commits of this job have set.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<i64> {
        self.view.positions().get(&self.full_name(name)).copied()
    }

    /// All positions of this job by their short names, `epoch`, `generation` and `since` among them.
    pub fn positions(&self) -> impl Iterator<Item = (&str, i64)> {
        let prefix = self.full_name("");
        self.view
            .positions()
            .iter()
            .filter_map(move |(name, at)| Some((name.strip_prefix(&prefix)?, *at)))
    }

    fn full_name(&self, name: &str) -> String {
        format!("{}/{}/{name}", self.owner.job, self.spec().name())
    }

    /// Writes the files of a commit, on any thread: until [`Self::commit`] nobody sees them.
    #[must_use]
    pub fn writer(&self) -> Writer {
        Writer::new(self.spec(), self.view.folder().to_owned())
    }

    /// Appends rows and seals the table through `through`, in one commit with `positions` (such as
    /// the next offset of each partition). Without rows it is a commit of positions alone.
    pub fn append(
        &mut self,
        batches: &[RecordBatch],
        through: Epoch,
        positions: &[(String, i64)],
    ) -> Result<(), LakeError> {
        let prepared = self.writer().write_all(batches)?;
        self.commit(&prepared, through, positions)
    }

    /// Commits files written before, as [`Self::append`] does. After a transient error the same call
    /// may be made again: it finds out first whether the commit landed.
    pub fn commit(
        &mut self,
        prepared: &Prepared,
        through: Epoch,
        positions: &[(String, i64)],
    ) -> Result<(), LakeError> {
        self.make(&Change {
            purpose: Purpose::Append,
            prepared,
            remove: None,
            through: Some(through),
            positions,
        })
    }

    /// Replaces the whole content by `batches`, true at `epoch`, in one commit.
    pub fn rewrite(&mut self, batches: &[RecordBatch], epoch: Epoch) -> Result<(), LakeError> {
        let prepared = self.writer().write_all(batches)?;
        points::NOW_WRITTEN
            .pass_or_fail()
            .map_err(LakeError::io("rewrite", self.view.folder()))?;
        self.commit_rewrite(&prepared, epoch)
    }

    /// Replaces the whole content by files written before, as [`Self::rewrite`] does.
    pub fn commit_rewrite(&mut self, prepared: &Prepared, epoch: Epoch) -> Result<(), LakeError> {
        self.make(&Change {
            purpose: Purpose::Rewrite,
            prepared,
            remove: None,
            through: Some(epoch),
            positions: &[],
        })
    }

    /// Replaces the whole content by `batches`, true at the epoch that the table is committed through already:
    /// what it holds is damaged.
    pub fn restore(&mut self, batches: &[RecordBatch]) -> Result<(), LakeError> {
        let prepared = self.writer().write_all(batches)?;
        let restored = self.position("restored").unwrap_or(0) + 1;
        self.make(&Change {
            purpose: Purpose::Rewrite,
            prepared: &prepared,
            remove: None,
            through: None,
            positions: &[("restored".to_owned(), restored)],
        })
    }

    /// Reads the table anew and fails if it belongs to a newer generation.
    pub fn refresh(&mut self) -> Result<(), LakeError> {
        self.view = View::newest_for_writing(&self.lake, self.spec().relation)?;
        match self.position("generation") {
            Some(newer) if newer.cast_unsigned() > self.owner.generation => {
                Err(self.fenced(newer.cast_unsigned()))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Puts an empty commit with this generation after the newest version, so that no commit that
    /// an older copy has under way can land.
    fn fence(&mut self) -> Result<(), LakeError> {
        for _ in 0..ATTEMPTS {
            let found = self.position("generation").map(i64::cast_unsigned);
            match opening(self.owner.generation, found) {
                Opening::Fenced { newer } => return Err(self.fenced(newer)),
                Opening::Fence => {}
            }
            let generation = self.owner.generation.cast_signed();
            let positions = [(self.full_name("generation"), generation)];
            let commit = Commit {
                purpose: Purpose::Append,
                add: &[],
                remove: None,
                positions: &positions,
            };
            match self.send(&commit)? {
                Outcome::Committed(version) => {
                    self.believe(version)?;
                    points::FENCE_PUT.pass();
                    info!(
                        table = self.spec().name(),
                        generation = self.owner.generation,
                        version = self.view.version(),
                        committed = ?self.committed(),
                        "opened table"
                    );
                    return Ok(());
                }
                Outcome::Conflict => {}
                // The fence may have landed or not: it is put once more, which does no harm.
                Outcome::Unknown(error) => {
                    warn!(table = self.spec().name(), %error, "fence got no clear answer");
                    self.check_sync()?;
                }
            }
            self.view = View::newest_for_writing(&self.lake, self.spec().relation)?;
        }
        Err(self.crowded())
    }

    /// Makes a commit, and settles it before anything else is done.
    pub(crate) fn make(&mut self, change: &Change<'_>) -> Result<(), LakeError> {
        let base = self.committed();
        if self.unsettled {
            self.refresh()?;
            if self.has_landed(change)? {
                self.sync_log()?;
                self.unsettled = false;
                return Ok(());
            }
            if self.committed() != base {
                return Err(self.moved());
            }
        }
        if let (Some(through), Some(committed)) = (change.through, base)
            && through <= committed
        {
            return Err(LakeError::AlreadyCommitted {
                table: self.spec().name().to_owned(),
                epoch: through,
                committed,
            });
        }
        let mut positions: Vec<(String, i64)> = change
            .positions
            .iter()
            .map(|(name, at)| (self.full_name(name), *at))
            .collect();
        if let Some(through) = change.through {
            positions.push((self.full_name("epoch"), through.0.cast_signed()));
        }
        let commit = Commit {
            purpose: change.purpose,
            add: &change.prepared.files,
            remove: change.remove,
            positions: &positions,
        };
        for _ in 0..ATTEMPTS {
            self.unsettled = true;
            let trouble = match self.send(&commit)? {
                Outcome::Committed(version) => {
                    self.believe(version)?;
                    self.unsettled = false;
                    debug!(
                        table = self.spec().name(),
                        version = self.view.version(),
                        through = ?change.through,
                        rows = change.prepared.rows(),
                        "committed"
                    );
                    return Ok(());
                }
                Outcome::Conflict => None,
                Outcome::Unknown(error) => Some(error),
            };
            self.check_sync()?;
            self.view = View::newest_for_writing(&self.lake, self.spec().relation)?;
            let found = Found {
                generation: self.position("generation").map(i64::cast_unsigned),
                landed: self.has_landed(change)?,
                unmoved: self.committed() == base,
            };
            match settle(self.owner.generation, found) {
                Settled::Fenced { newer } => return Err(self.fenced(newer)),
                Settled::Landed => {
                    self.sync_log()?;
                    self.unsettled = false;
                    return Ok(());
                }
                Settled::Moved => {
                    return Err(self.moved());
                }
                Settled::Again => {}
            }
            if let Some(error) = trouble {
                // It is not there, but its answer was no conflict: the storage is in trouble. The
                // caller waits and calls again.
                return Err(LakeError::delta("commit", self.spec().name())(error));
            }
        }
        Err(self.crowded())
    }

    /// Whether the change is in the version that was read last: its position, and its files.
    fn has_landed(&self, change: &Change<'_>) -> Result<bool, LakeError> {
        let reached = match change.through {
            Some(through) => self.committed() == Some(through),
            None => change
                .positions
                .iter()
                .all(|(name, at)| self.position(name) == Some(*at)),
        };
        match change.prepared.files.first() {
            Some(file) if reached => {
                let files = self.view.files()?;
                Ok(files.iter().any(|live| live.name == file.name))
            }
            Some(_) | None => Ok(reached),
        }
    }

    fn send(&self, commit: &Commit<'_>) -> Result<Outcome, LakeError> {
        self.check_sync()?;
        self.view
            .kernel()
            .commit(commit, &self.sync_failed)
            .map_err(LakeError::delta("prepare a commit", self.spec().name()))
    }

    pub(crate) fn believe(&mut self, version: Version) -> Result<(), LakeError> {
        self.view = View::of(self.spec(), self.view.folder().to_owned(), version)?;
        Ok(())
    }

    /// A commit that was found in the log may have been found in memory alone.
    fn sync_log(&self) -> Result<(), LakeError> {
        let log = self.log();
        durable::sync_folder(&log).map_err(LakeError::io("sync folder", &log))
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.view.folder().join("_delta_log")
    }

    fn check_sync(&self) -> Result<(), LakeError> {
        if self.sync_failed.load(Ordering::Acquire) {
            return Err(LakeError::SyncFailed {
                table: self.spec().name().to_owned(),
            });
        }
        Ok(())
    }

    fn fenced(&self, newer: u64) -> LakeError {
        LakeError::Fenced {
            table: self.spec().name().to_owned(),
            mine: self.owner.generation,
            newer,
        }
    }

    fn moved(&self) -> LakeError {
        LakeError::Moved {
            table: self.spec().name().to_owned(),
            mine: self.owner.generation,
            found: format!(
                "generation {:?}, committed epoch {:?}",
                self.position("generation"),
                self.position("epoch")
            ),
        }
    }

    fn crowded(&self) -> LakeError {
        LakeError::Crowded {
            table: self.spec().name().to_owned(),
            attempts: ATTEMPTS,
        }
    }
}

fn create(
    lake: &Lake,
    spec: &TableSpec,
    folder: &std::path::Path,
    sync_failed: &Arc<AtomicBool>,
) -> Result<(), LakeError> {
    durable::create_folder(folder).map_err(LakeError::io("create folder", folder))?;
    let statistics: Vec<&str> = spec.statistics().collect();
    let properties = [("delta.dataSkippingStatsColumns", statistics.join(","))];
    let created = Version::create(
        lake.engine(),
        &url_of(folder),
        &spec.schema,
        &properties,
        sync_failed,
    )
    .map_err(LakeError::delta("create", spec.name()))?;
    debug!(table = spec.name(), created, "no table there yet");
    Ok(())
}

/// A commit that a loss of power left empty would read as a version in which nothing happened. Ours
/// are on disk before they have their name; those of other writers may not be.
fn check_newest_commit(view: &View) -> Result<(), LakeError> {
    let name = format!("_delta_log/{:020}.json", view.version());
    let path = view.folder().join(name);
    match std::fs::metadata(&path) {
        Ok(meta) if meta.len() == 0 => Err(LakeError::EmptyCommit { path }),
        Ok(_) => Ok(()),
        Err(error) => Err(LakeError::io("look at commit", &path)(error)),
    }
}

/// What is different between the columns that are wanted and those that are there.
fn difference(wanted: &Schema, found: &Schema) -> Option<String> {
    let names = |schema: &Schema| {
        let fields = schema.fields().iter();
        fields
            .map(|field| {
                let null = if field.is_nullable() { " null" } else { "" };
                format!("{} {}{null}", field.name(), field.data_type())
            })
            .collect::<Vec<_>>()
    };
    let (wanted, found) = (names(wanted), names(found));
    if wanted == found {
        return None;
    }
    let mut differences: Vec<String> = wanted
        .iter()
        .filter(|column| !found.contains(column))
        .map(|column| format!("lacks {column}"))
        .collect();
    differences.extend(
        found
            .iter()
            .filter(|column| !wanted.contains(column))
            .map(|column| format!("has {column}")),
    );
    if differences.is_empty() {
        differences.push("has them in another order".to_owned());
    }
    Some(differences.join(", "))
}

#[cfg(test)]
mod tests;
