//! SIGTERM and SIGINT: the first asks to stop and gives five seconds for it, the second ends the process.

use std::process;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// What a shell expects of a process that a signal ended, above the signal's number.
const ENDED_BY_SIGNAL: i32 = 128;

/// How long a stop may take. Whoever stops a job may rely on it: what is not done then is left undone, as it
/// would be by a kill.
const STOP_WITHIN: Duration = Duration::from_millis(4_900);

/// Calls `stop` on a thread of its own at the first SIGTERM or SIGINT. A process that is still there five
/// seconds later ends with the exit code 1. The second signal ends it at once, with the exit code 128 + its number.
pub(crate) fn on_stop(stop: impl FnOnce() + Send + 'static) -> Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT]).context("listen to SIGTERM and SIGINT")?;
    let mut stop = Some(stop);
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            for signal in signals.forever() {
                match stop.take() {
                    Some(stop) => {
                        stop();
                        end_late();
                    }
                    None => process::exit(ENDED_BY_SIGNAL + signal),
                }
            }
        })
        .context("start the thread that listens to signals")?;
    Ok(())
}

/// Ends the process when a stop takes too long.
fn end_late() {
    let waiting = thread::Builder::new().name("late".to_owned()).spawn(|| {
        thread::sleep(STOP_WITHIN);
        tracing::error!(
            "not ended within 5 seconds of the signal: this process ends as by a kill. What is committed stays, \
             and a start goes on there"
        );
        process::exit(1);
    });
    if let Err(error) = waiting {
        tracing::warn!("the time of the stop is not bounded: start a thread: {error}");
    }
}
