//! Jobs over the same records that are held at a commit of a chosen table, ended there, and started again.

use std::fs;
use std::path::{Path, PathBuf};

use lake::Lake;
use model::Epoch;
use model::tables::Relation;
use runtime::bindings::{Binding, inherited};
use runtime::{Generation, JobFolder};
use sources::file::Compression;
use sources::generator::{FileSet, Generator, GeneratorConfig, into_files};
use tempfile::TempDir;

use crate::history::History;
use crate::process::{Obstacle, Process};
use crate::support::{Ran, mesoflow};
use crate::whole::{Content, assert_same, content, views};

pub(crate) const OLD: &str = "kms_2026_03";
pub(crate) const NEW: &str = "kms_2025_03";

/// How much of the records a job has before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Records {
    Nothing,
    Half,
    /// So many of all [`PARTS`].
    Parts(usize),
    All,
}

/// What all records are divided into.
pub(crate) const PARTS: usize = 15;

/// Records, and folders of jobs that read them.
pub(crate) struct Scene {
    folder: TempDir,
    /// More of the job file, from its section `tables` on.
    settings: &'static str,
    /// Of the jobs that are started from now on.
    pub(crate) workers: usize,
}

impl Scene {
    /// - `settings`: more of the job file, from its section `tables` on.
    pub(crate) fn new(settings: &'static str) -> Self {
        Self::of(200, 2_000, settings)
    }

    /// - `equipment`, `likes`: records of each kind.
    /// - `settings`: more of the job file, from its section `tables` on.
    pub(crate) fn of(equipment: u64, likes: u64, settings: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut generator = Generator::new(GeneratorConfig {
            characters: 60,
            equipment,
            likes,
            broken: 0.05,
            ..GeneratorConfig::default()
        })
        .unwrap();
        let plain = Compression::Plain;
        into_files(&mut generator, folder.path(), FileSet::One, plain, None).unwrap();
        let records = fs::read_to_string(folder.path().join("records.jsonl")).unwrap();
        let lines: Vec<&str> = records.lines().collect();
        let (first, second) = lines.split_at(lines.len() / 2);
        let write = |name: &str, lines: &[&str]| {
            let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
            fs::write(folder.path().join(name), text).unwrap();
        };
        for (name, lines) in [("0", &[][..]), ("1", first), ("2", second)] {
            write(name, lines);
        }
        for (part, lines) in lines.chunks(lines.len().div_ceil(PARTS)).enumerate() {
            write(&format!("part-{part}"), lines);
        }
        Self {
            folder,
            settings,
            workers: 2,
        }
    }

    /// The folder of a job.
    pub(crate) fn job(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Copies the folder of a job that is ended.
    pub(crate) fn copy(&self, from: &str, to: &str) {
        copy(&self.job(from), &self.job(to));
    }

    /// The arguments by which a job runs to the end of its records.
    pub(crate) fn arguments(&self, name: &str, ruleset: &str, records: Records) -> [String; 3] {
        let paths = match records {
            Records::Nothing => vec!["0".to_owned()],
            Records::Half => vec!["1".to_owned()],
            Records::Parts(parts) => (0..parts).map(|part| format!("part-{part}")).collect(),
            Records::All => ["1", "2"].map(str::to_owned).into(),
        };
        let file = self.folder.path().join(format!("{name}.toml"));
        // All have the same name: a copied folder goes on as the one that it is a copy of.
        let text = format!(
            "job = \"scene\"\nfolder = {name:?}\nruleset = {ruleset:?}\nworkers = {}\n\
             [source]\nkind = \"files\"\npaths = {paths:?}\n\
             [tables]\ncommit_millis = 10\nnow_seconds = 1\n{}\n",
            self.workers, self.settings
        );
        fs::write(&file, text).unwrap();
        ["run", "--until-end", &file.display().to_string()].map(str::to_owned)
    }

    /// Runs a job until it ends by itself.
    pub(crate) fn run(&self, name: &str, ruleset: &str, records: Records) -> Ran {
        mesoflow(self.arguments(name, ruleset, records))
    }

    /// Runs a job to its end, which must be a good one.
    pub(crate) fn run_to_end(&self, name: &str, ruleset: &str, records: Records) {
        self.run(name, ruleset, records).exits_with(0);
    }

    /// Starts a job.
    pub(crate) fn start(&self, name: &str, ruleset: &str, records: Records) -> Process {
        let arguments = self.arguments(name, ruleset, records);
        Process::start(arguments, self.folder.path(), name)
    }

    /// What a job says.
    pub(crate) fn content(&self, name: &str) -> Content {
        content(&self.job(name))
    }

    /// What a job has committed and bound.
    pub(crate) fn history(&self, name: &str) -> History {
        History::of(&self.job(name))
    }

    /// Asserts that one job says what another one says, in tables and views.
    #[track_caller]
    pub(crate) fn assert_same(&self, found: &str, wanted: &str) {
        assert_same(&self.content(found), &self.content(wanted));
        assert_eq!(views(&self.job(found)), views(&self.job(wanted)));
    }

    /// The epoch that a table is committed through.
    pub(crate) fn committed(&self, name: &str, relation: Relation) -> Option<Epoch> {
        let lake = Lake::open(&self.job(name).join("tables")).unwrap();
        lake.view(relation).unwrap()?.committed()
    }

    /// The epochs that are bound.
    pub(crate) fn bound(&self, name: &str) -> Vec<Binding> {
        let folder = JobFolder::open(self.job(name)).unwrap();
        inherited(&folder, Generation(u64::MAX)).unwrap()
    }

    /// The newest epoch that is bound.
    pub(crate) fn newest(&self, name: &str) -> Option<Epoch> {
        let bound = self.bound(name);
        bound.iter().map(|binding| binding.epoch).max()
    }

    /// The newest epoch that is bound under a ruleset.
    pub(crate) fn newest_under(&self, name: &str, ruleset: &str) -> Epoch {
        let hash = odds::shipped(ruleset).unwrap().hash().to_string();
        let bound = self.bound(name);
        let newest = bound.iter().filter(|binding| binding.ruleset == hash);
        newest.map(|binding| binding.epoch).max().unwrap()
    }

    /// Lets a table have so many commits more, and no other one until the obstacle is removed. The first commit
    /// of a start says that the table is its own.
    pub(crate) fn block(&self, name: &str, relation: Relation, commits: u64) -> Obstacle {
        Obstacle::behind(&self.job(name), relation, commits)
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}
