//! How far a job is: a line on a terminal that is drawn over again, and now and then a line of the log.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context as _, Result};
use model::Epoch;
use runtime::{Handle, Phase, Report, Until};

use crate::terminal::{self, Bar};

/// How often the line is drawn.
const DRAW_PERIOD: Duration = Duration::from_millis(250);
/// How often the log says it.
const LOG_PERIOD: Duration = Duration::from_secs(10);

/// The thread that tells how far a job is.
pub(super) struct Progress {
    end: Sender<()>,
    thread: JoinHandle<()>,
}

impl Progress {
    /// Begins to tell. A terminal gets the line, and no log of what the line says.
    pub(super) fn begin(handle: Handle, until: Until) -> Result<Self> {
        let (end, ended) = channel();
        let thread = thread::Builder::new()
            .name("progress".to_owned())
            .spawn(move || {
                let mut line = terminal::shows_bars().then(|| Line::new(until));
                let period = line.as_ref().map_or(LOG_PERIOD, |_| DRAW_PERIOD);
                while ended.recv_timeout(period) == Err(RecvTimeoutError::Timeout) {
                    let report = handle.status().report();
                    if let Some(line) = &mut line {
                        line.draw(&report);
                    } else {
                        log(&report);
                    }
                }
            })
            .context("start a thread")?;
        Ok(Self { end, thread })
    }

    /// Takes the line away.
    pub(super) fn end(self) {
        drop(self.end);
        self.thread.join().expect("the line of progress panicked");
    }
}

/// The line on a terminal.
struct Line {
    bar: Bar,
    is_bounded: bool,
}

impl Line {
    fn new(until: Until) -> Self {
        let is_bounded = until == Until::End;
        let bar = if is_bounded {
            Bar::new(0, "read")
        } else {
            Bar::line()
        };
        Self { bar, is_bounded }
    }

    fn draw(&mut self, report: &Report) {
        if self.is_bounded {
            let (done, total) = report.progress().unwrap_or_default();
            self.bar.set_total(total);
            self.bar.set(done);
            self.bar.say(format!(", {}", told(report, false)));
        } else {
            self.bar.say(told(report, true));
        }
    }
}

/// What a line of a terminal has room for; `with_counts` also how much was read and how much is not.
fn told(report: &Report, with_counts: bool) -> String {
    let mut parts = Vec::new();
    let phase = match report.phase {
        Phase::Starting => "starting",
        Phase::Loading => "loading",
        Phase::Replaying => "replaying",
        Phase::Live => "live",
        Phase::Stopping => "committing",
        Phase::Ended => "ended",
    };
    match report.loading.filter(|_| report.phase == Phase::Loading) {
        Some(loading) => parts.push(format!("loading {loading}")),
        None => parts.push(phase.to_owned()),
    }
    // What holds the job up goes first: the end of the line may be cut off.
    for (what, wait) in &report.waits {
        parts.push(format!(
            "waiting {:.0} s for {what}: {}",
            wait.age_seconds, wait.why
        ));
    }
    let counts = report.counts();
    if with_counts {
        parts.push(format!("{} read", counts.read()));
        if let Some((done, total)) = report.progress() {
            parts.push(format!("lag {}", total.saturating_sub(done)));
        }
    }
    parts.push(format!("{} epochs", report.epochs));
    if counts.rejected > 0 {
        parts.push(format!("{} rejected", counts.rejected));
    }
    if let Some(behind) = report
        .views_as_of
        // Before the first epoch there is nothing to be behind of.
        .filter(|as_of| as_of.0 > 0)
        .and_then(|as_of| behind(report.sealed, as_of))
    {
        parts.push(format!("views {:.1} s behind", behind.as_secs_f64()));
    }
    parts.join(", ")
}

/// How much older one epoch is than another: they are minted from the clock, in milliseconds.
fn behind(newest: Epoch, shown: Epoch) -> Option<Duration> {
    let millis = newest.0.checked_sub(shown.0)?;
    (millis > 0).then(|| Duration::from_millis(millis))
}

fn log(report: &Report) {
    let counts = report.counts();
    tracing::info!(
        phase = ?report.phase,
        read = counts.read(),
        lag = report.progress().map(|(done, total)| total.saturating_sub(done)),
        rejected = counts.rejected,
        epochs = report.epochs,
        sealed = report.sealed.0,
        views_as_of = report.views_as_of.map(|epoch| epoch.0),
        "progress"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_phase_waits_and_counts() {
        let handle = Handle::default();
        let mut report = handle.status().report();
        report.epochs = 7;
        report.sealed = Epoch(1_500);
        report.views_as_of = Some(Epoch(1_000));
        assert_eq!(
            told(&report, false),
            "starting, 7 epochs, views 0.5 s behind"
        );

        report.phase = Phase::Loading;
        report.loading = Some(runtime::LoadingReport {
            rows: 250,
            rows_of: 1_000,
            share: 0.25,
            rows_per_second: 500.0,
            seconds: 0.5,
        });
        assert_eq!(
            told(&report, false),
            "loading 250 of 1000 rows, 25 %, 500 rows/s, 7 epochs, views 0.5 s behind"
        );

        report.phase = Phase::Live;
        let wait = runtime::WaitReport {
            since_millis: 0,
            age_seconds: 6.4,
            why: "it does not answer".to_owned(),
            advice: String::new(),
        };
        report.waits.insert("source", wait);
        assert_eq!(
            told(&report, true),
            "live, waiting 6 s for source: it does not answer, 0 read, 7 epochs, views 0.5 s behind"
        );
    }
}
