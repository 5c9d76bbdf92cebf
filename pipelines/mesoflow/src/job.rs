//! The job that a command asks about: its file, its view store, its tables.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use clap::Args;
use lake::Lake;
use model::view::ShardKeys;
use runtime::config::{ConfigError, Job, ViewsKind};
use views::{RedisReader, SqliteStore, ViewReader};

use crate::failure::Failed as _;

/// How long a view store may take to answer.
const STORE_TIMEOUT: Duration = Duration::from_secs(5);

/// Which job is asked about.
#[derive(Debug, Args)]
pub(crate) struct JobArg {
    /// The job file; without it the demo's job: embedded views and tables in `mesoflow-data`.
    #[arg(long, value_name = "JOB.toml", global = true)]
    job: Option<PathBuf>,
}

/// Whose tables are asked.
#[derive(Debug, Args)]
pub(crate) struct TablesArg {
    /// The folder of a job, or of its tables. Default: that of the demo's job.
    #[arg(long, global = true)]
    folder: Option<PathBuf>,
    /// The job file of the job whose tables are meant.
    #[arg(
        long,
        value_name = "JOB.toml",
        global = true,
        conflicts_with = "folder"
    )]
    job: Option<PathBuf>,
}

impl TablesArg {
    /// The folder of the tables.
    pub(crate) fn folder(&self) -> Result<PathBuf> {
        Ok(match (&self.folder, &self.job) {
            (Some(folder), _) => {
                let inner = folder.join("tables");
                if inner.is_dir() {
                    inner
                } else {
                    folder.clone()
                }
            }
            (None, Some(job)) => tables_folder(&read(job)?),
            (None, None) => tables_folder(&Job::default()),
        })
    }
}

/// Refuses a folder of tables that is not there.
pub(crate) fn must_be_there(tables: &Path) -> Result<()> {
    if tables.is_dir() {
        return Ok(());
    }
    Err(anyhow!("there are no tables in {}", tables.display()))
        .advise("run the job first, or name one with --job, or its folder with --folder")
        .wrong()
}

impl JobArg {
    /// The job, or that of the demo.
    pub(crate) fn read(&self) -> Result<Job> {
        match &self.job {
            Some(path) => read(path),
            None => Ok(Job::default()),
        }
    }
}

/// Reads a job file. One that cannot be read, or is none, is a wrong request.
pub(crate) fn read(path: &Path) -> Result<Job> {
    Job::read(path).map_err(|error| {
        let advice = advice(&error);
        let failed = Err::<(), _>(error).advise(advice).wrong();
        failed.expect_err("it was made of an error")
    })
}

/// What to do about a job file.
pub(crate) fn advice(error: &ConfigError) -> &'static str {
    match error {
        ConfigError::Read { .. } => "name a job file that is there and may be read",
        ConfigError::Form { .. } | ConfigError::Value { .. } => {
            "correct the file; `pipelines/runtime/default.toml` documents every setting"
        }
    }
}

/// The file of a job's embedded views.
pub(crate) fn views_file(job: &Job) -> PathBuf {
    job.folder.join("views.sqlite")
}

/// The Redis keys of a job's views.
pub(crate) fn shard_keys(job: &Job) -> Result<ShardKeys> {
    ShardKeys::new(&job.job, 0).context("name the keys of the job's views")
}

/// The view store of a job, to be read.
pub(crate) fn views(job: &Job) -> Result<Box<dyn ViewReader>> {
    match job.views.kind {
        ViewsKind::Redis => {
            let reader = RedisReader::new(&job.views.url, shard_keys(job)?, STORE_TIMEOUT)
                .context("views.url of the job file")
                .advise("give an address as redis://host:port or redis://host:port/db")
                .wrong()?;
            Ok(Box::new(reader))
        }
        ViewsKind::Embedded => {
            let file = views_file(job);
            if !file.is_file() {
                return Err(anyhow!("there is no view store {}", file.display()))
                    .advise("run the job first, or name another one with --job")
                    .wrong();
            }
            let reader = SqliteStore::open_read_only(&file)
                .advise("see whether the file is whole and may be read")?;
            Ok(Box::new(reader))
        }
        ViewsKind::None => Err(anyhow!("job {} keeps no views", job.job))
            .advise("set views.kind in its job file, or ask its tables: `mesoflow query`")
            .wrong(),
    }
}

/// The folder of a job's tables.
pub(crate) fn tables_folder(job: &Job) -> PathBuf {
    job.folder.join("tables")
}

/// The tables of a job, which must be there.
pub(crate) fn lake(job: &Job) -> Result<Lake> {
    let folder = tables_folder(job);
    if !folder.is_dir() {
        return Err(anyhow!("there are no tables in {}", folder.display()))
            .advise("run the job first, or name another one with --job")
            .wrong();
    }
    Lake::open(&folder).advise("see whether the folder may be read and written")
}
