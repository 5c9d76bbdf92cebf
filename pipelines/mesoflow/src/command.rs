//! One command a file.

pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod drill;
pub(crate) mod explain;
pub(crate) mod generate;
pub(crate) mod get;
pub(crate) mod query;
pub(crate) mod rejected;
pub(crate) mod run;
pub(crate) mod scrub;
pub(crate) mod status;
pub(crate) mod tables;
pub(crate) mod value;
