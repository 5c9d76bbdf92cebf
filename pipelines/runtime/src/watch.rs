//! Asks the source once a second whether it answers, on a thread of its own: a broker that hangs is seen
//! while it does, by those who do not wait for it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, Sender, bounded};
use model::{PartitionId, Topic};
use sources::{Source, SourceError};

use crate::error::{Guard, JobError, joined};
use crate::status::{Status, chain};

/// How long after an answer it is asked again.
const PERIOD: Duration = Duration::from_secs(1);
/// A source that owes an answer for longer is shown: with the periods in between within 5 seconds.
pub(crate) const SILENT: Duration = Duration::from_secs(2);
/// How long an end waits for an answer that is under way. A thread that hangs longer is left behind.
const END_WITHIN: Duration = Duration::from_millis(500);

/// Asks for the partitions before anything else runs, as long as it takes, and shows that it waits.
pub(crate) fn first_answer(
    source: &dyn Source,
    status: &Status,
) -> Result<Result<Vec<PartitionId>, SourceError>, JobError> {
    let failed = |source| JobError::Thread {
        name: "first answer",
        source,
    };
    let asked = Instant::now();
    let (answered, is_answered) = bounded::<()>(0);
    thread::scope(|scope| {
        let shower = thread::Builder::new().name("first answer".to_owned());
        let shown = shower.spawn_scoped(scope, move || {
            while is_answered.recv_timeout(PERIOD) == Err(RecvTimeoutError::Timeout) {
                if asked.elapsed() > SILENT {
                    let error = source.status().last_error;
                    let why = error.as_deref().unwrap_or("it does not answer");
                    status.wait_since("source", asked, why);
                }
            }
            status.go_on("source");
        });
        shown.map_err(failed)?;
        let answer = source.partitions();
        drop(answered);
        Ok(answer)
    })
}

impl Seen {
    /// Tells an error once, and keeps the moment of the first one in a row.
    fn fail(&mut self, error: String) {
        let since = self
            .error
            .as_ref()
            .map_or_else(Instant::now, |(since, _)| *since);
        if self.error.as_ref().is_none_or(|(_, known)| *known != error) {
            tracing::warn!("could not look at the partitions: {error}");
        }
        self.error = Some((since, error));
    }
}

/// The thread that asks.
pub(crate) struct Watch {
    seen: Arc<Mutex<Seen>>,
    end: Sender<()>,
    thread: JoinHandle<()>,
}

/// What it has seen.
#[derive(Debug, Default)]
struct Seen {
    /// Since when it has been waiting for an answer.
    asked: Option<Instant>,
    /// Since when it gives an error in place of an answer, and which.
    error: Option<(Instant, String)>,
    /// Partitions of each topic, by the last answer.
    partitions: BTreeMap<Topic, usize>,
}

impl Watch {
    /// Starts to ask.
    ///
    /// - `guard`: ends the job if the thread panics.
    /// - `status`: is told where the partitions end, if they have no end that was set at the start.
    pub(crate) fn start(
        source: Arc<dyn Source>,
        status: Option<Arc<Status>>,
        guard: Option<Guard>,
    ) -> Result<Self, std::io::Error> {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (end, ended) = bounded(0);
        let thread = thread::Builder::new().name("watch".to_owned()).spawn({
            let seen = Arc::clone(&seen);
            move || {
                let _guard = guard;
                loop {
                    lock(&seen).asked = Some(Instant::now());
                    let answer = ask(&*source, status.as_deref());
                    let mut seen = lock(&seen);
                    seen.asked = None;
                    match answer {
                        Ok(partitions) => {
                            seen.partitions = partitions;
                            seen.error = None;
                        }
                        Err(SourceError::Stopped { .. }) => return,
                        Err(error) => seen.fail(chain(&error)),
                    }
                    drop(seen);
                    if ended.recv_timeout(PERIOD) != Err(RecvTimeoutError::Timeout) {
                        return;
                    }
                }
            }
        })?;
        Ok(Self { seen, end, thread })
    }

