//! `mesoflow rejected show`: records with their original bytes.

use std::fs;
use std::ops::Range;
use std::path::PathBuf;

use anyhow::{Context as _, Result, anyhow};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args as ClapArgs;
use model::Reason;
use runtime::acts::{Act, Standing};
use serde::Serialize;

use super::Queue;
use super::place::{breaks_at, locate};
use super::rows::{Read, Row, for_each};
use super::select::{SelectArgs, State};
use crate::failure::Failed as _;
use crate::instant::{epoch_with_time, time_text};
use crate::terminal;

/// A value of at most so many bytes is shown whole.
const WHOLE_BYTES_MAX: usize = 2_048;
/// Of a longer one so many bytes around the fault are shown, on either side.
const AROUND_BYTES: usize = 300;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(flatten)]
    select: SelectArgs,
    /// Shows at most so many records.
    #[arg(long, default_value_t = 5)]
    limit: usize,
    /// Shows whole values, however long they are.
    #[arg(long)]
    full: bool,
    /// Writes the value of the one record, byte by byte, into a file: to be corrected and replayed with --value.
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

#[derive(Serialize)]
struct Shown<'a> {
    record: String,
    topic: &'static str,
    partition: i32,
    offset: i64,
    timestamp_millis: i64,
    time: Option<String>,
    epoch: u64,
    reason: &'a str,
    path: &'a str,
    expected: &'a str,
    state: State,
    /// The acts on it, oldest first.
    acts: Vec<Done<'a>>,
    key: Option<Bytes>,
    value: Option<Bytes>,
    /// Bytes of the value.
    size: Option<usize>,
    fault: Option<Fault>,
}

/// An act, as far as it is about one record.
#[derive(Serialize)]
struct Done<'a> {
    act: u64,
    what: &'static str,
    at: Option<String>,
    by: &'a str,
    note: Option<&'a str>,
    replayed_at: Option<i64>,
}

/// Bytes as text where they are UTF-8, else as base64.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Bytes {
    Text(String),
    Base64(String),
}

impl Bytes {
    fn of(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Base64(STANDARD.encode(bytes)),
        }
    }
}

/// The place in the value that was wrong.
#[derive(Clone, Serialize)]
struct Fault {
    /// The first byte, from 0.
    from: usize,
    /// The byte behind the last.
    to: usize,
    says: &'static str,
}

impl Fault {
    fn of(row: &Row) -> Option<Self> {
        let value = row.value.as_deref()?;
        let named = |at: Range<usize>, says| Self {
            from: at.start,
            to: at.end,
            says,
        };
        if row.reason == Reason::Malformed.code()
            && let Some(at) = breaks_at(value)
        {
            return Some(named(at..at, "it breaks here"));
        }
        let found = locate(value, &row.path);
        Some(match (found.whole, row.path.is_empty()) {
            (true, true) => return None,
            (true, false) => named(found.at, "at fault"),
            (false, _) => named(found.at, "it is missing here"),
        })
    }
}

pub(super) fn run(queue: &Queue, args: &Args, json: bool) -> Result<()> {
    let selection = args.select.selection()?;
    let mut rows = Vec::new();
    let mut count = 0_u64;
    for_each(queue, &selection, Read::Bytes, |row| {
        count += 1;
        if rows.len() < args.limit {
            rows.push(row);
        }
        Ok(())
    })?;
    if rows.is_empty() {
        return Err(anyhow!("no such record was rejected"))
            .advise("see `mesoflow rejected list` for those that were");
    }
    if let Some(file) = &args.to {
        let [row] = &rows[..] else {
            return Err(anyhow!(
                "{count} records are meant, and one goes into a file"
            ))
            .advise("name the one by its place")
            .wrong();
        };
        let value = row
            .value
            .as_deref()
            .with_context(|| format!("{} has no value: it is a tombstone", row.place))?;
        fs::write(file, value)
            .with_context(|| format!("write {}", file.display()))
            .advise("name a file in a folder that may be written")?;
    }
    if json {
        let shown: Vec<Shown<'_>> = rows.iter().map(|row| shown(queue, row)).collect();
        return terminal::print_json(&shown);
    }
    let mut text = String::new();
    for row in &rows {
        text += &described(queue, row, args.full);
        text.push('\n');
    }
    let left = count - rows.len() as u64;
    if left > 0 {
        text += &format!("{left} more; --limit shows more of them.\n");
    }
    terminal::print(&text)
}

fn shown<'a>(queue: &'a Queue, row: &'a Row) -> Shown<'a> {
    Shown {
        record: row.place.to_string(),
        topic: row.place.topic.name(),
        partition: row.place.partition,
        offset: row.place.offset,
        timestamp_millis: row.timestamp.0,
        time: time_text(row.timestamp),
        epoch: row.epoch.0,
        reason: &row.reason,
        path: &row.path,
        expected: &row.expected,
        state: State::of(queue.standing(row.place)),
        acts: acts(queue, row),
        key: row.key.as_deref().map(Bytes::of),
        value: row.value.as_deref().map(Bytes::of),
        size: row.value.as_ref().map(Vec::len),
        fault: Fault::of(row),
    }
}

