//! The dataflow workers: each runs the graphs on its own thread, takes what it is fed, and says what
//! changed. A worker without work is parked.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};
use graphs::{Inputs, Output, Progress, Settings};
use model::admission::Change;
use model::{Epoch, PartitionId};
use timely::communication::WorkerGuards;
use timely::worker::Worker;

use crate::egress::{FromWorker, Said};
use crate::error::{Fault, JobError};
use crate::feeder::{Feed, InputBatch, WorkerHandle};
use crate::ingress::SealedEpoch;
use crate::prices::Priced;
use crate::status::Status;

/// Feeds that may wait for a worker: whoever feeds it waits when it has more.
const FEEDS_WAITING: usize = 64;

/// The running workers.
pub(crate) struct Workers {
    guards: WorkerGuards<()>,
}

impl Workers {
    /// Starts `count` workers, and gives the ends by which they are fed.
    ///
    /// - `said`, `priced`: where they send what they say, and what they have priced.
    pub(crate) fn start(
        count: usize,
        settings: Settings,
        (said, priced): (&Sender<Said>, &Sender<Priced>),
        fault: &Fault,
        status: &Arc<Status>,
    ) -> Result<(Self, Vec<WorkerHandle>), JobError> {
        let (senders, receivers): (Vec<_>, Vec<_>) =
            (0..count).map(|_| bounded(FEEDS_WAITING)).unzip();
        let receivers = Mutex::new(receivers.into_iter().map(Some).collect::<Vec<_>>());
        let (started, threads) = bounded(count);
        let (said, priced, fault) = (said.clone(), priced.clone(), fault.clone());
        let status = Arc::clone(status);
        let one_is_gone = Arc::new(AtomicBool::new(false));
        let guards = timely::execute(timely::Config::process(count), move |worker| {
            let _guard = fault.guard("a dataflow worker panicked");
            let gone = Gone(Arc::clone(&one_is_gone));
            let index = worker.index();
            let feeds = receivers
                .lock()
                .expect("no worker panics while it takes its feeds")[index]
                .take()
                .expect("each worker takes its feeds once");
            if started.send((index, thread::current())).is_ok() {
                run(worker, &settings, &feeds, (&said, &priced), &gone, &status);
            }
        })
        .map_err(JobError::Workers)?;
        let mut threads: Vec<_> = threads.iter().take(count).collect();
        threads.sort_by_key(|(index, _)| *index);
        let handles = senders
            .into_iter()
            .zip(threads)
            .map(|(feeds, (_, thread))| WorkerHandle { feeds, thread })
            .collect();
        Ok((Self { guards }, handles))
    }

    /// Waits until the workers have said everything. They must have been told that nothing more will
    /// come.
    pub(crate) fn join(self) -> Result<(), JobError> {
        for result in self.guards.join() {
            result.map_err(JobError::Workers)?;
        }
        Ok(())
    }
}

/// Tells the other workers when one panics: they would wait for what it says for ever.
struct Gone(Arc<AtomicBool>);

impl Drop for Gone {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(true, Ordering::Release);
        }
    }
}

/// How often a worker that is to end looks whether another one is gone.
const LOOK: Duration = Duration::from_millis(100);

fn run(
    worker: &mut Worker,
    settings: &Settings,
    feeds: &Receiver<Feed>,
    (said, priced): (&Sender<Said>, &Sender<Priced>),
    gone: &Gone,
    status: &Status,
) {
    let index = worker.index();
    let say = {
        let said = said.clone();
        move |said_now: FromWorker| {
            // The router ends after the workers, or with the whole job.
            if said.send(Said::Worker(said_now)).is_err() {
                tracing::debug!("nobody listens to the workers any more");
            }
        }
    };
    let emit = {
        let (say, priced) = (say.clone(), priced.clone());
        move |epoch, output| match output {
            Output::Valuations(changes) => say(FromWorker::Valuations(epoch, changes)),
            Output::Likes(changes) => say(FromWorker::LikeCounts(epoch, changes)),
            Output::Characters(held) => say(FromWorker::Characters(epoch, held)),
            Output::LikeCounts(counts) => say(FromWorker::Counts(epoch, counts)),
            // The rules of a start hold as long as its workers run.
            Output::Prices(prices) => {
                if priced.send(prices).is_err() {
                    tracing::debug!("nobody remembers prices any more");
                }
            }
        }
    };
    let (inputs, progress) = graphs::build(worker, settings, emit);
    let mut inputs = Some(inputs);
    let mut upper = Some(Epoch(0));
    loop {
        match feeds.try_recv() {
            Ok(feed) => {
                let begun = Instant::now();
                if let Some(inputs) = &mut inputs {
                    take(inputs, &feed, worker.index(), worker.peers());
                }
                worker.step();
                status.stepped(begun.elapsed());
            }
            Err(TryRecvError::Empty) => {
                worker.step_or_park(None);
            }
            Err(TryRecvError::Disconnected) => {
                inputs = None;
                if progress.frontier().is_none() {
                    break;
                }
                if gone.0.load(Ordering::Acquire) {
                    for dataflow in worker.installed_dataflows() {
                        worker.drop_dataflow(dataflow);
                    }
                    return;
                }
                worker.step_or_park(Some(LOOK));
            }
        }
        tell_upper(&progress, &mut upper, index, &say);
    }
    tell_upper(&progress, &mut upper, index, &say);
}

