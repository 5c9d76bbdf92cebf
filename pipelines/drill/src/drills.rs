//! One drill a file.

mod crash;

use anyhow::Result;

use crate::scene::Scene;

/// A drill.
#[derive(Debug)]
pub struct Drill {
    /// The name.
    pub name: &'static str,
    /// What it breaks, and what must hold.
    pub about: &'static str,
    /// The beginnings of the names of faults that must have happened.
    pub(crate) faults: &'static [&'static str],
    pub(crate) run: fn(&mut Scene<'_>) -> Result<()>,
}

/// All of them.
pub static ALL: &[Drill] = &[crash::DRILL];
