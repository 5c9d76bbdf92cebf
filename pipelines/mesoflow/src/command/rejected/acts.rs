//! Who did what: acts are signed here, and listed by `mesoflow rejected acts`.

use std::env;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, anyhow};
use clap::Args as ClapArgs;
use model::Millis;
use runtime::acts::{Act, Acts, Deed};
use serde::Serialize;

use super::Queue;
use super::select::{SelectArgs, Selection};
use super::show::clean;
use crate::failure::Failed as _;
use crate::instant::time_text;
use crate::table::Table;
use crate::terminal;

/// What acts on records have in common.
#[derive(Debug, ClapArgs)]
pub(super) struct ActArgs {
    #[command(flatten)]
    select: SelectArgs,
    /// Means all rejected records, where nothing else says which.
    #[arg(long)]
    all: bool,
    /// Shows what would be done, and does nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
    #[command(flatten)]
    pub(super) by: ByArgs,
}

/// Who acts.
#[derive(Debug, ClapArgs)]
pub(super) struct ByArgs {
    /// Who does it, for the record. Default: the user's name.
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

impl ActArgs {
    /// The records that are meant. All of them are meant only when it is said.
    pub(super) fn selection(&self) -> Result<Selection> {
        let selection = self.select.selection()?;
        if selection.is_everything() && !self.all {
            return Err(anyhow!("it is not said which records are meant"))
                .advise("name their places, or what they have in common (--reason, --path, --topic, ...), or --all")
                .wrong();
        }
        Ok(selection)
    }
}

impl ByArgs {
    /// Who acts.
    pub(super) fn name(&self) -> Result<String> {
        let told = self.by.clone();
        let user = || {
            ["USER", "LOGNAME"]
                .iter()
                .find_map(|name| env::var(name).ok())
        };
        told.or_else(user)
            .filter(|name| !name.trim().is_empty())
            .context("it is not known who does this")
            .advise("say it with --by")
            .wrong()
    }
}

/// An act of now.
pub(super) fn act(by: &str, deed: Deed) -> Act {
    let since_1970 = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Act {
        at_millis: Millis(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX)),
        by: by.to_owned(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        deed,
    }
}

/// Records an act that was decided on these grounds, and gives its number.
pub(super) fn record(acts: &mut Acts, act: Act) -> Result<u64> {
    acts.add(act)
        .advise("see whether the job's folder may be written and has room")?
        .context("someone else acted on rejected records just now")
        .advise("look at `mesoflow rejected acts`, and ask again")
}

#[derive(Serialize)]
struct Listed<'a> {
    act: u64,
    time: Option<String>,
    by: &'a str,
    program: &'a str,
    what: &'static str,
    records: usize,
    /// Of the end of a replay: the act that began it.
    begun: Option<u64>,
    /// Of the beginning of a replay: whether it has not ended.
    unfinished: bool,
    note: Option<&'a str>,
}

pub(super) fn run(queue: &Queue, json: bool) -> Result<()> {
    let unfinished = queue.acts.unfinished();
    let listed: Vec<Listed<'_>> = queue
        .acts
        .iter()
        .map(|(number, act)| {
            let (what, records, begun, note) = match &act.deed {
                Deed::Discard { records, note } => {
                    ("discard", records.len(), None, Some(note.as_str()))
                }
                Deed::ReplayBegun { records, note, .. } => {
                    ("replay begun", records.len(), None, note.as_deref())
                }
                Deed::ReplayEnded { begun, published } => {
                    ("replay ended", published.len(), Some(*begun), None)
                }
            };
            Listed {
                act: number,
                time: time_text(act.at_millis),
                by: &act.by,
                program: &act.program,
                what,
                records,
                begun,
                unfinished: unfinished.contains(&number),
                note,
            }
        })
        .collect();
    if json {
        return terminal::print_json(&listed);
    }
    if listed.is_empty() {
        return terminal::print("Nothing was done about rejected records.\n");
    }
    let mut table = Table::new(["act", "time", "by", "what", "records", "note"]).prose(5);
    for act in &listed {
        let what = match act.begun {
            Some(begun) => format!("{} of act {begun}", act.what),
            None if act.unfinished => format!("{}, unfinished", act.what),
            None => act.what.to_owned(),
        };
        table.add_row([
            act.act.to_string(),
            act.time.clone().unwrap_or_default(),
            clean(act.by),
            what,
            act.records.to_string(),
            clean(act.note.unwrap_or_default()),
        ]);
    }
    terminal::print(&format!("{table}\n"))
}
