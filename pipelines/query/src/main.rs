//! SQL over the tables.

fn main() {}
