//! Starforce and scrolls: other policies, simulation.

mod policies;
pub(crate) mod simulation;
