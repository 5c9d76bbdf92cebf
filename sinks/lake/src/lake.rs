//! A folder of tables.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::tables::Relation;
use url::Url;

use crate::durable;
use crate::error::LakeError;
use crate::kernel::{self, SharedEngine};
use crate::table::{Owner, Table};
use crate::view::View;

/// A folder of tables, one a relation, and the threads that serve them all. Cheap to clone.
#[derive(Clone)]
pub struct Lake {
    folder: PathBuf,
    engine: Arc<SharedEngine>,
}

impl fmt::Debug for Lake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lake")
            .field("folder", &self.folder)
            .finish()
    }
}

impl Lake {
    /// Opens the folder, which is created if it is not there. Must not be called, nor anything
    /// below it, on a thread of an asynchronous runtime.
    pub fn open(folder: &Path) -> Result<Self, LakeError> {
        durable::create_folder(folder).map_err(LakeError::io("create folder", folder))?;
        let folder = folder
            .canonicalize()
            .map_err(LakeError::io("find folder", folder))?;
        let engine =
            kernel::start_engine(&url_of(&folder)).map_err(|source| LakeError::Executor {
                source: Box::new(source),
            })?;
        Ok(Self {
            folder,
            engine: Arc::new(engine),
        })
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of one table.
    #[must_use]
    pub fn folder_of(&self, relation: Relation) -> PathBuf {
        self.folder.join(relation.name())
    }

    /// Opens a table for writing, creates it if it is not there, and fences older generations off.
    pub fn table(&self, relation: Relation, owner: &Owner) -> Result<Table, LakeError> {
        Table::open(self, relation, owner)
    }

    /// Opens the newest version of a table for reading; `None` if there is no such table.
    pub fn view(&self, relation: Relation) -> Result<Option<View>, LakeError> {
        let folder = self.folder_of(relation);
        if kernel::exists(&folder).map_err(LakeError::io("look for a table in", &folder))? {
            View::newest(self, relation).map(Some)
        } else {
            Ok(None)
        }
    }

    pub(crate) fn engine(&self) -> &Arc<SharedEngine> {
        &self.engine
    }
}

/// The address of a folder, with the slash that makes names inside it relative to it.
pub(crate) fn url_of(folder: &Path) -> Url {
    Url::from_directory_path(folder).expect("the folder's path is absolute")
}
