//! The sinks of a job: opened, started, ended.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use dataflow::Change;
use lake::{Lake, Owner, Table};
use model::Epoch;
use model::valued::CharacterValuation;
use sources::StopFlag;
use views::{Need, RedisStore, SqliteStore, ViewError, ViewStore, ViewWriter};

use crate::config::{Job, Outputs};
use crate::egress::{
    Committer, Ending, Finished, FinishedEpoch, InputTables, LikeTables, NowTables, ReadOut,
    Router, Said, Sinking, TableGroup, ValuationTables, ViewHost, ViewPlan, ViewQueue, ViewScrub,
    ViewSink,
};
use crate::error::{Fault, JobError, joined};
use crate::feeder::Feeder;
use crate::flow::FlowGate;
use crate::ingress::SealedEpoch;
use crate::scrub::{Anew, FindingLog, Pace};
use crate::status::Status;

/// What the parts of a running job share.
pub(crate) struct Context<'a> {
    pub(crate) job: &'a Job,
    pub(crate) status: &'a Arc<Status>,
    pub(crate) gate: &'a Arc<FlowGate>,
    pub(crate) fault: &'a Fault,
}

/// The tables, open and fenced.
pub(super) struct Sinks {
    pub(super) inputs: InputTables,
    pub(super) valuations: ValuationTables,
    pub(super) likes: LikeTables,
}

impl Sinks {
    fn derived_tables(&self) -> impl Iterator<Item = &Table> {
        self.valuations.tables().chain([self.likes.table()])
    }

    /// The epoch that all tables of derived state have committed.
    pub(super) fn derived(&self) -> Epoch {
        let committed = self.derived_tables().map(Table::committed);
        committed.min().flatten().unwrap_or_default()
    }

    /// Below this epoch the input tables tell nothing apart.
    pub(super) fn since(&self) -> Epoch {
        let tables = self.inputs.tables();
        tables
            .filter_map(|(_, table)| table.since())
            .max()
            .unwrap_or_default()
    }

    /// The highest epoch that any table has committed.
    pub(super) fn newest(&self) -> Epoch {
        let derived = self.derived_tables().filter_map(Table::committed);
        derived
            .chain(self.inputs.newest())
            .max()
            .unwrap_or_default()
    }
}

/// The threads of the tables.
pub(super) struct Egress {
    inputs: Committer<SealedEpoch>,
    valuations: Committer<FinishedEpoch>,
    likes: Committer<FinishedEpoch>,
    now: NowTables,
}

impl Egress {
    pub(super) fn start(
        context: &Context<'_>,
        sinks: Sinks,
        lake: &Lake,
        owner: &Owner,
        ruleset: &str,
        anew: Anew,
    ) -> Result<Self, JobError> {
        let tables = &context.job.tables;
        let sinking = Sinking {
            after: Duration::from_millis(tables.commit_millis),
            rows_max: tables.rows_max,
            maintain: Duration::from_secs(tables.maintain_seconds),
            history: Duration::from_secs(tables.history_seconds),
        };
        Ok(Self {
            inputs: committer(
                context,
                sinks.inputs,
                sinking,
                "the tables of inputs could not be committed",
            )?,
            valuations: committer(
                context,
                sinks.valuations,
                sinking,
                "the tables of valuations could not be committed",
            )?,
            likes: committer(
                context,
                sinks.likes,
                sinking,
                "the tables of likes could not be committed",
            )?,
            now: NowTables::start(
                lake.clone(),
                owner,
                ruleset.to_owned(),
                Duration::from_secs(tables.now_seconds),
                anew,
                context.fault,
            )?,
        })
    }
}

/// Starts the thread of a group of tables; `what` is the fault if it cannot go on.
fn committer<G: TableGroup>(
    context: &Context<'_>,
    group: G,
    sinking: Sinking,
    what: &'static str,
) -> Result<Committer<G::Feed>, JobError> {
    let (gate, status) = (Arc::clone(context.gate), Arc::clone(context.status));
    Committer::start(group, sinking, gate, status, context.fault, what).map_err(|source| {
        JobError::Thread {
            name: "of a table",
            source,
        }
    })
}

/// The thread that hands finished epochs on, and what it feeds.
pub(super) struct Routing {
    pub(super) inputs: Committer<SealedEpoch>,
    thread: JoinHandle<[Committer<FinishedEpoch>; 2]>,
    read_outs: Receiver<ReadOut>,
    now: NowTables,
}

