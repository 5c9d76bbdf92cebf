//! One command a file.

pub(crate) mod generate;
pub(crate) mod tables;
pub(crate) mod value;
