//! All that is asked of `delta_kernel`: this module alone knows it.
//!
//! The kernel calls itself experimental; nothing of it is public here. Its calls block, and panic
//! inside a runtime of one thread.

pub(crate) mod committer;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use arrow::array::{Array, AsArray, StructArray};
use arrow::datatypes::{Int64Type, Schema};
use delta_kernel::actions::LOG_TXN_SCHEMA;
use delta_kernel::crc::SetTransactionState;
use delta_kernel::engine::arrow_conversion::{TryIntoArrow, TryIntoKernel};
use delta_kernel::engine::arrow_data::ArrowEngineData;
use delta_kernel::schema::StructType;
use delta_kernel::snapshot::IncrementalReplay;
use delta_kernel::transaction::create_table::create_table;
use delta_kernel::transaction::{CommitResult, Transaction, UpdateTableOperation};
use delta_kernel::{
    EngineData, FileMeta, FilteredEngineData, KernelError, KernelResult, Snapshot, SnapshotRef,
};
use delta_kernel_default_engine::executor::tokio::TokioMultiThreadExecutor;
use delta_kernel_default_engine::parquet::DataFileMetadata;
use delta_kernel_default_engine::storage::store_from_url;
use delta_kernel_default_engine::{DefaultEngine, DefaultEngineBuilder, build_add_file_metadata};
use url::Url;

use committer::DurableCommitter;

/// Who writes, as the log names it.
const WRITER: &str = concat!("mesoflow/", env!("CARGO_PKG_VERSION"));
/// Threads that read and write the log for all tables.
const EXECUTOR_THREADS: usize = 2;

/// The engine that all tables of a process share.
pub(crate) type SharedEngine = DefaultEngine<TokioMultiThreadExecutor>;

/// Starts the engine. Its executor must have several threads: on the default one a checkpoint hangs.
pub(crate) fn start_engine(folder: &Url) -> KernelResult<SharedEngine> {
    let executor = TokioMultiThreadExecutor::new_owned_runtime(Some(EXECUTOR_THREADS), None)?;
    Ok(DefaultEngineBuilder::new(store_from_url(folder)?)
        .with_task_executor(Arc::new(executor))
        .build())
}

/// One version of a table, and what opens the next.
#[derive(Clone)]
pub(crate) struct Version {
    engine: Arc<SharedEngine>,
    snapshot: SnapshotRef,
}

/// A data file to add.
#[derive(Clone, Debug)]
pub(crate) struct Added {
    pub name: String,
    pub bytes: u64,
    pub modified_millis: i64,
    pub stats: StructArray,
}

/// What a commit is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Rows of sealed epochs, or a position alone.
    Append,
    /// Another whole content.
    Rewrite,
    /// The same content in other files.
    Compact,
}

/// A commit to be made.
#[derive(Clone, Debug)]
pub(crate) struct Commit<'a> {
    pub purpose: Purpose,
    pub add: &'a [Added],
    /// Names of files to remove; `None` removes all.
    pub remove: Option<&'a HashSet<String>>,
    /// Positions by name.
    pub positions: &'a [(String, i64)],
}

/// What became of a commit.
pub(crate) enum Outcome {
    /// It is in the table, on disk; this is the version after it.
    Committed(Version),
    /// Its version was taken.
    Conflict,
    /// It may or may not be in the table.
    Unknown(KernelError),
}

/// A file of a version as the log lists it.
pub(crate) struct Listed {
    pub path: String,
    pub bytes: i64,
    pub stats: Option<String>,
}

impl Version {
    /// Creates a table. `false` if somebody else was first.
    pub(crate) fn create(
        engine: &Arc<SharedEngine>,
        url: &Url,
        schema: &Schema,
        properties: &[(&str, String)],
        sync_failed: &Arc<AtomicBool>,
    ) -> KernelResult<bool> {
        let schema: StructType = schema.try_into_kernel()?;
        let result = create_table(url.as_str(), Arc::new(schema), WRITER, true)
            .with_table_properties(properties.iter().map(|(key, value)| (*key, value.clone())))
            .build(
                engine.as_ref(),
                Box::new(DurableCommitter::new(sync_failed.clone())),
            )?
            .commit(engine.as_ref())?;
        match result {
            CommitResult::Committed(_) => Ok(true),
            CommitResult::Conflicted(_) => Ok(false),
            CommitResult::Retryable(retry) => Err(retry.error),
        }
    }

