//! Files and folders that are on disk when a call returns.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

/// How every file of the lake is opened to be written: it is for the user and the group of the job.
pub(crate) fn to_write() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o640);
    options
}

/// Syncs the names that a folder holds.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Creates a folder with all its parents, each synced into the one above it.
pub(crate) fn create_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        create_folder(parent)?;
        match DirBuilder::new().mode(0o750).create(folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            other => other?,
        }
        sync_folder(parent)?;
    }
    Ok(())
}

/// A file that goes to disk while it is written, not as a whole at its end: on most file systems a sync of
/// any other file, as that of a log of a few hundred bytes, waits for what is on its way.
#[derive(Debug)]
pub(crate) struct SteadyFile {
    file: File,
    unsynced: usize,
    hasher: blake3::Hasher,
}

/// Bytes between two syncs: about a millisecond of a disk.
const STEP: usize = 256 << 10;

impl SteadyFile {
    pub(crate) fn new(file: File) -> Self {
        Self {
            file,
            unsynced: 0,
            hasher: blake3::Hasher::new(),
        }
    }

    /// The file, all of it on disk, and the hash of what was written to it.
    pub(crate) fn sync(self) -> io::Result<(File, blake3::Hash)> {
        self.file.sync_all()?;
        Ok((self.file, self.hasher.finalize()))
    }
}

impl Write for SteadyFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.unsynced >= STEP {
            self.file.sync_data()?;
            self.unsynced = 0;
        }
        let room = bytes.len().min(STEP - self.unsynced);
        let written = self.file.write(&bytes[..room])?;
        self.hasher.update(&bytes[..written]);
        self.unsynced += written;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn others_than_user_and_group_may_read_nothing() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a/b");
        create_folder(&inner).unwrap();
        let file = inner.join("file");
        to_write().create_new(true).open(&file).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(
            (mode(&inner), mode(&folder.path().join("a"))),
            (0o750, 0o750)
        );
        assert_eq!(mode(&file), 0o640);
    }

    #[test]
    fn a_steady_file_holds_all_that_was_written_in_any_sizes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let bytes: Vec<u8> = (0..3 * STEP + 7).map(|byte| byte as u8).collect();
        for size in [1 << 10, STEP - 1, STEP, 2 * STEP + 1] {
            let mut file = SteadyFile::new(File::create(&path).unwrap());
            for piece in bytes.chunks(size) {
                file.write_all(piece).unwrap();
            }
            let (_, hash) = file.sync().unwrap();
            assert!(fs::read(&path).unwrap() == bytes, "in pieces of {size}");
            assert_eq!(hash, blake3::hash(&bytes));
        }
    }
}
