//! Rulesets as files on disk.

mod rulesets;
