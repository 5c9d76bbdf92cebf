//! The prices against golden lines, brute force and simulation.

mod conformance;
mod flame;
mod golden;
mod money_text;
mod potential;
mod rulesets;
mod starforce;
mod totals;
