//! What a scrub says of itself.

use std::collections::BTreeMap;

use metrics::{counter, gauge};

use super::{ScrubReport, Status};
use crate::clock::now_millis;
use crate::scrub::Finding;

impl Status {
    /// Notes what a scrub of `of` compared, and how much of its pass is done.
    pub(crate) fn scrub_compared(&self, of: &'static str, more: &ScrubReport, progress: f64) {
        let mut state = self.lock();
        let scrub = state.scrubs.entry(of).or_default();
        scrub.compared += more.compared;
        scrub.skipped += more.skipped;
        scrub.bytes += more.bytes;
        scrub.progress = progress.clamp(0.0, 1.0);
    }

    /// How much of the pass of a scrub is done, in `0..=1`.
    pub(crate) fn scrub_progress(&self, of: &'static str) -> f64 {
        let state = self.lock();
        state.scrubs.get(of).map_or(0.0, |scrub| scrub.progress)
    }

    /// Notes what a scrub found.
    pub(crate) fn scrub_found(&self, of: &'static str, found: &[Finding]) {
        let mut state = self.lock();
        let scrub = state.scrubs.entry(of).or_default();
        for finding in found {
            *scrub.found.entry(finding.damage.clone()).or_default() += 1;
        }
    }

    /// Notes that so much damage was put right.
    pub(crate) fn scrub_repaired(&self, of: &'static str, count: usize) {
        self.lock().scrubs.entry(of).or_default().repaired += count as u64;
    }

    /// Notes that a pass over everything is done.
    pub(crate) fn scrub_passed(&self, of: &'static str) {
        let mut state = self.lock();
        let scrub = state.scrubs.entry(of).or_default();
        scrub.passes += 1;
        scrub.progress = 0.0;
        scrub.last_pass_millis = Some(now_millis());
    }
}

pub(super) fn publish(scrubs: &BTreeMap<&'static str, ScrubReport>) {
    for (&of, scrub) in scrubs {
        counter!("mesoflow_scrub_compared_total", "of" => of).absolute(scrub.compared);
        counter!("mesoflow_scrub_skipped_total", "of" => of).absolute(scrub.skipped);
        counter!("mesoflow_scrub_bytes_total", "of" => of).absolute(scrub.bytes);
        counter!("mesoflow_scrub_repaired_total", "of" => of).absolute(scrub.repaired);
        counter!("mesoflow_scrub_passes_total", "of" => of).absolute(scrub.passes);
        gauge!("mesoflow_scrub_pass_ratio", "of" => of).set(scrub.progress);
        if let Some(millis) = scrub.last_pass_millis {
            gauge!("mesoflow_scrub_last_pass_timestamp_seconds", "of" => of)
                .set(millis as f64 / 1e3);
        }
        for (damage, count) in &scrub.found {
            let labels = [("of", of.to_owned()), ("damage", damage.clone())];
            counter!("mesoflow_scrub_found_total", &labels).absolute(*count);
        }
    }
}
