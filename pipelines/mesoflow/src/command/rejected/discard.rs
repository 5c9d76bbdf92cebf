//! `mesoflow rejected discard`: these records will not be replayed.

use std::collections::BTreeMap;

use anyhow::Result;
use clap::Args as ClapArgs;
use runtime::acts::{Deed, RecordPlace};
use serde::Serialize;

use super::Queue;
use super::acts::{ActArgs, act, record};
use super::rows::{Read, for_each};
use super::select::State;
use crate::failure::Failed as _;
use crate::terminal;

/// An act names at most so many records.
const RECORDS_MAX: usize = 100_000;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(flatten)]
    act: ActArgs,
    /// Why, for the record.
    #[arg(long, value_name = "TEXT")]
    note: String,
    /// Also records that were replayed, or whose replay was cut off.
    #[arg(long)]
    force: bool,
}

#[derive(Serialize)]
struct Done {
    dry_run: bool,
    /// Records that are discarded, or would be.
    discarded: usize,
    /// Records that are left as they are, by the state that they are in.
    skipped: BTreeMap<&'static str, usize>,
    acts: Vec<u64>,
}

pub(super) fn run(queue: &Queue, args: &Args, json: bool) -> Result<()> {
    let selection = args.act.selection()?;
    let by = args.act.by.name()?;
    let mut places: Vec<RecordPlace> = Vec::new();
    let mut skipped = BTreeMap::new();
    for_each(queue, &selection, Read::Facts, |row| {
        let state = State::of(queue.standing(row.place));
        match state {
            State::Open => places.push(row.place),
            State::Replaying | State::Replayed if args.force => places.push(row.place),
            State::Replaying | State::Replayed | State::Discarded => {
                *skipped.entry(state.name()).or_default() += 1;
            }
        }
        Ok(())
    })?;
    if places.is_empty() {
        return nothing_to_do("discard", &skipped);
    }
    let mut done = Done {
        dry_run: args.act.dry_run,
        discarded: places.len(),
        skipped,
        acts: Vec::new(),
    };
    if !done.dry_run {
        let mut acts = queue.acts.clone();
        for chunk in places.chunks(RECORDS_MAX) {
            let deed = Deed::Discard {
                records: chunk.to_vec(),
                note: args.note.clone(),
            };
            done.acts.push(record(&mut acts, act(&by, deed))?);
        }
    }
    if json {
        return terminal::print_json(&done);
    }
    let what = if done.dry_run {
        "to discard"
    } else {
        "discarded"
    };
    let mut text = format!("{}: {what}\n", records(done.discarded));
    text += &skips(&done.skipped);
    terminal::print(&text)
}

/// So many records, in words.
pub(super) fn records(count: usize) -> String {
    match count {
        1 => "1 record".to_owned(),
        count => format!("{count} records"),
    }
}

/// That nothing is left of what was asked for, and why.
pub(super) fn nothing_to_do(what: &str, skipped: &BTreeMap<&'static str, usize>) -> Result<()> {
    if skipped.is_empty() {
        return Err(anyhow::anyhow!("no such record was rejected"))
            .advise("see `mesoflow rejected list` for those that were");
    }
    let skipped = skips(skipped);
    Err(anyhow::anyhow!(
        "there is nothing to {what}: {}",
        skipped.trim_end()
    ))
    .advise("look at them with `mesoflow rejected show`; --force takes them all the same")
}

/// What was skipped, in a line; nothing where nothing was.
pub(super) fn skips(skipped: &BTreeMap<&'static str, usize>) -> String {
    if skipped.is_empty() {
        return String::new();
    }
    let parts: Vec<String> = skipped
        .iter()
        .map(|(why, count)| format!("{count} {why}"))
        .collect();
    format!("skipped: {}\n", parts.join(", "))
}
