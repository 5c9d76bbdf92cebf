//! Every decision of the writing protocol, as pure functions of what was found.
//!
//! A marker changes in whole exchanges only, and every call that changes a value changes the
//! marker. Calls are repeated identically until they are answered, and a write of several calls has
//! an attempt number of its own. So a marker stands for one content, also when a failover brings an
//! earlier one back, and a late call finds another marker than it expects.

use model::Epoch;
use model::view::{Marker, Origin, Progress, ProgressKind};

use crate::call::{Answer, COMMANDS_MAX, Call, Command};

/// The most bytes of values in a call; about what Redis applies within 5 ms.
const CALL_BYTES_MAX: usize = 1 << 20;

/// What a store answers to `call` when it finds `found`; all stores decide so.
#[must_use]
pub fn answer(found: Option<&str>, call: &Call) -> Answer {
    if found == Some(call.next.to_text().as_str()) {
        return Answer::DoneAlready;
    }
    match found.and_then(generation_of) {
        Some(by) if by > call.next.generation => Answer::Fenced { by },
        _ if found == call.expect.as_deref() => Answer::Applied,
        _ => Answer::Gap,
    }
}

/// The generation that a marker's text starts with, also when the rest cannot be read.
fn generation_of(text: &str) -> Option<u64> {
    let digits = text.strip_prefix("{\"generation\":")?;
    let end = digits.find(|digit: char| !digit.is_ascii_digit())?;
    digits[..end].parse().ok()
}

/// What a claim does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimStep {
    /// A newer generation has the store: end.
    Fenced {
        /// Which.
        by: u64,
    },
    /// Exchange what was found for this marker.
    Exchange {
        /// The marker of the claiming generation.
        next: Marker,
    },
}

/// What a claim by `generation` does where it finds `found`.
#[must_use]
pub fn claim(found: Option<&str>, generation: u64) -> ClaimStep {
    if let Some(by) = found.and_then(generation_of).filter(|by| *by > generation) {
        return ClaimStep::Fenced { by };
    }
    // A text that this code would not have written is no marker of its own: nothing is believed.
    let marker = found.and_then(|text| Marker::parse(text).ok().filter(|m| m.to_text() == text));
    let next = match marker {
        Some(marker) => Marker {
            generation,
            ..marker
        },
        None => Marker::empty(generation),
    };
    ClaimStep::Exchange { next }
}

/// What a writer does after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// The next marker stands: go on.
    GoOn,
    /// Another generation has the store: end without a further write.
    End {
        /// Which.
        newest: u64,
    },
    /// The store is not where it was: ask for the job's generation, claim, and look again.
    ClaimAgain,
}

/// What follows from an answer. A call without an answer leads nowhere: it is repeated.
#[must_use]
pub fn after(answer: Answer) -> After {
    match answer {
        Answer::Applied | Answer::DoneAlready => After::GoOn,
        Answer::Fenced { by } => After::End { newest: by },
        Answer::Gap => After::ClaimAgain,
    }
}

/// Whether a writer of generation `own` may claim again when `newest` is the job's newest.
#[must_use]
pub fn may_claim(own: u64, newest: u64) -> bool {
    newest <= own
}

/// What a look at the marker of an idle store leads to.
#[must_use]
pub fn probe(believed: &Marker, found: Option<&str>) -> After {
    let call = Call {
        expect: None,
        next: believed.clone(),
        commands: Vec::new(),
    };
    match answer(found, &call) {
        Answer::Applied => After::ClaimAgain,
        other => after(other),
    }
}

/// What a claimed store needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// The net differences from `from` on.
    Differences {
        /// The epoch that the store is true of.
        from: Epoch,
        /// The target of a write that was cut off, which must be reached before any other.
        finish: Option<Epoch>,
    },
    /// Every value at one epoch.
    Rewrite {
        /// The target must not lie below it: values of this epoch have been shown, or ones of
        /// another origin just before it.
        at_least: Option<Epoch>,
        /// Leave a value as it is when only `changed_at` would differ: the store's content is
        /// continuous, and only code or rules changed.
        keep_equal: bool,
    },
}

