//! A stretch of a job under one ruleset: opened, run, ended.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use crossbeam_channel::unbounded;
use dataflow::PriceCounts;
use failpoints::points;
use lake::{Lake, Owner};
use model::Epoch;
use model::view::{Origin, ShardKeys};
use sources::{Source, SourceError, StopFlag};
use valuation::Ruleset;
use views::{RedisStore, SqliteStore, ViewWriter};

use super::reading::Reading;
use super::rules::{Plan, as_position};
use super::sinks::{Context, Egress, Routing, Sinks, Views};
use super::{Handle, Until, open_source};
use crate::bindings::{self, BindingLog};
use crate::config::{Job, ViewsKind};
use crate::decide::{self, Release};
use crate::egress::{
    InputTables, LikeTables, ReadOut, ValuationTables, ViewHost, ViewQueue, ViewSink,
};
use crate::error::{Fault, JobError};
use crate::feeder::Feeder;
use crate::flow::FlowGate;
use crate::folder::{Generation, JobFolder};
use crate::keeper::Keeper;
use crate::prices::{PriceKeeper, PriceMemo};
use crate::priority;
use crate::recovery::input_scans;
use crate::scrub::{self, Anew, FindingLog};
use crate::status::Phase;
use crate::watch;
use crate::workers::Workers;

/// The hash of graphs and code that views carry: raise it when a value may differ for the same inputs
/// and rules.
const CODE: &str = "1";

/// The version of the code that makes prices: any other program may price otherwise.
const PRICES: &str = concat!("1/", env!("CARGO_PKG_VERSION"));

/// The required sinks: they hold the sources when they are behind.
const REQUIRED: [&str; 4] = ["dataflow", "inputs", "valuations", "likes"];

/// How long the view store may take to answer.
const VIEW_TIMEOUT: Duration = Duration::from_secs(2);

/// A stretch of a job under one ruleset.
pub(super) struct Leg<'a> {
    pub(super) job: &'a Job,
    /// Whether new epochs are under these rules, unless some that are bound already are under others.
    pub(super) is_last: bool,
    pub(super) until: Until,
    pub(super) handle: &'a Handle,
    /// Ends this leg alone.
    pub(super) stop: StopFlag,
    pub(super) folder: JobFolder,
    pub(super) generation: Generation,
    pub(super) rules: Ruleset,
}

/// How a leg ended.
pub(super) enum LegEnd {
    /// The job is at its end.
    Done,
    /// Another start has changed the rules in the meantime, or the topics are others: look again.
    Again,
    /// All that was bound under the rules is committed; the next epoch is under others.
    Switch {
        /// What the graphs held then.
        read_out: ReadOut,
        /// The hash of the next rules, if an epoch is bound under them already.
        next: Option<String>,
    },
}

