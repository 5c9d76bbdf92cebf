//! What is priced of a character's equipment: the class and three presets of items.

pub mod binary;
mod fields;
mod item;
mod line;
mod text;

pub(crate) use binary::Builder;
pub(crate) use fields::{ItemFields, PotentialFields};

use valuation::Item;

/// The equipment of a character, read from the provider's document or from the compact form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// `character_class`; empty if the document says none.
    pub class: String,
    /// The items of presets 1, 2 and 3, in the order of the document.
    pub presets: [Vec<Item>; 3],
}
