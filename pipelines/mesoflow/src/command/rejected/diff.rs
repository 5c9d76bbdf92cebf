//! `mesoflow rejected diff`: what this program's parser says of what was rejected.

use std::collections::BTreeMap;

use anyhow::Result;
use clap::Args as ClapArgs;
use model::event::{Equipment, Event, Payload};
use model::{RawRecord, Rejection, Topic};
use serde::Serialize;

use super::Queue;
use super::list::At;
use super::rows::{Read, Row, for_each, rejection};
use super::select::{SelectArgs, without_indexes};
use super::show::clean;
use crate::table::{Cell, Table};
use crate::terminal::{self, Colour};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(flatten)]
    select: SelectArgs,
    /// Shows only what is no longer refused.
    #[arg(long)]
    only_accepted: bool,
}

/// What the parser of this program says of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing is wrong with it.
    Accepted,
    /// Nothing is wrong with it as a message; whether it counts depends on what the character wears when it is
    /// admitted.
    Undecided,
    /// What was wrong is wrong still.
    Same,
    /// Something else is wrong.
    Other(Rejection),
}

impl Verdict {
    /// Reads the record as a message of its topic.
    pub(super) fn of(row: &Row) -> Self {
        match read(row.place.topic, &row.record()) {
            Ok(verdict) => verdict,
            Err(fault) if fault.reason.code() == row.reason && fault.path == row.path => Self::Same,
            Err(fault) => Self::Other(fault),
        }
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Undecided => "undecided",
            Self::Same => "same",
            Self::Other(_) => "other",
        }
    }
}

/// What is to be said of a message that nothing is wrong with.
pub(super) fn read(topic: Topic, record: &RawRecord<'_>) -> Result<Verdict, Rejection> {
    let event = Event::read(topic, record, |_, _| false)?;
    Ok(match event.payload {
        Payload::Equipment(payload) if payload.equipment == Equipment::Confirmation => {
            Verdict::Undecided
        }
        Payload::Equipment(_) | Payload::Enrich(_) | Payload::Like(_) | Payload::Donation(_) => {
            Verdict::Accepted
        }
    })
}

#[derive(Debug, Serialize)]
struct Group {
    topic: &'static str,
    reason: String,
    path: String,
    verdict: &'static str,
    /// Of another fault: the one that is found today.
    now: Option<Fault>,
    count: u64,
    first: At,
    last: At,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Fault {
    reason: &'static str,
    path: String,
    expected: String,
}

pub(super) fn run(queue: &Queue, args: &Args, json: bool) -> Result<()> {
    let selection = args.select.selection()?;
    let mut groups = BTreeMap::new();
    for_each(queue, &selection, Read::Bytes, |row| {
        let verdict = Verdict::of(&row);
        let is_accepted = matches!(verdict, Verdict::Accepted | Verdict::Undecided);
        if args.only_accepted && !is_accepted {
            return Ok(());
        }
        let name = verdict.name();
        let now = match verdict {
            Verdict::Other(fault) => Some(Fault {
                reason: fault.reason.code(),
                path: without_indexes(&fault.path),
                expected: fault.expected.into_owned(),
            }),
            Verdict::Accepted | Verdict::Undecided | Verdict::Same => None,
        };
        let topic = row.place.topic.name();
        let path = without_indexes(&row.path);
        let at = At::of(&row);
        let cause = (name, topic, row.reason.clone(), path.clone(), now.clone());
        let group = groups.entry(cause).or_insert(Group {
            topic,
            reason: row.reason,
            path,
            verdict: name,
            now,
            count: 0,
            first: at,
            last: at,
        });
        group.count += 1;
        group.first = group.first.min(at);
        group.last = group.last.max(at);
        Ok(())
    })?;
    let groups: Vec<Group> = groups.into_values().collect();
    if json {
        return terminal::print_json(&groups);
    }
    terminal::print(&text(&groups))
}

fn text(groups: &[Group]) -> String {
    if groups.is_empty() {
        return "There is no such record.\n".to_owned();
    }
    let names = ["records", "today", "topic", "was rejected for", "e.g."];
    let mut table = Table::new(names).right(0..1).prose(1).spare(&[2]);
    for group in groups {
        let (colour, today) = match &group.now {
            None if group.verdict == "accepted" => (Colour::Good, "accepted".to_owned()),
            None if group.verdict == "undecided" => (
                Colour::Good,
                "well formed; counts if it confirms what the character wears".to_owned(),
            ),
            None => (Colour::Odd, "the same fault".to_owned()),
            Some(now) => (
                Colour::Odd,
                rejection(now.reason, &clean(&now.path), &clean(&now.expected)),
            ),
        };
        let path = if group.path.is_empty() {
            "the message".to_owned()
        } else {
            clean(&group.path)
        };
        table.add_row([
            Cell::from(group.count.to_string()),
            Cell::coloured(colour, today),
            group.topic.into(),
            format!("{} at {path}", clean(&group.reason)).into(),
            group.last.place().to_string().into(),
        ]);
    }
    format!("{table}\n")
}