/// Whether all that `marker` tells of is of `own` origin; a store without a marker tells nothing.
#[must_use]
pub fn is_own(marker: &Marker, own: &Origin) -> bool {
    let mut origins = (marker.origin.iter())
        .chain(marker.progress.iter().map(|progress| &progress.origin))
        .peekable();
    origins.peek().is_some() && origins.all(|origin| origin == own)
}

/// The epoch that a rewrite must not lie below, as far as the writer knows.
///
/// - `shown`: of this epoch the writer itself has shown values, or the marker that it claimed named it.
/// - `before`: of this one an earlier generation may have, under code or rules that a store which lost its marker does
///   not tell: what they said of it stays said.
#[must_use]
pub fn seen(
    marker: &Marker,
    own: &Origin,
    shown: Option<Epoch>,
    before: Option<Epoch>,
) -> Option<Epoch> {
    let other = u64::from(!is_own(marker, own));
    shown.max(before.map(|epoch| Epoch(epoch.0 + other)))
}

/// What `marker`, just claimed, needs from a writer whose values are of `own` origin, and which
/// knows that values of `seen` may have been shown.
///
/// What another code or ruleset said of an epoch stays said: such a store is rewritten above it.
#[must_use]
pub fn need(marker: &Marker, own: &Origin, seen: Option<Epoch>) -> Need {
    let origins = marker.origin.iter();
    let is_own = origins
        .chain(marker.progress.iter().map(|progress| &progress.origin))
        .all(|origin| origin == own);
    let shown = shown(marker).map(|epoch| Epoch(epoch.0 + u64::from(!is_own)));
    let rewrite = |keep_equal| Need::Rewrite {
        at_least: seen.max(shown),
        keep_equal,
    };
    let Some(from) = marker.as_of else {
        return rewrite(false);
    };
    match marker.progress.as_ref().map(|progress| progress.state) {
        _ if !is_own => rewrite(true),
        None => Need::Differences { from, finish: None },
        Some(ProgressKind::Writing) => Need::Differences {
            from,
            finish: marker.progress.as_ref().map(|progress| progress.target),
        },
        Some(ProgressKind::Rewriting) => rewrite(false),
    }
}

/// The highest epoch of which a value may have been shown.
#[must_use]
pub fn shown(marker: &Marker) -> Option<Epoch> {
    marker
        .as_of
        .max(marker.progress.as_ref().map(|progress| progress.target))
}

/// What a job does about a need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing is missing.
    Nothing,
    /// Write the net differences, `from` exclusive, `to` inclusive.
    Write {
        /// What the store holds.
        from: Epoch,
        /// What it will hold.
        to: Epoch,
    },
    /// Write every value at `target`.
    Rewrite {
        /// What the store will hold.
        target: Epoch,
    },
    /// The newest epoch lies below what readers have seen: wait until it is reached.
    Wait {
        /// The epoch to reach.
        until: Epoch,
    },
}

/// What to do about `need` when history is kept from `since` (differences from `since` itself on
/// can be told) and `newest` is the newest released epoch that is finished.
#[must_use]
pub fn step(need: &Need, since: Epoch, newest: Epoch) -> Step {
    match *need {
        Need::Differences { from, finish } => {
            let to = finish.unwrap_or(newest);
            if to > newest || from > newest {
                Step::Wait {
                    until: to.max(from),
                }
            } else if from < since {
                Step::Rewrite { target: newest }
            } else if from == to && finish.is_none() {
                Step::Nothing
            } else {
                Step::Write { from, to }
            }
        }
        Need::Rewrite { at_least, .. } => match at_least {
            Some(until) if until > newest => Step::Wait { until },
            _ => Step::Rewrite { target: newest },
        },
    }
}

/// The calls of a write from `marker` to a store complete at `to`, with its target in the marker
/// while there are several.
#[must_use]
pub fn write_calls(
    marker: &Marker,
    to: Epoch,
    own: &Origin,
    attempt: u64,
    commands: Vec<Command>,
) -> Vec<Call> {
    calls_of(marker, to, own, attempt, in_pieces(commands.into_iter()))
}

