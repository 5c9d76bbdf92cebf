//! Puts a commit into the log so that it is there as a whole, once, and survives a loss of power.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use delta_kernel::committer::{CommitMetadata, CommitResponse, Committer, PublishMetadata};
use delta_kernel::engine::to_json_bytes;
use delta_kernel::{
    Engine, FileMeta, FilteredEngineData, KernelError, KernelResult, KernelResultIterator,
};

use failpoints::points;

use crate::durable;

/// Put-if-absent by hard link: the link exists or not, and the file behind it was synced before.
///
/// A version is only put after its predecessor. An old copy whose version was cleaned away in the
/// meantime finds that version absent once more; the predecessor, cleaned before it, gives it away.
pub(crate) struct DurableCommitter {
    /// Set when a sync fails: from then on nobody knows what is on disk.
    sync_failed: Arc<AtomicBool>,
}

impl DurableCommitter {
    pub(crate) fn new(sync_failed: Arc<AtomicBool>) -> Self {
        Self { sync_failed }
    }

    fn synced(&self, result: io::Result<()>) -> io::Result<()> {
        if result.is_err() {
            self.sync_failed.store(true, Ordering::Release);
        }
        result
    }

    /// Whether the bytes are now in the log as `path`; `false` if the place was taken or is past.
    fn put(&self, path: &Path, predecessor: Option<&Path>, bytes: &[u8]) -> io::Result<bool> {
        let log = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
        durable::create_folder(log)?;
        let draft = Draft::write(log, bytes)?;
        self.synced(draft.file.sync_all())?;
        points::COMMIT_STAGED.pass_or_fail()?;
        match fs::hard_link(&draft.path, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
            other => other?,
        }
        if let Some(predecessor) = predecessor
            && !predecessor.exists()
        {
            fs::remove_file(path)?;
            return Ok(false);
        }
        points::COMMIT_PUT.pass();
        drop(draft);
        self.synced(durable::sync_folder(log))?;
        points::COMMIT_DONE.pass();
        Ok(true)
    }
}

/// A file that is gone when this is.
struct Draft {
    path: PathBuf,
    file: File,
}

impl Draft {
    fn write(folder: &Path, bytes: &[u8]) -> io::Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!(".tmp-{}-{number}", std::process::id()));
        let file = durable::to_write()
            .create(true)
            .truncate(true)
            .open(&path)?;
        let mut draft = Self { path, file };
        draft.file.write_all(bytes)?;
        Ok(draft)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // A draft that stays is swept by maintenance.
        let _ = fs::remove_file(&self.path);
    }
}

impl Committer for DurableCommitter {
    fn commit(
        &self,
        _engine: &dyn Engine,
        actions: KernelResultIterator<'_, FilteredEngineData>,
        metadata: CommitMetadata,
    ) -> KernelResult<CommitResponse> {
        let url = metadata.published_commit_path()?;
        let path = url
            .to_file_path()
            .map_err(|()| KernelError::generic(format!("{url} is no path of a local file")))?;
        let version = metadata.version();
        let predecessor = version
            .checked_sub(1)
            .map(|before| path.with_file_name(format!("{before:020}.json")));
        let bytes = to_json_bytes(actions)?;
        #[cfg(test)]
        faults::strike(faults::Fault::BeforePut)?;
        let put = self.put(&path, predecessor.as_deref(), &bytes)?;
        #[cfg(test)]
        faults::strike(faults::Fault::AfterPut)?;
        if put {
            let file_meta = FileMeta::new(url, metadata.in_commit_timestamp(), bytes.len() as u64);
            Ok(CommitResponse::Committed { file_meta })
        } else {
            Ok(CommitResponse::Conflict { version })
        }
    }

    fn is_catalog_committer(&self) -> bool {
        false
    }

    fn publish(&self, _engine: &dyn Engine, metadata: PublishMetadata) -> KernelResult<()> {
        if metadata.commits_to_publish().is_empty() {
            Ok(())
        } else {
            Err(KernelError::generic(
                "commits are put into the log at once: there are none to publish",
            ))
        }
    }
}

/// Answers that get lost, for tests.
#[cfg(test)]
pub(crate) mod faults {
    use std::cell::Cell;
    use std::io;

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum Fault {
        BeforePut,
        AfterPut,
    }

    thread_local! {
        static NEXT: Cell<Option<Fault>> = const { Cell::new(None) };
    }

    /// Lets the next commit of this thread fail there.
    pub(crate) fn plant(fault: Fault) {
        NEXT.set(Some(fault));
    }

    pub(super) fn strike(here: Fault) -> io::Result<()> {
        if NEXT.get() == Some(here) {
            NEXT.set(None);
            return Err(io::Error::other(format!("planted: {here:?}")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn committer() -> DurableCommitter {
        DurableCommitter::new(Arc::new(AtomicBool::new(false)))
    }

    #[test]
    fn a_place_is_taken_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("_delta_log/00000000000000000000.json");
        assert!(committer().put(&path, None, b"first").unwrap());
        assert!(!committer().put(&path, None, b"second").unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"first");
        let names = fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(names, 1, "drafts are gone");
    }

    #[test]
    fn a_version_whose_predecessor_was_cleaned_away_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let before = folder.path().join("00000000000000000004.json");
        let path = folder.path().join("00000000000000000005.json");
        assert!(!committer().put(&path, Some(&before), b"late").unwrap());
        assert!(!path.exists());
        fs::write(&before, b"").unwrap();
        assert!(committer().put(&path, Some(&before), b"next").unwrap());
    }
}