    /// Opens the newest version of the table at `url`. Writes nothing.
    pub(crate) fn newest(engine: &Arc<SharedEngine>, url: &Url) -> KernelResult<Self> {
        let snapshot = Snapshot::builder_for(url.as_str())
            .with_incremental_crc_replay(IncrementalReplay::Unlimited)
            .build(engine.as_ref())?;
        Ok(Self {
            engine: engine.clone(),
            snapshot,
        })
    }

    /// This version with a checksum, which is written if there is none: versions that are committed on top of it
    /// then know their positions without a look at the log.
    pub(crate) fn with_checksum(self) -> KernelResult<Self> {
        if self.snapshot.crc_at_version().is_some() {
            return Ok(self);
        }
        let version = self.write_checksum()?;
        if version.snapshot.crc_at_version().is_some() {
            return Ok(version);
        }
        // Another copy was first.
        Self::newest(&self.engine, self.snapshot.table_root())
    }

    pub(crate) fn number(&self) -> u64 {
        self.snapshot.version()
    }

    /// The columns as Arrow reads them.
    pub(crate) fn schema(&self) -> KernelResult<Schema> {
        Ok(self.snapshot.schema().as_ref().try_into_arrow()?)
    }

    /// Every position that a commit has set, by name.
    pub(crate) fn positions(&self) -> KernelResult<BTreeMap<String, i64>> {
        let known = self
            .snapshot
            .crc_at_version()
            .map(|crc| &crc.set_transaction_state);
        match known {
            Some(SetTransactionState::Complete(all)) => Ok(all
                .iter()
                .map(|(name, position)| (name.clone(), position.version()))
                .collect()),
            // There is no checksum, or a loss of power left half of it.
            Some(SetTransactionState::Partial(_)) | None => self.positions_in_log(),
        }
    }

    /// Every position by a look through the log from its newest commit back to the checkpoint.
    fn positions_in_log(&self) -> KernelResult<BTreeMap<String, i64>> {
        let missing = || KernelError::missing_column("txn");
        let mut positions = BTreeMap::new();
        let log = self.snapshot.log_segment();
        for part in log.read_actions(self.engine.as_ref(), LOG_TXN_SCHEMA.clone())? {
            let data = ArrowEngineData::try_from_engine_data(part?.actions)?;
            let batch = data.record_batch();
            let set = batch
                .column_by_name("txn")
                .and_then(|set| set.as_struct_opt())
                .ok_or_else(missing)?;
            let column = |name| set.column_by_name(name).ok_or_else(missing);
            let names = column("appId")?.as_string_opt::<i32>();
            let names = names.ok_or_else(missing)?;
            let at = column("version")?.as_primitive_opt::<Int64Type>();
            let at = at.ok_or_else(missing)?;
            for row in (0..batch.num_rows()).filter(|&row| set.is_valid(row)) {
                let name = names.value(row).to_owned();
                positions.entry(name).or_insert(at.value(row));
            }
        }
        Ok(positions)
    }

    /// The files of this version.
    pub(crate) fn files(&self) -> KernelResult<Vec<Listed>> {
        let mut files = Vec::new();
        self.each_file(|file, _| files.push(file), |_| Ok(()))?;
        Ok(files)
    }

    fn each_file(
        &self,
        mut see: impl FnMut(Listed, &mut bool),
        mut done: impl FnMut(FilteredEngineData) -> KernelResult<()>,
    ) -> KernelResult<()> {
        let engine = self.engine.as_ref();
        let scan = self.snapshot.clone().scan_builder().build()?;
        for part in scan.scan_metadata(engine)? {
            let (data, mut selected) = part?.scan_files.into_parts();
            let data = ArrowEngineData::try_from_engine_data(data)?;
            let batch = data.record_batch();
            selected.resize(batch.num_rows(), true);
            let missing = |name| KernelError::missing_column(name);
            let column = |name| batch.column_by_name(name).ok_or_else(|| missing(name));
            let path = column("path")?
                .as_string_opt::<i32>()
                .ok_or_else(|| missing("path"))?;
            let bytes = column("size")?
                .as_primitive_opt::<Int64Type>()
                .ok_or_else(|| missing("size"))?;
            let stats = column("stats")?
                .as_string_opt::<i32>()
                .ok_or_else(|| missing("stats"))?;
            for (row, selected) in selected.iter_mut().enumerate() {
                if *selected {
                    let file = Listed {
                        path: path.value(row).to_owned(),
                        bytes: bytes.value(row),
                        stats: stats.is_valid(row).then(|| stats.value(row).to_owned()),
                    };
                    see(file, selected);
                }
            }
            done(FilteredEngineData::try_new(data, selected)?)?;
        }
        Ok(())
    }

