//! Flames: brute force over choices and tiers, simulation.

mod brute_force;
