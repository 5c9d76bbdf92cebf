//! The reading end of a table: one version, its positions and files.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::Epoch;
use model::tables::{Relation, TableSpec};

use crate::error::LakeError;
use crate::files::{FileStats, LiveFile};
use crate::kernel::Version;
use crate::lake::{Lake, url_of};
use crate::scan::Scan;

/// One version of a table. Cheap to clone; may go to other threads while the table is written.
#[derive(Clone)]
pub struct View {
    spec: &'static TableSpec,
    folder: PathBuf,
    version: Version,
    positions: Arc<BTreeMap<String, i64>>,
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View")
            .field("folder", &self.folder)
            .field("version", &self.version.number())
            .field("positions", &self.positions)
            .finish()
    }
}

impl View {
    /// The newest version, to be read: nothing is written.
    pub(crate) fn newest(lake: &Lake, relation: Relation) -> Result<Self, LakeError> {
        let folder = lake.folder_of(relation);
        let version = Version::newest(lake.engine(), &url_of(&folder))
            .map_err(LakeError::delta("open the newest version", relation.name()))?;
        Self::of(relation.spec(), folder, version)
    }

    /// The newest version, to be committed on.
    pub(crate) fn newest_for_writing(lake: &Lake, relation: Relation) -> Result<Self, LakeError> {
        let folder = lake.folder_of(relation);
        let version = Version::newest(lake.engine(), &url_of(&folder))
            .and_then(Version::with_checksum)
            .map_err(LakeError::delta("open the newest version", relation.name()))?;
        Self::of(relation.spec(), folder, version)
    }

    pub(crate) fn of(
        spec: &'static TableSpec,
        folder: PathBuf,
        version: Version,
    ) -> Result<Self, LakeError> {
        let positions = version
            .positions()
            .map_err(LakeError::delta("read the positions", spec.name()))?;
        Ok(Self {
            spec,
            folder,
            version,
            positions: Arc::new(positions),
        })
    }

    /// The specification of the table.
    #[must_use]
    pub fn spec(&self) -> &'static TableSpec {
        self.spec
    }

    /// The folder of the table.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The number of this version in the log.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version.number()
    }

    pub(crate) fn kernel(&self) -> &Version {
        &self.version
    }

    /// Every position that commits have set, by its full name `job/table/name`.
    #[must_use]
    pub fn positions(&self) -> &BTreeMap<String, i64> {
        &self.positions
    }

    /// The epoch that the table is sealed through: all its rows up to there are in it. The largest,
    /// should several jobs have written it.
    #[must_use]
    pub fn committed(&self) -> Option<Epoch> {
        self.largest("epoch")
    }

    /// The retained epoch: from here on the content at each epoch can be told, below not.
    #[must_use]
    pub fn since(&self) -> Option<Epoch> {
        self.largest("since")
    }

    fn largest(&self, name: &str) -> Option<Epoch> {
        let ending = format!("/{}/{name}", self.spec.name());
        self.positions
            .iter()
            .filter(|(position, _)| position.ends_with(&ending))
            .map(|(_, value)| Epoch(value.cast_unsigned()))
            .max()
    }

    /// The files of this version, in the order in which they are to be read: the rows of one key
    /// come in the order of their epochs.
    pub fn files(&self) -> Result<Vec<LiveFile>, LakeError> {
        let listed = self
            .version
            .files()
            .map_err(LakeError::delta("list the files", self.spec.name()))?;
        let mut files = listed
            .into_iter()
            .map(|file| {
                // Our names need no decoding; a path is one of another writer.
                if file.path.contains(['/', '%']) {
                    return Err(LakeError::StrayFile {
                        table: self.spec.name().to_owned(),
                        path: file.path,
                    });
                }
                let stats = file.stats.as_deref().and_then(FileStats::from_json);
                Ok(LiveFile {
                    path: self.folder.join(&file.path),
                    name: file.path,
                    bytes: file.bytes.cast_unsigned(),
                    stats: stats.unwrap_or_default(),
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        let epoch = self.spec.epoch_column();
        files.sort_by(|a, b| a.order(epoch).cmp(&b.order(epoch)));
        Ok(files)
    }

    /// Starts to read: all columns and epochs, unless told otherwise.
    #[must_use]
    pub fn scan(&self) -> Scan {
        Scan::of(self.clone())
    }
}
