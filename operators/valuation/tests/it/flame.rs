//! Flames: golden lines, brute force over choices and tiers, simulation.

mod brute_force;
mod golden_lines;
