//! A job: start, run, end.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::unbounded;
use lake::{Lake, Owner};
use model::admission::{AdmissionSettings, Partition};
use model::view::{Origin, ShardKeys};
use model::{Epoch, PartitionId, Topic};
use odds::OddsError;
use sources::{FileSource, KafkaConfig, KafkaSource, Source, SourceError, StopFlag};
use valuation::Ruleset;
use views::{Need, RedisStore, SqliteStore, ViewWriter};

use self::rules::Plan;
pub(crate) use self::rules::{RULESET, as_position};
pub(crate) use self::sinks::Context;
use self::sinks::{Egress, Routing, Sinks, Views};
use crate::bindings::{self, Binding, BindingLog};
use crate::config::{Job, SourceKind, ViewsKind};
use crate::egress::{
    Committer, InputTables, LikeTables, ReadOut, ValuationTables, ViewHost, ViewQueue, ViewSink,
};
use crate::error::{Fault, JobError};
use crate::feeder::{Feeder, InputBatch};
use crate::flow::FlowGate;
use crate::folder::{Generation, JobFolder};
use crate::ingress::{ClosingRule, PartitionPlan, Pending, Readers, SealedEpoch, Sealer};
use crate::keeper::Keeper;
use crate::recovery::{InputScan, Recovered, input_scans, recover};
use crate::status::{Phase, Status};
use crate::workers::Workers;

mod rules;
mod sinks;

/// The hash of graphs and code that views carry: raise it when a value may differ for the same inputs
/// and rules.
const CODE: &str = "1";

/// The required sinks: they hold the sources when they are behind.
const REQUIRED: [&str; 4] = ["dataflow", "inputs", "valuations", "likes"];

/// How long the view store may take to answer.
const VIEW_TIMEOUT: Duration = Duration::from_secs(2);

/// A running job, from outside: asks it to stop, and sees what it does.
#[derive(Clone, Debug, Default)]
pub struct Handle {
    stop: StopFlag,
    status: Arc<Status>,
}

impl Handle {
    /// Asks the job to commit what it has read and to end.
    pub fn stop(&self) {
        self.stop.set();
    }

    /// What the job says of itself.
    #[must_use]
    pub fn status(&self) -> &Status {
        &self.status
    }
}

/// How long to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Until {
    /// Until the job is stopped.
    Stopped,
    /// Until everything is read that is there at the start.
    End,
}

/// Runs a job on this thread until it ends.
///
/// Rules that differ from those of the last run hold from the first new epoch on: what was bound before is
/// finished under the old ones, so that what was shown of an epoch stays true.
///
/// # Errors
/// When it cannot start or go on. What is committed then stays; a next start goes on from there.
pub fn run(job: &Job, until: Until, handle: &Handle) -> Result<(), JobError> {
    let wanted = load_rules(&job.ruleset)?;
    let folder = JobFolder::open(&job.folder)?;
    folder.keep_ruleset(&wanted.hash().to_string(), &wanted.stored())?;
    let mut rules = rules::standing(&folder, &job.job)?.unwrap_or_else(|| wanted.clone());
    let mut switched_from = None;
    loop {
        let generation = folder.take_generation()?;
        let ruleset = rules.hash();
        tracing::info!(job = job.job, %generation, folder = %job.folder.display(), %ruleset, "start");
        let leg = Leg {
            job,
            is_last: ruleset == wanted.hash(),
            until,
            handle,
            folder: folder.clone(),
            generation,
            rules,
        };
        match leg.run(switched_from.take())? {
            LegEnd::Done => return Ok(()),
            LegEnd::Switch { read_out, next } => {
                rules = match next {
                    Some(hash) => rules::kept(&folder, &hash)?,
                    None => wanted.clone(),
                };
                switched_from = Some(read_out);
            }
        }
    }
}

/// Loads a ruleset: the name of a shipped one, or the path of a file.
pub fn load_rules(name: &str) -> Result<Ruleset, JobError> {
    let rules = match odds::shipped(name) {
        Ok(rules) => rules,
        Err(OddsError::NotShipped(_)) if Path::new(name).exists() => odds::load(Path::new(name))?,
        Err(error) => return Err(error.into()),
    };
    Ok(rules)
}

/// Opens the source of a job.
pub fn open_source(job: &Job, stop: &StopFlag) -> Result<Box<dyn Source>, SourceError> {
    match job.source.kind {
        SourceKind::Kafka => Ok(Box::new(KafkaSource::new(kafka_config(job, stop))?)),
        SourceKind::Files => Ok(Box::new(FileSource::open(&job.source.paths)?)),
    }
}

