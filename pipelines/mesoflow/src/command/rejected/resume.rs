//! `mesoflow rejected resume`: replays that were cut off are finished.
//!
//! Nothing is doubled: what the topics hold of a replay since it began is not published again. Should it be all the
//! same, by a process that was thought dead, then admission takes one record for a place, and no other.

use std::path::PathBuf;

use anyhow::{Context as _, Result, anyhow};
use clap::Args as ClapArgs;
use runtime::acts::{Acts, Deed, Published, RecordPlace};
use serde::Serialize;

use super::Queue;
use super::acts::{ByArgs, act};
use super::rows::{Read, for_each};
use super::select::Selection;
use super::target::{Replay, Target};
use crate::failure::Failed as _;
use crate::terminal;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// Of a job that reads files: the file that the replay was to be written to, or a new one where that is not there.
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    #[command(flatten)]
    by: ByArgs,
}

#[derive(Serialize)]
struct Resumed {
    /// The act that began the replay.
    begun: u64,
    /// The act that ended it now.
    ended: u64,
    /// Records that were in the topic already.
    found: usize,
    /// Records that were published now.
    published: usize,
}

pub(super) fn run(queue: &Queue, args: &Args, json: bool) -> Result<()> {
    let by = args.by.name()?;
    let mut acts = queue.acts.clone();
    let unfinished = acts.unfinished();
    let mut resumed = Vec::new();
    if !unfinished.is_empty() {
        let target = Target::of(&queue.job, args.to.as_deref())?;
        for begun in unfinished {
            resumed.push(resume(queue, &target, &mut acts, begun, &by)?);
        }
    }
    if json {
        return terminal::print_json(&resumed);
    }
    if resumed.is_empty() {
        return terminal::print("No replay was cut off.\n");
    }
    let lines = resumed.iter().map(|resumed| {
        let Resumed {
            begun,
            ended: _,
            found,
            published,
        } = resumed;
        format!("Replay {begun}: {found} published before, {published} published now\n")
    });
    terminal::print(&lines.collect::<String>())
}

fn resume(
    queue: &Queue,
    target: &Target,
    acts: &mut Acts,
    begun: u64,
    by: &str,
) -> Result<Resumed> {
    let Some(Deed::ReplayBegun {
        records,
        value,
        ends,
        ..
    }) = acts.get(begun).map(|act| act.deed.clone())
    else {
        return Err(anyhow!("act {begun} began no replay"));
    };
    let replays = replays(queue, acts, &records, value)?;
    let found = target.look(&replays, &ends)?;
    let missing: Vec<Replay> = replays
        .iter()
        .filter(|replay| !found.iter().any(|found| found.record == replay.row.place))
        .cloned()
        .collect();
    target.publish(&missing, &ends)?;
    let published = target.look_for_all(&replays, &ends)?;
    Ok(Resumed {
        begun,
        ended: finish(acts, begun, published, by)?,
        found: found.len(),
        published: missing.len(),
    })
}

/// The records of a replay with the bytes that are to be published, in the order of the places that they count in.
pub(super) fn replays(
    queue: &Queue,
    acts: &Acts,
    records: &[RecordPlace],
    value: Option<String>,
) -> Result<Vec<Replay>> {
    let originals = acts.originals();
    let value = value.map(String::into_bytes);
    let mut replays = Vec::new();
    let selection = Selection::at(records.iter().copied());
    for_each(queue, &selection, Read::Bytes, |row| {
        replays.push(Replay {
            original: originals.get(&row.place).copied().unwrap_or(row.place),
            value: value.clone().or_else(|| row.value.clone()),
            row,
        });
        Ok(())
    })?;
    replays.sort_by_key(|replay| replay.original);
    if replays.len() < records.len() {
        return Err(anyhow!(
            "{} of {} records are no longer in table rejected",
            records.len() - replays.len(),
            records.len()
        ))
        .advise("restore the table: their bytes are nowhere else");
    }
    Ok(replays)
}

/// Records that a replay is done, whatever came in between, and gives the number of that act.
pub(super) fn finish(
    acts: &mut Acts,
    begun: u64,
    published: Vec<Published>,
    by: &str,
) -> Result<u64> {
    let ended = act(by, Deed::ReplayEnded { begun, published });
    let advice =
        "see whether the job's folder may be written and has room; then `mesoflow rejected resume`";
    loop {
        if let Some(number) = acts.add(ended.clone()).advise(advice)? {
            return Ok(number);
        }
        *acts = acts.again().advise(advice).context("read the acts again")?;
    }
}
