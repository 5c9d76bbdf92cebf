//! What the graph says of a character: the one form that views and tables are made from.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use valuation::{ComponentKind, ComponentValue, Item, Meso};

/// The value of a character's equipment.
#[derive(Clone, Debug, PartialEq)]
pub struct CharacterValuation {
    /// The class of the document.
    pub class: Arc<str>,
    /// The preset that counts: the one with the largest total, the lowest number on a tie; 1 to 3.
    pub preset: u8,
    /// The three presets, in order.
    pub presets: [PresetValuation; 3],
}

impl CharacterValuation {
    /// The preset that counts.
    #[must_use]
    pub fn best(&self) -> &PresetValuation {
        &self.presets[usize::from(self.preset) - 1]
    }
}

/// The value of one preset.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PresetValuation {
    /// Sum over the items, in whole mesos, of the components that have a cost.
    pub cost_mesos: Meso,
    /// Number of components that should be in the sum and have no cost.
    pub missing_parts: u32,
    /// Standard deviation of the cost in mesos.
    pub sd_mesos: f64,
    /// The cost that suffices in 90 of 100 cases, by the stated approximation.
    pub p90_mesos: f64,
    /// The items in the order of the document.
    pub items: Vec<Arc<ItemValuation>>,
}

/// The value of one item configuration, shared by all who wear it.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemValuation {
    /// The item.
    pub item: Item,
    /// Part of the odds tables that applies.
    pub table_part: String,
    /// The six components in the order of `ComponentKind::ALL`.
    pub components: [SharedComponent; 6],
    /// Sum of the components that the ruleset sums, in whole mesos.
    pub cost_mesos: Meso,
    /// Number of components that should be in the sum and have no cost.
    pub missing_parts: u32,
}

/// The value of a component, shared by all items whose component has the same key.
#[derive(Clone)]
pub struct SharedComponent(Arc<Shared>);

struct Shared {
    value: ComponentValue,
    /// What views say of it, once they have said it.
    said: OnceLock<(ComponentKind, Box<str>)>,
}

impl SharedComponent {
    /// What `say` says of the value as a component of this kind; it is asked once.
    pub(crate) fn said_as(
        &self,
        kind: ComponentKind,
        say: impl Fn(ComponentKind, &ComponentValue) -> Box<str>,
    ) -> Cow<'_, str> {
        let Shared { value, said } = &*self.0;
        match said.get_or_init(|| (kind, say(kind, value))) {
            (of_kind, said) if *of_kind == kind => Cow::Borrowed(said),
            // A key has one kind; whoever shares a value otherwise gets the right text all the same.
            _ => Cow::Owned(say(kind, value).into_string()),
        }
    }
}

impl From<ComponentValue> for SharedComponent {
    fn from(value: ComponentValue) -> Self {
        Self(Arc::new(Shared {
            value,
            said: OnceLock::new(),
        }))
    }
}

impl fmt::Debug for SharedComponent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.value.fmt(f)
    }
}

impl Deref for SharedComponent {
    type Target = ComponentValue;

    fn deref(&self) -> &ComponentValue {
        &self.0.value
    }
}

impl Borrow<ComponentValue> for SharedComponent {
    fn borrow(&self) -> &ComponentValue {
        self
    }
}

impl PartialEq for SharedComponent {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || **self == **other
    }
}

impl Serialize for SharedComponent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SharedComponent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        ComponentValue::deserialize(deserializer).map(Self::from)
    }
}
