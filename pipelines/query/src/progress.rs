//! A sign on standard error that a statement is being answered, and the width of the terminal.

use std::env;
use std::io::{self, IsTerminal as _};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, Result};
use comfy_table::Table;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What is answered sooner shows no sign.
const UNTIL_SHOWN: Duration = Duration::from_secs(1);
/// Between two turns of the sign.
const TURN: Duration = Duration::from_millis(100);
/// The width of what is no terminal and is not told.
const WIDTH_USUAL: usize = 80;
/// A terminal that says less does not know its width.
const WIDTH_MIN: u16 = 20;

/// A sign that turns until it is dropped: on a terminal only, and not before a second has passed.
pub(crate) struct Progress {
    sign: ProgressBar,
    waiting: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Starts to wait.
    ///
    /// - `wanted`: whether standard error is read by people.
    pub(crate) fn start(wanted: bool) -> Result<Self> {
        let sign = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template("{spinner} answering, {elapsed}");
        sign.set_style(style.expect("the template is one"));
        if !wanted || !io::stderr().is_terminal() {
            return Ok(Self {
                sign,
                waiting: None,
            });
        }
        let (end, ended) = channel();
        let shown = sign.clone();
        let thread = thread::Builder::new()
            .name("progress".to_owned())
            .spawn(move || match ended.recv_timeout(UNTIL_SHOWN) {
                Err(RecvTimeoutError::Timeout) => {
                    shown.set_draw_target(ProgressDrawTarget::stderr());
                    shown.enable_steady_tick(TURN);
                }
                Ok(()) | Err(RecvTimeoutError::Disconnected) => {}
            })
            .context("start the thread that shows progress")?;
        Ok(Self {
            sign,
            waiting: Some((end, thread)),
        })
    }

    /// Prints while the sign is away.
    pub(crate) fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.sign.suspend(print)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((end, thread)) = self.waiting.take() {
            drop(end);
            // Its panic has been printed, and the answer does not depend on it.
            thread.join().unwrap_or_default();
        }
        self.sign.finish_and_clear();
    }
}

/// The width of the terminal behind standard output; of what is none, the one that `COLUMNS` tells.
pub(crate) fn width() -> usize {
    let asked = Table::new().width();
    let asked = asked.filter(|&width| io::stdout().is_terminal() && width >= WIDTH_MIN);
    let told = || env::var("COLUMNS").ok()?.trim().parse().ok();
    asked.map(usize::from).or_else(told).unwrap_or(WIDTH_USUAL)
}
