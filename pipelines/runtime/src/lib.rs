//! Runs a graph: ingress, workers, egress, recovery, accounting.

pub mod bindings;
pub mod clock;
pub mod config;
pub mod flow;
pub mod folder;
