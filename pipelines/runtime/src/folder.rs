//! The job's folder: who may act (generations), which rules are in force, where the bindings are.
//!
//! ```text
//! <job>/generations/00000000000000000007   put-if-absent, one a start; the newest is the only one that may act
//! <job>/bindings/00000000000000000007.log  that generation's binding log
//! <job>/rulesets/<hash>.json               every ruleset ever used, put-if-absent
//! <job>/prices/<hash>.memo                 prices under a ruleset that starts need not compute again; may go any time
//! <job>/views.sqlite                       the embedded view store, if the job has one
//! <job>/tables/<name>/                     the Delta tables
//! <job>/findings.jsonl                     damage that the scrub found, a line each
//! <job>/acts/00000000000000000007.json     what people did about rejected records, put-if-absent
//! ```
//! The folder must be linearizable: a local disk is.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use failpoints::points;
use serde::Serialize;
use thiserror::Error;

/// The number of a start of a job: each start takes a new one, and only the newest may act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Generation(pub u64);

impl std::fmt::Display for Generation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Why the job's folder could not be used.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the messages document the variants")]
pub enum FolderError {
    #[error("{doing} {path}")]
    Io {
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("{path} is not a file that a job writes; move it out of the job's folder")]
    Foreign { path: PathBuf },
    #[error(
        "{path} does not hold an act; restore it, or use the version of mesoflow that wrote it"
    )]
    Act {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("ruleset {hash} is already kept with other content in {path}")]
    RulesetDiffers { hash: String, path: PathBuf },
}

/// A job's folder.
#[derive(Clone, Debug)]
pub struct JobFolder {
    root: PathBuf,
}

impl JobFolder {
    /// Opens the folder at `root` and creates what is missing in it.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, FolderError> {
        let folder = Self { root: root.into() };
        for part in ["generations", "bindings", "rulesets", "prices", "tables"] {
            let path = folder.root.join(part);
            let made = DirBuilder::new()
                .recursive(true)
                .mode(FOLDER_MODE)
                .create(&path);
            made.map_err(io_error("create the folder", &path))?;
        }
        sync_folder(&folder.root)?;
        Ok(folder)
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What tells the folder from others of the same job name: made at its first use, and copied with it.
    pub fn id(&self) -> Result<String, FolderError> {
        let path = self.root.join("id");
        match fs::read_to_string(&path) {
            Ok(id) => return Ok(id),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(io_error("read", &path)(error)),
        }
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let id = format!("{:x}-{:x}", now.as_nanos(), std::process::id());
        // Of two starts at once both must read the same.
        let temporary = self.root.join(format!(".id.{}", std::process::id()));
        let written = (to_write().truncate(true).create(true).open(&temporary))
            .and_then(|mut file| file.write_all(id.as_bytes()));
        written.map_err(io_error("write", &temporary))?;
        let linked = fs::hard_link(&temporary, &path);
        fs::remove_file(&temporary).map_err(io_error("remove", &temporary))?;
        match linked {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(io_error("make", &path)(error)),
        }
        sync_folder(&self.root)?;
        fs::read_to_string(&path).map_err(io_error("read", &path))
    }

    /// Where the tables are.
    #[must_use]
    pub fn tables(&self) -> PathBuf {
        self.root.join("tables")
    }

    /// The embedded view store.
    #[must_use]
    pub fn views(&self) -> PathBuf {
        self.root.join("views.sqlite")
    }

    /// What the scrub found, a line each.
    #[must_use]
    pub fn findings(&self) -> PathBuf {
        self.root.join("findings.jsonl")
    }

    /// Where the binding logs are.
    #[must_use]
    pub fn bindings(&self) -> PathBuf {
        self.root.join("bindings")
    }

    /// Takes the next generation by compare-and-set: of several starts at once each gets its own,
    /// and all but the newest will stop.
    pub fn take_generation(&self) -> Result<Generation, FolderError> {
        loop {
            let newest = self.newest_generation()?.unwrap_or(Generation(0));
            if let Some(taken) = self.take_generation_after(newest)? {
                return Ok(taken);
            }
        }
    }

