//! The thread that compares tables: their files with their logs, those of changes with the graphs, and the `_now`
//! tables with those.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};
use lake::{Lake, LakeError};
use model::Epoch;
use model::tables::{Kind, Relation};

use super::contents::{Compared, DERIVED, NOW, compare_now, compare_with_graphs, of_graphs};
use super::files::{OF, check_files};
use super::{Finding, FindingLog, Pace};
use crate::egress::ReadOut;
use crate::error::{Fault, joined};
use crate::priority;
use crate::status::{ScrubReport, chain};

/// How often it is looked whether a table has come to an epoch.
const LOOK: Duration = Duration::from_millis(200);
/// How long a read-out, and the tables after it, may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// Read-outs that are compared with in a pass before it is left to the next.
const TRIES: usize = 3;

/// The `_now` tables that are to be rewritten although nothing changed, because they are damaged.
#[derive(Clone, Debug, Default)]
pub(crate) struct Anew(Arc<Mutex<BTreeSet<Relation>>>);

impl Anew {
    /// Wants a table to be rewritten.
    pub(crate) fn want(&self, table: Relation) {
        self.lock().insert(table);
    }

    /// Whether a table is to be rewritten.
    pub(crate) fn is_wanted(&self, table: Relation) -> bool {
        self.lock().contains(&table)
    }

