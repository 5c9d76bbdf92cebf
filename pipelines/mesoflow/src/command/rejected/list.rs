//! `mesoflow rejected list`: the groups.

use std::collections::BTreeMap;

use anyhow::Result;
use clap::Args as ClapArgs;
use model::Millis;
use runtime::acts::RecordPlace;
use serde::Serialize;

use super::Queue;
use super::rows::{Read, Row, for_each};
use super::select::{SelectArgs, State, without_indexes};
use super::show::clean;
use crate::instant::time_text;
use crate::table::{Cell, Table};
use crate::terminal::{self, Colour};

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    #[command(flatten)]
    select: SelectArgs,
}

/// Records of one cause.
#[derive(Debug, Serialize)]
struct Group {
    topic: &'static str,
    reason: String,
    path: String,
    expected: String,
    state: State,
    count: u64,
    first: At,
    last: At,
}

/// A record and its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct At {
    timestamp: Millis,
    place: RecordPlace,
}

impl At {
    pub(super) fn of(row: &Row) -> Self {
        Self {
            timestamp: row.timestamp,
            place: row.place,
        }
    }

    pub(super) fn time(&self) -> String {
        time_text(self.timestamp).unwrap_or_else(|| self.timestamp.0.to_string())
    }

    pub(super) fn place(&self) -> RecordPlace {
        self.place
    }
}

impl Serialize for At {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Form {
            record: String,
            partition: i32,
            offset: i64,
            timestamp_millis: i64,
            time: Option<String>,
        }
        Form {
            record: self.place.to_string(),
            partition: self.place.partition,
            offset: self.place.offset,
            timestamp_millis: self.timestamp.0,
            time: time_text(self.timestamp),
        }
        .serialize(to)
    }
}

pub(super) fn run(queue: &Queue, args: &Args, json: bool) -> Result<()> {
    let selection = args.select.selection()?;
    let mut groups = BTreeMap::<(&'static str, String, String, String, State), Group>::new();
    for_each(queue, &selection, Read::Facts, |row| {
        let state = State::of(queue.standing(row.place));
        let path = without_indexes(&row.path);
        let at = At::of(&row);
        let topic = row.place.topic.name();
        let cause = (
            topic,
            row.reason.clone(),
            path.clone(),
            row.expected.clone(),
            state,
        );
        let group = groups.entry(cause).or_insert(Group {
            topic,
            reason: row.reason,
            path,
            expected: row.expected,
            state,
            count: 0,
            first: at,
            last: at,
        });
        group.count += 1;
        group.first = group.first.min(at);
        group.last = group.last.max(at);
        Ok(())
    })?;
    let mut groups: Vec<Group> = groups.into_values().collect();
    // What is to be done, and the most of it, comes first.
    groups.sort_by_key(|group| (group.state, std::cmp::Reverse(group.count)));
    if json {
        return terminal::print_json(&groups);
    }
    terminal::print(&text(&groups, queue))
}

fn text(groups: &[Group], queue: &Queue) -> String {
    let unfinished = queue.acts.unfinished();
    let mut text = String::new();
    if groups.is_empty() {
        text += "No such record was rejected.\n";
    } else {
        let names = [
            "reason", "path", "expected", "records", "state", "topic", "first", "last", "e.g.",
        ];
        let mut table = Table::new(names).right(3..4).prose(2).spare(&[6, 5]);
        for group in groups {
            let colour = match group.state {
                State::Open => Colour::Odd,
                State::Replaying => Colour::Bad,
                State::Replayed | State::Discarded => Colour::Good,
            };
            table.add_row([
                Cell::from(clean(&group.reason)),
                clean(&group.path).into(),
                clean(&group.expected).into(),
                group.count.to_string().into(),
                Cell::coloured(colour, group.state.name()),
                group.topic.into(),
                group.first.time().into(),
                group.last.time().into(),
                group.last.place().to_string().into(),
            ]);
        }
        text += &format!("{table}\n");
    }
    for act in unfinished {
        text += &format!(
            "Replay {act} was cut off: `mesoflow rejected resume` finishes it, and doubles nothing.\n"
        );
    }
    text
}
