//! Tells what a job does, each second, from its first moment to its last: in `status.json` of its folder, in the
//! log, and as metrics. On a thread of its own: it goes on whatever else waits.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, Sender, bounded};
use serde::Serialize;

use crate::clock::now_millis;
use crate::error::{JobError, joined};
use crate::folder::{FolderError, Generation, JobFolder, create, io_error};
use crate::status::{Report, Status, WaitReport, chain};

const PERIOD: Duration = Duration::from_secs(1);
/// A wait that lasts is told: with the period in between within 5 seconds.
const LASTS: f64 = 1.0;
/// And told again after so long, first and later.
const AGAIN: Duration = Duration::from_secs(10);
const AGAIN_LATER: Duration = Duration::from_secs(60);

/// The process that runs a job, so that another one can find out whether it still does.
#[derive(Clone, Debug, Serialize)]
struct Writer {
    /// Name of the machine or container.
    host: String,
    pid: u32,
    /// When it was started, in ticks since the machine was: another process of the same number has another.
    started_ticks: Option<u64>,
}

/// What `status.json` holds.
#[derive(Debug, Serialize)]
struct Told<'a> {
    job: &'a str,
    generation: Option<Generation>,
    writer: &'a Writer,
    /// When the process began to run the job, in milliseconds since 1970.
    started_millis: u64,
    /// When this was written.
    written_millis: u64,
    /// Why the job has ended, if it failed.
    error: Option<String>,
    #[serde(flatten)]
    report: &'a Report,
}

/// The running thread.
pub(crate) struct Teller {
    end: Sender<Option<String>>,
    thread: JoinHandle<()>,
}

impl Teller {
    /// Starts the thread.
    pub(crate) fn start(
        job: &str,
        folder: &JobFolder,
        status: &Arc<Status>,
    ) -> Result<Self, JobError> {
        let telling = Telling {
            job: job.to_owned(),
            folder: folder.clone(),
            status: Arc::clone(status),
            writer: Writer::this(),
            started_millis: now_millis(),
            waits: Waits::default(),
            is_written: true,
        };
        remove_drafts(folder)?;
        let (end, ended) = bounded(1);
        let thread = thread::Builder::new()
            .name("teller".to_owned())
            .spawn(move || {
                let mut telling = telling;
                loop {
                    match ended.recv_timeout(PERIOD) {
                        Err(RecvTimeoutError::Timeout) => telling.tell(None),
                        Ok(error) => return telling.tell(error),
                        Err(RecvTimeoutError::Disconnected) => return telling.tell(None),
                    }
                }
            })
            .map_err(|source| JobError::Thread {
                name: "teller",
                source,
            })?;
        Ok(Self { end, thread })
    }

    /// Tells a last time how the job ended.
    pub(crate) fn finish(self, done: &Result<(), JobError>) {
        let error = done.as_ref().err().map(|error| chain(error));
        // It ends after this alone; if it has panicked, its guard is the log of the panic.
        if self.end.send(error).is_err() {
            tracing::error!("the thread that tells of the job has ended before it");
        }
        joined(self.thread);
    }
}

struct Telling {
    job: String,
    folder: JobFolder,
    status: Arc<Status>,
    writer: Writer,
    started_millis: u64,
    waits: Waits,
    /// Whether the last write succeeded.
    is_written: bool,
}

impl Telling {
    fn tell(&mut self, error: Option<String>) {
        let report = self.status.report();
        self.waits.tell(&report.waits, Instant::now());
        self.status.publish();
        let written = self.write(&report, error);
        match written {
            Ok(()) => self.is_written = true,
            Err(error) if self.is_written => {
                self.is_written = false;
                tracing::warn!("status.json is not written: {}", chain(&error));
            }
            Err(error) => tracing::debug!("status.json is not written: {}", chain(&error)),
        }
    }

    fn write(&self, report: &Report, error: Option<String>) -> Result<(), FolderError> {
        let generation = self.status.generation();
        // The file is the newest generation's.
        if let Some(own) = generation
            && self.folder.is_superseded(own)?
        {
            return Ok(());
        }
        let told = Told {
            job: &self.job,
            generation,
            writer: &self.writer,
            started_millis: self.started_millis,
            written_millis: now_millis(),
            error,
            report,
        };
        let text = serde_json::to_string_pretty(&told).expect("a report is JSON");
        replace(&self.folder, generation, text.as_bytes())
    }
}

/// Where the status of a job stands.
pub(crate) fn status_file(folder: &Path) -> PathBuf {
    folder.join("status.json")
}

/// Puts the file in its place at once; it need not survive a loss of power.
fn replace(
    folder: &JobFolder,
    generation: Option<Generation>,
    bytes: &[u8],
) -> Result<(), FolderError> {
    let own = generation.map_or(0, |Generation(number)| number);
    let draft = folder
        .root()
        .join(format!("{DRAFT}{own}.{}", process::id()));
    let mut file = create(&draft)?;
    file.write_all(bytes).map_err(io_error("write", &draft))?;
    let path = status_file(folder.root());
    fs::rename(&draft, &path).map_err(io_error("rename to", &path))
}

const DRAFT: &str = ".status.json.";

/// Removes what a copy left that was killed while it wrote.
fn remove_drafts(folder: &JobFolder) -> Result<(), FolderError> {
    let root = folder.root();
    for entry in fs::read_dir(root).map_err(io_error("list", root))? {
        let path = entry.map_err(io_error("list", root))?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if name.is_some_and(|name| name.starts_with(DRAFT)) {
            match fs::remove_file(&path) {
                // Its writer lives and has just put it in place.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                removed => removed.map_err(io_error("remove", &path))?,
            }
        }
    }
    Ok(())
}