    /// Takes the generation right after `own`, by which a job goes on as itself; `None` if a newer start has
    /// taken it.
    pub fn take_generation_after(
        &self,
        own: Generation,
    ) -> Result<Option<Generation>, FolderError> {
        let next = Generation(own.0 + 1);
        let path = self.generation_path(next);
        let mut file = match to_write().create_new(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
            Err(error) => return Err(io_error("take the generation", &path)(error)),
        };
        points::GENERATION_MADE.pass();
        let claim = format!("pid = {}\n", std::process::id());
        file.write_all(claim.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(io_error("write the generation", &path))?;
        sync_folder(&self.root.join("generations"))?;
        points::GENERATION_TAKEN.pass();
        Ok(Some(next))
    }

    /// The newest generation that was ever taken.
    pub fn newest_generation(&self) -> Result<Option<Generation>, FolderError> {
        Ok(numbered_files(&self.root.join("generations"), "")?
            .last()
            .map(|&(number, _)| Generation(number)))
    }

    /// Whether a newer generation than `own` was taken. Generations have no gaps, so one look suffices.
    pub fn is_superseded(&self, own: Generation) -> Result<bool, FolderError> {
        let path = self.generation_path(Generation(own.0 + 1));
        path.try_exists()
            .map_err(io_error("look for a newer generation at", &path))
    }

    /// Keeps a ruleset under its hash; one that is kept already must be the same.
    pub fn keep_ruleset(&self, hash: &str, content: &[u8]) -> Result<(), FolderError> {
        let path = self.ruleset(hash);
        match fs::read(&path) {
            Ok(kept) if kept == content => return Ok(()),
            Ok(_) => {
                return Err(FolderError::RulesetDiffers {
                    hash: hash.to_owned(),
                    path,
                });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(io_error("read the ruleset", &path)(error)),
        }
        write_durably(&path, content)
    }

    /// The hashes of all rulesets that are kept.
    pub fn ruleset_hashes(&self) -> Result<Vec<String>, FolderError> {
        let folder = self.root.join("rulesets");
        let mut hashes = Vec::new();
        for entry in fs::read_dir(&folder).map_err(io_error("list", &folder))? {
            let name = entry.map_err(io_error("list", &folder))?.file_name();
            if let Some(hash) = name.to_str().and_then(|name| name.strip_suffix(".json"))
                && !hash.starts_with('.')
            {
                hashes.push(hash.to_owned());
            }
        }
        Ok(hashes)
    }

    /// Where the ruleset of a hash is kept.
    #[must_use]
    pub fn ruleset(&self, hash: &str) -> PathBuf {
        self.root.join("rulesets").join(format!("{hash}.json"))
    }

    /// Where prices under the ruleset of a hash are remembered.
    #[must_use]
    pub fn prices(&self, ruleset: &str) -> PathBuf {
        self.root.join("prices").join(format!("{ruleset}.memo"))
    }

    fn generation_path(&self, generation: Generation) -> PathBuf {
        self.root
            .join("generations")
            .join(format!("{:020}", generation.0))
    }
}

/// The files of `folder` that are named by a number of 20 digits and `suffix`, lowest first.
pub(crate) fn numbered_files(
    folder: &Path,
    suffix: &str,
) -> Result<Vec<(u64, PathBuf)>, FolderError> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(io_error("list", folder))? {
        let path = entry.map_err(io_error("list", folder))?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if name.starts_with('.') {
            continue;
        }
        let number = name
            .strip_suffix(suffix)
            .filter(|digits| digits.len() == 20)
            .and_then(|digits| digits.parse().ok());
        match number {
            Some(number) => files.push((number, path)),
            None => return Err(FolderError::Foreign { path }),
        }
    }
    files.sort();
    Ok(files)
}

/// Writes a file as one durable unit: temporary name, sync, rename, sync of the folder.
pub(crate) fn write_durably(path: &Path, bytes: &[u8]) -> Result<(), FolderError> {
    let folder = path.parent().expect("a file stands in a folder");
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .expect("our file names are UTF-8");
    let temporary = folder.join(format!(".{name}.{}", std::process::id()));
    let mut file = create(&temporary)?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .map_err(io_error("write", &temporary))?;
    fs::rename(&temporary, path).map_err(io_error("rename to", path))?;
    sync_folder(folder)
}

/// Folders are for the user and the group of the job.
const FOLDER_MODE: u32 = 0o750;
/// And so are files.
const FILE_MODE: u32 = 0o640;

/// How every file of the folder is opened to be written.
fn to_write() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(FILE_MODE);
    options
}