/// How the job reaches its broker.
#[must_use]
pub fn kafka_config(job: &Job, stop: &StopFlag) -> KafkaConfig {
    let mut config = KafkaConfig::new(&job.source.brokers);
    let names = [
        (Topic::Equipment, &job.source.topics.equipment),
        (Topic::Likes, &job.source.topics.likes),
    ];
    config.topics = names
        .into_iter()
        .filter(|(_, name)| !name.is_empty())
        .map(|(topic, name)| (topic, name.clone()))
        .collect();
    if !job.source.lag_group.is_empty() {
        config.group.clone_from(&job.source.lag_group);
    }
    config.stop = stop.clone();
    config
}

/// A stretch of a job under one ruleset.
struct Leg<'a> {
    job: &'a Job,
    /// Whether new epochs are under these rules, unless some that are bound already are under others.
    is_last: bool,
    until: Until,
    handle: &'a Handle,
    folder: JobFolder,
    generation: Generation,
    rules: Ruleset,
}

/// How a leg ended.
enum LegEnd {
    /// The job is at its end.
    Done,
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
    fn run(self, switched_from: Option<ReadOut>) -> Result<LegEnd, JobError> {
        let (job, stop, status) = (self.job, &self.handle.stop, &self.handle.status);
        status.enter(Phase::Starting);
        let source: Arc<dyn Source> = open_source(job, stop)?.into();
        let gate = Arc::new(FlowGate::new(
            job.flow.epochs_in_flight_max,
            job.flow.bytes_in_flight_max,
            &REQUIRED,
        ));
        let fault = Fault::new(stop.clone(), Arc::clone(&gate));

        let owner = Owner {
            job: job.job.clone(),
            generation: self.generation.0,
        };
        let lake = Lake::open(&self.folder.tables())?;
        let sinks = Sinks {
            inputs: InputTables::open(
                &lake,
                &owner,
                &self.topics(),
                horizon_millis(job),
                Arc::clone(status),
            )?,
            valuations: ValuationTables::open(&lake, &owner, self.rules.hash())?,
            likes: LikeTables::open(&lake, &owner)?,
        };
        let ruleset = self.rules.hash().to_string();
        let origin = Origin {
            code: CODE.to_owned(),
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

        let log = BindingLog::begin(&self.folder, self.generation, &inherited)?;
        self.check_superseded()?;
        bindings::remove_older(&self.folder, self.generation)?;

        // History is kept from here on by all that may go on by differences.
        let derived = sinks.derived();
        let since = sinks.since();
        let base = match need {
            Some(Need::Differences { from, .. }) if from >= since => derived.min(from),
            _ => derived,
        };
        let plan = Plan::of(&inherited, base, &ruleset, self.is_last);
        let seen = sinks
            .newest()
            .max(bound)
            .max(need.map_or(Epoch(0), highest));
        tracing::info!(%base, %bound, %seen, %since, "the job goes on");

        let prices_computed = Arc::new(AtomicU64::new(0));
        let settings = graphs::Settings {
            tell_from: Epoch(base.0 + 1),
            prices_computed: Arc::clone(&prices_computed),
            ..graphs::Settings::new(self.rules.clone())
        };
        let (said, listened) = unbounded();
        let (workers, handles) = Workers::start(job.workers, settings, &said, &fault)?;
        let tables = input_scans(&sinks.inputs);
        let sealed_offsets = sinks.inputs.sealed_offsets();
        let newest_sealed = sinks.inputs.newest().unwrap_or_default();
        let newest = plan.end.unwrap_or_else(|| bound.max(newest_sealed));
        let feeder = Arc::new(Feeder::new(handles, said, newest, seen));
        gate.reached("dataflow", base);
        gate.reached("inputs", sinks.inputs.sealed().unwrap_or_default());
        gate.reached("valuations", derived);
        gate.reached("likes", derived);

        let context = Context {
            job,
            status,
            gate: &gate,
            fault: &fault,
        };
        let egress = Egress::start(&context, sinks, &lake, &owner, &ruleset)?;
        let queue = Arc::new(ViewQueue::new(job.views.changes_waiting_max));
        let view_sink = views
            .map(|views| views.start(&context, &queue, base, &feeder))
            .transpose()?;
        patience.store(true, Ordering::Relaxed);
        let is_switch = switched_from.is_some();
        let routing = Routing::start(&context, listened, egress, &queue, switched_from)?;
        let keeper = Keeper::start(
            &context,
            Arc::clone(&source),
            stop.clone(),
            (self.folder.clone(), self.generation),
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
        while view_sink.as_ref().is_some_and(ViewSink::is_running)
            && !stop.is_set()
            && !status.views_settled(feeder.as_of(), VIEW_TIMEOUT * 2)
        {
            thread::sleep(Duration::from_millis(5));
        }
        feeder.end();
        let worked = workers.join();
        let committed = routing.finish();
        let viewed = view_sink.map_or(Ok(()), |sink| sink.finish().map_err(JobError::Views));
        keeper.finish();
        status.enter(Phase::Ended);
        tracing::info!(
            prices = prices_computed.load(Ordering::Relaxed),
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
        Ok(match read_out {
            Some(read_out) => LegEnd::Switch {
                read_out,
                next: plan.next,
            },
            // Without one the job was stopped: the next start does the rest.
            None => LegEnd::Done,
        })
    }

    /// Fails if a newer start has taken the job over: that is why everything else failed.
    fn check_superseded(&self) -> Result<(), JobError> {
        if self.folder.is_superseded(self.generation)? {
            return Err(JobError::Superseded {
                own: self.generation,
            });
        }
        Ok(())
    }

    fn topics(&self) -> Vec<Topic> {
        let names = &self.job.source.topics;
        let mut topics = Vec::new();
        if !names.equipment.is_empty() {
            topics.push(Topic::Equipment);
        }
        if !names.likes.is_empty() {
            topics.push(Topic::Likes);
        }
        topics
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
                let store = RedisStore::new(&self.job.views.url, keys, VIEW_TIMEOUT)
                    .map_err(JobError::OpenViews)?;
                let writer = ViewWriter::new(store, host, generation, origin);
                Some(Views::Redis(Box::new(writer.shown_before(bound))))
            }
        })
    }

