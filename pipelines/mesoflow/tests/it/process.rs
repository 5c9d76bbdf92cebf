//! A job that runs beside the test, and what can be put in its way.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use model::tables::Relation;

use crate::support::Ran;

const PATIENCE: Duration = Duration::from_secs(60);

/// A job that runs beside the test; killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    out: PathBuf,
    log: PathBuf,
}

impl Process {
    /// Starts the program with arguments; what it prints and logs goes into files of `folder`.
    pub(crate) fn start<A: AsRef<OsStr>>(
        arguments: impl IntoIterator<Item = A>,
        folder: &Path,
        name: &str,
    ) -> Self {
        let [out, log] = ["out", "log"].map(|end| folder.join(format!("{name}.{end}")));
        let child = Command::new(env!("CARGO_BIN_EXE_mesoflow"))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(File::create(&out).unwrap())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        Self { child, out, log }
    }

    /// Waits until the job says that it cannot commit a table.
    #[track_caller]
    pub(crate) fn waits_for(&mut self, relation: Relation) {
        self.until_or_held(relation.name(), relation, || false);
    }

    /// Waits until something happens, or the job says that it cannot commit a table.
    #[track_caller]
    pub(crate) fn until_or_held(
        &mut self,
        what: &str,
        relation: Relation,
        is_so: impl Fn() -> bool,
    ) {
        let log = self.log.clone();
        self.until(what, || is_so() || is_held(&log, relation));
    }

    /// Waits for a text in the log.
    #[track_caller]
    pub(crate) fn logs(&mut self, text: &str) {
        let log = self.log.clone();
        self.until(text, || fs::read_to_string(&log).unwrap().contains(text));
    }

    /// Waits for something that happens while the job runs.
    #[track_caller]
    pub(crate) fn until(&mut self, what: &str, is_so: impl Fn() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so() {
            let log = || fs::read_to_string(&self.log).unwrap();
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "ended before {what}: {}", log());
            assert!(Instant::now() < deadline, "{what} does not come: {}", log());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has printed and logged.
    fn said(&self) -> [String; 2] {
        [&self.out, &self.log].map(|file| fs::read_to_string(file).unwrap())
    }

    /// Kills the job.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks the job to stop, and gives its exit code and its log.
    pub(crate) fn stop(self) -> (i32, String) {
        self.ask_to_stop();
        let ran = self.ends();
        (ran.code, ran.err)
    }

    /// Asks the job to stop.
    pub(crate) fn ask_to_stop(&self) {
        let pid = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        assert!(asked.success());
    }

    /// Waits for the end of the job, and gives what it came to.
    #[track_caller]
    pub(crate) fn ends(mut self) -> Ran {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                let [out, err] = self.said();
                let code = status.code().unwrap();
                return Ran { code, out, err };
            }
            assert!(
                Instant::now() < deadline,
                "it does not end: {:?}",
                self.said()
            );
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // After a kill there is nothing left to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_held(log: &Path, relation: Relation) -> bool {
    let said = format!("table {} was changed by others", relation.name());
    fs::read_to_string(log).unwrap().contains(&said)
}

/// What stands in the way of a commit.
pub(crate) struct Obstacle(PathBuf);

impl Obstacle {
    /// Lets a table of a job's folder have so many commits more, and no other one until this is removed.
    pub(crate) fn behind(job: &Path, relation: Relation, commits: u64) -> Self {
        let log = job.join("tables").join(relation.name()).join("_delta_log");
        let versions = fs::read_dir(&log).unwrap().filter_map(|entry| {
            let path = entry.unwrap().path();
            let stem = path.file_stem()?.to_str()?.to_owned();
            let is_commit = path
                .extension()
                .is_some_and(|extension| extension == "json");
            is_commit.then(|| stem.parse::<u64>().ok()).flatten()
        });
        let taken = versions.max().unwrap() + commits + 1;
        // Nothing can be put where a folder stands, and no reader looks at it.
        let path = log.join(format!("{taken:020}.json"));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn remove(self) {
        fs::remove_dir(self.0).unwrap();
    }
}
