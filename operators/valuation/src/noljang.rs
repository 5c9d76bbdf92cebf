//! Noljang: stars by scroll, where every failure costs a protection.

use serde::{Deserialize, Serialize};

use crate::component::{ComponentValue, Detail, Status};
use crate::starforce::{FeeFormula, MaxStar, at_seventy_percent, max_star, whole_mesos};
use crate::units::{Level, Meso, Probability, Star};

/// Everything a noljang price depends on besides level and stars.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoljangRules {
    /// The highest star by level.
    pub max_stars: Vec<MaxStar>,
    /// What a scroll at star `s` meets, by `s`; as many as a scroll can reach.
    pub stars: Vec<NoljangRow>,
    /// What a failure costs on top of the scroll, in mesos.
    pub failure_mesos: Meso,
    /// Cost × 0.7, of the scroll alone.
    pub cost_event: bool,
}

/// One star of the scroll's table.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoljangRow {
    /// Chance before star catch.
    pub success: Probability,
    /// What one scroll costs.
    pub fee: FeeFormula,
}

impl NoljangRules {
    /// The star aimed at: the item's stars, at most what its level and scrolls allow.
    #[must_use]
    pub fn target(&self, level: Level, stars: Star) -> Star {
        let reach = u8::try_from(self.stars.len()).unwrap_or(u8::MAX);
        stars.min(max_star(&self.max_stars, level)).min(Star(reach))
    }
}

/// Expected cost from no star to `stars` (clamped by level and by what scrolls reach), with tries
/// and standard deviation. 0 stars: `none`; stars at level 0: `unknown_table`.
#[must_use]
pub fn price(rules: &NoljangRules, level: Level, stars: Star) -> ComponentValue {
    const STAR_CATCH: f64 = 1.05;

    if stars == Star(0) {
        return ComponentValue::settled(Status::None);
    }
    if level == Level(0) {
        return ComponentValue::settled(Status::UnknownTable);
    }
    let target = rules.target(level, stars);
    let failure_mesos = rules.failure_mesos.0 as f64;
    let (mut mesos, mut tries, mut variance) = (0.0, 0.0, 0.0);
    for (star, row) in (0..target.0).zip(&rules.stars) {
        let success = (row.success.get() * STAR_CATCH).min(1.0);
        let base = row.fee.to_hundreds(level, Star(star));
        let scroll = if rules.cost_event {
            at_seventy_percent(base)
        } else {
            base
        };
        let failures = (1.0 - success) / success;
        mesos += scroll / success + failure_mesos * failures;
        tries += 1.0 / success;
        variance += (scroll + failure_mesos).powi(2) * failures / success;
    }
    ComponentValue {
        status: Status::Ok,
        cost_mesos: Some(whole_mesos(mesos)),
        tries: Some(tries),
        sd_mesos: Some(f64::sqrt(variance)),
        detail: Detail::Starforce {
            target: target.0,
            destructions: 0.0,
            spares: 0.0,
            policy: Vec::new(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> NoljangRules {
        NoljangRules {
            max_stars: vec![
                MaxStar {
                    min_level: Level(0),
                    max_level: Level(99),
                    max_star: Star(1),
                },
                MaxStar {
                    min_level: Level(100),
                    max_level: Level(300),
                    max_star: Star(30),
                },
            ],
            stars: vec![
                NoljangRow {
                    success: Probability::new(0.5).unwrap(),
                    fee: FeeFormula {
                        divisor: 36.0,
                        exponent: 1.0
                    }
                };
                2
            ],
            failure_mesos: Meso(1_000_000),
            cost_event: false,
        }
    }

    #[test]
    fn stars_are_clamped_by_level_and_by_what_scrolls_reach() {
        assert_eq!(rules().target(Level(50), Star(9)), Star(1));
        assert_eq!(rules().target(Level(200), Star(9)), Star(2));
        assert_eq!(
            price(&rules(), Level(200), Star(2)),
            price(&rules(), Level(200), Star(30))
        );
    }

    #[test]
    fn no_stars_are_none_and_stars_without_a_level_are_unknown() {
        assert_eq!(price(&rules(), Level(0), Star(0)).status, Status::None);
        assert_eq!(
            price(&rules(), Level(0), Star(3)).status,
            Status::UnknownTable
        );
    }

    #[test]
    fn the_event_discounts_the_scroll_and_not_the_failure() {
        let full = price(&rules(), Level(50), Star(1)).cost_mesos.unwrap().0;
        let event = NoljangRules {
            cost_event: true,
            ..rules()
        };
        let discounted = price(&event, Level(50), Star(1)).cost_mesos.unwrap().0;
        // Level 50: 1,000 + 125,000 / 36 = 4,500 in hundreds; 0.525 of the tries succeed.
        assert_eq!(
            full - discounted,
            (4_500.0_f64 * 0.3 / 0.525).round() as i128
        );
    }

    #[test]
    fn a_scroll_that_always_succeeds_has_no_spread() {
        let mut sure = rules();
        sure.stars[0].success = Probability::new(0.96).unwrap();
        let value = price(&sure, Level(50), Star(1));
        assert_eq!((value.tries, value.sd_mesos), (Some(1.0), Some(0.0)));
    }
}
