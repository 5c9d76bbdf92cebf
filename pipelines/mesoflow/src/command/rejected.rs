//! `mesoflow rejected`: what was refused, why, and what becomes of it.

mod acts;
mod broker;
mod diff;
mod discard;
mod file;
mod list;
mod place;
mod replay;
mod resume;
mod rows;
mod select;
mod show;
mod target;

use std::collections::BTreeMap;

use anyhow::Result;
use clap::{Args as ClapArgs, Subcommand};
use lake::{Lake, View};
use model::tables::Relation;
use runtime::acts::{Acts, RecordPlace, Standing};
use runtime::{Job, JobFolder};

use crate::failure::Failed as _;
use crate::job::{self, JobArg};

/// Lists the records that were refused, shows them, and settles what becomes of them.
#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    #[command(flatten)]
    job: JobArg,
    #[command(subcommand)]
    ask: Ask,
}

#[derive(Debug, Subcommand)]
enum Ask {
    /// Groups the rejected records by reason and cause.
    List(list::Args),
    /// Shows records with their original bytes, and the place in them that was wrong.
    Show(show::Args),
    /// Reads the stored bytes with the parser of this program: what would it say today?
    Diff(diff::Args),
    /// Publishes records again, each to its own topic and partition, to count in the place that they had.
    Replay(replay::Args),
    /// Finishes replays that were cut off.
    Resume(resume::Args),
    /// Settles that records will not be replayed.
    Discard(discard::Args),
    /// Lists what was done, by whom and when.
    Acts,
}

pub(crate) fn run(args: &Args, json: bool) -> Result<()> {
    let queue = Queue::open(args.job.read()?)?;
    match &args.ask {
        Ask::List(args) => list::run(&queue, args, json),
        Ask::Show(args) => show::run(&queue, args, json),
        Ask::Diff(args) => diff::run(&queue, args, json),
        Ask::Replay(args) => replay::run(&queue, args, json),
        Ask::Resume(args) => resume::run(&queue, args, json),
        Ask::Discard(args) => discard::run(&queue, args, json),
        Ask::Acts => acts::run(&queue, json),
    }
}

/// The rejected records of a job, and what was done about them.
struct Queue {
    job: Job,
    table: Option<View>,
    acts: Acts,
    standings: BTreeMap<RecordPlace, Standing>,
}

impl Queue {
    fn open(job: Job) -> Result<Self> {
        let lake: Lake = job::lake(&job)?;
        let folder = JobFolder::open(&job.folder)
            .advise("see whether the job's folder may be read and written")?;
        let acts = Acts::read(&folder).advise("see whether the acts are whole and may be read")?;
        Ok(Self {
            table: lake.view(Relation::Rejected)?,
            standings: acts.standings(),
            acts,
            job,
        })
    }

    /// Where a record stands.
    fn standing(&self, place: RecordPlace) -> Standing {
        self.standings.get(&place).copied().unwrap_or_default()
    }
}