fn acts<'a>(queue: &'a Queue, row: &Row) -> Vec<Done<'a>> {
    use runtime::acts::Deed;

    let of = |(act, done): (u64, &'a Act)| {
        let (what, note, replayed_at) = match &done.deed {
            Deed::Discard { records, note } if records.contains(&row.place) => {
                ("discarded", Some(note.as_str()), None)
            }
            Deed::ReplayBegun { records, note, .. } if records.contains(&row.place) => {
                ("replay begun", note.as_deref(), None)
            }
            Deed::ReplayEnded { published, .. } => {
                let own = published.iter().find(|own| own.record == row.place)?;
                ("replayed", None, Some(own.replayed_at))
            }
            Deed::Discard { .. } | Deed::ReplayBegun { .. } => return None,
        };
        Some(Done {
            act,
            what,
            at: time_text(done.at_millis),
            by: &done.by,
            note,
            replayed_at,
        })
    };
    queue.acts.iter().filter_map(of).collect()
}

fn described(queue: &Queue, row: &Row, full: bool) -> String {
    let fault = Fault::of(row);
    let mut text = format!("{}\n", row.place);
    let mut line = |name: &str, says: &str| text += &format!("  {name:<9} {says}\n");
    line(
        "time",
        &time_text(row.timestamp).unwrap_or_else(|| row.timestamp.0.to_string()),
    );
    line("epoch", &epoch_with_time(row.epoch));
    line("rejected", &clean(&row.rejection()));
    line("state", &state(queue.standing(row.place)));
    for done in acts(queue, row) {
        let note = done
            .note
            .map_or_else(String::new, |note| format!(": {}", clean(note)));
        let at = done.at.unwrap_or_default();
        line(
            &format!("act {}", done.act),
            &format!("{} by {}, {at}{note}", done.what, clean(done.by)),
        );
    }
    line(
        "key",
        &row.key
            .as_deref()
            .map_or_else(|| "none".to_owned(), shown_bytes),
    );
    match &row.value {
        None => line("value", "none: a tombstone"),
        Some(value) => {
            line("size", &format!("{} bytes", value.len()));
            let window = window(value.len(), fault.as_ref(), full);
            let [before, after] = [window.start > 0, window.end < value.len()]
                .map(|is_cut| if is_cut { "…" } else { "" });
            line(
                "value",
                &format!("{before}{}{after}", shown_bytes(&value[window])),
            );
            if let Some(fault) = fault {
                let part = &value[fault.from..fault.to.min(fault.from + AROUND_BYTES)];
                let part = if part.is_empty() {
                    &value[fault.from..value.len().min(fault.from + 20)]
                } else {
                    part
                };
                line(
                    "fault",
                    &format!("byte {}, {}: {}", fault.from, fault.says, shown_bytes(part)),
                );
            }
        }
    }
    text
}

fn state(standing: Standing) -> String {
    match standing {
        Standing::Open => "open".to_owned(),
        Standing::Replaying { act } => format!("a replay began (act {act}) and was cut off"),
        Standing::Replayed { act, at } => format!("replayed as offset {at} (act {act})"),
        Standing::Discarded { act } => format!("discarded (act {act})"),
    }
}

/// The part of a value that is shown.
fn window(length: usize, fault: Option<&Fault>, full: bool) -> Range<usize> {
    if full || length <= WHOLE_BYTES_MAX {
        return 0..length;
    }
    let at = fault.map_or(0, |fault| fault.from);
    at.saturating_sub(AROUND_BYTES)..length.min(at + AROUND_BYTES)
}

/// Bytes for a terminal: text where they are UTF-8, but for control characters, and escapes.
fn shown_bytes(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text += &clean(chunk.valid());
        for byte in chunk.invalid() {
            text += &format!("\\x{byte:02x}");
        }
    }
    text
}

/// A text without characters that a terminal would obey.
pub(super) fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        if char.is_control() {
            out.extend(char.escape_default());
        } else {
            out.push(char);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_bytes_reach_no_terminal() {
        assert_eq!(
            shown_bytes(b"a\x1b[31m\xff\n\xc3\xa9"),
            "a\\u{1b}[31m\\xff\\n\u{e9}"
        );
    }

    #[test]
    fn of_a_long_value_the_part_around_the_fault_is_shown() {
        let fault = Fault {
            from: 5_000,
            to: 5_001,
            says: "",
        };
        assert_eq!(window(10_000, Some(&fault), false), 4_700..5_300);
        assert_eq!(window(10_000, Some(&fault), true), 0..10_000);
        assert_eq!(window(100, Some(&fault), false), 0..100);
        assert_eq!(window(10_000, None, false), 0..300);
    }
}