    /// Commits on top of this version.
    pub(crate) fn commit(
        &self,
        commit: &Commit<'_>,
        sync_failed: &Arc<AtomicBool>,
    ) -> KernelResult<Outcome> {
        let engine = self.engine.as_ref();
        let (operation, data_change) = match commit.purpose {
            Purpose::Append => (UpdateTableOperation::StreamingUpdate, true),
            Purpose::Rewrite => (UpdateTableOperation::Write, true),
            Purpose::Compact => (UpdateTableOperation::Optimize, false),
        };
        let mut update = self
            .snapshot
            .clone()
            .update_table(operation, WRITER, data_change);
        if commit.purpose == Purpose::Append && !commit.add.is_empty() {
            update = update.with_blind_append();
        }
        for (name, position) in commit.positions {
            update = update.with_transaction_id(name.clone(), *position);
        }
        let committer = DurableCommitter::new(sync_failed.clone());
        let mut transaction = update.build(engine, Box::new(committer))?;
        match commit.purpose {
            Purpose::Append => {}
            Purpose::Rewrite | Purpose::Compact => self.remove(commit.remove, &mut transaction)?,
        }
        if !commit.add.is_empty() {
            add(commit.add, &mut transaction)?;
        }
        Ok(match transaction.commit(engine) {
            Ok(CommitResult::Committed(committed)) => match committed.post_commit_snapshot() {
                Some(snapshot) => Outcome::Committed(Self {
                    engine: self.engine.clone(),
                    snapshot: snapshot.clone(),
                }),
                None => Outcome::Unknown(KernelError::generic("the commit gave no new version")),
            },
            Ok(CommitResult::Conflicted(_)) => Outcome::Conflict,
            Ok(CommitResult::Retryable(retry)) => Outcome::Unknown(retry.error),
            Err(error) => Outcome::Unknown(error),
        })
    }

    fn remove(
        &self,
        names: Option<&HashSet<String>>,
        transaction: &mut Transaction,
    ) -> KernelResult<()> {
        let mut found = 0;
        self.each_file(
            |file, selected| {
                *selected = names.is_none_or(|names| names.contains(&file.path));
                found += usize::from(*selected);
            },
            |files| {
                if files.selection_vector().contains(&true) {
                    transaction.remove_files(files);
                }
                Ok(())
            },
        )?;
        match names {
            Some(names) if names.len() != found => Err(KernelError::generic(format!(
                "{} of {} files to remove are not in the table",
                names.len() - found,
                names.len()
            ))),
            Some(_) | None => Ok(()),
        }
    }

    /// Writes a checkpoint of this version, not synced, and gives the version that knows of it.
    pub(crate) fn checkpoint(&self) -> KernelResult<Self> {
        let (_, snapshot) = self.snapshot.checkpoint(self.engine.as_ref(), None)?;
        Ok(Self {
            engine: self.engine.clone(),
            snapshot,
        })
    }

    /// Writes the checksum of this version, not synced: the next start reads it in place of the log.
    pub(crate) fn write_checksum(&self) -> KernelResult<Self> {
        let (_, snapshot) = self.snapshot.write_checksum(self.engine.as_ref())?;
        Ok(Self {
            engine: self.engine.clone(),
            snapshot,
        })
    }
}

/// Whether there is a table at all: a log with any version in it.
pub(crate) fn exists(folder: &Path) -> std::io::Result<bool> {
    let log = folder.join("_delta_log");
    let entries = match std::fs::read_dir(log) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        if name.ends_with(".json") && name.starts_with(|first: char| first.is_ascii_digit())
            || name.ends_with(".checkpoint.parquet")
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn add(files: &[Added], transaction: &mut Transaction) -> KernelResult<()> {
    let context = transaction.write_state()?.write_context_builder().build()?;
    for file in files {
        let place = context.write_dir().join(&file.name).map_err(|error| {
            KernelError::generic(format!("{} is no name of a file: {error}", file.name))
        })?;
        let meta = FileMeta::new(place, file.modified_millis, file.bytes);
        let data: Box<dyn EngineData> =
            build_add_file_metadata(DataFileMetadata::new(meta, file.stats.clone()), &context)?;
        transaction.add_files(data);
    }
    Ok(())
}
