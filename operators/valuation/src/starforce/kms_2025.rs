//! The rules of 2025-03: star catch and safeguard by choice, destroyed items come back at 12 stars.

use serde::{Deserialize, Serialize};

use super::climb::{Climb, Try};
use super::{FIRST_DANGEROUS_STAR, STAR_AFTER_DESTRUCTION, StarRow, fee};
use crate::units::{Level, Star};

/// The switches of `kms_2025_03`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kms2025 {
    /// Success × 1.05.
    pub star_catch: bool,
    /// Destruction × 0.7 at stars 15 to 21.
    pub destruction_event: bool,
    /// Cost × 0.7, safeguard included.
    pub cost_event: bool,
    /// Always bought at stars 15, 16 and 17: no destruction, triple cost.
    pub safeguard: bool,
}

impl Default for Kms2025 {
    fn default() -> Self {
        Self {
            star_catch: true,
            destruction_event: true,
            cost_event: true,
            safeguard: false,
        }
    }
}

impl Kms2025 {
    /// Chances and cost of one try at `star`, in the order of operations of the published chain.
    #[must_use]
    pub fn attempt(&self, row: &StarRow, level: Level, star: Star) -> Try {
        let mut success = row.success.get();
        let mut destroy = row.destroy.get();
        if self.destruction_event && (15..=21).contains(&star.0) {
            destroy *= 0.7;
        }
        let mut keep = 1.0 - success - destroy;
        let mut cost = row.fee.unrounded(level, star);
        if self.guards(star) {
            destroy = 0.0;
            keep = 1.0 - success;
            cost *= 3.0;
        }
        if self.star_catch {
            let caught = (success * 1.05).min(1.0);
            let rest = 1.0 - caught;
            let failure = keep + destroy;
            if failure < 1e-12 {
                (success, keep, destroy) = (caught, rest, 0.0);
            } else {
                (success, keep, destroy) =
                    (caught, rest * (keep / failure), rest * (destroy / failure));
            }
        }
        if self.cost_event {
            cost *= 0.7;
        }
        Try {
            success,
            keep,
            destroy,
            cost_mesos: fee::to_tens(cost),
            restored_to: STAR_AFTER_DESTRUCTION.min(star.0),
            restore_mesos: 0.0,
            restore_spares: 1.0,
        }
    }

    /// The way from 0 to `target`, and what is done at each star where it matters.
    pub(super) fn climb(
        &self,
        rows: &[StarRow],
        level: Level,
        target: Star,
    ) -> (Climb, Vec<(u8, String)>) {
        let mut climb = Climb::default();
        let mut policy = Vec::new();
        for (star, row) in (0..target.0).zip(rows) {
            climb.push(climb.leg(&self.attempt(row, level, Star(star))));
            if star >= FIRST_DANGEROUS_STAR {
                let action = if self.guards(Star(star)) {
                    "safeguard"
                } else {
                    "->12"
                };
                policy.push((star, action.to_owned()));
            }
        }
        (climb, policy)
    }

    fn guards(&self, star: Star) -> bool {
        self.safeguard && (15..=17).contains(&star.0)
    }
}