impl Writer {
    fn this() -> Self {
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        Self {
            host: host.trim().to_owned(),
            pid: process::id(),
            started_ticks: started_ticks(process::id()),
        }
    }
}

/// When a process was started, in ticks since the machine was; `None` if there is none of that number.
#[must_use]
pub fn started_ticks(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything. What follows begins with the third field; this is the 22nd.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    // A zombie has ended.
    let state = fields.next()?;
    if state == "Z" || state == "X" {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

/// The waits that were told of in the log.
#[derive(Debug, Default)]
struct Waits(BTreeMap<&'static str, Known>);

#[derive(Debug)]
struct Known {
    since_millis: u64,
    age_seconds: f64,
    told: Instant,
}

impl Waits {
    /// Tells of those that last, when they begin, now and then, and when they are over.
    fn tell(&mut self, waits: &BTreeMap<&'static str, WaitReport>, now: Instant) {
        let is_over = |what: &&'static str, known: &mut Known| {
            let goes_on = waits
                .get(what)
                .is_some_and(|wait| wait.since_millis == known.since_millis);
            if !goes_on {
                tracing::info!(what, waited_seconds = known.age_seconds, "waits no longer");
            }
            goes_on
        };
        self.0.retain(is_over);
        for (&what, wait) in waits {
            if wait.age_seconds < LASTS {
                continue;
            }
            let again = if wait.age_seconds < 60.0 {
                AGAIN
            } else {
                AGAIN_LATER
            };
            if let Some(known) = self.0.get_mut(what) {
                known.age_seconds = wait.age_seconds;
                if now.duration_since(known.told) < again {
                    continue;
                }
            }
            let told = Known {
                since_millis: wait.since_millis,
                age_seconds: wait.age_seconds,
                told: now,
            };
            self.0.insert(what, told);
            tracing::warn!(
                what,
                age_seconds = wait.age_seconds,
                why = wait.why,
                to_do = wait.advice,
                "waiting"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(since_millis: u64, age_seconds: f64) -> BTreeMap<&'static str, WaitReport> {
        let wait = WaitReport {
            since_millis,
            age_seconds,
            why: "it does not answer".to_owned(),
            advice: String::new(),
        };
        BTreeMap::from([("source", wait)])
    }

    #[test]
    fn a_wait_is_told_when_it_lasts_then_now_and_then_and_forgotten_when_it_is_over() {
        let (mut waits, begin) = (Waits::default(), Instant::now());
        let at = |seconds| begin + Duration::from_secs(seconds);
        waits.tell(&wait(7, 0.5), begin);
        assert!(waits.0.is_empty(), "it may be over in a moment");
        waits.tell(&wait(7, 1.5), at(1));
        assert_eq!(waits.0["source"].told, at(1));
        waits.tell(&wait(7, 2.5), at(2));
        assert_eq!(waits.0["source"].told, at(1));
        waits.tell(&wait(7, 11.5), at(11));
        assert_eq!(waits.0["source"].told, at(11));
        // Another one under the same name.
        waits.tell(&wait(9, 0.1), at(12));
        assert!(waits.0.is_empty());
        waits.tell(&BTreeMap::new(), at(13));
        assert!(waits.0.is_empty());
    }

    #[test]
    fn the_file_is_replaced_whole_for_user_and_group_and_says_how_the_job_ended() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let folder = JobFolder::open(dir.path()).unwrap();
        fs::write(dir.path().join(".status.json.1.7"), "").unwrap();
        let status = Arc::new(Status::default());
        let teller = Teller::start("world", &folder, &status).unwrap();
        let own = folder.take_generation().unwrap();
        status.runs_as(own);
        status.wait("views", "no answer");
        teller.finish(&Err(JobError::NothingToRead));

        let path = status_file(dir.path());
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o640
        );
        let told: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(
            (&told["job"], &told["generation"]),
            (&"world".into(), &1.into())
        );
        assert_eq!(told["writer"]["pid"], process::id());
        assert_eq!(told["waits"]["views"]["why"], "no answer");
        assert!(
            told["waits"]["views"]["advice"]
                .as_str()
                .unwrap()
                .contains("Redis")
        );
        assert!(told["error"].as_str().unwrap().contains("no partition"));
        let left = fs::read_dir(dir.path()).unwrap();
        let hidden = left.filter(|entry| {
            let name = entry.as_ref().unwrap().file_name();
            name.to_str().unwrap().starts_with('.')
        });
        assert_eq!(hidden.count(), 0);
    }

    #[test]
    fn an_older_copy_leaves_the_file_to_the_newer_one() {
        let dir = tempfile::tempdir().unwrap();
        let folder = JobFolder::open(dir.path()).unwrap();
        let status = Arc::new(Status::default());
        status.runs_as(folder.take_generation().unwrap());
        folder.take_generation().unwrap();
        Teller::start("world", &folder, &status)
            .unwrap()
            .finish(&Ok(()));
        assert!(!status_file(dir.path()).exists());
    }

    #[test]
    fn a_process_is_told_from_others_of_its_number() {
        assert!(started_ticks(process::id()).is_some());
        assert_eq!(started_ticks(u32::MAX), None);
    }
}
