//! Delta tables: sealed epochs in, acknowledged epochs out.
//!
//! A [`Lake`] is a folder of tables, one a relation of [`model::tables`]. A [`Table`] is the writing
//! end of one: it belongs to one generation of one job, fences older ones off, and commits rows
//! together with the position they bring the table to. A [`View`] is the reading end. Everything
//! blocks: give each table a thread of its own.

mod check;
mod compact;
pub mod decide;
mod durable;
mod error;
mod files;
mod kernel;
mod lake;
mod maintain;
mod scan;
pub mod sql;
mod sums;
mod table;
mod view;
mod write;

pub use check::{Checked, FileDamage};
pub use compact::{Compacted, Compaction, CompactionLimits, Retain};
pub use error::LakeError;
pub use files::{Bound, FileStats, LiveFile};
pub use lake::Lake;
pub use maintain::{Cleaned, Retention};
pub use scan::{Scan, ScanFile};
pub use sums::{ContentSums, RANGES};
pub use table::{Owner, Table};
pub use view::View;
pub use write::{FileSet, Prepared, Writer};
