//! `mesoflow get`: what do the views say of a character, or of its likes?

mod character;

use anyhow::{Context as _, Result, anyhow};
use clap::{Args as ClapArgs, Subcommand};
use model::Epoch;
use model::view::{Marker, ProgressKind};
use serde::Serialize;
use views::ViewReader;

use crate::failure::Failed as _;
use crate::instant::{epoch_text, epoch_with_time};
use crate::job::{self, JobArg};
use crate::terminal;

/// Reads one value of the views, with the epoch that it is true of, in one round trip.
#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    #[command(subcommand)]
    ask: Ask,
    #[command(flatten)]
    job: JobArg,
}

#[derive(Debug, Subcommand)]
enum Ask {
    /// What a character's equipment costs to rebuild: three presets, their items and components.
    Character(Key),
    /// How many accounts like a character.
    Likes(Key),
}

#[derive(Debug, ClapArgs)]
struct Key {
    /// The character's ocid, as in the events.
    ocid: String,
}

pub(crate) fn run(args: &Args, json: bool) -> Result<()> {
    let mut views = job::views(&args.job.read()?)?;
    match &args.ask {
        Ask::Character(key) => character::run(views.as_mut(), key, json),
        Ask::Likes(key) => likes(views.as_mut(), key, json),
    }
}

/// Of what time an answer is, and by which rules.
#[derive(Debug, Serialize)]
struct Stamp {
    /// The epoch that the answer is true of.
    as_of: u64,
    as_of_time: Option<String>,
    /// The epoch of the value's last change.
    changed_at: u64,
    changed_at_time: Option<String>,
    ruleset: Option<String>,
    /// What the views are brought to right now, if they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    under_way: Option<UnderWay>,
}

#[derive(Debug, Serialize)]
struct UnderWay {
    state: &'static str,
    target: u64,
    ruleset: String,
}

/// The marker of a store that shows something.
fn complete(views: &dyn ViewReader, marker: Option<Marker>) -> Result<Marker> {
    let place = views.place();
    let marker = marker
        .with_context(|| format!("the view store {place} holds nothing of this job"))
        .advise(
            "run the job, which writes its views, and writes them anew where they were deleted",
        )?;
    match (marker.as_of, &marker.progress) {
        (Some(Epoch(0)), _) => Err(anyhow!(
            "the view store {place} shows nothing yet: the job has not valued anything so far"
        ))
        .advise("ask again when the job has read something; it has to run for it"),
        (Some(_), _) => Ok(marker),
        (None, Some(progress)) => Err(anyhow!(
            "the view store {place} shows nothing yet: all views are being written, as of epoch {}",
            progress.target
        ))
        .advise("ask again when that is done; the job has to run for it"),
        (None, None) => Err(anyhow!(
            "the view store {place} shows nothing yet: the job that claimed it has not begun to write"
        ))
        .advise("ask again when the job reads; it has to run for it"),
    }
}

/// That there is no such value, and of which epoch that is true.
fn unknown(what: &str, key: &Key, marker: &Marker) -> anyhow::Error {
    let as_of = marker.as_of.map(epoch_with_time).unwrap_or_default();
    anyhow!("{what} {}: so it is as of epoch {as_of}", key.ocid)
}

fn stamp(marker: &Marker, changed_at: model::Epoch) -> Stamp {
    let as_of = marker.as_of.unwrap_or_default();
    let progress = marker.progress.as_ref();
    // A value that a write under way has reached is one of its target.
    let reached = progress.filter(|_| changed_at > as_of);
    let origin = reached.map(|progress| &progress.origin);
    Stamp {
        as_of: as_of.0,
        as_of_time: epoch_text(as_of),
        changed_at: changed_at.0,
        changed_at_time: epoch_text(changed_at),
        ruleset: origin
            .or(marker.origin.as_ref())
            .map(|origin| origin.ruleset.clone()),
        under_way: progress.map(|progress| UnderWay {
            state: match progress.state {
                ProgressKind::Writing => "writing",
                ProgressKind::Rewriting => "rewriting",
            },
            target: progress.target.0,
            ruleset: progress.origin.ruleset.clone(),
        }),
    }
}

impl Stamp {
    fn lines(&self) -> String {
        let time = |time: &Option<String>| {
            let time = time.as_ref();
            time.map_or_else(String::new, |time| format!(" ({time})"))
        };
        let mut text = format!(
            "as of epoch {}{}   changed at {}{}\n",
            self.as_of,
            time(&self.as_of_time),
            self.changed_at,
            time(&self.changed_at_time),
        );
        if let Some(under_way) = &self.under_way {
            text += &format!(
                "{} to epoch {} is under way: some values are of that epoch already\n",
                under_way.state, under_way.target
            );
        }
        text
    }
}

#[derive(Serialize)]
struct LikesReport<'a> {
    ocid: &'a str,
    likes: i64,
    #[serde(flatten)]
    stamp: Stamp,
}

fn likes(views: &mut dyn ViewReader, key: &Key, json: bool) -> Result<()> {
    let reading = job::answered(views.likes(&key.ocid))?;
    let marker = complete(views, reading.marker)?;
    let value = reading
        .value
        .ok_or_else(|| unknown("nobody likes", key, &marker))?;
    let report = LikesReport {
        ocid: &key.ocid,
        likes: value.payload,
        stamp: stamp(&marker, value.changed_at),
    };
    if json {
        return terminal::print_json(&report);
    }
    let accounts = match report.likes {
        1 => "1 account likes",
        _ => "accounts like",
    };
    let count = match report.likes {
        1 => accounts.to_owned(),
        likes => format!("{likes} {accounts}"),
    };
    terminal::print(&format!("{count} {}\n{}", key.ocid, report.stamp.lines()))
}
