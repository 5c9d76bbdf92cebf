//! SIGTERM and SIGINT: the first asks to stop, the second ends the process.

use std::process;
use std::thread;

use anyhow::{Context as _, Result};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// What a shell expects of a process that a signal ended, above the signal's number.
const ENDED_BY_SIGNAL: i32 = 128;

/// Calls `stop` on a thread of its own at the first SIGTERM or SIGINT. The second ends the process
/// at once, with the exit code 128 + its number.
pub(crate) fn on_stop(stop: impl FnOnce() + Send + 'static) -> Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT]).context("listen to SIGTERM and SIGINT")?;
    let mut stop = Some(stop);
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            for signal in signals.forever() {
                match stop.take() {
                    Some(stop) => stop(),
                    None => process::exit(ENDED_BY_SIGNAL + signal),
                }
            }
        })
        .context("start the thread that listens to signals")?;
    Ok(())
}
