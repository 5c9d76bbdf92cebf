//! The mesoflow command.

fn main() {}
