//! A ruleset: everything an answer depends on besides the item, with a hash over its content.

mod change;
mod part;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::class::ClassRule;
use crate::component::ComponentKind;
use crate::flame::{self, FlameRules};
use crate::noljang::NoljangRules;
use crate::potential::{Limits, PartId, PotentialKind, PotentialRules};
use crate::starforce::{Granted, StarforceRules};

pub use self::change::{RuleChange, RuleChangeError, TableId};
pub use self::part::{PartRule, WornPart};

/// The content of a ruleset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rules {
    /// Its name, e.g. `kms_2026_03`.
    pub name: String,
    /// The components that totals sum.
    pub summed: BTreeSet<ComponentKind>,
    /// What counts for each class, by the document's `character_class`.
    pub classes: BTreeMap<String, ClassRule>,
    /// The parts of the odds tables.
    pub parts: Vec<PartRule>,
    /// How many lines may be of one family of options.
    pub limits: Limits,
    /// Main potential.
    pub main: PotentialRules,
    /// Additional potential.
    pub additional: PotentialRules,
    /// Starforce.
    pub starforce: StarforceRules,
    /// Stars by scroll.
    pub noljang: NoljangRules,
    /// Items that come with their stars.
    pub granted: Vec<Granted>,
    /// Flames.
    pub flame: FlameRules,
}

impl Rules {
    /// The rules of one of the potentials.
    #[must_use]
    pub fn potential(&self, kind: PotentialKind) -> &PotentialRules {
        match kind {
            PotentialKind::Main => &self.main,
            PotentialKind::Additional => &self.additional,
        }
    }

    fn potential_mut(&mut self, kind: PotentialKind) -> &mut PotentialRules {
        match kind {
            PotentialKind::Main => &mut self.main,
            PotentialKind::Additional => &mut self.additional,
        }
    }

    /// The part of that name.
    #[must_use]
    pub fn part_named(&self, name: &str) -> Option<PartId> {
        let place = self.parts.iter().position(|part| part.name == name)?;
        u8::try_from(place).ok().map(PartId)
    }

    /// The part whose odds tables apply to an item worn in `slot` with `item_equipment_part`
    /// `worn_part`. Parts that ask for a worn part come before those that do not.
    #[must_use]
    pub fn part_worn(&self, slot: &str, worn_part: &str) -> Option<PartId> {
        let fits = |part: &&PartRule| part.fits(slot, worn_part);
        let particular = self
            .parts
            .iter()
            .filter(|part| part.worn_part != WornPart::Any);
        let general = self
            .parts
            .iter()
            .filter(|part| part.worn_part == WornPart::Any);
        let part = particular.chain(general).find(fits)?;
        self.part_named(&part.name)
    }

    /// The name of a part.
    #[must_use]
    pub fn part_name(&self, part: PartId) -> Option<&str> {
        self.parts
            .get(usize::from(part.0))
            .map(|rule| rule.name.as_str())
    }
}

/// A ruleset and the hash over its content, which can never be out of step.
#[derive(Clone, Debug, PartialEq)]
pub struct Ruleset {
    rules: Rules,
    hash: RulesetHash,
    /// For each class the first of those that are like it.
    alike: BTreeMap<String, String>,
}

/// Why stored bytes are no ruleset.
#[derive(Debug, Error)]
#[error("read a stored ruleset")]
pub struct StoredRulesetError(#[from] serde_json::Error);

impl Ruleset {
    /// A ruleset of checked content.
    #[must_use]
    pub fn new(rules: Rules) -> Self {
        let hash = RulesetHash(*blake3::hash(&canonical(&rules)).as_bytes());
        let alike = alike(&rules);
        Self { rules, hash, alike }
    }

    /// The content.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.rules.name
    }

    /// The class that stands for all classes to which every item is worth what it is to `class`: of those
    /// that are known and alike, the first by name. No text for a class that is not known.
    #[must_use]
    pub fn valued_as(&self, class: &str) -> &str {
        self.alike.get(class).map_or("", String::as_str)
    }

    /// The hash over the content.
    #[must_use]
    pub fn hash(&self) -> RulesetHash {
        self.hash
    }

    /// The content in the form that is hashed: one line of JSON. [`Self::from_stored`] reads it.
    #[must_use]
    pub fn stored(&self) -> Vec<u8> {
        canonical(&self.rules)
    }

    /// The ruleset that [`Self::stored`] wrote, with the same hash.
    ///
    /// # Errors
    /// When the bytes are no such JSON.
    pub fn from_stored(bytes: &[u8]) -> Result<Self, StoredRulesetError> {
        Ok(Self::new(serde_json::from_slice(bytes)?))
    }

    /// Changes one rule and says which tables are others now: keys that
    /// [depend](crate::key::dependencies) on one of them have to be priced again, and no others.
    ///
    /// # Errors
    /// When there is no such row, or the rule would be invalid; nothing has changed then.
    pub fn apply(&mut self, change: RuleChange) -> Result<BTreeSet<TableId>, RuleChangeError> {
        let changed = self.rules.apply(change)?;
        if !changed.is_empty() {
            *self = Self::new(self.rules.clone());
        }
        Ok(changed)
    }
}

/// The first class that is like each: same stats and attack, and the same weapons are boss items.
fn alike(rules: &Rules) -> BTreeMap<String, String> {
    let what_counts = |class: &str| (&rules.classes[class], flame::has_boss_weapons(class));
    let first_like = |class: &str| {
        let mut classes = rules.classes.keys();
        classes.find(|other| what_counts(other) == what_counts(class))
    };
    let classes = rules.classes.keys();
    classes
        .filter_map(|class| Some((class.clone(), first_like(class)?.clone())))
        .collect()
}

fn canonical(rules: &Rules) -> Vec<u8> {
    serde_json::to_vec(rules).expect("rules have text keys, and writing to memory does not fail")
}

/// BLAKE3 over the content of a ruleset. Written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RulesetHash(pub [u8; 32]);

impl RulesetHash {
    /// The first 12 hexadecimal digits.
    #[must_use]
    pub fn short(&self) -> String {
        let mut text = self.to_string();
        text.truncate(12);
        text
    }
}

impl fmt::Display for RulesetHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for RulesetHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