impl Leg<'_> {
    /// Runs the leg.
    ///
    /// - `switched_from`: what the graphs held under the rules before, if these are others.
    pub(super) fn run(self, switched_from: Option<ReadOut>) -> Result<LegEnd, JobError> {
        let (job, stop, status) = (self.job, &self.stop, &self.handle.status);
        let topics = job.topics();
        status.enter(Phase::Starting);
        let source: Arc<dyn Source> = open_source(job, stop)?.into();
        let gate = Arc::new(FlowGate::new(
            job.flow.epochs_in_flight_max,
            job.flow.bytes_in_flight_max,
            &REQUIRED,
        ));
        let fault = Fault::new(stop.clone(), Arc::clone(&gate));

        // While tables and views are opened.
        let price_memo = PriceMemo::new(&self.folder, PRICES, self.rules.hash());
        let remembering = {
            let (memo, rules) = (price_memo.clone(), self.rules.clone());
            thread::Builder::new()
                .name("remember".to_owned())
                .spawn(move || memo.load(&rules))
                .map_err(|source| JobError::Thread {
                    name: "remember",
                    source,
                })?
        };
        let owner = Owner {
            job: job.job.clone(),
            generation: self.generation.0,
        };
        let lake =
            priority::at_commits(|| Lake::open(&self.folder.tables())).map_err(|source| {
                JobError::Thread {
                    name: "tables",
                    source,
                }
            })??;
        let sinks = Sinks {
            inputs: InputTables::open(
                &lake,
                &owner,
                &topics,
                horizon_millis(job),
                Arc::clone(status),
            )?,
            valuations: ValuationTables::open(&lake, &owner, self.rules.hash())?,
            likes: LikeTables::open(&lake, &owner)?,
        };
        points::FENCED.pass();
        let ruleset = self.rules.hash().to_string();
        let origin = Origin {
            // Of another folder with the same job name nothing can be gone on from.
            code: format!("{CODE}/{}", self.folder.id()?),
            ruleset: ruleset.clone(),
        };
        let host = ViewHost::new(self.folder.clone(), stop.clone(), Arc::clone(status));
        let patience = host.patience();
        let inherited = bindings::inherited(&self.folder, self.generation)?;
        let bound = inherited.last().map_or(Epoch(0), |binding| binding.epoch);
        let mut views = self.open_views(host, &origin, bound)?;
        let need = match &mut views {
            Some(views) => views.claim()?,
            None => None,
        };
        points::CLAIMED.pass();

        let log = BindingLog::begin(&self.folder, self.generation, &inherited)?;
        points::LOG_BEGUN.pass();
        self.check_superseded()?;
        bindings::remove_older(&self.folder, self.generation)?;

        // Rules that another start has put in force since they were looked at.
        let expected = if switched_from.is_some() {
            None
        } else {
            sinks.valuations.standing()
        };
        if expected.is_some_and(|standing| standing != as_position(self.rules.hash())) {
            return Ok(LegEnd::Again);
        }
        let derived = sinks.derived();
        let since = sinks.since();
        let sealed = sinks.inputs.sealed().unwrap_or_default();
        let base = decide::base(derived, sealed, since, need.as_ref());
        let plan = Plan::of(&inherited, derived, &ruleset, self.is_last);
        let seen = decide::seen(sinks.newest(), bound, need.as_ref());
        tracing::info!(%base, %bound, %seen, %since, "the job goes on");

        // Before any thread is started: it may wait for the broker until the job is stopped.
        let partitions = match watch::first_answer(&*source, status)? {
            Err(SourceError::Stopped { .. }) => return Ok(LegEnd::Done),
            partitions => partitions?,
        };
        // Files may hold records of any topic.
        let (partitions, others): (Vec<_>, Vec<_>) = partitions
            .into_iter()
            .partition(|partition| topics.contains(&partition.topic));
        for partition in others {
            tracing::warn!(%partition, "the job does not read this topic: its records are left out");
        }
        for topic in topics {
            if !partitions.iter().any(|partition| partition.topic == topic) {
                tracing::warn!(%topic, "the topic is not there: nothing is read of it");
            }
        }

        let known = remembering
            .join()
            .expect("reading the memo of prices panicked");
        let known = Arc::new(known);
        let prices = Arc::<PriceCounts>::default();
        status.counts_prices(&prices);
        let settings = graphs::Settings {
            memo: Arc::clone(&known),
            tell_from: Epoch(base.0 + 1),
            prices: Arc::clone(&prices),
            ..graphs::Settings::new(self.rules.clone())
        };
        let keeper_of_prices = PriceKeeper::start(price_memo, known, &fault)?;
        let (said, listened) = unbounded();
        let (workers, handles) = Workers::start(
            job.workers,
            settings,
            (&said, &keeper_of_prices.priced),
            &fault,
            status,
        )?;
        let tables = input_scans(&sinks.inputs);
        let sealed_offsets = sinks.inputs.sealed_offsets();
        let last_records = sinks.inputs.last_records();
        let newest_sealed = sinks.inputs.newest().unwrap_or_default();
        let newest = plan.end.unwrap_or_else(|| bound.max(newest_sealed));
        let feeder = Arc::new(Feeder::new(handles, said, newest, seen));
        gate.reached("dataflow", base);
        gate.reached("inputs", sealed);
        gate.reached("valuations", derived);
        gate.reached("likes", derived);

        let context = Context {
            job,
            status,
            gate: &gate,
            fault: &fault,
        };
        let anew = Anew::default();
        let egress = Egress::start(&context, sinks, &lake, &owner, &ruleset, anew.clone())?;
        let findings = FindingLog::of(&self.folder, self.generation, Arc::clone(status));
        let queue = Arc::new(ViewQueue::new(job.views.changes_waiting_max));
        let view_sink = views
            .map(|views| views.start(&context, &queue, base, &feeder, findings.clone()))
            .transpose()?;
        patience.store(true, Ordering::Relaxed);
        let (to_tables, read_outs) = scrub::read_outs();
        let is_switch = switched_from.is_some();
        let routing = Routing::start(
            &context,
            listened,
            egress,
            &queue,
            to_tables,
            switched_from,
            plan.end.is_some(),
        )?;
        // A leg that ends in a switch is over soon, and its read-outs are for the next.
        let scrubber = match plan.end {
            Some(_) => None,
            None => scrub::start(&context, &lake, &feeder, findings, (anew, read_outs))?,
        };
        let keeper = Keeper::start(
            &context,
            Arc::clone(&source),
            (stop.clone(), self.handle.stop.clone()),
            (self.folder.clone(), self.generation),
            &partitions,
            self.until == Until::Stopped,
        )?;

        let read = self.load_and_read(Reading {
            source: &*source,
            gate: &gate,
            feeder: &feeder,
            inputs: &routing.inputs,
            log,
            inherited,
            plan: &plan,
            is_switch,
            tables,
            base,
            sealed_offsets,
            last_records,
            fault: &fault,
            partitions,
            must_pass: decide::must_pass(need.as_ref()),
        });
        let read_out = match (&read, plan.end) {
            (Ok(()), Some(_)) => routing.read_out(&feeder, stop),
            _ => None,
        };

        status.enter(Phase::Stopping);
        if read.is_err() {
            stop.set();
        }
        // A rewrite needs the workers: they stay until the views have what they need, or are away.
        while plan.end.is_none()
            && view_sink.as_ref().is_some_and(ViewSink::is_running)
            && !stop.is_set()
            && !status.views_settled(feeder.as_of(), VIEW_TIMEOUT * 2)
        {
            thread::sleep(Duration::from_millis(5));
        }
        let reached = feeder.as_of();
        if let Some(scrubber) = scrubber {
            scrubber.finish();
        }
        feeder.end();
        patience.store(false, Ordering::Relaxed);
        let worked = workers.join();
        keeper_of_prices.finish();
        let committed = routing.finish(stop.is_set());
        let viewed = view_sink.map_or(Ok(()), |sink| sink.finish().map_err(JobError::Views));
        let topics_changed = keeper.finish();
        tracing::info!(
            prices_computed = prices.computed(),
            prices_remembered = prices.remembered(),
            "the job ended"
        );
        if read.is_err() || committed.is_err() || fault.first().is_some() {
            self.check_superseded()?;
        }
        read?;
        committed?;
        viewed?;
        worked?;
        if let Some(what) = fault.first() {
            return Err(JobError::Stopped { what });
        }
        if self.until == Until::End
            && plan.end.is_none()
            && !stop.is_set()
            && self.job.views.kind != ViewsKind::None
            && !status.views_settled(reached, Duration::MAX)
        {
            return Err(JobError::ViewsBehind { epoch: reached });
        }
        Ok(match read_out {
            Some(read_out) => LegEnd::Switch {
                read_out,
                next: plan.next,
            },
            None if topics_changed => LegEnd::Again,
            // Without one the job was stopped: the next start does the rest.
            None => LegEnd::Done,
        })
    }

    /// Fails if a newer start has taken the job over: that is why everything else failed.
    fn check_superseded(&self) -> Result<(), JobError> {
        match decide::release(self.folder.is_superseded(self.generation)?) {
            Release::Output => Ok(()),
            Release::End => Err(JobError::Superseded {
                own: self.generation,
            }),
        }
    }

    fn open_views(
        &self,
        host: ViewHost,
        origin: &Origin,
        bound: Epoch,
    ) -> Result<Option<Views>, JobError> {
        let generation = self.generation.0;
        let origin = origin.clone();
        Ok(match self.job.views.kind {
            ViewsKind::None => None,
            ViewsKind::Embedded => {
                let store = SqliteStore::open(&self.folder.views()).map_err(JobError::OpenViews)?;
                let writer = ViewWriter::new(store, host, generation, origin);
                Some(Views::Embedded(Box::new(writer.shown_before(bound))))
            }
            ViewsKind::Redis => {
                let keys = ShardKeys::new(&self.job.job, 0).expect("a job's name was checked");
                let store = RedisStore::new(self.job.views.redis()?, keys, VIEW_TIMEOUT)
                    .map_err(JobError::OpenViews)?;
                let writer = ViewWriter::new(store, host, generation, origin);
                Some(Views::Redis(Box::new(writer.shown_before(bound))))
            }
        })
    }
}

pub(crate) fn horizon_millis(job: &Job) -> i64 {
    i64::try_from(job.admission.dedup_horizon_seconds.saturating_mul(1_000)).unwrap_or(i64::MAX)
}
