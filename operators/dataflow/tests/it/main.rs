//! The operators against recomputation, with one, two and four workers.

mod appraisal;
mod counting;
mod pricing;
