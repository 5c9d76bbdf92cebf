//! The texts of the tables: shipped in the binary, or replaced by those of a folder.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::flame::FlameTexts;
use crate::starforce::StarforceTexts;
use crate::{OddsError, SheetError};

/// The texts of all tables, by file name.
#[derive(Clone, Debug)]
pub struct Tables {
    texts: BTreeMap<&'static str, Cow<'static, str>>,
    /// Where those stand that were read from a folder.
    paths: BTreeMap<&'static str, PathBuf>,
}

macro_rules! shipped {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../tables/", $name)))),*]
    };
}

/// The files of `tables/` that rulesets are made from.
const SHIPPED: [(&str, &str); 20] = shipped![
    "boss_items.csv",
    "classes.csv",
    "cubes.csv",
    "flame_lines.csv",
    "flame_options.csv",
    "flame_points.csv",
    "flame_tiers.csv",
    "grade_up.csv",
    "granted.csv",
    "line_shares.csv",
    "noljang_rates.csv",
    "option_limits.csv",
    "parts.csv",
    "potential_additional.txt",
    "potential_main.txt",
    "reset_fees.csv",
    "starforce_fees.csv",
    "starforce_max_star.csv",
    "starforce_rates.csv",
    "starforce_restore.csv",
];

impl Tables {
    /// The names of the files.
    pub const NAMES: [&'static str; SHIPPED.len()] = {
        let mut names = [""; SHIPPED.len()];
        let mut at = 0;
        while at < SHIPPED.len() {
            names[at] = SHIPPED[at].0;
            at += 1;
        }
        names
    };

    /// The tables as shipped.
    #[must_use]
    pub fn shipped() -> Self {
        let texts = SHIPPED
            .into_iter()
            .map(|(name, text)| (name, Cow::Borrowed(text)));
        Self {
            texts: texts.collect(),
            paths: BTreeMap::new(),
        }
    }

    /// The shipped tables, those in `folder` replaced.
    ///
    /// # Errors
    /// When the folder cannot be read, or holds a `.csv` or `.txt` file of another name: it would
    /// have no effect.
    pub fn in_folder(folder: &Path) -> Result<Self, OddsError> {
        let failed = |source| OddsError::Read {
            path: folder.to_owned(),
            source,
        };
        let mut tables = Self::shipped();
        for entry in fs::read_dir(folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let extension = path.extension().and_then(|extension| extension.to_str());
            if !matches!(extension, Some("csv" | "txt")) {
                continue;
            }
            let known = path.file_name().and_then(|name| {
                Self::NAMES
                    .into_iter()
                    .find(|known| name.to_str() == Some(known))
            });
            let Some(name) = known else {
                return Err(OddsError::NoTable { path });
            };
            let text = fs::read_to_string(&path).map_err(|source| OddsError::Read {
                path: path.clone(),
                source,
            })?;
            tables.texts.insert(name, Cow::Owned(text));
            tables.paths.insert(name, path);
        }
        Ok(tables)
    }

    /// These tables with the text of one replaced; a name that is none of [`Self::NAMES`] changes
    /// nothing.
    #[must_use]
    pub fn with(mut self, name: &str, text: String) -> Self {
        if let Some(known) = Self::NAMES.into_iter().find(|known| *known == name) {
            self.texts.insert(known, Cow::Owned(text));
            self.paths.remove(known);
        }
        self
    }

    /// The text of a table.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.texts.get(name).expect("every shipped name has a text")
    }

    /// The error with the path of its table, if that was read from a folder.
    pub(crate) fn located(&self, mut error: SheetError) -> SheetError {
        if let Some(path) = self.paths.get(error.file()) {
            *error.file_mut() = path.display().to_string();
        }
        error
    }

    pub(crate) fn starforce(&self) -> StarforceTexts<'_> {
        StarforceTexts {
            rates: self.text("starforce_rates.csv"),
            fees: self.text("starforce_fees.csv"),
            max_star: self.text("starforce_max_star.csv"),
            restore: self.text("starforce_restore.csv"),
            noljang: self.text("noljang_rates.csv"),
            granted: self.text("granted.csv"),
        }
    }

    pub(crate) fn flame(&self) -> FlameTexts<'_> {
        FlameTexts {
            options: self.text("flame_options.csv"),
            lines: self.text("flame_lines.csv"),
            tiers: self.text("flame_tiers.csv"),
            points: self.text("flame_points.csv"),
            boss_items: self.text("boss_items.csv"),
        }
    }
}
