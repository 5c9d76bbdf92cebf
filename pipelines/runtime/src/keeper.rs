//! The thread that looks after a running job: shows what waits, tells lag tools how far
//! the job is, and sees to it that a stop does not take for ever.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use model::{PartitionId, Topic};
use sources::{Availability, Source, StopFlag};

use crate::config::SourceKind;
use crate::error::{Fault, JobError, joined};
use crate::flow::FlowGate;
use crate::folder::{Generation, JobFolder};
use crate::job::{Context, horizon_millis};
use crate::status::{Status, chain};
use crate::watch::{SILENT, Watch};

const PERIOD: Duration = Duration::from_secs(1);
/// How often it is looked at whether the job is to stop.
const STOP_LOOK: Duration = Duration::from_millis(100);
/// Seconds between two messages for lag tools.
const TELL_LAG: u64 = 10;
/// How long a stop may wait for sinks: what is not committed then is left to the next start.
const STOP_WITHIN: Duration = Duration::from_millis(2_500);
/// Sources that are held for less than this are in step.
const HELD_LONG: Duration = Duration::from_millis(500);

/// The running thread.
pub(crate) struct Keeper {
    end: Sender<()>,
    thread: JoinHandle<()>,
    topics_changed: Arc<AtomicBool>,
}

impl Keeper {
    /// Starts the thread.
    ///
    /// - `stop`: ends what runs now; `asked` is set when the job itself is to end.
    /// - `read`: the partitions that are there; should they become others, `stop` is set.
    /// - `is_endless`: whether the job reads whatever comes.
    pub(crate) fn start(
        context: &Context<'_>,
        source: Arc<dyn Source>,
        (stop, asked): (StopFlag, StopFlag),
        generation: (JobFolder, Generation),
        read: &[PartitionId],
        is_endless: bool,
    ) -> Result<Self, JobError> {
        let failed = |source| JobError::Thread {
            name: "keeper",
            source,
        };
        let mut partitions = BTreeMap::new();
        for partition in read {
            *partitions.entry(partition.topic).or_insert(0) += 1;
        }
        let grows = is_endless && context.job.source.kind == SourceKind::Kafka;
        let told = grows.then(|| Arc::clone(context.status));
        let guard = context.fault.guard("the watch panicked");
        let watch = Watch::start(Arc::clone(&source), told, Some(guard)).map_err(failed)?;
        let (end, ended) = bounded(0);
        let topics_changed = Arc::<AtomicBool>::default();
        let keeping = Keeping {
            topics_changed: Arc::clone(&topics_changed),
            is_endless,
            topics: context.job.topics(),
            horizon_millis: horizon_millis(context.job),
            source,
            stop,
            asked,
            generation,
            gate: Arc::clone(context.gate),
            status: Arc::clone(context.status),
            fault: context.fault.clone(),
            tells_lag: !context.job.source.lag_group.is_empty(),
            watch,
            partitions,
            stopping_since: None,
            shows_away: false,
            is_silent: false,
        };
        let thread = thread::Builder::new()
            .name("keeper".to_owned())
            .spawn({
                let guard = context.fault.guard("the keeper panicked");
                move || {
                    let _guard = guard;
                    keeping.run(&ended);
                }
            })
            .map_err(failed)?;
        Ok(Self {
            end,
            thread,
            topics_changed,
        })
    }

    /// Ends the thread; says whether the job was stopped because its topics are others now.
    pub(crate) fn finish(self) -> bool {
        drop(self.end);
        joined(self.thread);
        self.topics_changed.load(Ordering::Acquire)
    }
}

struct Keeping {
    source: Arc<dyn Source>,
    stop: StopFlag,
    /// Set when the job itself is asked to stop.
    asked: StopFlag,
    generation: (JobFolder, Generation),
    gate: Arc<FlowGate>,
    status: Arc<Status>,
    fault: Fault,
    tells_lag: bool,
    watch: Watch,
    /// Whether the job reads whatever comes.
    is_endless: bool,
    /// For how long duplicates should be known.
    horizon_millis: i64,
    topics_changed: Arc<AtomicBool>,
    /// What the job reads.
    topics: Vec<Topic>,
    /// Partitions of each topic at the start.
    partitions: BTreeMap<Topic, usize>,
    stopping_since: Option<Instant>,
    /// Whether the source is shown as away.
    shows_away: bool,
    /// Whether it owes an answer.
    is_silent: bool,
}

