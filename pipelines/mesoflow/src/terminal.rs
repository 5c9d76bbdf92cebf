//! The terminal: whether there is one, its colours, its width, and bars for what takes time.

use std::env;
use std::fmt::Display;
use std::io::{self, ErrorKind, IsTerminal as _, Write as _};
use std::time::Duration;

use anyhow::{Context as _, Result};
use comfy_table::{Cell, ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

/// How often a bar is drawn.
const DRAWS_PER_SECOND: u8 = 10;
/// What is done sooner shows no bar.
const UNTIL_SHOWN: Duration = Duration::from_secs(1);
/// Terminals that are narrower, or do not tell their width, break the lines of a table themselves.
const WIDTH_MIN: u16 = 60;

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

/// A cell of a table in a colour, if standard output shows colours. The text itself stays plain, so that the
/// table knows its width.
pub(crate) fn coloured_cell(colour: Colour, text: impl Display) -> Cell {
    let cell = Cell::new(text);
    if !has_colours(Stream::Output) {
        return cell;
    }
    cell.fg(match colour {
        Colour::Good => comfy_table::Color::Green,
        Colour::Odd => comfy_table::Color::Yellow,
        Colour::Bad => comfy_table::Color::Red,
    })
}

/// A table with this header, as wide as the terminal at most.
pub(crate) fn table<T: Into<String>>(header: impl IntoIterator<Item = T>) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_BORDERS_ONLY)
        .set_header(header.into_iter().map(Into::into));
    let width = table.width().unwrap_or_default();
    if is_terminal(Stream::Output) && width >= WIDTH_MIN {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    }
    table
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

/// A bar on standard error: on a terminal, and not before a second has passed. It is gone with the
/// value.
pub(crate) struct Bar {
    bar: ProgressBar,
    shown: bool,
}

impl Bar {
    /// A bar that shows how many `things` of `total` are done.
    pub(crate) fn new(total: u64, things: &'static str) -> Self {
        let style =
            ProgressStyle::with_template("{bar:30} {human_pos} of {human_len} {msg}, {eta} to go");
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden());
        bar.set_style(style.expect("the template above is one"));
        Self {
            bar: bar.with_message(things),
            shown: false,
        }
    }

    /// So many are done.
    pub(crate) fn set(&mut self, done: u64) {
        if !self.shown && self.bar.elapsed() >= UNTIL_SHOWN {
            self.shown = true;
            self.bar.set_draw_target(target());
        }
        self.bar.set_position(done);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// A sign on standard error that something goes on whose end is not known; on a terminal only.
pub(crate) fn spinner(doing: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {msg}, {elapsed}");
    let spinner = ProgressBar::with_draw_target(None, target());
    spinner.set_style(style.expect("the template above is one"));
    spinner.enable_steady_tick(Duration::from_millis(100));
    spinner.with_message(doing)
}

fn target() -> ProgressDrawTarget {
    if is_terminal(Stream::Error) {
        ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND)
    } else {
        ProgressDrawTarget::hidden()
    }
}
