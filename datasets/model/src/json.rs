//! JSON, checked: a cursor that copies nothing, reads what is asked for strictly, and skips the rest
//! by its bounds alone.

mod block;
mod cursor;
mod members;
mod skip;
mod value;

pub(crate) use cursor::{Checked, Cursor, fault, is_form_fault};
pub(crate) use members::Members;
pub(crate) use value::Value;

#[cfg(test)]
mod tests;
