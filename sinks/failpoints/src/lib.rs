//! Named places at which a drill makes a process die, stop, wait or fail.
//!
//! Every boundary at which a crash could matter has one, in [`points`]. They do nothing, at the cost of
//! one relaxed load, until [`arm`] is called, which happens at most once in a process. A plan is text:
//!
//! ```text
//! binding.synced=crash@3;commit.put=stop@1;call.answered=delay(200)@5+
//! ```
//! Each entry names a point, what happens there, and at which passing: `@3` the third, `@5+` the fifth and
//! all after it, nothing: every one. `*=count` writes down the first passing of every point.
//!
//! What happened is appended to a log file, one line an act, before it happens: `name passing act`. So
//! whoever injected a fault can count it, also when the process did not survive it.

mod plan;
pub mod points;

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use rustix::process::{Signal, getpid, kill_process};

pub use plan::{Act, PlanError};
use plan::{Entry, Plan};

/// The environment variable that holds the plan.
pub const PLAN: &str = "MESOFLOW_FAILPOINTS";
/// The environment variable that names the log file.
pub const LOG: &str = "MESOFLOW_FAILPOINTS_LOG";

static ARMED: AtomicBool = AtomicBool::new(false);
static ARMS: OnceLock<Arms> = OnceLock::new();

/// What is to happen, and where it is written down.
#[derive(Debug)]
struct Arms {
    plan: Plan,
    log: Option<File>,
}

/// A named place in the code.
#[derive(Debug)]
pub struct Failpoint {
    name: &'static str,
    about: &'static str,
    fails: bool,
    at_start: bool,
    passed: AtomicU64,
}

impl Failpoint {
    /// A place that a process can die or stop at.
    const fn new(name: &'static str, about: &'static str) -> Self {
        Self {
            name,
            about,
            fails: false,
            at_start: false,
            passed: AtomicU64::new(0),
        }
    }

    /// A place where the operating system can refuse as well.
    const fn fallible(name: &'static str, about: &'static str) -> Self {
        Self {
            fails: true,
            ..Self::new(name, about)
        }
    }

    /// A place that a process passes once a start, before it goes on.
    const fn starting(name: &'static str, about: &'static str) -> Self {
        Self {
            at_start: true,
            ..Self::new(name, about)
        }
    }

    /// Whether a process passes it once a start, before it goes on.
    #[must_use]
    pub fn is_at_start(&self) -> bool {
        self.at_start
    }

    /// The name, as plans have it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What has happened when it is passed, and what has not.
    #[must_use]
    pub fn about(&self) -> &'static str {
        self.about
    }

    /// Whether a plan may let the operation behind it fail.
    #[must_use]
    pub fn is_fallible(&self) -> bool {
        self.fails
    }

    /// Passes the place.
    #[inline]
    pub fn pass(&self) {
        if ARMED.load(Ordering::Relaxed) {
            // A plan that lets it fail was refused.
            let _ = self.strike();
        }
    }

    /// Passes the place before an operation that can fail.
    ///
    /// # Errors
    /// The one that the plan asks for.
    #[inline]
    pub fn pass_or_fail(&self) -> io::Result<()> {
        if ARMED.load(Ordering::Relaxed) {
            self.strike()
        } else {
            Ok(())
        }
    }

    #[cold]
    fn strike(&self) -> io::Result<()> {
        let Some(arms) = ARMS.get() else {
            return Ok(());
        };
        let passing = self.passed.fetch_add(1, Ordering::Relaxed) + 1;
        for entry in &arms.plan.entries {
            if entry.is_at(self.name, passing) {
                arms.note(self.name, passing, entry.act);
                entry.act.happen()?;
            }
        }
        Ok(())
    }
}

impl Arms {
    fn note(&self, name: &str, passing: u64, act: Act) {
        if let Some(mut log) = self.log.as_ref() {
            let line = format!("{name} {passing} {act}\n");
            // A drill that finds no line knows that nothing happened, and fails.
            if let Err(error) = log.write_all(line.as_bytes()) {
                eprintln!("failpoints: write {name} into the log: {error}");
            }
        }
    }
}

impl Act {
    fn happen(self) -> io::Result<()> {
        match self {
            // Not an exit: nothing is flushed, dropped or told.
            Self::Crash => loop {
                kill_process(getpid(), Signal::KILL)?;
            },
            Self::Stop => Ok(kill_process(getpid(), Signal::STOP)?),
            Self::Delay(time) => {
                thread::sleep(time);
                Ok(())
            }
            Self::Fail(kind) => Err(io::Error::new(kind, "a failpoint lets it fail")),
            Self::Count => Ok(()),
        }
    }
}

/// Arms the points by a plan; what happens is appended to `log`.
///
/// # Errors
/// If the plan cannot be read, names a point that is not there, or the points are armed already.
pub fn arm(plan: &str, log: Option<&Path>) -> Result<(), PlanError> {
    let plan = Plan::parse(plan)?;
    let log = log
        .map(|path| OpenOptions::new().create(true).append(true).open(path))
        .transpose()
        .map_err(PlanError::Log)?;
    ARMS.set(Arms { plan, log }).map_err(|_| PlanError::Armed)?;
    ARMED.store(true, Ordering::Release);
    Ok(())
}

/// Arms the points as the environment says, if it does.
///
/// # Errors
/// Those of [`arm`].
pub fn arm_from_environment() -> Result<(), PlanError> {
    match std::env::var(PLAN) {
        Ok(plan) if !plan.is_empty() => {
            let log = std::env::var_os(LOG);
            arm(&plan, log.as_deref().map(Path::new))
        }
        _ => Ok(()),
    }
}

impl Entry {
    fn is_at(&self, name: &str, passing: u64) -> bool {
        match &self.point {
            Some(point) => point == name && self.when.holds(passing),
            // Counting: once is enough to know that a point is passed.
            None => passing == 1,
        }
    }
}
