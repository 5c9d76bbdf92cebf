//! Which part of the odds tables applies to an item.

use serde::{Deserialize, Serialize};

/// A part of the odds tables and the items it applies to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartRule {
    /// The name in the odds tables.
    pub name: String,
    /// The slots (`item_equipment_slot`).
    pub slots: Vec<String>,
    /// What `item_equipment_part` must be.
    pub worn_part: WornPart,
}

/// What `item_equipment_part` must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WornPart {
    /// Anything.
    Any,
    /// A text that contains one of these.
    Contains(Vec<String>),
    /// This text.
    Is(String),
}

impl PartRule {
    /// Whether an item of that slot and worn part is of this part.
    #[must_use]
    pub fn fits(&self, slot: &str, worn_part: &str) -> bool {
        let worn = match &self.worn_part {
            WornPart::Any => true,
            WornPart::Contains(texts) => texts.iter().any(|text| worn_part.contains(text)),
            WornPart::Is(text) => worn_part.trim() == text,
        };
        worn && self.slots.iter().any(|known| known == slot)
    }
}