/// Creates a file, or empties it.
pub(crate) fn create(path: &Path) -> Result<File, FolderError> {
    let created = to_write().create(true).truncate(true).open(path);
    created.map_err(io_error("create", path))
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(path: &Path) -> Result<(), FolderError> {
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .map_err(io_error("sync the folder", path))
}

pub(crate) fn io_error(doing: &'static str, path: &Path) -> impl Fn(io::Error) -> FolderError {
    let path = path.to_owned();
    move |source| FolderError::Io {
        doing,
        path: path.clone(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_start_takes_a_newer_generation_and_supersedes_the_older_one() {
        let dir = tempfile::tempdir().unwrap();
        let folder = JobFolder::open(dir.path()).unwrap();
        let old = folder.take_generation().unwrap();
        assert!(!folder.is_superseded(old).unwrap());
        let new = folder.take_generation().unwrap();
        assert!(new > old);
        assert!(folder.is_superseded(old).unwrap());
        assert!(!folder.is_superseded(new).unwrap());
    }

    #[test]
    fn of_many_starts_at_once_no_two_get_the_same_generation() {
        let dir = tempfile::tempdir().unwrap();
        let folder = JobFolder::open(dir.path()).unwrap();
        let mut taken: Vec<_> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| folder.take_generation().unwrap()))
                .collect();
            starts
                .into_iter()
                .map(|start| start.join().unwrap())
                .collect()
        });
        taken.sort();
        assert_eq!(taken, (1..=8).map(Generation).collect::<Vec<_>>());
    }

    #[test]
    fn others_than_user_and_group_may_read_nothing() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("job");
        let folder = JobFolder::open(&root).unwrap();
        let generation = folder.take_generation().unwrap();
        folder.id().unwrap();
        folder.keep_ruleset("abc", b"1").unwrap();
        crate::bindings::BindingLog::begin(&folder, generation, &[]).unwrap();
        let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        for part in ["", "generations", "bindings", "rulesets", "tables"] {
            assert_eq!(mode(root.join(part)), 0o750, "{part}");
        }
        let log = folder.bindings().join(format!("{:020}.log", generation.0));
        for file in [
            root.join("id"),
            folder.ruleset("abc"),
            folder.generation_path(generation),
            log,
        ] {
            assert_eq!(mode(file.clone()), 0o640, "{}", file.display());
        }
    }

    #[test]
    fn a_ruleset_is_kept_once_and_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let folder = JobFolder::open(dir.path()).unwrap();
        folder.keep_ruleset("abc", b"1").unwrap();
        folder.keep_ruleset("abc", b"1").unwrap();
        assert!(matches!(
            folder.keep_ruleset("abc", b"2"),
            Err(FolderError::RulesetDiffers { .. })
        ));
    }

    #[test]
    fn a_foreign_file_among_the_generations_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let folder = JobFolder::open(dir.path()).unwrap();
        fs::write(dir.path().join("generations/notes.txt"), "").unwrap();
        assert!(
            folder
                .take_generation()
                .unwrap_err()
                .to_string()
                .contains("notes.txt")
        );
    }
}
