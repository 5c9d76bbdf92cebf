//! Something that is waited for, or is under way and should not last.

use std::time::{Duration, Instant};

use super::{Status, WaitReport};
use crate::advice::advice;
use crate::clock::now_millis;

/// Something that is waited for.
#[derive(Debug)]
pub(super) struct Wait {
    pub(super) since: Instant,
    /// The same in milliseconds since 1970.
    since_millis: u64,
    pub(super) why: String,
}

impl Wait {
    pub(super) fn since(since: Instant) -> Self {
        let age = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
        Self {
            since,
            since_millis: now_millis().saturating_sub(age),
            why: String::new(),
        }
    }

    pub(super) fn told(&self, what: &str) -> WaitReport {
        WaitReport {
            since_millis: self.since_millis,
            age_seconds: self.since.elapsed().as_secs_f64(),
            advice: advice(what, &self.why),
            why: self.why.clone(),
        }
    }
}

/// What is under way for so long is shown as a wait.
pub(super) const UNDER_WAY: Duration = Duration::from_secs(2);

/// Ends what is under way when it is dropped.
pub(crate) struct Doing<'a> {
    pub(super) status: &'a Status,
    pub(super) name: &'static str,
}

impl Drop for Doing<'_> {
    fn drop(&mut self) {
        self.status.lock().doing.remove(self.name);
    }
}