impl Routing {
    pub(super) fn start(
        context: &Context<'_>,
        said: Receiver<Said>,
        egress: Egress,
        views: &Arc<ViewQueue>,
        to_tables: Sender<ReadOut>,
        switched_from: Option<ReadOut>,
        ends_in_a_switch: bool,
    ) -> Result<Self, JobError> {
        let (read_out, read_outs) = unbounded();
        // A read-out holds all that the graphs hold: none is kept that nobody will ask for.
        let read_out = ends_in_a_switch.then_some(read_out);
        let guard = context.fault.guard("the router panicked");
        let mut switch = switched_from.map(Switch::from);
        let Egress {
            inputs,
            valuations,
            likes,
            now,
        } = egress;
        let mut router = Router::new(context.job.workers);
        let (views, gate, status) = (
            Arc::clone(views),
            Arc::clone(context.gate),
            Arc::clone(context.status),
        );
        let waits_for_inputs = context.job.flow.outputs == Outputs::AfterInputs;
        let has_views = context.job.views.kind != crate::config::ViewsKind::None;
        let thread = thread::Builder::new()
            .name("router".to_owned())
            .spawn(move || {
                let _guard = guard;
                let may_be_shown =
                    |epoch| !waits_for_inputs || gate.wait_until_reached("inputs", epoch);
                // Ends when feeder and workers are gone.
                for said in said {
                    for finished in router.take(said) {
                        if switch.is_some() && is_for_scrub_alone(&finished) {
                            // It asks again once the rules have changed.
                            continue;
                        }
                        let finished = match switch.take() {
                            Some(mut waiting) => match waiting.take(finished) {
                                Some((epoch, read_out)) => {
                                    // The views are written anew under new rules: this is what with.
                                    if may_be_shown(read_out.as_of) {
                                        views.push_read_out(read_out);
                                    }
                                    Finished::Epoch(epoch)
                                }
                                None => {
                                    switch = Some(waiting);
                                    continue;
                                }
                            },
                            None => finished,
                        };
                        match finished {
                            Finished::Epoch(epoch) => {
                                gate.reached("dataflow", epoch.epoch);
                                status.finished(epoch.epoch);
                                if !may_be_shown(epoch.epoch) {
                                    // The job ends without it: the next start shows it.
                                    continue;
                                }
                                if has_views {
                                    views.push(&epoch);
                                }
                                valuations.feed(Arc::clone(&epoch));
                                likes.feed(epoch);
                            }
                            Finished::ReadOut(told) => {
                                if told.wanted_by.scrub && may_be_shown(told.as_of) {
                                    views.push_scrub(told.clone());
                                }
                                // The tables are compared as far as they are committed.
                                if told.wanted_by.tables && to_tables.send(told.clone()).is_err() {
                                    tracing::debug!("the tables are not compared any more");
                                }
                                if !told.wanted_by.writers {
                                    continue;
                                }
                                if let Some(read_out) = &read_out
                                    && read_out.send(told.clone()).is_err()
                                {
                                    tracing::debug!("nobody waits for a read-out");
                                }
                                if may_be_shown(told.as_of) {
                                    views.push_read_out(told);
                                }
                            }
                        }
                    }
                }
                [valuations, likes]
            })
            .map_err(|source| JobError::Thread {
                name: "router",
                source,
            })?;
        Ok(Self {
            inputs,
            thread,
            read_outs,
            now,
        })
    }

