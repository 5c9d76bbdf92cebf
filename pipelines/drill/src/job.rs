//! The job that a drill breaks: the real program, in a process of its own.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use model::view::{Marker, ShardKeys};
use model::{Epoch, PartitionId, Topic};
use runtime::bindings::{Binding, inherited};
use runtime::{Generation, JobFolder};
use rustix::process::Signal;
use views::{RedisReader, ViewReader as _};

use crate::service::{Daemon, PATIENCE};
use crate::world::World;

/// How a job is set up.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// The program.
    pub(crate) binary: PathBuf,
    /// Bootstrap servers, as the job reaches them.
    pub(crate) brokers: String,
    /// The view store, as the job reaches it.
    pub(crate) views: String,
    /// The view store, as the drill reaches it.
    pub(crate) views_direct: String,
    pub(crate) workers: usize,
    /// More of the job file, by section; what stands before the first section is under an empty name.
    pub(crate) more: BTreeMap<&'static str, String>,
}

/// A job, whether or not it runs.
#[derive(Debug)]
pub(crate) struct Job {
    folder: PathBuf,
    name: String,
    topics: BTreeMap<Topic, String>,
    pub(crate) setup: Setup,
    process: Option<Daemon>,
    starts: usize,
    /// Whether it is started again when it ends while it is waited for, as a supervisor does.
    pub(crate) is_supervised: bool,
    /// Set for every process that is started.
    environment: Vec<(String, PathBuf)>,
}

impl Job {
    /// A job that reads a world's topics and keeps everything in `folder`.
    pub(crate) fn new(folder: PathBuf, world: &World, setup: Setup) -> Result<Self> {
        fs::create_dir_all(&folder)?;
        Ok(Self {
            folder,
            name: world.name.clone(),
            topics: world.topics.clone(),
            setup,
            process: None,
            starts: 0,
            is_supervised: false,
            environment: Vec::new(),
        })
    }

    /// Sets variables for every process that is started from now on.
    pub(crate) fn environment<V: Into<PathBuf>>(
        &mut self,
        variables: impl IntoIterator<Item = (&'static str, V)>,
    ) {
        let variables = variables.into_iter();
        self.environment
            .extend(variables.map(|(key, value)| (key.to_owned(), value.into())));
    }

    /// The folder that the job file names.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn file(&self) -> Result<PathBuf> {
        let section = |name: &str| self.setup.more.get(name).map_or("", String::as_str);
        let mut text = format!(
            "job = {:?}\nfolder = {:?}\nworkers = {}\n{}\n",
            self.name,
            self.data(),
            self.setup.workers,
            section(""),
        );
        for (name, own) in [
            ("source", format!("brokers = {:?}", self.setup.brokers)),
            (
                "source.topics",
                format!(
                    "equipment = {:?}\nlikes = {:?}",
                    self.topics[&Topic::Equipment],
                    self.topics[&Topic::Likes]
                ),
            ),
            (
                "views",
                format!("kind = \"redis\"\nurl = {:?}", self.setup.views),
            ),
            ("admission", String::new()),
            ("epoch", String::new()),
            ("flow", String::new()),
            ("tables", String::new()),
        ] {
            writeln!(text, "[{name}]\n{own}\n{}", section(name))?;
        }
        let file = self.folder.join("job.toml");
        fs::write(&file, text).context("write the job file")?;
        Ok(file)
    }

    /// Starts the job.
    ///
    /// - `failpoints`: the plan of its failpoints; empty for none.
    pub(crate) fn start(&mut self, failpoints: &str) -> Result<()> {
        ensure!(self.process.is_none(), "the job runs already");
        self.process = Some(self.another(failpoints)?);
        Ok(())
    }

    /// Starts a copy of the job beside the one that may run.
    pub(crate) fn another(&mut self, failpoints: &str) -> Result<Daemon> {
        let file = self.file()?;
        self.starts += 1;
        let mut command = Command::new(&self.setup.binary);
        command
            .args(["run", "--json"])
            .arg(file)
            .env(failpoints::PLAN, failpoints)
            .env(failpoints::LOG, self.failpoint_log());
        for (key, value) in &self.environment {
            command.env(key, value);
        }
        Daemon::start(&format!("job-{}", self.starts), &self.folder, &command)
    }

    /// Puts a copy in the place of the job's process, which is given back.
    pub(crate) fn replace(&mut self, with: Daemon) -> Result<Daemon> {
        self.process.replace(with).context("the job runs")
    }

    /// The running process.
    pub(crate) fn process(&mut self) -> Result<&mut Daemon> {
        self.process.as_mut().context("the job runs")
    }

    /// Where it is written down what happened at failpoints.
    pub(crate) fn failpoint_log(&self) -> PathBuf {
        self.folder.join("failpoints.log")
    }

    /// What happened at failpoints so far, one line an act: `name passing act`.
    pub(crate) fn struck(&self) -> Result<Vec<String>> {
        lines(&self.failpoint_log())
    }

    /// Kills the job as `kill -9` does.
    pub(crate) fn kill(&mut self) -> Result<()> {
        let mut process = self.process.take().context("the job runs")?;
        process.kill()
    }

    /// Waits for the end of a job that a failpoint kills; says whether it did within a time.
    pub(crate) fn dies_within(&mut self, time: Duration) -> Result<bool> {
        let deadline = Instant::now() + time;
        while Instant::now() < deadline {
            if self.process()?.ended()?.is_some() {
                self.process = None;
                return Ok(true);
            }
            thread::sleep(Duration::from_millis(2));
        }
        Ok(false)
    }

