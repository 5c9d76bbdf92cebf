//! The terminal: whether there is one, its colours, its width, and bars for what takes time.

use std::borrow::Cow;
use std::env;
use std::fmt::Display;
use std::io::{self, ErrorKind, IsTerminal as _, Write as _};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use comfy_table::Table;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

/// How often a bar is drawn.
const DRAWS_PER_SECOND: u8 = 10;
/// What is done sooner shows no bar.
const UNTIL_SHOWN: Duration = Duration::from_secs(1);
/// The width of what is no terminal.
const WIDTH_USUAL: u16 = 80;
/// A terminal that says less does not know its width.
const WIDTH_MIN: u16 = 20;

/// A stream that may be a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Standard output.
    Output,
    /// Standard error.
    Error,
}

/// Whether someone looks at the stream.
pub(crate) fn is_terminal(stream: Stream) -> bool {
    match stream {
        Stream::Output => io::stdout().is_terminal(),
        Stream::Error => io::stderr().is_terminal(),
    }
}

/// Whether colours are shown and wanted (<https://no-color.org>).
pub(crate) fn has_colours(stream: Stream) -> bool {
    let unwanted = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let none = env::var_os("TERM").is_some_and(|value| value == "dumb");
    is_terminal(stream) && !unwanted && !none
}

/// Colours by what they mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colour {
    /// As it should be.
    Good,
    /// To be looked at.
    Odd,
    /// Wrong.
    Bad,
}

/// The text in a colour, if standard output shows colours.
pub(crate) fn coloured(colour: Colour, text: impl Display) -> String {
    if !has_colours(Stream::Output) {
        return text.to_string();
    }
    let code = match colour {
        Colour::Good => 32,
        Colour::Odd => 33,
        Colour::Bad => 31,
    };
    format!("\x1b[{code}m{text}\x1b[0m")
}

/// How wide the terminal behind a stream is; what is none, or does not tell, is taken to be 80 columns wide.
pub(crate) fn width(stream: Stream) -> usize {
    let asked = Table::new().width();
    let told = asked.filter(|&width| is_terminal(stream) && width >= WIDTH_MIN);
    told.unwrap_or(WIDTH_USUAL).into()
}

/// Prints to standard output. Whoever closed it has seen enough: that is no error.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        printed => printed.context("write to standard output"),
    }
}

/// Prints as JSON, one value over several lines.
pub(crate) fn print_json(value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value).context("write the answer as JSON")?;
    print(&format!("{text}\n"))
}

/// Whether bars are drawn: on a terminal, unless what is printed there is for programs.
static BARS: AtomicBool = AtomicBool::new(false);
/// All bars that are shown, so that lines of the log go above them.
static SHOWN: LazyLock<MultiProgress> =
    LazyLock::new(|| MultiProgress::with_draw_target(ProgressDrawTarget::hidden()));

/// Lets bars be drawn, if standard error is a terminal and they are `wanted`.
pub(crate) fn show_bars(wanted: bool) {
    if wanted && is_terminal(Stream::Error) {
        SHOWN.set_draw_target(ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND));
        BARS.store(true, Ordering::Relaxed);
    }
}

/// Whether bars are drawn.
pub(crate) fn shows_bars() -> bool {
    BARS.load(Ordering::Relaxed)
}

/// Standard error for lines of the log, which go above the bars.
pub(crate) struct AboveBars;

impl io::Write for AboveBars {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if shows_bars() {
            SHOWN.suspend(|| io::stderr().write(bytes))
        } else {
            io::stderr().write(bytes)
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// A bar on standard error: on a terminal, and not before a second has passed. It is gone with the
/// value.
pub(crate) struct Bar {
    bar: ProgressBar,
    shown: bool,
    begun: Instant,
}

impl Bar {
    /// A bar that shows how many `things` of `total` are done.
    pub(crate) fn new(total: u64, things: &'static str) -> Self {
        let bar = Self::of(BOUNDED);
        bar.bar.set_length(total);
        bar.bar.set_prefix(things);
        bar
    }

    /// A line about what has no known end.
    pub(crate) fn line() -> Self {
        Self::of(UNBOUNDED)
    }

    fn of(template: &str) -> Self {
        let style = ProgressStyle::with_template(template);
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        bar.set_style(style.expect("the templates below are some"));
        Self {
            bar,
            shown: false,
            begun: Instant::now(),
        }
    }

    /// There are so many in all.
    pub(crate) fn set_total(&self, total: u64) {
        self.bar.set_length(total);
    }

    /// So many are done.
    pub(crate) fn set(&mut self, done: u64) {
        self.bar.set_position(done);
        self.show();
    }

    /// What else there is to say now.
    pub(crate) fn say(&mut self, text: String) {
        self.bar.set_message(text);
        self.show();
    }

    fn show(&mut self) {
        if !self.shown && shows_bars() && self.begun.elapsed() >= UNTIL_SHOWN {
            self.shown = true;
            self.bar = SHOWN.add(self.bar.clone());
        }
        self.bar.tick();
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
        SHOWN.remove(&self.bar);
    }
}

/// A bar with its total and the time that is left.
const BOUNDED: &str = "{bar:20} {human_pos} of {human_len} {prefix}, {eta} to go{wide_msg}";
/// A sign that something goes on.
const UNBOUNDED: &str = "{spinner} {wide_msg}";

/// A sign on standard error that something goes on whose end is not known; on a terminal only.
pub(crate) fn spinner(doing: impl Into<Cow<'static, str>>) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {msg}, {elapsed}");
    let spinner = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
    spinner.set_style(style.expect("the template above is one"));
    let spinner = SHOWN.add(spinner);
    spinner.enable_steady_tick(Duration::from_millis(100));
    spinner.with_message(doing)
}
