//! Starforce and scrolls: golden lines, other policies, simulation.

mod golden_lines;
mod policies;
pub(crate) mod simulation;
