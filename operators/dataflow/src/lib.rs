//! Differential operators and the building blocks of the graphs.
//!
//! Each operator is a function from streams to streams, generic in time; each has an example that is
//! also a test, and the property that *at every epoch its output equals recomputation from the
//! accumulated input*. State is kept by key, never by time, so memory does not grow with time.

mod appraise;
mod change;
mod count_per_key;
mod hash;
mod interner;
mod paged;
mod price_once;
mod pricing;
mod records;
pub mod testkit;

pub use appraise::{Appraised, Document, Held, Inputs, Setting, appraise};
pub use change::{Change, to_collection};
pub use count_per_key::{Counted, Counts, count_per_key};
pub use hash::home;
pub use price_once::{Answer, Memo, PriceCounts, Prices, Request, price_once};
pub use pricing::{Appraisal, Component, Pricing};
