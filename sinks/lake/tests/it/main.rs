//! The lake from outside: what is written, what is read back, and what happens when things go wrong.

mod checks;
mod commits;
mod compaction;
mod crash;
mod fencing;
mod maintenance;
mod readers;
mod support;
