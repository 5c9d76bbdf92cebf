//! What to generate.

use model::{Millis, Topic};

use crate::SourceError;

/// What to generate. Equal configurations give equal records, byte for byte.
///
/// Shares lie in `0.0..=1.0`; they are drawn for each record, in the order of their fields.
#[derive(Clone, Debug, PartialEq)]
pub struct GeneratorConfig {
    /// Where all draws begin.
    pub seed: u64,
    /// Characters that wear equipment and are liked.
    pub characters: u32,
    /// The first so many characters come as whole documents of about 240 KB, with three presets.
    pub documents: u32,
    /// Accounts that like characters.
    pub accounts: u32,
    /// Size of the catalogue of item configurations, which is the same for every seed.
    pub configurations: u32,
    /// Records of `character.equipment`. Every character appears, if there are enough of them.
    pub equipment: u64,
    /// Records of `character.enrich`.
    pub enrich: u64,
    /// Records of `like.toggle`.
    pub likes: u64,
    /// Records of `donation.received`.
    pub donations: u64,
    /// Partitions of all topics but `donation.received`, which has one.
    pub partitions: i32,
    /// Share of records that are rejected, each for one reason.
    pub broken: f64,
    /// Share of records that repeat an earlier one of their topic, byte for byte.
    pub duplicate: f64,
    /// Share of records that come late: older than others of their key, in time and in version.
    pub late: f64,
    /// Share of equipment records that confirm what a character wears, half of them by hash alone.
    pub unchanged: f64,
    /// Share of enrich records that give a character another name.
    pub renamed: f64,
    /// Share of likes that take an earlier like back.
    pub unlike: f64,
    /// Share of likes that do not name the wanted state.
    pub bare_toggle: f64,
    /// Share of keys whose records carry a version.
    pub versioned: f64,
    /// Draws of which the smallest is the liked character: 1 likes all alike, more the first ones.
    pub popularity: u32,
    /// Timestamp of the first record.
    pub start: Millis,
    /// Records of all topics in a second of timestamps.
    pub records_per_second: u32,
}

impl Default for GeneratorConfig {
    fn default() -> Self {
        Self {
            seed: 1,
            characters: 1_000,
            documents: 0,
            accounts: 100_000,
            configurations: 20_000,
            equipment: 2_000,
            enrich: 0,
            likes: 20_000,
            donations: 0,
            partitions: 3,
            broken: 0.01,
            duplicate: 0.02,
            late: 0.01,
            unchanged: 0.2,
            renamed: 0.1,
            unlike: 0.05,
            bare_toggle: 0.1,
            versioned: 0.5,
            popularity: 2,
            // 2026-01-01T00:00:00Z
            start: Millis(1_767_225_600_000),
            records_per_second: 5_000,
        }
    }
}

impl GeneratorConfig {
    /// Number of records of a topic.
    #[must_use]
    pub fn records(&self, topic: Topic) -> u64 {
        match topic {
            Topic::Equipment => self.equipment,
            Topic::Enrich => self.enrich,
            Topic::Likes => self.likes,
            Topic::Donations => self.donations,
        }
    }

    /// Number of partitions of a topic.
    #[must_use]
    pub fn partitions(&self, topic: Topic) -> i32 {
        match topic {
            Topic::Equipment | Topic::Enrich | Topic::Likes => self.partitions,
            Topic::Donations => 1,
        }
    }

    /// Names the first field that makes no sense.
    pub(super) fn check(&self) -> Result<(), SourceError> {
        let shares = [
            ("broken", self.broken),
            ("duplicate", self.duplicate),
            ("late", self.late),
            ("unchanged", self.unchanged),
            ("renamed", self.renamed),
            ("unlike", self.unlike),
            ("bare_toggle", self.bare_toggle),
            ("versioned", self.versioned),
        ];
        let wrong_share = shares
            .iter()
            .find(|(_, share)| !(0.0..=1.0).contains(share));
        let problem = if let Some((name, share)) = wrong_share {
            format!("{name} is {share}, a share lies in 0..=1")
        } else if self.characters == 0 || self.accounts == 0 {
            "characters and accounts must be at least 1".to_owned()
        } else if self.configurations < super::catalogue::CONFIGURATIONS_MIN {
            format!(
                "configurations must be at least {}",
                super::catalogue::CONFIGURATIONS_MIN
            )
        } else if self.partitions < 1 || self.popularity == 0 || self.records_per_second == 0 {
            "partitions, popularity and records_per_second must be at least 1".to_owned()
        } else {
            return Ok(());
        };
        Err(SourceError::Generator { problem })
    }
}
