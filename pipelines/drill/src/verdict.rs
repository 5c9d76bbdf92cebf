//! What a drill came to.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

/// What a drill came to.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Verdict {
    /// The drill.
    pub drill: &'static str,
    /// The seed by which it can be run again.
    pub seed: u64,
    /// Faults, each with how often it happened, as counted by whoever injected it.
    pub injected: BTreeMap<String, u64>,
    /// What was compared with the right answer or with what was seen before, each with how much.
    pub compared: BTreeMap<String, u64>,
    /// Figures, such as times; each with its unit in its name.
    pub figures: BTreeMap<String, f64>,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Why it failed, with all causes; `None` if it did not.
    pub failure: Option<String>,
    /// Where everything is kept that a failed drill left behind.
    pub kept: Option<PathBuf>,
}

impl Verdict {
    /// Whether everything held that was promised.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.failure.is_none()
    }

    /// Takes note of faults that were injected.
    pub(crate) fn injected(&mut self, what: &str, times: u64) {
        *self.injected.entry(what.to_owned()).or_default() += times;
    }

    /// Takes note of what was compared.
    pub(crate) fn compared(&mut self, what: &str, many: u64) {
        *self.compared.entry(what.to_owned()).or_default() += many;
    }

    /// Adds what another one injected, compared and measured.
    pub(crate) fn add(&mut self, other: &Self) {
        for (what, times) in &other.injected {
            self.injected(what, *times);
        }
        for (what, many) in &other.compared {
            self.compared(what, *many);
        }
        for (what, value) in &other.figures {
            self.figure(what, *value);
        }
    }

    /// Takes note of a figure; of several the largest counts.
    pub(crate) fn figure(&mut self, what: &str, value: f64) {
        let held = self.figures.entry(what.to_owned()).or_insert(value);
        *held = held.max(value);
    }
}
