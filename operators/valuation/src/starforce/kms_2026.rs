//! The rules of 2026-03: a destroyed item leaves a trace, and which restore (or safeguard) is
//! taken at each star is chosen for the least expected cost.

use serde::{Deserialize, Serialize};

use super::climb::{Climb, Leg, Try};
use super::{FIRST_DANGEROUS_STAR, STAR_AFTER_DESTRUCTION, StarRow, fee};
use crate::units::{Level, Meso, Star};

/// Traces keep at most this star.
const LAST_TRACE_STAR: u8 = 22;

/// Switches, prices and restores of `kms_2026_03`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kms2026 {
    /// Destruction × 0.7 at stars 0 to 21; the difference goes to keep.
    pub destruction_event: bool,
    /// Cost × 0.7, of the base alone.
    pub cost_event: bool,
    /// Whether safeguard may be bought at stars 15, 16 and 17.
    pub safeguard: bool,
    /// What a spare item costs.
    pub spare_price_mesos: Meso,
    /// What restoring a trace takes, by level and star.
    pub restores: Vec<TraceRestore>,
}

/// What it takes to restore a trace at its star.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TraceRestore {
    /// Level of the item.
    pub level: Level,
    /// Star of the trace.
    pub star: Star,
    /// Spare items.
    pub spares: u8,
    /// Mesos, never discounted.
    pub mesos: Meso,
    /// The mesos over the undiscounted base cost of one try at that star; its mean stands in for
    /// levels that are not listed.
    pub mesos_over_try_cost: f64,
}

/// What is done at a star where an item can be destroyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kms2026Choice {
    /// A destroyed item starts again at 12 stars, for one spare.
    Restart,
    /// Its trace is restored, for spares and mesos.
    RestoreTrace,
    /// Safeguard is bought: it is not destroyed.
    Safeguard,
}

impl Kms2026Choice {
    /// All choices; of equally cheap ones the first is taken.
    pub const ALL: [Self; 3] = [Self::Restart, Self::RestoreTrace, Self::Safeguard];

    /// The text of the choice at `star`: `->12`, `->N` or `safeguard`.
    #[must_use]
    pub fn text(self, star: Star) -> String {
        match self {
            Self::Restart => format!("->{STAR_AFTER_DESTRUCTION}"),
            Self::RestoreTrace => format!("->{}", trace_star(star).0),
            Self::Safeguard => "safeguard".to_owned(),
        }
    }
}

impl Kms2026 {
    /// Chances and cost of one try at `star` under `choice`; `None` where it cannot be chosen
    /// (below 15 stars only [`Kms2026Choice::Restart`] can, which then means nothing).
    #[must_use]
    pub fn attempt(
        &self,
        rows: &[StarRow],
        level: Level,
        star: Star,
        choice: Kms2026Choice,
    ) -> Option<Try> {
        let row = rows.get(usize::from(star.0))?;
        let success = row.success.get();
        let destroy = if self.destruction_event && star.0 <= 21 {
            row.destroy.get() * 0.7
        } else {
            row.destroy.get()
        };
        let base = row.fee.to_hundreds(level, star);
        let cost = if self.cost_event {
            fee::at_seventy_percent(base)
        } else {
            base
        };
        let restart = Try {
            success,
            keep: 1.0 - success - destroy,
            destroy,
            cost_mesos: cost,
            restored_to: STAR_AFTER_DESTRUCTION.min(star.0),
            restore_mesos: self.spare_price_mesos.0 as f64,
            restore_spares: 1.0,
        };
        match choice {
            Kms2026Choice::Restart => Some(restart),
            Kms2026Choice::RestoreTrace if star.0 >= FIRST_DANGEROUS_STAR => {
                let trace = trace_star(star);
                let (mesos, spares) = self.restore(rows, level, trace)?;
                Some(Try {
                    restored_to: trace.0,
                    restore_mesos: mesos + spares * self.spare_price_mesos.0 as f64,
                    restore_spares: spares,
                    ..restart
                })
            }
            Kms2026Choice::Safeguard if self.safeguard && (15..=17).contains(&star.0) => {
                Some(Try {
                    keep: 1.0 - success,
                    destroy: 0.0,
                    cost_mesos: cost + 2.0 * base,
                    ..restart
                })
            }
            Kms2026Choice::RestoreTrace | Kms2026Choice::Safeguard => None,
        }
    }

    /// The cheapest way from 0 to `target`, and what is chosen at each star from 15 on.
    pub(super) fn climb(
        &self,
        rows: &[StarRow],
        level: Level,
        target: Star,
    ) -> (Climb, Vec<(u8, String)>) {
        let mut climb = Climb::default();
        let mut policy = Vec::new();
        for star in (0..target.0).map(Star) {
            let (choice, leg) = self
                .cheapest(&climb, rows, level, star)
                .expect("targets stay within the tables, and restart can always be chosen");
            climb.push(leg);
            if star.0 >= FIRST_DANGEROUS_STAR {
                policy.push((star.0, choice.text(star)));
            }
        }
        (climb, policy)
    }

    /// The cheapest choice at `star`, above the legs of `climb`.
    fn cheapest(
        &self,
        climb: &Climb,
        rows: &[StarRow],
        level: Level,
        star: Star,
    ) -> Option<(Kms2026Choice, Leg)> {
        let legs = Kms2026Choice::ALL.into_iter().filter_map(|choice| {
            let attempt = self.attempt(rows, level, star, choice)?;
            Some((choice, climb.leg(&attempt)))
        });
        legs.reduce(|best, next| {
            if next.1.mesos < best.1.mesos {
                next
            } else {
                best
            }
        })
    }

    /// Mesos and spares that restore a trace at `trace`: of the level's row, or by the mean ratio
    /// over the levels that are listed.
    fn restore(&self, rows: &[StarRow], level: Level, trace: Star) -> Option<(f64, f64)> {
        let of_star = self.restores.iter().filter(|restore| restore.star == trace);
        if let Some(listed) = of_star.clone().find(|restore| restore.level == level) {
            return Some((listed.mesos.0 as f64, f64::from(listed.spares)));
        }
        let (ratios, count, spares) = of_star.fold((0.0, 0.0, 0), |(ratios, count, _), restore| {
            (
                ratios + restore.mesos_over_try_cost,
                count + 1.0,
                restore.spares,
            )
        });
        if count == 0.0 {
            return None;
        }
        let base = rows
            .get(usize::from(trace.0))?
            .fee
            .to_hundreds(level, trace);
        Some((ratios / count * base, f64::from(spares)))
    }
}

/// The star that a trace of an item destroyed at `star` keeps.
fn trace_star(star: Star) -> Star {
    star.min(Star(LAST_TRACE_STAR))
}
