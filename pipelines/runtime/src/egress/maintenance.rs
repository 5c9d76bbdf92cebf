//! Keeps the tables of a group in order: compaction is prepared on a thread of its own and committed
//! between commits of the group; checkpoints and clean-up take milliseconds.

use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use lake::{Compacted, CompactionLimits, LakeError, Retain, Retention, Table};

use crate::priority;

/// Versions between two checkpoints of a table.
const CHECKPOINT_VERSIONS: u64 = 100;

/// How long an end waits for a compaction that is under way.
const FINISH_WITHIN: Duration = Duration::from_secs(1);

/// The maintenance of one group of tables.
pub(super) struct Maintenance {
    period: Duration,
    due: Instant,
    /// The table that is looked at next.
    turn: usize,
    /// The table that is compacted now.
    running: Option<(usize, JoinHandle<Result<Compacted, LakeError>>)>,
    /// Whether it has more files than one compaction takes: its turn goes on then.
    goes_on: bool,
    /// By table: the version of the last checkpoint of this process.
    checkpoints: Vec<u64>,
}

impl Maintenance {
    pub(super) fn new(period: Duration) -> Self {
        Self {
            period,
            due: Instant::now() + period,
            turn: 0,
            running: None,
            goes_on: false,
            checkpoints: Vec::new(),
        }
    }

    /// Does what is due and short, and starts what takes long beside it; called between commits. Trouble here holds nothing up: it is logged
    /// and tried again, unless it says that this copy of the job must end.
    pub(super) fn step(
        &mut self,
        mut tables: Vec<&mut Table>,
        retain: impl Fn(&Table) -> Retain,
    ) -> Result<(), LakeError> {
        for (place, table) in tables.iter_mut().enumerate() {
            let version = table.view().version();
            if self.checkpoints.len() <= place {
                self.checkpoints.push(version);
            }
            if version >= self.checkpoints[place] + CHECKPOINT_VERSIONS {
                self.checkpoints[place] = version;
                bear(table.checkpoint(), table, "checkpoint")?;
            }
        }
        if self
            .running
            .as_ref()
            .is_some_and(|(_, thread)| thread.is_finished())
        {
            if std::mem::take(&mut self.goes_on) {
                self.turn = self.running.as_ref().map_or(self.turn, |(place, _)| *place);
                self.due = Instant::now();
            }
            self.settle(&mut tables)?;
        }
        if self.running.is_none() && self.due <= Instant::now() && !tables.is_empty() {
            let place = self.turn % tables.len();
            self.turn += 1;
            // Each table has its turn once a period.
            self.due = Instant::now() + self.period / tables.len() as u32;
            let table = &mut *tables[place];
            bear(
                table
                    .clean(Retention::default(), SystemTime::now())
                    .map(drop),
                table,
                "clean up",
            )?;
            match table.plan_compaction(retain(table), &CompactionLimits::default()) {
                Ok(None) => {}
                Ok(Some(compaction)) => {
                    self.goes_on = compaction.leaves_files();
                    let thread =
                        thread::Builder::new()
                            .name("compaction".to_owned())
                            .spawn(move || {
                                let _turn = priority::upkeep();
                                compaction.run()
                            });
                    match thread {
                        Ok(thread) => self.running = Some((place, thread)),
                        Err(error) => tracing::warn!(%error, "no thread for a compaction"),
                    }
                }
                Err(error) => bear(Err(error), table, "plan a compaction")?,
            }
        }
        Ok(())
    }

    /// Commits a compaction that is done soon. Another one is left behind: nothing refers to its files, and a
    /// later clean-up takes them.
    pub(super) fn finish(&mut self, mut tables: Vec<&mut Table>) -> Result<(), LakeError> {
        let until = Instant::now() + FINISH_WITHIN;
        while let Some((_, thread)) = &self.running
            && !thread.is_finished()
        {
            if Instant::now() >= until {
                tracing::info!(
                    "a compaction takes longer than the end of the job: it is left to the next start"
                );
                self.running = None;
            }
            thread::sleep(Duration::from_millis(1));
        }
        self.settle(&mut tables)
    }

    fn settle(&mut self, tables: &mut [&mut Table]) -> Result<(), LakeError> {
        let Some((place, thread)) = self.running.take() else {
            return Ok(());
        };
        let table = &mut *tables[place];
        let compacted = thread.join().expect("a compaction panicked");
        let committed = compacted.and_then(|compacted| table.commit_compaction(&compacted));
        bear(committed, table, "compact")
    }
}

/// Logs what may be tried again; passes on what says that this copy must end.
fn bear(done: Result<(), LakeError>, table: &Table, doing: &str) -> Result<(), LakeError> {
    match done {
        Err(error) if error.is_transient() => {
            let table = table.spec().name();
            tracing::warn!(
                table,
                "could not {doing}, will try again: {}",
                crate::status::chain(&error)
            );
            Ok(())
        }
        done => done,
    }
}
