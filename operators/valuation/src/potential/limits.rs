//! How many of three lines may be of one family of options.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::potential::table::Family;

/// The most lines of each limited family; a family that is absent is not limited.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Limits(BTreeMap<Family, u8>);

impl Limits {
    /// Limits by family. A limit of 0 would say that the option does not exist; it counts as 1.
    pub fn new(limits: impl IntoIterator<Item = (Family, u8)>) -> Self {
        Self(
            limits
                .into_iter()
                .map(|(family, most)| (family, most.max(1)))
                .collect(),
        )
    }

    /// The most lines of a family, if it is limited.
    #[must_use]
    pub fn most(&self, family: Family) -> Option<u8> {
        self.0
            .get(&family)
            .copied()
            .filter(|_| family != Family::Unlimited)
    }

    /// Limits a family to `most` lines.
    pub fn set(&mut self, family: Family, most: u8) {
        self.0.insert(family, most.max(1));
    }

    /// The families that no later line may be of, after lines of the families `drawn`.
    pub(crate) fn full_after(&self, drawn: &[Family]) -> Full {
        let mut full = Full {
            families: [Family::Unlimited; 2],
            count: 0,
        };
        for &family in drawn {
            let Some(most) = self.most(family) else {
                continue;
            };
            let so_far = drawn.iter().filter(|&&other| other == family).count();
            if so_far >= usize::from(most) && !full.contains(&family) {
                full.families[full.count] = family;
                full.count += 1;
            }
        }
        full
    }
}

/// The families that are full: at most one a line drawn, hence two.
pub(crate) struct Full {
    families: [Family; 2],
    count: usize,
}

impl std::ops::Deref for Full {
    type Target = [Family];

    fn deref(&self) -> &[Family] {
        &self.families[..self.count]
    }
}
