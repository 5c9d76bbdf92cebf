//! Whether what a source depends on is there, since when, and what was wrong last.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use model::Millis;
use tracing::{error, info, warn};

/// Whether a dependency answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Availability {
    /// No answer yet, no error either.
    Connecting,
    /// It answered.
    Up,
    /// It failed and is tried again, with growing pauses and without a limit.
    Away,
}

/// The state of a source's dependency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceStatus {
    /// Whether it answers.
    pub availability: Availability,
    /// Since when, by the machine's clock.
    pub since_millis: Millis,
    /// What was wrong last, also if that is over.
    pub last_error: Option<String>,
}

/// A status that several threads report to. The way of a record touches one atomic only.
#[derive(Debug)]
pub(crate) struct StatusCell {
    up: AtomicBool,
    /// Whether the dependency refused us since it answered last: its reason outlasts what follows
    /// from it.
    refused: AtomicBool,
    status: Mutex<SourceStatus>,
}

impl StatusCell {
    pub(crate) fn new(availability: Availability) -> Self {
        Self {
            up: AtomicBool::new(availability == Availability::Up),
            refused: AtomicBool::new(false),
            status: Mutex::new(SourceStatus {
                availability,
                since_millis: now(),
                last_error: None,
            }),
        }
    }

    pub(crate) fn get(&self) -> SourceStatus {
        self.lock().clone()
    }

    /// The dependency answered.
    pub(crate) fn up(&self) {
        if self.up.load(Ordering::Relaxed) {
            return;
        }
        let mut status = self.lock();
        self.up.store(true, Ordering::Relaxed);
        self.refused.store(false, Ordering::Relaxed);
        if status.availability == Availability::Away {
            let away_millis = now().0 - status.since_millis.0;
            info!(away_millis, "source is back");
        }
        status.availability = Availability::Up;
        status.since_millis = now();
    }

    /// The dependency failed and is tried again.
    pub(crate) fn away(&self, error: String) {
        let mut status = self.lock();
        self.up.store(false, Ordering::Relaxed);
        if status.availability != Availability::Away {
            warn!(%error, "source is away, trying again");
            status.availability = Availability::Away;
            status.since_millis = now();
        }
        if !self.refused.load(Ordering::Relaxed) {
            status.last_error = Some(error);
        }
    }

    /// The dependency answered that it will not serve us, which someone has to mend; it is tried
    /// again.
    pub(crate) fn refused(&self, error: String) {
        let mut status = self.lock();
        self.up.store(false, Ordering::Relaxed);
        self.refused.store(true, Ordering::Relaxed);
        if status.last_error.as_ref() != Some(&error) {
            error!(%error, "source refuses this client: check its rights, TLS and SASL; trying again");
        }
        if status.availability != Availability::Away {
            status.availability = Availability::Away;
            status.since_millis = now();
        }
        status.last_error = Some(error);
    }

    /// Why the dependency refuses us, if it does since it answered last.
    pub(crate) fn refusal(&self) -> Option<String> {
        let status = self.lock();
        let is_refused = self.refused.load(Ordering::Relaxed);
        is_refused.then(|| status.last_error.clone()).flatten()
    }

    fn lock(&self) -> MutexGuard<'_, SourceStatus> {
        // A status is replaced field by field, none of which can panic half way.
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn now() -> Millis {
    let since_1970 = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Millis(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
}
