//! The published odds tables: loaded, checked, content-hashed.
//!
//! A ruleset is a TOML file: names, switches, prices and which tables. The shipped ones are in the
//! binary; a copy on disk is loaded the same way.
//!
//! ```
//! let rules = odds::shipped("kms_2026_03")?;
//! assert_eq!(rules.name(), "kms_2026_03");
//! assert_eq!(rules.hash().to_string().len(), 64);
//! # Ok::<(), odds::OddsError>(())
//! ```

pub mod flame;
mod potential;
mod settings;
mod sheet;
pub mod starforce;
mod tables;
mod who;

use std::path::{Path, PathBuf};

use thiserror::Error;
use valuation::Ruleset;

pub use settings::{PotentialSettings, Settings};
pub use sheet::SheetError;
pub use tables::Tables;

/// The names of the shipped rulesets, the default one first.
pub const SHIPPED: [&str; 2] = ["kms_2026_03", "kms_2025_03"];

/// Why there is no ruleset.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the messages document the variants")]
pub enum OddsError {
    #[error("{0:?} is no shipped ruleset, expected one of {SHIPPED:?}")]
    NotShipped(String),
    #[error("read {}", path.display())]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{} is no table, expected one of {:?}", path.display(), Tables::NAMES)]
    NoTable { path: PathBuf },
    #[error("read the ruleset {file}")]
    Settings {
        file: String,
        source: Box<toml::de::Error>,
    },
    #[error("{file}: {key} is {value:?}, expected {expected}")]
    Setting {
        file: String,
        key: String,
        value: String,
        expected: String,
    },
    #[error(transparent)]
    Table(#[from] SheetError),
}

/// The shipped ruleset of that name.
///
/// # Errors
/// When there is none of that name.
pub fn shipped(name: &str) -> Result<Ruleset, OddsError> {
    Settings::shipped(name)?.ruleset(&Tables::shipped())
}

/// The ruleset of a file, with its tables.
///
/// # Errors
/// When a file cannot be read, or anything in it is wrong: which file, row and value, and what was
/// expected.
pub fn load(path: &Path) -> Result<Ruleset, OddsError> {
    let settings = Settings::load(path)?;
    let tables = match settings.tables.as_str() {
        settings::SHIPPED_TABLES => Tables::shipped(),
        folder => Tables::in_folder(&path.parent().unwrap_or(Path::new("")).join(folder))?,
    };
    settings
        .ruleset(&tables)
        .map_err(|error| error.of_file(path))
}

impl OddsError {
    /// A wrong setting by the file that it stands in. Settings alone know their name only, which a
    /// copy may share with what it was copied from.
    fn of_file(mut self, path: &Path) -> Self {
        if let Self::Setting { file, .. } = &mut self {
            *file = path.display().to_string();
        }
        self
    }
}