    /// What the graphs hold after all epochs that were fed, in a leg that ends in a switch; `None` if the job is
    /// stopped before it comes.
    pub(super) fn read_out(&self, feeder: &Feeder, stop: &StopFlag) -> Option<ReadOut> {
        // Older ones were for the views.
        while self.read_outs.try_recv().is_ok() {}
        feeder.want_read_out();
        while !stop.is_set() {
            match self.read_outs.recv_timeout(Duration::from_millis(100)) {
                Ok(read_out) => return Some(read_out),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
        None
    }

    /// Commits what is left; the workers must be gone.
    ///
    /// - `in_haste`: the job was asked to stop.
    pub(super) fn finish(self, in_haste: bool) -> Result<(), JobError> {
        // All end at once: a stop waits for the slowest, not for one after the other. Outputs may wait for the inputs.
        let mut ending = vec![self.inputs.end()];
        let derived = joined(self.thread);
        ending.extend(derived.into_iter().flatten().map(Committer::end));
        let ended = ending.into_iter().map(Ending::finish);
        let done = ended.fold(Ok(()), Result::and);
        Ok(done.and(self.now.finish(in_haste))?)
    }
}

fn is_for_scrub_alone(finished: &Finished) -> bool {
    matches!(finished, Finished::ReadOut(told) if !told.wanted_by.writers)
}

/// The first epoch under new rules: its changes are the differences to what was held under the old ones.
struct Switch {
    old: ReadOut,
    epoch: Option<Arc<FinishedEpoch>>,
}

impl From<ReadOut> for Switch {
    fn from(old: ReadOut) -> Self {
        Self { old, epoch: None }
    }
}

impl Switch {
    /// Holds the first epoch back until it is read out, and gives it with its changes then.
    fn take(&mut self, finished: Finished) -> Option<(Arc<FinishedEpoch>, ReadOut)> {
        match finished {
            Finished::Epoch(epoch) => {
                self.epoch = Some(epoch);
                None
            }
            Finished::ReadOut(new) => {
                let epoch = self.epoch.take()?;
                let changed = FinishedEpoch {
                    epoch: epoch.epoch,
                    valuations: differences(&self.old, &new),
                    like_counts: epoch.like_counts.clone(),
                };
                Some((Arc::new(changed), new))
            }
        }
    }
}

/// The valuations that differ, by key.
fn differences(old: &ReadOut, new: &ReadOut) -> Vec<Change<CharacterValuation>> {
    let mut before: BTreeMap<&str, CharacterValuation> =
        old.characters.iter().flat_map(|held| held.iter()).collect();
    let mut changes = Vec::new();
    for (ocid, value) in new.characters.iter().flat_map(|held| held.iter()) {
        let was = before.remove(ocid);
        if was.as_ref() != Some(&value) {
            changes.push(Change {
                key: ocid.into(),
                old: was,
                new: Some(value),
            });
        }
    }
    changes.extend(before.into_iter().map(|(ocid, was)| Change {
        key: ocid.into(),
        old: Some(was),
        new: None,
    }));
    changes.sort_by(|a, b| a.key.cmp(&b.key));
    changes
}

/// The writer of the view store.
pub(super) enum Views {
    Embedded(Box<ViewWriter<SqliteStore, ViewHost>>),
    Redis(Box<ViewWriter<RedisStore, ViewHost>>),
}

impl Views {
    /// Claims the store, and says what it needs; `None` if it does not answer now.
    pub(super) fn claim(&mut self) -> Result<Option<Need>, JobError> {
        let need = match self {
            Self::Embedded(writer) => writer.need(),
            Self::Redis(writer) => writer.need(),
        };
        match need {
            Ok(need) => Ok(Some(need)),
            Err(ViewError::GaveUp { source, .. }) => {
                let why = crate::status::chain(&*source);
                tracing::warn!("the view store does not answer, the job starts without it: {why}");
                Ok(None)
            }
            Err(error) => Err(JobError::OpenViews(error)),
        }
    }

    pub(super) fn start(
        self,
        context: &Context<'_>,
        queue: &Arc<ViewQueue>,
        since: Epoch,
        feeder: &Arc<Feeder>,
        findings: FindingLog,
    ) -> Result<ViewSink, JobError> {
        match self {
            Self::Embedded(writer) => start(*writer, context, queue, since, feeder, findings),
            Self::Redis(writer) => start(*writer, context, queue, since, feeder, findings),
        }
    }
}

fn start<S: ViewStore + 'static>(
    writer: ViewWriter<S, ViewHost>,
    context: &Context<'_>,
    queue: &Arc<ViewQueue>,
    since: Epoch,
    feeder: &Arc<Feeder>,
    findings: FindingLog,
) -> Result<ViewSink, JobError> {
    // Workers end with the feeder: a view thread does not keep it from ending.
    let feeder = Arc::downgrade(feeder);
    let passing = Weak::clone(&feeder);
    let plan = ViewPlan {
        writer,
        queue: Arc::clone(queue),
        since,
        probe: Duration::from_millis(context.job.views.probe_millis),
        want_read_out: Box::new({
            let feeder = feeder.clone();
            move || {
                if let Some(feeder) = feeder.upgrade() {
                    feeder.want_read_out();
                }
            }
        }),
        want_pass: Box::new(move |epoch| {
            if let Some(feeder) = passing.upgrade() {
                feeder.want_pass(epoch);
            }
        }),
        scrub: Pace::of(&context.job.scrub).map(|pace| ViewScrub {
            pace,
            want: Box::new(move || {
                if let Some(feeder) = feeder.upgrade() {
                    feeder.want_scrub();
                }
            }),
            findings,
        }),
        status: Arc::clone(context.status),
    };
    ViewSink::start(plan, context.fault).map_err(|source| JobError::Thread {
        name: "views",
        source,
    })
}