    /// Says that a table was rewritten.
    pub(crate) fn is_done(&self, table: Relation) {
        self.lock().remove(&table);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<Relation>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the thread works with.
pub(crate) struct TableScrub {
    pub(crate) lake: Lake,
    pub(crate) pace: Pace,
    pub(crate) findings: FindingLog,
    /// The `_now` tables to be rewritten.
    pub(crate) anew: Anew,
    /// Asks for a read-out.
    pub(crate) want: Box<dyn Fn() + Send>,
    /// Where it comes.
    pub(crate) read_outs: Receiver<ReadOut>,
}

/// The running thread.
pub(crate) struct TableScrubber {
    end: Sender<()>,
    thread: JoinHandle<()>,
}

impl TableScrubber {
    /// Starts the thread.
    pub(crate) fn start(scrub: TableScrub, fault: &Fault) -> std::io::Result<Self> {
        let (end, ended) = bounded(0);
        let guard = fault.guard("the scrub panicked");
        let thread = thread::Builder::new()
            .name("scrub-tables".to_owned())
            .spawn(move || {
                let _guard = guard;
                priority::step_back();
                Run {
                    scrub,
                    ended,
                    due: Instant::now(),
                    rate: 1.0,
                }
                .run();
            })?;
        Ok(Self { end, thread })
    }

    /// Breaks off what is under way and waits for the thread.
    pub(crate) fn finish(self) {
        drop(self.end);
        joined(self.thread);
    }
}

/// The job ends.
struct Ends;

struct Run {
    scrub: TableScrub,
    ended: Receiver<()>,
    /// When the next bytes may be read.
    due: Instant,
    /// Bytes a second.
    rate: f64,
}

impl Run {
    fn run(mut self) {
        let pace = self.scrub.pace;
        let mut began = pace.first(Instant::now());
        while self.wait_until(began).is_ok() {
            if self.pass().is_err() {
                return;
            }
            self.scrub.findings.status().scrub_passed(OF);
            began = pace.next(began, Instant::now());
        }
    }

    fn wait_until(&self, due: Instant) -> Result<(), Ends> {
        match self.ended.recv_deadline(due) {
            Err(RecvTimeoutError::Timeout) => Ok(()),
            Ok(()) | Err(RecvTimeoutError::Disconnected) => Err(Ends),
        }
    }

    /// One pass over all tables. What cannot be read now is left to the next one.
    fn pass(&mut self) -> Result<(), Ends> {
        self.rate = self.scrub.pace.bytes_per_second(self.bytes());
        self.due = Instant::now();
        let started = Instant::now();
        let steps = Relation::ALL.len() + NOW.len() + 1;
        let mut damaged = BTreeSet::new();
        for (place, relation) in Relation::ALL.into_iter().enumerate() {
            if !self.check_files(relation)? {
                damaged.insert(relation);
            }
            self.progress(place + 1, steps);
        }
        for (place, tables) in NOW.into_iter().enumerate() {
            // Whatever is told of damaged files would be told twice.
            if !damaged.contains(&tables.0) && !damaged.contains(&tables.1) {
                self.compare_now(tables)?;
            }
            self.progress(Relation::ALL.len() + place + 1, steps);
        }
        self.compare_with_graphs(&damaged)?;
        tracing::info!(
            seconds = started.elapsed().as_secs(),
            "compared all tables with their logs and the graphs"
        );
        Ok(())
    }

    /// Bytes of all tables.
    fn bytes(&self) -> u64 {
        let views = Relation::ALL.into_iter().filter_map(|relation| {
            let view = self.scrub.lake.view(relation).ok().flatten()?;
            view.files().ok()
        });
        views.flatten().map(|file| file.bytes).sum()
    }

    fn progress(&self, done: usize, steps: usize) {
        let progress = done as f64 / steps as f64;
        let status = self.scrub.findings.status();
        status.scrub_compared(OF, &ScrubReport::default(), progress);
    }

    /// Waits until so many bytes may be read; `false`: the job ends.
    fn may_read(due: &mut Instant, rate: f64, ended: &Receiver<()>, bytes: u64) -> bool {
        let now = Instant::now();
        let is_on = match ended.recv_deadline(*due) {
            Err(RecvTimeoutError::Timeout) => true,
            Ok(()) | Err(RecvTimeoutError::Disconnected) => false,
        };
        *due = now.max(*due) + Duration::from_secs_f64(bytes as f64 / rate);
        is_on
    }

    /// Checks the files of a table; says whether all are whole.
    fn check_files(&mut self, relation: Relation) -> Result<bool, Ends> {
        let Self {
            scrub,
            ended,
            due,
            rate,
        } = self;
        let checked = check_files(&scrub.lake, relation, |bytes| {
            Self::may_read(due, *rate, ended, bytes)
        });
        let mut checked = match checked {
            Ok(checked) if checked.is_broken_off => return Err(Ends),
            Ok(checked) => checked,
            Err(error) => {
                self.left_out(relation, &error);
                return Ok(false);
            }
        };
        let more = ScrubReport {
            compared: checked.files,
            bytes: checked.bytes,
            ..ScrubReport::default()
        };
        let status = self.scrub.findings.status();
        status.scrub_compared(OF, &more, status.scrub_progress(OF));
        self.tell(relation, &mut checked.findings);
        Ok(checked.findings.is_empty())
    }

    fn compare_now(&mut self, tables: (Relation, Relation)) -> Result<(), Ends> {
        let Self {
            scrub,
            ended,
            due,
            rate,
        } = self;
        let compared = compare_now(&scrub.lake, tables, |bytes| {
            Self::may_read(due, *rate, ended, bytes)
        });
        self.settle(tables.0, compared).map(drop)
    }

    /// Compares the tables of changes with a read-out. What differs is compared with another one, closely, before
    /// anything is said.
    fn compare_with_graphs(&mut self, damaged: &BTreeSet<Relation>) -> Result<(), Ends> {
        let mut close: [Vec<usize>; 4] = Default::default();
        let mut open: Vec<usize> = (0..DERIVED.len())
            .filter(|&place| !damaged.contains(&DERIVED[place]))
            .collect();
        for _ in 0..TRIES {
            let Some(read_out) = self.read_out()? else {
                tracing::info!("no read-out came: the tables are compared in the next pass");
                return Ok(());
            };
            let as_of = read_out.as_of;
            let goes_on = || self.wait_until(Instant::now()).is_ok();
            let graphs = match of_graphs(&read_out, &close, goes_on) {
                Ok(Some(graphs)) => graphs,
                Ok(None) => return Err(Ends),
                Err(error) => {
                    tracing::error!("the graphs' rows could not be summed up: {}", chain(&error));
                    return Ok(());
                }
            };
            drop(read_out);
            let mut again = Vec::new();
            for place in open {
                let relation = DERIVED[place];
                self.wait_for(relation, as_of)?;
                let Self {
                    scrub,
                    ended,
                    due,
                    rate,
                } = &mut *self;
                let compared = compare_with_graphs(
                    &scrub.lake,
                    &graphs[place],
                    relation,
                    as_of,
                    &close[place],
                    |bytes| Self::may_read(due, *rate, ended, bytes),
                );
                match compared {
                    Ok(Compared::Unsure(ranges)) => {
                        close[place] = ranges;
                        again.push(place);
                    }
                    Ok(Compared::Not(why)) => {
                        tracing::debug!(table = relation.name(), why, "not compared yet");
                        self.wait_until(Instant::now())?;
                        again.push(place);
                    }
                    compared => {
                        self.settle(relation, compared)?;
                    }
                }
            }
            open = again;
            if open.is_empty() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn read_out(&self) -> Result<Option<ReadOut>, Ends> {
        // Older ones came too late.
        while self.scrub.read_outs.try_recv().is_ok() {}
        (self.scrub.want)();
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            match self.scrub.read_outs.try_recv() {
                Ok(read_out) => return Ok(Some(read_out)),
                Err(_) => self.wait_until(Instant::now() + LOOK / 10)?,
            }
        }
        Ok(None)
    }

    /// Waits until a table has come to an epoch.
    fn wait_for(&self, relation: Relation, epoch: Epoch) -> Result<(), Ends> {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            let view = self.scrub.lake.view(relation).ok().flatten();
            if view.is_some_and(|view| view.committed() >= Some(epoch)) {
                break;
            }
            self.wait_until(Instant::now() + LOOK)?;
        }
        Ok(())
    }

    fn settle(
        &self,
        relation: Relation,
        compared: Result<Compared, LakeError>,
    ) -> Result<(), Ends> {
        match compared {
            Ok(Compared::Equal { rows }) => {
                tracing::debug!(table = relation.name(), rows, "compared");
                let more = ScrubReport {
                    compared: 1,
                    ..ScrubReport::default()
                };
                let status = self.scrub.findings.status();
                status.scrub_compared(OF, &more, status.scrub_progress(OF));
            }
            Ok(Compared::Differ(mut findings)) => self.tell(relation, &mut findings),
            Ok(Compared::Unsure(_)) => unreachable!("a close look is sure"),
            Ok(Compared::Not(why)) => {
                tracing::debug!(table = relation.name(), why, "not compared");
                self.wait_until(Instant::now())?;
            }
            Err(error) => self.left_out(relation, &error),
        }
        Ok(())
    }

    fn tell(&self, relation: Relation, findings: &mut [Finding]) {
        self.scrub.findings.tell(OF, findings);
        if !findings.is_empty() && relation.spec().kind == Kind::Now {
            self.scrub.anew.want(relation);
        }
    }

    fn left_out(&self, relation: Relation, error: &LakeError) {
        tracing::warn!(
            table = relation.name(),
            "could not be compared, the next pass tries again: {}",
            chain(error)
        );
    }
}

/// The ends of the way that read-outs take to the thread.
pub(crate) fn read_outs() -> (Sender<ReadOut>, Receiver<ReadOut>) {
    unbounded()
}
