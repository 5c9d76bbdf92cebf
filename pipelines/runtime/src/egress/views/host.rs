//! What a view writer asks of the job around it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use sources::StopFlag;
use views::{Host, HostError, ViewError};

use crate::egress::committer::jittered;
use crate::folder::{Generation, JobFolder};
use crate::status::{Status, chain};

/// What a view writer asks of this job.
pub(crate) struct ViewHost {
    folder: JobFolder,
    stop: StopFlag,
    status: Arc<Status>,
    /// Whether to wait without a limit; before, so that a start is not held up, two tries must do.
    patience: Arc<AtomicBool>,
    stopping_since: Option<Instant>,
}

/// How often a wait looks whether the job is to stop.
const STOP_LOOK: Duration = Duration::from_millis(10);

/// How long the views may go on writing when the job stops.
const STOP_WITHIN: Duration = Duration::from_secs(3);

impl ViewHost {
    /// A host in `folder`, which gives up when `stop` is set.
    #[must_use]
    pub(crate) fn new(folder: JobFolder, stop: StopFlag, status: Arc<Status>) -> Self {
        Self {
            folder,
            stop,
            status,
            patience: Arc::default(),
            stopping_since: None,
        }
    }

    /// Set it once the job has started: from then on the host waits without a limit.
    #[must_use]
    pub(crate) fn patience(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.patience)
    }
}

impl Host for ViewHost {
    fn newest_generation(&mut self) -> Result<u64, HostError> {
        let newest = self.folder.newest_generation()?;
        Ok(newest.map_or(0, |Generation(number)| number))
    }

    fn wait(&mut self, error: &ViewError, attempt: u32) -> bool {
        let is_patient = self.patience.load(Ordering::Relaxed);
        if self.stop.is_set() || (!is_patient && attempt > 2) {
            return false;
        }
        if attempt.is_power_of_two() {
            tracing::warn!(attempt, "the view store does not answer: {}", chain(error));
        }
        self.status.wait("views", &chain(error));
        // 50 ms, 100 ms... up to 3.2 s.
        let until = Instant::now() + jittered(Duration::from_millis(50 << attempt.min(6)));
        while Instant::now() < until && !self.stop.is_set() {
            thread::sleep(STOP_LOOK);
        }
        true
    }

    fn abandons(&mut self) -> bool {
        if !self.stop.is_set() {
            return false;
        }
        let since = *self.stopping_since.get_or_insert_with(Instant::now);
        since.elapsed() > STOP_WITHIN
    }
}
