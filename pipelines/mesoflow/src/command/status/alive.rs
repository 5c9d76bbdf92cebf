//! Whether the process that wrote a status still runs.

use std::fs;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A job writes each second: after so long something keeps it from it.
const SILENT_AFTER: Duration = Duration::from_secs(5);

/// Whether a job runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Life {
    /// It does.
    Running,
    /// Its process is there, as far as can be seen, and has not written for more than 5 seconds.
    Silent,
    /// It has come to its end.
    Ended,
    /// Its process is not there any more, and did not come to its end.
    Gone,
}

/// The process that wrote a status.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Writer {
    pub(super) host: String,
    pub(super) pid: u32,
    started_ticks: Option<u64>,
}

impl Writer {
    /// Whether it is there; `None` where that cannot be seen, on another machine.
    pub(super) fn is_there(&self) -> Option<bool> {
        let here = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        if here.trim() != self.host {
            return None;
        }
        let now = runtime::started_ticks(self.pid);
        Some(now.is_some() && now == self.started_ticks)
    }
}

/// What is to be made of a status.
///
/// - `age`: how long ago it was written.
/// - `is_there`: whether its process is there, if that can be seen.
pub(super) fn life(has_ended: bool, age: Duration, is_there: Option<bool>) -> Life {
    match (has_ended, is_there) {
        (true, _) => Life::Ended,
        (false, Some(false)) => Life::Gone,
        (false, Some(true) | None) if age > SILENT_AFTER => Life::Silent,
        (false, Some(true) | None) => Life::Running,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_runs_while_its_process_is_there_and_writes() {
        let (young, old) = (Duration::from_secs(1), Duration::from_secs(6));
        assert_eq!(life(false, young, Some(true)), Life::Running);
        assert_eq!(life(false, young, None), Life::Running);
        assert_eq!(life(false, old, Some(true)), Life::Silent);
        assert_eq!(life(false, old, None), Life::Silent);
        assert_eq!(life(false, young, Some(false)), Life::Gone);
        assert_eq!(life(true, old, Some(false)), Life::Ended);
    }
}
