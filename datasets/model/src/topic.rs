//! The input topics and their partitions.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An input topic by what it carries. The name on the broker is configuration; this is the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Topic {
    /// Equipment changes, keyed by ocid.
    #[serde(rename = "character.equipment")]
    Equipment,
    /// Name, world, class, level, guild, keyed by ocid.
    #[serde(rename = "character.enrich")]
    Enrich,
    /// Like toggles, keyed by target ocid.
    #[serde(rename = "like.toggle")]
    Likes,
    /// Money in, keyed by receiver.
    #[serde(rename = "donation.received")]
    Donations,
}

impl Topic {
    /// All topics.
    pub const ALL: [Self; 4] = [Self::Equipment, Self::Enrich, Self::Likes, Self::Donations];

    /// The default name on the broker, and the name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Equipment => "character.equipment",
            Self::Enrich => "character.enrich",
            Self::Likes => "like.toggle",
            Self::Donations => "donation.received",
        }
    }

    /// The topic of that default name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.name() == name)
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One partition of an input topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PartitionId {
    /// The topic.
    pub topic: Topic,
    /// The number of the partition, from 0.
    pub partition: i32,
}

impl fmt::Display for PartitionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.topic, self.partition)
    }
}
