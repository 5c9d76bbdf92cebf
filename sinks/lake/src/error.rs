//! Why a table could not be opened, written, read or kept in order.

use std::io;
use std::path::{Path, PathBuf};

use arrow::error::ArrowError;
use delta_kernel::KernelError;
use model::Epoch;
use parquet::errors::ParquetError;
use thiserror::Error;

/// Why a table could not be opened, written, read or kept in order.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the messages document the variants")]
pub enum LakeError {
    #[error("table {table} belongs to generation {newer}; this is generation {mine}")]
    Fenced {
        table: String,
        mine: u64,
        newer: u64,
    },
    #[error("epoch {epoch} is not above epoch {committed}, which table {table} has committed")]
    AlreadyCommitted {
        table: String,
        epoch: Epoch,
        committed: Epoch,
    },
    #[error("table {table} no longer stands where generation {mine} left it: {found}")]
    Moved {
        table: String,
        mine: u64,
        found: String,
    },
    #[error("table {table} was changed by others {attempts} times in a row")]
    Crowded { table: String, attempts: u32 },
    #[error("a sync of table {table} failed: what is on disk is not known")]
    SyncFailed { table: String },
    #[error("table {table} has other columns than this program: {difference}")]
    SchemaDiffers { table: String, difference: String },
    #[error("{doing} of table {table}")]
    Delta {
        doing: &'static str,
        table: String,
        source: Box<KernelError>,
    },
    #[error("{doing} {path}")]
    Io {
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("{doing} {path}")]
    Parquet {
        doing: &'static str,
        path: PathBuf,
        source: ParquetError,
    },
    #[error("{doing} rows of table {table}")]
    Rows {
        doing: &'static str,
        table: String,
        source: ArrowError,
    },
    #[error("table {table} lists file {path}, which is no file of its own folder")]
    StrayFile { table: String, path: String },
    #[error("commit {path} is empty, as a loss of power leaves a file that was not synced")]
    EmptyCommit { path: PathBuf },
    #[error("start the threads that serve all tables")]
    Executor { source: Box<KernelError> },
}

impl LakeError {
    /// Whether the same call may succeed later: the storage was away, full or slow.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Delta { .. }
            | Self::Io { .. }
            | Self::Parquet { .. }
            | Self::Crowded { .. }
            | Self::Executor { .. } => true,
            Self::Fenced { .. }
            | Self::AlreadyCommitted { .. }
            | Self::Moved { .. }
            | Self::SyncFailed { .. }
            | Self::SchemaDiffers { .. }
            | Self::Rows { .. }
            | Self::EmptyCommit { .. }
            | Self::StrayFile { .. } => false,
        }
    }

    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            doing,
            path,
            source,
        }
    }

    pub(crate) fn parquet(doing: &'static str, path: &Path) -> impl FnOnce(ParquetError) -> Self {
        let path = path.to_owned();
        move |source| Self::Parquet {
            doing,
            path,
            source,
        }
    }

    pub(crate) fn delta(doing: &'static str, table: &str) -> impl FnOnce(KernelError) -> Self {
        let table = table.to_owned();
        move |source| Self::Delta {
            doing,
            table,
            source: Box::new(source),
        }
    }

    pub(crate) fn rows(doing: &'static str, table: &str) -> impl FnOnce(ArrowError) -> Self {
        let table = table.to_owned();
        move |source| Self::Rows {
            doing,
            table,
            source,
        }
    }
}