fn tell_upper(
    progress: &Progress,
    told: &mut Option<Epoch>,
    worker: usize,
    say: &impl Fn(FromWorker),
) {
    let upper = progress.frontier();
    if upper != *told {
        *told = upper;
        say(FromWorker::Upper { worker, upper });
    }
}

/// Takes the share of a worker: partitions are dealt out in turn.
fn take(inputs: &mut Inputs, feed: &Feed, worker: usize, workers: usize) {
    let is_mine = |partition: i32| partition as usize % workers == worker;
    match feed {
        Feed::Rows(epoch, batch) => {
            advance(inputs, *epoch);
            take_rows(inputs, batch, worker);
        }
        Feed::Epoch(sealed) => {
            advance(inputs, sealed.binding.epoch);
            take_epoch(inputs, sealed, is_mine);
            advance(inputs, Epoch(sealed.binding.epoch.0 + 1));
        }
        Feed::Close(epoch) => advance(inputs, Epoch(epoch.0 + 1)),
        Feed::ReadOut(at) => {
            advance(inputs, *at);
            if worker == 0 {
                inputs.read_out_characters();
                inputs.read_out_likes();
            }
            advance(inputs, Epoch(at.0 + 1));
        }
    }
}

/// Goes on to an epoch.
///
/// # Panics
/// If the worker is past it: records would get another epoch than the one they are bound to.
fn advance(inputs: &mut Inputs, epoch: Epoch) {
    assert!(
        epoch >= inputs.epoch(),
        "epoch {epoch} is fed after epoch {}",
        inputs.epoch()
    );
    if epoch > inputs.epoch() {
        inputs.advance_to(epoch);
    }
}

fn take_rows(inputs: &mut Inputs, batch: &InputBatch, worker: usize) {
    let columns = &batch.columns;
    // Likes of one target often stand together.
    let mut likes: Option<(&str, i64)> = None;
    for &row in &batch.shares[worker] {
        let change = columns
            .row(row as usize)
            .and_then(|row| Change::from_row(batch.topic, &row))
            .expect("recovery has read the row before");
        match (change, &mut likes) {
            (Some(Change::Like(like)), Some((target, sum))) if *target == like.target => {
                *sum += like.diff();
            }
            (Some(Change::Like(like)), likes) => {
                if let Some((target, sum)) = likes.replace((like.target, like.diff())) {
                    inputs.like(target, sum);
                }
            }
            (Some(change), _) => take_change(inputs, &change),
            (None, _) => {}
        }
    }
    if let Some((target, sum)) = likes {
        inputs.like(target, sum);
    }
    inputs.flush();
}

fn take_epoch(inputs: &mut Inputs, sealed: &SealedEpoch, is_mine: impl Fn(i32) -> bool) {
    for batch in &sealed.batches {
        let PartitionId { partition, .. } = batch.partition;
        if is_mine(partition) {
            for change in batch.admitted.changes() {
                take_change(inputs, &change);
            }
        }
    }
}

fn take_change(inputs: &mut Inputs, change: &Change<'_>) {
    match change {
        Change::Equipment(change) => inputs.character(change.ocid, Some(change.snapshot)),
        Change::Like(change) => inputs.like(change.target, change.diff()),
        // No graph of this job asks for these.
        Change::Enrich(_) | Change::Donation(_) => {}
    }
}
