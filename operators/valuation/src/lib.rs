//! The probability engine: what an item costs to rebuild. Pure functions, values in, values out.
//!
//! A [`Ruleset`](rules::Ruleset) holds everything an answer depends on besides the item. An
//! [`Item`] of a character's class has six [components](component::ComponentKind); each either is
//! settled by the item alone or has a [`Key`](key::Key) (all that its price depends on), which
//! [`price`](key::price) turns into a [`ComponentValue`](component::ComponentValue).

pub mod component;
pub mod flame;
pub mod item;
pub mod money_text;
pub mod noljang;
pub mod starforce;
pub mod units;

pub use component::{ComponentKind, ComponentValue, Detail, Status};
pub use item::{FlameOptions, Item};
pub use units::{Grade, Level, Meso, Probability, Star};
