//! The probability engine: what an item costs to rebuild. Pure functions, values in, values out.
//!
//! A [`Ruleset`] holds everything an answer depends on besides the item. An
//! [`Item`] of a character's class has six [components](ComponentKind); each either is
//! settled by the item alone or has a [`Key`] (all that its price depends on), which
//! [`price`](key::price) turns into a [`ComponentValue`].

pub mod class;
pub mod component;
pub mod flame;
pub mod grade_up;
pub mod item;
pub mod key;
pub mod money_text;
pub mod noljang;
pub mod option;
pub mod potential;
pub mod ratio;
pub mod requirement;
pub mod rules;
pub mod starforce;
pub mod totals;
pub mod units;

pub use component::{ComponentKind, ComponentValue, Detail, Status};
pub use item::{FlameOptions, Item};
pub use key::{Key, Keyed};
pub use rules::{RuleChange, Rules, Ruleset, RulesetHash, TableId};
pub use units::{Grade, Level, Meso, OptionGrade, Probability, Star, Stat};
