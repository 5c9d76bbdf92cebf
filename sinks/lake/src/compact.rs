//! Compaction: the same content in fewer, sorted files, prepared beside, committed by the table.
//!
//! Files written by one compaction form a *run*, sorted by key. A compaction always takes the oldest
//! appended files and the newest runs next to them, so runs and appended files keep covering
//! stretches of time one after the other. A run is taken along once the rows that would be merged
//! into it are a fair share of it, so that each row is rewritten a logarithmic number of times.

mod aside;
mod changes;
mod input;
mod merge;
mod plan;

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use arrow::array::RecordBatch;
use failpoints::points;
use model::tables::{Kind, TableSpec};
use model::{Epoch, Millis};
use tracing::info;

use crate::error::LakeError;
use crate::files::{LiveFile, Origin};
use crate::kernel::Purpose;
use crate::scan;
use crate::table::{Change, Table};
use crate::write::{FileSet, Prepared, Writer};

pub use plan::CompactionLimits;

/// What must stay told apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retain {
    /// The retained epoch: content at lower epochs need no longer be told. At most the lowest epoch
    /// that all who go on from the table by differences have committed.
    pub since: Epoch,
    /// For input tables: per partition the least record timestamp whose event id is still inside the
    /// horizon of duplicates. The ids of a partition that is not named are all kept.
    pub ids_from: BTreeMap<i32, Millis>,
}

/// A compaction to be run, on any thread, while the table goes on committing.
#[derive(Debug)]
pub struct Compaction {
    spec: &'static TableSpec,
    writer: Writer,
    retain: Retain,
    files: Vec<LiveFile>,
    /// Whether no older rows lie in files that are left out: deletions need not be remembered.
    whole: bool,
    /// Whether appended files were left for the next one.
    leaves_files: bool,
    stretch_bytes: usize,
}

/// New files that wait to take the place of old ones.
#[derive(Debug)]
pub struct Compacted {
    prepared: Prepared,
    old: Vec<PathBuf>,
    names: HashSet<String>,
    since: Epoch,
    rows_before: u64,
}

impl Compacted {
    /// Rows before and after.
    #[must_use]
    pub fn rows(&self) -> (u64, u64) {
        (self.rows_before, self.prepared.rows())
    }
}

impl Compaction {
    /// The files that are read.
    #[must_use]
    pub fn files(&self) -> &[LiveFile] {
        &self.files
    }

    /// Whether appended files are left for the next compaction, because they were too many for this one.
    #[must_use]
    pub fn leaves_files(&self) -> bool {
        self.leaves_files
    }

    /// Reads, merges and writes. The table does not see the new files before they are committed; a
    /// crash leaves files that maintenance sweeps.
    pub fn run(&self) -> Result<Compacted, LakeError> {
        let newest = self.files.iter().filter_map(|file| {
            let bounds = file.stats.int_bounds(self.spec.epoch_column());
            bounds.map(|(_, max)| max)
        });
        let run = format!("{:020}", newest.max().unwrap_or(0));
        let mut set = self.writer.start_as(Origin::Run(run));
        match self.spec.kind {
            Kind::Changes => changes::consolidate(self, &mut set)?,
            Kind::Input => input::consolidate(self, &mut set)?,
            Kind::Log | Kind::Now => self.concatenate(&mut set)?,
        }
        let prepared = set.finish()?;
        let folder = self.writer.folder();
        points::COMPACTION_WRITTEN
            .pass_or_fail()
            .map_err(LakeError::io("compact", folder))?;
        Ok(Compacted {
            prepared,
            old: self.files.iter().map(|file| file.path.clone()).collect(),
            names: self.files.iter().map(|file| file.name.clone()).collect(),
            since: self.retain.since,
            rows_before: self.files.iter().map(|file| file.stats.rows).sum(),
        })
    }

    /// Logs lose nothing: their rows are put one after the other.
    fn concatenate(&self, set: &mut FileSet) -> Result<(), LakeError> {
        for file in &self.files {
            for batch in scan::open(&file.path, None)? {
                let batch: RecordBatch = batch.map_err(|error| {
                    LakeError::parquet("read rows of", &file.path)(error.into())
                })?;
                set.write(&batch)?;
            }
        }
        Ok(())
    }
}

impl Table {
    /// Looks for files that are worth compacting. `None` when there are too few.
    ///
    /// `retain.since` is held to what the table has committed and below the epochs of appended files that are left
    /// for later, and the table's own never goes back.
    pub fn plan_compaction(
        &self,
        mut retain: Retain,
        limits: &CompactionLimits,
    ) -> Result<Option<Compaction>, LakeError> {
        let Some(committed) = self.committed() else {
            return Ok(None);
        };
        retain.since = retain
            .since
            .min(committed)
            .max(self.since().unwrap_or_default());
        let chosen = plan::choose(self.view().files()?, self.spec(), limits);
        Ok(chosen.map(|chosen| {
            if let Some(max) = chosen.since_max {
                retain.since = retain.since.min(max);
            }
            Compaction {
                spec: self.spec(),
                writer: self.writer(),
                retain,
                files: chosen.files,
                whole: chosen.whole,
                leaves_files: chosen.since_max.is_some(),
                stretch_bytes: limits.stretch_bytes,
            }
        }))
    }

    /// Puts the new files in the place of the old ones, in one commit.
    pub fn commit_compaction(&mut self, compacted: &Compacted) -> Result<(), LakeError> {
        // Whoever reads an older version may go on for the retention, counted from now.
        crate::maintain::touch(&compacted.old)?;
        let number = self.position("compactions").unwrap_or(0) + 1;
        let since = compacted.since.max(self.since().unwrap_or_default());
        self.make(&Change {
            purpose: Purpose::Compact,
            prepared: &compacted.prepared,
            remove: Some(&compacted.names),
            through: None,
            positions: &[
                ("compactions".to_owned(), number),
                ("since".to_owned(), since.0.cast_signed()),
            ],
        })?;
        points::COMPACTION_DONE.pass();
        let (before, after) = compacted.rows();
        info!(
            table = self.spec().name(),
            files = compacted.names.len(),
            before,
            after,
            %since,
            "compacted"
        );
        Ok(())
    }
}
