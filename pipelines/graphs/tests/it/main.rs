//! The graphs against recomputation, with one, two and four workers.

mod expectation;
mod job;
mod wardrobe;
