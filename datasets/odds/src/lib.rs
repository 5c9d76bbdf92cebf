//! The published odds tables: loaded, checked, content-hashed.

pub mod flame;
mod sheet;
pub mod starforce;

pub use sheet::SheetError;
