//! The benches by name.

mod admit;
mod characters;
mod crash;
mod document;
mod graphs;
mod latency;
mod likes;
mod parse;
mod price;
mod recovery;

use anyhow::Result;
use clap::ValueEnum;

use crate::figure::Figure;

/// How much to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    /// Enough to show that it works.
    Quick,
    /// Enough for figures.
    Full,
}

impl Size {
    /// One of two values.
    pub(crate) fn of<T>(self, quick: T, full: T) -> T {
        match self {
            Self::Quick => quick,
            Self::Full => full,
        }
    }
}

/// A bench.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Bench {
    Parse,
    Price,
    Admit,
    Pairs,
    Graphs,
    Likes,
    Characters,
    Documents,
    Latency,
    Recovery,
    Crash,
}

impl Bench {
    /// All of them, in the order of the table.
    pub(crate) const ALL: [Self; 11] = [
        Self::Parse,
        Self::Price,
        Self::Admit,
        Self::Pairs,
        Self::Graphs,
        Self::Likes,
        Self::Characters,
        Self::Documents,
        Self::Latency,
        Self::Recovery,
        Self::Crash,
    ];

    /// The name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Parse => "parse",
            Self::Price => "price",
            Self::Admit => "admit",
            Self::Pairs => "pairs",
            Self::Graphs => "graphs",
            Self::Likes => "likes",
            Self::Characters => "characters",
            Self::Documents => "documents",
            Self::Latency => "latency",
            Self::Recovery => "recovery",
            Self::Crash => "crash",
        }
    }

    /// What it measures.
    pub(crate) fn question(self) -> &'static str {
        match self {
            Self::Parse => {
                "Equipment from bytes, on one core: our parser, serde_json into the same structs in \
                 the same run, and a hash that is known. Per CPU second."
            }
            Self::Price => {
                "Distinct valuation keys of the generator's catalogue, priced by kind, on one core. \
                 Per CPU second."
            }
            Self::Admit => {
                "Likes from JSON to what is admitted, in three partitions on one core, every event \
                 id remembered. Per CPU second."
            }
            Self::Pairs => "The same, and no event id is remembered.",
            Self::Graphs => {
                "The graphs alone, on one worker, without sources and sinks. Per CPU second."
            }
            Self::Likes => {
                "Likes from a Kafka topic to table and view: the whole job from its start to its \
                 end, a process of its own, default settings."
            }
            Self::Characters => {
                "Compact characters from a Kafka topic to tables and Redis: the whole job, and its \
                 start from the input tables."
            }
            Self::Documents => {
                "Documents of about 240 KB from a Kafka topic to tables and Redis: the whole job."
            }
            Self::Latency => {
                "Open loop: 4,900 likes and 100 compact characters a second; from the broker's \
                 timestamp of an event to a reader of Redis who sees an epoch that holds it."
            }
            Self::Crash => {
                "Under 5,000 events a second a job is killed at any moment and started again at once: from the kill \
                 to a reader of Redis who sees an epoch that was minted after it, and is not older than a second."
            }
            Self::Recovery => {
                "A job is killed, and starts again with all its characters and likes in the input tables: from \
                 the start of the process to the first epoch with new records in the embedded views."
            }
        }
    }

    /// Runs it in this process.
    pub(crate) fn run(self, size: Size) -> Result<Vec<Figure>> {
        match self {
            Self::Parse => parse::run(size),
            Self::Price => price::run(size),
            Self::Admit => admit::run(size, true),
            Self::Pairs => admit::run(size, false),
            Self::Graphs => graphs::run(size),
            Self::Likes => likes::run(size),
            Self::Characters => characters::compact(size),
            Self::Documents => characters::documents(size),
            Self::Latency => latency::run(size),
            Self::Recovery => recovery::run(size),
            Self::Crash => crash::run(size),
        }
    }
}
