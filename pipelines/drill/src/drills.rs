//! One drill a file.

mod broker;
mod clock;
mod crash;
mod disk;
mod disorder;
mod duplicates;
mod pairs;
mod poison;
mod redis;
mod rescale;
mod rolling;
mod schedules;
mod slow;
mod topics;

use anyhow::Result;

use crate::scene::Scene;

/// A drill.
#[derive(Debug)]
pub struct Drill {
    /// The name.
    pub name: &'static str,
    /// What it breaks, and what must hold.
    pub about: &'static str,
    /// The beginnings of the names of faults that must have happened.
    pub(crate) faults: &'static [&'static str],
    pub(crate) run: fn(&mut Scene<'_>) -> Result<()>,
}

/// All of them; the last one takes long.
pub static ALL: &[Drill] = &[
    crash::DRILL,
    broker::DRILL,
    redis::DRILL,
    disk::DRILL,
    poison::DRILL,
    duplicates::DRILL,
    disorder::DRILL,
    clock::DRILL,
    topics::DRILL,
    rescale::DRILL,
    rolling::DRILL,
    slow::DRILL,
    pairs::DRILL,
    schedules::DRILL,
];