/// The same for commands that are cut into `pieces` already, none of them empty.
#[must_use]
pub fn calls_of(
    marker: &Marker,
    to: Epoch,
    own: &Origin,
    attempt: u64,
    pieces: impl Iterator<Item = Vec<Command>>,
) -> Vec<Call> {
    let mut pieces = pieces.peekable();
    let first = pieces.next().unwrap_or_default();
    let mut calls = Vec::new();
    let mut at = marker.clone();
    let mut part = 0;
    let mut piece = Some(first);
    while let Some(commands) = piece {
        part += 1;
        let next = match pieces.peek() {
            None => Marker::complete(marker.generation, to, own.clone()),
            Some(_) => in_progress(&at, ProgressKind::Writing, to, own, attempt, part),
        };
        calls.push(Call::new(&at, next.clone(), commands));
        at = next;
        piece = pieces.next();
    }
    calls
}

/// The calls that put right what is damaged in a store that is complete at its epoch, and stays so: the
/// values are those of the same epoch, so each part names it as its target, and whoever finds the
/// store in the middle has nothing to add but the end. None where there is nothing to put right.
#[must_use]
pub fn repair_calls(
    marker: &Marker,
    as_of: Epoch,
    own: &Origin,
    attempt: u64,
    commands: Vec<Command>,
) -> Vec<Call> {
    let mut calls = Vec::new();
    let mut at = marker.clone();
    for (part, commands) in (1..).zip(in_pieces(commands.into_iter())) {
        let next = in_progress(&at, ProgressKind::Writing, as_of, own, attempt, part);
        calls.push(Call::new(&at, next.clone(), commands));
        at = next;
    }
    if !calls.is_empty() {
        let end = Marker::complete(marker.generation, as_of, own.clone());
        calls.push(Call::new(&at, end, Vec::new()));
    }
    calls
}

/// The call that starts a rewrite of every value at `target`: part 0.
#[must_use]
pub fn begin_rewrite(marker: &Marker, target: Epoch, own: &Origin, attempt: u64) -> Call {
    let next = in_progress(marker, ProgressKind::Rewriting, target, own, attempt, 0);
    Call::new(marker, next, Vec::new())
}

/// The call of one part of the rewrite that `marker` names.
///
/// # Panics
/// If the marker names no write of several calls.
#[must_use]
pub fn rewrite_part(marker: &Marker, commands: Vec<Command>) -> Call {
    let mut next = marker.clone();
    let progress = next
        .progress
        .as_mut()
        .expect("begin_rewrite put the progress there");
    progress.part += 1;
    Call::new(marker, next, commands)
}

/// The call that ends the rewrite that `marker` names: all of its values are true of its target.
///
/// # Panics
/// If the marker names no write of several calls.
#[must_use]
pub fn end_rewrite(marker: &Marker) -> Call {
    let progress = marker
        .progress
        .as_ref()
        .expect("begin_rewrite put the progress there");
    let next = Marker::complete(marker.generation, progress.target, progress.origin.clone());
    Call::new(marker, next, Vec::new())
}

/// An attempt number that no write of several calls has had, in any generation: `marker` is
/// claimed, `last` the writer's own last one. The generation is part of the number, because a claim
/// keeps the attempt of the generation before.
#[must_use]
pub fn next_attempt(marker: &Marker, last: u64) -> u64 {
    let found = marker
        .progress
        .as_ref()
        .map_or(0, |progress| progress.attempt);
    found.max(last).max(marker.generation << 32) + 1
}

fn in_progress(
    marker: &Marker,
    state: ProgressKind,
    target: Epoch,
    own: &Origin,
    attempt: u64,
    part: u32,
) -> Marker {
    let progress = Progress {
        state,
        target,
        origin: own.clone(),
        attempt,
        part,
    };
    Marker {
        progress: Some(progress),
        ..marker.clone()
    }
}

/// Cuts commands into what fits a call; no piece is empty.
pub(crate) fn in_pieces<I>(commands: I) -> impl Iterator<Item = Vec<Command>>
where
    I: Iterator<Item = Command>,
{
    let mut commands = commands.peekable();
    std::iter::from_fn(move || {
        let mut piece = vec![commands.next()?];
        let mut bytes = piece[0].bytes();
        while piece.len() < COMMANDS_MAX {
            let Some(next) = commands.next_if(|command| bytes + command.bytes() <= CALL_BYTES_MAX)
            else {
                break;
            };
            bytes += next.bytes();
            piece.push(next);
        }
        Some(piece)
    })
}

#[cfg(test)]
#[path = "decide/tests.rs"]
mod tests;
