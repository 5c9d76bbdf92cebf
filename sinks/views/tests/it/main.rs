//! The view stores from outside: one suite over Redis and SQLite, and what concerns one of them.

#[macro_use]
mod support;

mod fence;
mod foreign;
mod random;
mod readers;
mod repairs;
mod rewrites;
mod schedules;
mod sentinel;
mod size;
mod unanswered;
mod writes;