    /// Asks the job to stop, and waits for its end, which must be a good one.
    pub(crate) fn stop(&mut self) -> Result<()> {
        let mut process = self.process.take().context("the job runs")?;
        process.signal(Signal::TERM)?;
        let status = process.wait(PATIENCE)?;
        ensure!(
            status.success(),
            "the job ended with {status}:\n{}",
            process.last_words()
        );
        Ok(())
    }

    /// Waits for the end of a job that cannot go on, and gives what it said.
    pub(crate) fn fails(&mut self) -> Result<String> {
        let mut process = self.process.take().context("the job runs")?;
        let status = process.wait(PATIENCE)?;
        let said = process.said()?;
        ensure!(
            !status.success(),
            "the job ended well, and should not:\n{said}"
        );
        Ok(said)
    }

    /// What the running process, or the last one, has printed and logged.
    pub(crate) fn said(&self) -> Result<String> {
        let log = self.folder.join(format!("job-{}.log", self.starts));
        fs::read_to_string(&log).with_context(|| format!("read {}", log.display()))
    }

    /// A reader of the job's views.
    pub(crate) fn reader(&self) -> Result<RedisReader> {
        let keys = ShardKeys::new(&self.name, 0)?;
        Ok(RedisReader::new(&self.setup.views_direct, keys, PATIENCE)?)
    }

    /// What a view store says that the job's views are true of.
    pub(crate) fn reader_of(&self, url: &str) -> Result<Option<Marker>> {
        let keys = ShardKeys::new(&self.name, 0)?;
        Ok(RedisReader::new(url, keys, PATIENCE)?.marker()?)
    }

    /// What the views are true of.
    pub(crate) fn marker(&self) -> Result<Option<Marker>> {
        Ok(self.reader()?.marker()?)
    }

    /// The epochs that are bound, as far as they are kept.
    pub(crate) fn bound(&self) -> Result<Vec<Binding>> {
        // Between two looks a newer start may take the place of a log.
        let folder = JobFolder::open(self.data())?;
        for _ in 0..100 {
            match inherited(&folder, Generation(u64::MAX)) {
                Ok(bound) => return Ok(bound),
                Err(error) => tracing::debug!(%error, "the bindings are read again"),
            }
        }
        Ok(inherited(&folder, Generation(u64::MAX))?)
    }

    /// The first epoch that has read all partitions up to `ends`.
    fn covering(&self, ends: &BTreeMap<PartitionId, i64>) -> Result<Option<Epoch>> {
        let covers = |binding: &Binding| {
            ends.iter().all(|(partition, &end)| {
                let read = binding.cut.get(partition);
                end == 0 || read.is_some_and(|read| read.next_offset >= end)
            })
        };
        let bound = self.bound()?;
        Ok(bound
            .iter()
            .find(|binding| covers(binding))
            .map(|binding| binding.epoch))
    }

    /// Whether the views show all records below `ends`.
    pub(crate) fn shows(&self, ends: &BTreeMap<PartitionId, i64>) -> Result<bool> {
        let Some(epoch) = self.covering(ends)? else {
            return Ok(false);
        };
        let marker = self.marker()?;
        Ok(marker.is_some_and(|marker| marker.progress.is_none() && marker.as_of >= Some(epoch)))
    }

    /// Waits until the views are complete as of any epoch.
    pub(crate) fn shows_something(&mut self) -> Result<()> {
        let reader = self.reader()?;
        let reader = std::cell::RefCell::new(reader);
        self.process()?.until("the views are complete", || {
            let marker = reader.borrow_mut().marker()?;
            Ok(marker.is_some_and(|marker| marker.as_of.is_some() && marker.progress.is_none()))
        })
    }

    /// Waits until the running process has read again what was bound, and reads on.
    pub(crate) fn is_live(&mut self) -> Result<()> {
        let log = self.folder.join(format!("job-{}.log", self.starts));
        self.process()?.until("it is live", || {
            Ok(fs::read_to_string(&log)?.contains("phase=Live"))
        })
    }

    /// Waits until the views show all records below `ends`, and gives the time that it took.
    pub(crate) fn catches_up(&mut self, ends: &BTreeMap<PartitionId, i64>) -> Result<Duration> {
        let begun = Instant::now();
        loop {
            if self.shows(ends)? {
                return Ok(begun.elapsed());
            }
            if let Some(status) = self.process()?.ended()? {
                let words = self.process()?.last_words();
                ensure!(
                    self.is_supervised,
                    "the job ended with {status} before it had caught up:\n{words}"
                );
                self.kill()?;
                self.start("")?;
            }
            ensure!(
                begun.elapsed() < PATIENCE,
                "the views do not show what was written; the job said last:\n{}",
                self.process()?.last_words()
            );
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// The number of the running process.
    pub(crate) fn pid(&self) -> Result<i32> {
        let process = self.process.as_ref().context("the job runs")?;
        Ok(process.pid().as_raw_nonzero().get())
    }

    /// What the job that ended last told of itself.
    pub(crate) fn report(&self) -> Result<serde_json::Value> {
        let said = self.said()?;
        let (_, report) = said.rsplit_once("\n{\n").context("find the job's report")?;
        serde_json::from_str(&format!("{{\n{report}")).context("read the job's report")
    }
}

/// The lines of a file; none if it is not there.
pub(crate) fn lines(file: &Path) -> Result<Vec<String>> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(text.lines().map(str::to_owned).collect()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).with_context(|| format!("read {}", file.display())),
    }
}