    /// Loads the state, then reads on from what is sealed until the job ends.
    fn load_and_read(&self, reading: Reading<'_>) -> Result<(), JobError> {
        let Reading {
            source,
            gate,
            feeder,
            inputs,
            log,
            inherited,
            plan,
            is_switch,
            tables,
            base,
            sealed_offsets,
        } = reading;
        let (stop, status) = (&self.handle.stop, &self.handle.status);
        let settings = AdmissionSettings {
            dedup_horizon_millis: horizon_millis(self.job),
            dedup_ids_max: self.job.admission.dedup_ids_max,
        };
        status.enter(Phase::Loading);
        let Recovered {
            mut partitions,
            mut tail,
        } = recover(&tables, base, settings, feeder, status)?;

        status.enter(Phase::Replaying);
        let plans = self.plans(
            source,
            &sealed_offsets,
            &inherited,
            &mut partitions,
            settings,
        )?;
        let cut: BTreeMap<PartitionId, i64> = plans
            .iter()
            .map(|plan| (plan.reader.partition(), plan.reader.next_offset()))
            .collect();
        if let Some(end) = plan.end {
            tail.retain(|&epoch, _| epoch <= end);
        }
        let first = plan.first.clone();
        let bound: Vec<Binding> = inherited
            .into_iter()
            .skip_while(|binding| is_sealed(binding, &cut))
            .filter(|binding| plan.holds(binding))
            .collect();
        tracing::info!(
            partitions = plans.len(),
            bound = bound.len(),
            tail = tail.len(),
            "reading on"
        );
        let readers = Readers::start(plans, self.job.source.readers, stop).map_err(|source| {
            JobError::Thread {
                name: "reader",
                source,
            }
        })?;
        let mut sealer = Sealer {
            folder: &self.folder,
            generation: self.generation,
            log,
            feeder,
            ruleset: self.rules.hash().to_string(),
            rule: ClosingRule {
                after: Duration::from_millis(self.job.epoch.close_millis),
                records_max: self.job.epoch.records_max,
                bytes_max: self.job.epoch.bytes_max,
            },
            gate,
            cut,
            pending: Pending::default(),
        };
        let mut deliver = |epoch: Arc<SealedEpoch>| {
            let at = epoch.binding.epoch;
            let later = tail.split_off(&at);
            feed_tail(feeder, std::mem::replace(&mut tail, later));
            feeder.expect(at);
            for batch in tail.remove(&at).unwrap_or_default() {
                feeder.rows(at, &batch);
            }
            status.sealed(&epoch);
            feeder.epoch(&epoch);
            inputs.feed(epoch);
        };
        let begun = if is_switch {
            sealer.switch(first, &mut deliver)
        } else {
            Ok(())
        };
        let result = begun
            .and_then(|()| sealer.replay(&readers, bound, &mut deliver))
            .and_then(|is_whole| {
                if !is_whole {
                    return Ok(());
                }
                feed_tail(feeder, std::mem::take(&mut tail));
                feeder.catch_up();
                if plan.end.is_some() {
                    return Ok(());
                }
                status.enter(Phase::Live);
                sealer.run(&readers, &mut |epoch| {
                    feeder.expect(epoch.binding.epoch);
                    status.sealed(&epoch);
                    feeder.epoch(&epoch);
                    inputs.feed(epoch);
                })
            });
        if result.is_err() {
            stop.set();
        }
        readers.join();
        Ok(result?)
    }