impl Keeping {
    fn run(mut self, ended: &Receiver<()>) {
        for second in 1_u64.. {
            let is_end = self.wait(ended);
            self.show_waits();
            self.look_for_a_newer_start();
            if !self.stop.is_set() {
                self.look_at_partitions();
            }
            if self.tells_lag && (is_end || second.is_multiple_of(TELL_LAG)) {
                self.tell_lag();
            }
            if is_end {
                self.watch.finish();
                return;
            }
        }
    }

    /// Waits for the next look; says whether the job has ended.
    fn wait(&mut self, ended: &Receiver<()>) -> bool {
        let next = Instant::now() + PERIOD;
        while Instant::now() < next {
            if ended.recv_timeout(STOP_LOOK) != Err(RecvTimeoutError::Timeout) {
                return true;
            }
            self.bound_the_stop();
        }
        false
    }

    /// Ends an idle copy of the job too, when a newer one has been started.
    fn look_for_a_newer_start(&self) {
        let (folder, own) = &self.generation;
        match folder.is_superseded(*own) {
            Ok(false) => {}
            Ok(true) if self.stop.is_set() => {}
            Ok(true) => self.fault.raise("a newer start has taken the job over"),
            Err(error) => tracing::warn!("could not look for a newer start: {}", chain(&error)),
        }
    }

    fn show_waits(&mut self) {
        match self.gate.held().filter(|held| held.age > HELD_LONG) {
            Some(held) => {
                let why = format!(
                    "{} epochs, {} bytes in flight wait for {}",
                    held.epochs, held.bytes, held.by
                );
                self.status.wait("flow", &why);
            }
            None => self.status.go_on("flow"),
        }
        let source = self.source.status();
        let silent = self.watch.unanswered();
        let silent = silent.filter(|since| since.elapsed() > SILENT);
        let is_away = source.availability == Availability::Away;
        let refused = self.watch.error();
        if is_away {
            self.status.wait(
                "source",
                source.last_error.as_deref().unwrap_or("it does not answer"),
            );
        } else if let Some(since) = silent {
            self.status
                .wait_since("source", since, "it does not answer");
        } else if let Some((since, error)) = &refused {
            self.status.wait_since("source", *since, error);
        } else if self.shows_away {
            self.status.go_on("source");
        }
        self.show_horizon();
        self.is_silent = silent.is_some();
        self.shows_away = is_away || self.is_silent || refused.is_some();
    }

    /// Raises an alarm while duplicates are known for less than they should be.
    fn show_horizon(&self) {
        let shortest = self.status.shortest_horizon();
        match shortest.filter(|&(_, horizon)| horizon < self.horizon_millis) {
            Some((partition, horizon)) => {
                let why = format!(
                    "duplicates in {partition} are known for {} s, not for {}: raise admission.dedup_ids_max",
                    horizon / 1_000,
                    self.horizon_millis / 1_000
                );
                self.status.wait("dedup", &why);
            }
            None => self.status.go_on("dedup"),
        }
    }

    /// Stops a job whose topics are others than at its start, so that it looks at them anew: a topic that has
    /// appeared is read then, and one that got other partitions is held.
    fn look_at_partitions(&self) {
        for (topic, now) in self.watch.partitions() {
            if !self.topics.contains(&topic) {
                continue;
            }
            let before = self.partitions.get(&topic).copied().unwrap_or(0);
            if now == before {
                continue;
            }
            tracing::warn!(%topic, before, now, "a topic has other partitions than at the start");
            if self.is_endless {
                self.topics_changed.store(true, Ordering::Release);
                self.stop.set();
            } else if before > 0 {
                self.fault.raise("a topic got other partitions");
            }
        }
    }

    fn tell_lag(&self) {
        let offsets = self.status.offsets();
        if offsets.is_empty() {
            return;
        }
        if let Err(error) = self.source.commit_for_lag(&offsets) {
            tracing::warn!(
                "could not tell lag tools how far the job is: {}",
                chain(&error)
            );
        }
    }

    fn bound_the_stop(&mut self) {
        let is_asked = self.asked.is_set() || !self.topics_changed.load(Ordering::Acquire);
        // To look at topics anew a job waits for its tables as long as it takes.
        if !self.stop.is_set() || !is_asked {
            return;
        }
        let since = *self.stopping_since.get_or_insert_with(Instant::now);
        if since.elapsed() > STOP_WITHIN && !self.gate.is_closed() {
            tracing::warn!(
                "sinks do not keep up with the stop: what is not committed is left to the next start"
            );
            self.gate.close();
        }
    }
}
