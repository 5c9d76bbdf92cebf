//! The job that a command asks about: its file, its view store, its tables.

use std::error::Error;
use std::iter;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use clap::Args;
use connection::SecretError;
use lake::Lake;
use model::view::ShardKeys;
use runtime::config::{ConfigError, Job, ViewsKind};
use sources::{KafkaConfig, StopFlag};
use views::{RedisConfig, RedisReader, RedisUrlError, SqliteStore, ViewError, ViewReader};

use crate::failure::{Failed as _, joined};

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
        ConfigError::InlineSecret { .. } => {
            "keep the password out of the job file: docs/security.md says how"
        }
        ConfigError::RedisUrl {
            source: RedisUrlError::Login,
            ..
        } => {
            "name the user by views.user, and where the password is by views.password_file or views.password_env"
        }
        ConfigError::Form { .. } | ConfigError::Value { .. } | ConfigError::RedisUrl { .. } => {
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
            let redis = redis_config(job)?;
            let reader = RedisReader::new(redis, shard_keys(job)?, STORE_TIMEOUT)
                .context("views of the job file")
                .advise("correct views.url and the files of views.tls")
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

/// What to do about a password that cannot be read.
pub(crate) const SECRET_ADVICE: &str =
    "put the password where the job file says, or name another place: docs/security.md says how";

fn secret<T>(read: std::result::Result<T, SecretError>) -> Result<T> {
    read.advise(SECRET_ADVICE).wrong()
}

/// How a job reaches its view store in Redis.
pub(crate) fn redis_config(job: &Job) -> Result<RedisConfig> {
    secret(job.views.redis())
}

/// What a view store said, or what to do about it saying nothing.
pub(crate) fn answered<T>(answer: std::result::Result<T, ViewError>) -> Result<T> {
    answer.map_err(|error| {
        let causes = joined(
            iter::successors(Some(&error as &dyn Error), |error| (*error).source())
                .map(ToString::to_string),
        );
        let failed = Err::<(), _>(error).advise(runtime::advice("views", &causes));
        failed.expect_err("it was made of an error")
    })
}

/// How a job reaches its broker.
pub(crate) fn kafka_config(job: &Job, stop: &StopFlag) -> Result<KafkaConfig> {
    secret(runtime::kafka_config(job, stop))
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