    /// Since when the source owes an answer.
    pub(crate) fn unanswered(&self) -> Option<Instant> {
        lock(&self.seen).asked
    }

    /// Since when it gives errors in place of answers, and the last one.
    pub(crate) fn error(&self) -> Option<(Instant, String)> {
        lock(&self.seen).error.clone()
    }

    /// Partitions of each topic, by the last answer; empty before the first.
    pub(crate) fn partitions(&self) -> BTreeMap<Topic, usize> {
        lock(&self.seen).partitions.clone()
    }

    /// Ends the thread, unless the source hangs.
    pub(crate) fn finish(self) {
        drop(self.end);
        let until = Instant::now() + END_WITHIN;
        while !self.thread.is_finished() && Instant::now() < until {
            thread::sleep(Duration::from_millis(1));
        }
        if self.thread.is_finished() {
            joined(self.thread);
        }
    }
}

fn ask(
    source: &dyn Source,
    status: Option<&Status>,
) -> Result<BTreeMap<Topic, usize>, SourceError> {
    let mut found = BTreeMap::new();
    let mut count = |partition: &PartitionId| *found.entry(partition.topic).or_insert(0) += 1;
    match status {
        Some(status) => {
            let ends = source.end_offsets()?;
            status.ends(&ends);
            ends.keys().for_each(&mut count);
        }
        None => source.partitions()?.iter().for_each(&mut count),
    }
    Ok(found)
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    // Each field is replaced whole.
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use sources::{Availability, PartitionReader, SourceStatus};

    use super::*;

    /// A source that answers when it is let.
    struct Slow(Mutex<Receiver<()>>);

    impl Source for Slow {
        fn partitions(&self) -> Result<Vec<PartitionId>, SourceError> {
            // Whoever let it answer is gone at the end of the test.
            let _ = self.0.lock().unwrap().recv();
            Ok((0..3)
                .map(|partition| PartitionId {
                    topic: Topic::Likes,
                    partition,
                })
                .collect())
        }

        fn start_offsets(&self) -> Result<BTreeMap<PartitionId, i64>, SourceError> {
            unreachable!("nobody asks for it")
        }

        fn end_offsets(&self) -> Result<BTreeMap<PartitionId, i64>, SourceError> {
            unreachable!("nobody asks for it")
        }

        fn open(&self, _: PartitionId, _: i64) -> Result<Box<dyn PartitionReader>, SourceError> {
            unreachable!("nobody asks for it")
        }

        fn status(&self) -> SourceStatus {
            SourceStatus {
                availability: Availability::Up,
                since_millis: model::Millis(0),
                last_error: None,
            }
        }

        fn commit_for_lag(&self, _: &BTreeMap<PartitionId, i64>) -> Result<(), SourceError> {
            unreachable!("nobody asks for it")
        }
    }

    #[test]
    fn the_first_answer_is_waited_for_and_the_wait_is_shown() {
        let (answer, answers) = channel();
        let status = Status::default();
        thread::scope(|scope| {
            scope.spawn(|| {
                while !status.report().waits.contains_key("source") {
                    thread::sleep(Duration::from_millis(10));
                }
                answer.send(()).unwrap();
            });
            let found = first_answer(&Slow(Mutex::new(answers)), &status).unwrap();
            assert_eq!(found.unwrap().len(), 3);
        });
        assert!(status.report().waits.is_empty());
    }

    #[test]
    fn an_answer_that_does_not_come_is_seen_and_nobody_waits_for_it() {
        let (answer, answers) = channel();
        let watch = Watch::start(Arc::new(Slow(Mutex::new(answers))), None, None).unwrap();
        while watch.unanswered().is_none() {
            thread::yield_now();
        }
        assert!(watch.partitions().is_empty());
        answer.send(()).unwrap();
        while watch.partitions().get(&Topic::Likes) != Some(&3) {
            thread::yield_now();
        }
        while watch.unanswered().is_none() {
            thread::yield_now();
        }
        // It hangs again: the end does not.
        watch.finish();
    }
}