    /// How each partition is read on.
    fn plans(
        &self,
        source: &dyn Source,
        sealed_offsets: &BTreeMap<PartitionId, i64>,
        inherited: &[Binding],
        states: &mut BTreeMap<PartitionId, Partition>,
        settings: AdmissionSettings,
    ) -> Result<Vec<PartitionPlan>, JobError> {
        let partitions = source.partitions()?;
        check_partitions(&partitions, sealed_offsets)?;
        let starts = source.start_offsets()?;
        let ends = match self.until {
            Until::End => source.end_offsets()?,
            Until::Stopped => BTreeMap::new(),
        };
        let mut plans = Vec::new();
        for partition in partitions {
            let kept_from = starts.get(&partition).copied().unwrap_or(0);
            let next_offset = match sealed_offsets.get(&partition) {
                Some(&sealed) if sealed < kept_from => {
                    return Err(JobError::Gone {
                        partition,
                        from: sealed,
                        to: kept_from - 1,
                    });
                }
                Some(&sealed) => sealed,
                // What was deleted before the job first saw the partition is none of its records.
                None => kept_from,
            };
            let cuts: VecDeque<i64> = inherited
                .iter()
                .filter_map(|binding| binding.cut.get(&partition))
                .map(|read| read.next_offset)
                .filter(|&cut| cut > next_offset)
                .collect();
            plans.push(PartitionPlan {
                reader: source.open(partition, next_offset)?,
                state: states
                    .remove(&partition)
                    .unwrap_or_else(|| Partition::new(partition.topic, settings)),
                cuts,
                end: ends.get(&partition).copied(),
            });
        }
        Ok(plans)
    }
}

/// What reading on needs.
struct Reading<'a> {
    source: &'a dyn Source,
    gate: &'a FlowGate,
    feeder: &'a Feeder,
    inputs: &'a Committer<SealedEpoch>,
    log: BindingLog,
    inherited: Vec<Binding>,
    plan: &'a Plan,
    is_switch: bool,
    tables: Vec<InputScan>,
    base: Epoch,
    sealed_offsets: BTreeMap<PartitionId, i64>,
}

fn horizon_millis(job: &Job) -> i64 {
    i64::try_from(job.admission.dedup_horizon_seconds.saturating_mul(1_000)).unwrap_or(i64::MAX)
}

/// Whether the input tables have all that an epoch read.
fn is_sealed(binding: &Binding, sealed: &BTreeMap<PartitionId, i64>) -> bool {
    binding.cut.iter().all(|(partition, read)| {
        sealed
            .get(partition)
            .is_some_and(|&sealed| read.next_offset <= sealed)
    })
}

/// The highest epoch that a store has shown, or will.
fn highest(need: Need) -> Epoch {
    match need {
        Need::Differences { from, finish } => finish.map_or(from, |finish| finish.max(from)),
        Need::Rewrite { at_least, .. } => at_least.unwrap_or_default(),
    }
}

/// Refuses a topic whose number of partitions is not what it was: its keys moved.
fn check_partitions(
    now: &[PartitionId],
    sealed: &BTreeMap<PartitionId, i64>,
) -> Result<(), JobError> {
    if now.is_empty() {
        return Err(JobError::NothingToRead);
    }
    for topic in Topic::ALL {
        let before = sealed
            .keys()
            .filter(|partition| partition.topic == topic)
            .count();
        let now = now
            .iter()
            .filter(|partition| partition.topic == topic)
            .count();
        if before > 0 && now != before {
            return Err(JobError::PartitionsChanged { topic, before, now });
        }
    }
    Ok(())
}

/// Feeds epochs that the input tables hold and the workers lack.
fn feed_tail(feeder: &Feeder, epochs: BTreeMap<Epoch, Vec<Arc<InputBatch>>>) {
    for (epoch, batches) in epochs {
        feeder.expect(epoch);
        for batch in &batches {
            feeder.rows(epoch, batch);
        }
        feeder.close(epoch);
    }
}
