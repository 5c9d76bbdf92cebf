//! The commit protocol as a world of steps and faults.
//!
//! A [`World`] holds all that outlives a process (job folder, tables, view store, topic), the processes of several
//! generations, of which every older one lives on, and calls that are on their way. Whatever can happen is an
//! [`Action`]. Where the job decides something, the world calls the job's own decision: [`runtime::decide`],
//! [`views::decide`], [`lake::decide`].
//!
//! The same world is explored exhaustively within small bounds, and walked from seeds within large ones.
//! What it has and what it lacks: `docs/model.md`.

mod check;
mod commit;
mod config;
mod folder;
mod large;
mod live;
mod mutations;
mod oracle;
mod process;
mod publish;
mod random;
mod record;
mod report;
mod rewrite;
mod simulate;
mod start;
mod store;
mod table;
mod topic;
mod world;
mod writer;

pub mod worlds;

pub use check::{Broken, Property};
pub use config::{
    Config, Cut, Epoch, Faults, Op, Outputs, Partition, Protections, Record, StartGrain,
};
pub use large::large;
pub use mutations::{Mutation, Verdict, mutations};
pub use oracle::Truth;
pub use report::{Report, Violation};
pub use simulate::{simulate, simulate_mutated};
pub use world::{Action, Fate, Step, World};
