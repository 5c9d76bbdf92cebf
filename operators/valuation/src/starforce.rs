//! Starforce: the expected cost of raising an item from no star to its stars, for both editions of
//! the rules.

mod climb;
mod fee;
mod kms_2025;
mod kms_2026;

use serde::{Deserialize, Serialize};

use crate::component::{ComponentValue, Detail, Status};
use crate::item::Item;
use crate::units::{Level, Meso, Probability, Star};

use self::climb::Leg;
pub use self::climb::Try;
pub use self::fee::FeeFormula;
pub(crate) use self::fee::{at_seventy_percent, whole_mesos};
pub use self::kms_2025::Kms2025;
pub use self::kms_2026::{Kms2026, Kms2026Choice, TraceRestore};

/// Destroyed items come back at this star, unless their trace is restored.
const STAR_AFTER_DESTRUCTION: u8 = 12;
/// The first star at which an item can be destroyed.
const FIRST_DANGEROUS_STAR: u8 = 15;

/// Everything a starforce price depends on besides level and stars.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StarforceRules {
    /// The highest star by level; bands ascend and leave no level out.
    pub max_stars: Vec<MaxStar>,
    /// What a try at star `s` meets, by `s`.
    pub stars: Vec<StarRow>,
    /// How events, destruction and safeguard work.
    pub edition: Edition,
}

/// The highest star that items of a band of levels can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaxStar {
    /// First level of the band.
    pub min_level: Level,
    /// Last level of the band.
    pub max_level: Level,
    /// The highest star.
    pub max_star: Star,
}

/// One star of the odds tables: chances before events, and the fee.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct StarRow {
    /// Chance to gain the star.
    pub success: Probability,
    /// Chance that the item is destroyed.
    pub destroy: Probability,
    /// What one try costs.
    pub fee: FeeFormula,
}

/// The editions of the rules, with their switches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Edition {
    /// `kms_2025_03`: destroyed items always come back at 12 stars.
    Kms2025(Kms2025),
    /// `kms_2026_03`: traces can be restored; the answer is the least cost over all policies.
    Kms2026(Kms2026),
}

/// Items whose stars came with them: cost 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Granted {
    /// `item_equipment_slot`.
    pub slot: String,
    /// What the item's name starts with.
    pub name_prefix: String,
}

impl StarforceRules {
    /// The highest star at `level`, or 0 where no band holds it.
    #[must_use]
    pub fn max_star(&self, level: Level) -> Star {
        max_star(&self.max_stars, level)
    }

    /// The star aimed at: the item's stars, at most what its level and the tables allow.
    #[must_use]
    pub fn target(&self, level: Level, stars: Star) -> Star {
        let rows = u8::try_from(self.stars.len()).unwrap_or(u8::MAX);
        stars.min(self.max_star(level)).min(Star(rows))
    }

    /// The cost of one try at `star` before events, in whole mesos, rounded to tens
    /// (`kms_2025_03`) or hundreds (`kms_2026_03`). `None` for a star beyond the tables.
    #[must_use]
    pub fn try_cost(&self, level: Level, star: Star) -> Option<Meso> {
        let row = self.stars.get(usize::from(star.0))?;
        let cost = match &self.edition {
            Edition::Kms2025(_) => fee::to_tens(row.fee.unrounded(level, star)),
            Edition::Kms2026(_) => row.fee.to_hundreds(level, star),
        };
        Some(whole_mesos(cost))
    }
}

/// What settles starforce without a price: no stars, stars that came with the item, superior items
/// (whose rules no data backs), no level.
#[must_use]
pub fn settled(granted: &[Granted], item: &Item) -> Option<Status> {
    const SUPERIOR_PREFIX: &str = "타일런트";

    let comes_with_stars = |granted: &Granted| {
        item.slot == granted.slot && item.name.starts_with(&granted.name_prefix)
    };
    if item.stars == Star(0) {
        Some(Status::None)
    } else if granted.iter().any(comes_with_stars) {
        Some(Status::Granted)
    } else if item.name.starts_with(SUPERIOR_PREFIX) {
        Some(Status::UnknownRules)
    } else if item.level == Level(0) {
        Some(Status::UnknownTable)
    } else {
        None
    }
}

/// Expected cost from no star to `stars` (clamped by level), with tries, destructions, spares,
/// policy and standard deviation. 0 stars: `none`; stars at level 0: `unknown_table`.
#[must_use]
pub fn price(rules: &StarforceRules, level: Level, stars: Star) -> ComponentValue {
    if stars == Star(0) {
        return ComponentValue::settled(Status::None);
    }
    if level == Level(0) {
        return ComponentValue::settled(Status::UnknownTable);
    }
    let target = rules.target(level, stars);
    let (climb, policy) = match &rules.edition {
        Edition::Kms2025(edition) => edition.climb(&rules.stars, level, target),
        Edition::Kms2026(edition) => edition.climb(&rules.stars, level, target),
    };
    let Leg {
        mesos,
        variance,
        tries,
        destructions,
        spares,
    } = climb.total();
    ComponentValue {
        status: Status::Ok,
        cost_mesos: Some(whole_mesos(mesos)),
        tries: Some(tries),
        sd_mesos: Some(variance.sqrt()),
        detail: Detail::Starforce {
            target: target.0,
            destructions,
            spares,
            policy,
        },
    }
}

/// The highest star of the band that holds `level`.
pub(crate) fn max_star(bands: &[MaxStar], level: Level) -> Star {
    bands
        .iter()
        .find(|band| (band.min_level..=band.max_level).contains(&level))
        .map_or(Star(0), |band| band.max_star)
}
