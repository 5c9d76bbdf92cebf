//! The job's own decisions about what is durable, what may be shown and where to go on, as pure functions of what was
//! found. The runtime carries them out; the model of the commit protocol (`schedules`) calls the same functions.
//!
//! Decisions about the view store are in [`views::decide`], those about a table's commits in [`lake::decide`].

use std::collections::BTreeMap;

use model::{Epoch, PartitionId, Topic};
use views::Need;

use crate::bindings::{Binding, Read};
use crate::folder::Generation;

/// What a look at the job's generations leads to, after a sync and before any output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// No newer start has taken the job: what was durable before the look may be shown.
    Output,
    /// A newer start has: end without output.
    End,
}

/// Decides on output.
///
/// - `is_next_taken`: whether the generation after the own one is taken. Generations have no gaps.
#[must_use]
pub fn release(is_next_taken: bool) -> Release {
    if is_next_taken {
        Release::End
    } else {
        Release::Output
    }
}

/// The bindings that generation `own` inherits: those of the newest earlier log that is complete.
///
/// - `logs`: the generations that have a log, lowest first.
/// - `read`: reads one; `None` when its header or its copy of inherited bindings is broken.
///
/// # Errors
/// Those of `read`.
pub fn inherited<E>(
    own: Generation,
    logs: &[Generation],
    mut read: impl FnMut(Generation) -> Result<Option<Vec<Binding>>, E>,
) -> Result<Vec<Binding>, E> {
    for &log in logs.iter().rev().filter(|&&log| log < own) {
        if let Some(bindings) = read(log)? {
            return Ok(bindings);
        }
    }
    Ok(Vec::new())
}

/// How much of a log counts: all whole bindings that follow the header, if they are at least those that it says were
/// copied; a log with fewer counts for nothing.
///
/// - `copied`: what the header says; `None`: it is broken.
#[must_use]
pub fn counted(copied: Option<usize>, whole: Vec<Binding>) -> Option<Vec<Binding>> {
    copied
        .is_some_and(|copied| whole.len() >= copied)
        .then_some(whole)
}

/// The epoch that the dataflow is loaded at: whoever goes on by differences has all up to it, and the input tables
/// hold it.
///
/// - `derived`: what all tables of derived state have committed.
/// - `sealed`: what all input tables have.
/// - `since`: below it the input tables tell nothing apart: views that stand there are written anew.
#[must_use]
pub fn base(derived: Epoch, sealed: Epoch, since: Epoch, views: Option<&Need>) -> Epoch {
    match views {
        Some(&Need::Differences { from, .. }) if from >= since => derived.min(from).min(sealed),
        _ => derived.min(sealed),
    }
}

/// The highest epoch that anything has seen: new ones are minted above it.
///
/// - `tables`: the highest that any table has committed.
/// - `bound`: the newest binding that was inherited.
#[must_use]
pub fn seen(tables: Epoch, bound: Epoch, views: Option<&Need>) -> Epoch {
    let views = match views {
        Some(&Need::Differences { from, finish }) => finish.map_or(from, |finish| finish.max(from)),
        Some(&Need::Rewrite { at_least, .. }) => at_least.unwrap_or_default(),
        None => Epoch(0),
    };
    tables.max(bound).max(views)
}

/// The next epoch above `newest`, at the machine's time `now` (milliseconds since 1970) if that is above it.
#[must_use]
pub fn mint(newest: Epoch, now: u64) -> Epoch {
    Epoch(now.max(newest.0 + 1))
}

/// The epoch that must be reached before the views can be written, also if no record comes: they have shown it under
/// other code or rules, or lost what they showed.
#[must_use]
pub fn must_pass(views: Option<&Need>) -> Option<Epoch> {
    match views {
        Some(&Need::Rewrite { at_least, .. }) => at_least,
        Some(Need::Differences { .. }) | None => None,
    }
}

/// Whether an epoch without records is bound, so that views which must pass `must_pass` can be written.
#[must_use]
pub fn passes(must_pass: Option<Epoch>, reached: Epoch) -> bool {
    must_pass.is_some_and(|epoch| epoch > reached)
}

/// How many of the inherited bindings need not be read again: the first ones, of which the input tables have all.
///
/// - `cut`: the next offset that each partition is sealed through by its input table.
/// - `topics`: what the job reads; nothing else counts.
#[must_use]
pub fn sealed_bindings(
    inherited: &[Binding],
    cut: &BTreeMap<PartitionId, i64>,
    topics: &[Topic],
) -> usize {
    let is_sealed = |binding: &&Binding| {
        binding.cut.iter().all(|(partition, read)| {
            let sealed = cut.get(partition).copied().unwrap_or(0);
            read.next_offset <= sealed || !topics.contains(&partition.topic)
        })
    };
    inherited.iter().take_while(is_sealed).count()
}

