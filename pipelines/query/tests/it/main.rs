//! The program from outside: its answers, beside those of DuckDB and Polars, and its exit codes.

mod command;
mod readers;
mod support;
