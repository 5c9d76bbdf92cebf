//! Any bytes as a message of any topic.

#![no_main]

#[path = "../admit.rs"]
mod admit;

libfuzzer_sys::fuzz_target!(|input: &[u8]| admit::admit(input));