/// The epoch through which the input tables have everything, also where they have no row of it.
///
/// - `first`: the first epoch that is read again.
/// - `newest`: the newest one of bindings and tables that is not read on past.
#[must_use]
pub fn in_tables(first: Option<Epoch>, newest: Epoch) -> Epoch {
    match first {
        Some(first) => Epoch(first.0 - 1),
        None => newest,
    }
}

/// What reading the records of a bound epoch again shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadAgain {
    /// They are the same, or are in the input table and were not read again.
    Same,
    /// The topic lost or changed records since: the job ends with an alarm.
    Changed,
}

/// Compares what was read of a partition with what its epoch bound.
///
/// - `from`: where reading went on.
/// - `records`, `hash`: what was read from there to the bound offset.
#[must_use]
pub fn read_again(bound: Read, from: i64, records: u64, hash: u64) -> ReadAgain {
    if from >= bound.next_offset || (records, hash) == (bound.records, bound.hash) {
        ReadAgain::Same
    } else {
        ReadAgain::Changed
    }
}

/// Where a start reads a partition on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartitionStart {
    /// From this offset.
    From(i64),
    /// Records that are not sealed are deleted: the job ends with an alarm that names the range, both ends included.
    Gone {
        /// The first offset that is missing.
        from: i64,
        /// The last.
        to: i64,
    },
    /// It ends before what an earlier start has read: it was deleted and made anew; the job ends with an alarm.
    Recreated {
        /// What was read, or bound.
        read: i64,
    },
}

/// Decides on where a partition is read on.
///
/// - `sealed`: the next offset that its input table has sealed.
/// - `kept_from`, `end`: the first offset that the broker keeps, and the next one to be written.
#[must_use]
pub fn partition_start(
    partition: PartitionId,
    sealed: Option<i64>,
    inherited: &[Binding],
    kept_from: i64,
    end: Option<i64>,
) -> PartitionStart {
    let read = read_to(partition, sealed, inherited);
    if end.is_some_and(|end| end < read) {
        return PartitionStart::Recreated { read };
    }
    let gone = |from| PartitionStart::Gone {
        from,
        to: kept_from - 1,
    };
    match sealed {
        Some(sealed) if sealed < kept_from => gone(sealed),
        Some(sealed) => PartitionStart::From(sealed),
        None => match bound_and_gone(inherited, partition, kept_from) {
            Some(next_offset) => gone(next_offset),
            // What was deleted before the job first saw the partition is none of its records.
            None => PartitionStart::From(kept_from),
        },
    }
}

/// The offset that an earlier start has read a partition to: what is bound is waited for, though no table has it.
#[must_use]
pub fn read_to(partition: PartitionId, sealed: Option<i64>, inherited: &[Binding]) -> i64 {
    let bound = inherited
        .iter()
        .filter_map(|binding| binding.cut.get(&partition))
        .map(|read| read.next_offset);
    bound.chain(sealed).max().unwrap_or(0)
}

/// The end of what an epoch read of a partition that no input table has sealed, if that is deleted.
fn bound_and_gone(inherited: &[Binding], partition: PartitionId, kept_from: i64) -> Option<i64> {
    inherited
        .iter()
        .filter_map(|binding| binding.cut.get(&partition))
        .filter(|read| read.records > 0)
        .map(|read| read.next_offset)
        .find(|&next_offset| next_offset <= kept_from)
}

/// Whether a table that is sealed through `committed` still takes the rows of `epoch`.
#[must_use]
pub fn takes(committed: Option<Epoch>, epoch: Epoch) -> bool {
    committed < Some(epoch)
}

/// Which table of a group is committed next through `through`, by its place; `None`: all are.
///
/// - `committed`: what each is sealed through, in the order of sealing: those of what leaves no state behind, then
///   those of the inputs.
#[must_use]
pub fn next_to_seal(
    committed: impl IntoIterator<Item = Option<Epoch>>,
    through: Epoch,
) -> Option<usize> {
    (committed.into_iter()).position(|committed| takes(committed, through))
}

/// The epoch below which compaction may give history up: it is long past, and all required sinks have it.
///
/// - `committed`: what all required sinks have committed.
/// - `now`: the machine's time, milliseconds since 1970.
#[must_use]
pub fn history_since(committed: Option<Epoch>, now: u64, history_millis: u64) -> Epoch {
    let committed = committed.unwrap_or_default();
    committed.min(Epoch(now.saturating_sub(history_millis)))
}

/// How many of a log's bindings are dropped when it is begun anew: those that every input table and required sink is
/// past, if they are at least half of all. The newest one stays in any case, so that its epoch is never minted again.
///
/// - `bound`: the epochs of the log, in order.
/// - `past`: what all of them have committed.
#[must_use]
pub fn trimmed(bound: impl ExactSizeIterator<Item = Epoch>, past: Epoch) -> Option<usize> {
    let held = bound.len();
    let droppable = bound.take_while(|&epoch| epoch <= past).count();
    let droppable = droppable.min(held.saturating_sub(1));
    (droppable > 0 && droppable * 2 >= held).then_some(droppable)
}

#[cfg(test)]
#[path = "decide/tests.rs"]
mod tests;
