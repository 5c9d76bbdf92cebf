//! The right answer, from what was generated: one pass over the facts, plain maps.

use std::collections::{BTreeMap, HashMap, HashSet};

use model::{Millis, PartitionId};

use super::fact::{Body, Fact};

/// How many records of a partition became what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// Accepted, and now the state of their key.
    pub applied: u64,
    /// Confirmed what was known.
    pub unchanged: u64,
    /// Had the id of a record that was accepted before.
    pub duplicate: u64,
    /// Were older than a record that was accepted before.
    pub superseded: u64,
    /// Rejected, by reason.
    pub rejected: BTreeMap<&'static str, u64>,
}

impl Outcomes {
    /// All records.
    #[must_use]
    pub fn read(&self) -> u64 {
        let rejected: u64 = self.rejected.values().sum();
        self.applied + self.unchanged + self.duplicate + self.superseded + rejected
    }
}

/// Says what must become of generated records. Feed it all records, those of a partition in order.
#[derive(Debug)]
pub struct Oracle {
    dedup_horizon_millis: i64,
    outcomes: BTreeMap<PartitionId, Outcomes>,
    /// The running maximum of the timestamps of a partition.
    latest: BTreeMap<PartitionId, i64>,
    /// When an event was accepted, and for which key.
    accepted: HashMap<(Key, u64), i64>,
    versions: HashMap<Key, u64>,
    /// The revision that each character wears.
    worn: BTreeMap<u32, u32>,
    /// How often each character was renamed, by the record that counts.
    renames: BTreeMap<u32, u32>,
    /// Pairs of account and liked character.
    liking: HashSet<(u32, u32)>,
    likes: BTreeMap<u32, u64>,
}

/// What a record is about, in one topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key {
    Equipment(u32),
    Enrich(u32),
    Like(u32, u32),
    Donation(u32, u64),
}

impl Oracle {
    /// An oracle that has seen nothing.
    ///
    /// - `dedup_horizon_millis`: how long an event's id counts, in the records' timestamps. For a
    ///   topic that replaces timestamps by the time of appending, `i64::MAX`, as all records are
    ///   appended within any horizon.
    #[must_use]
    pub fn new(dedup_horizon_millis: i64) -> Self {
        Self {
            dedup_horizon_millis,
            outcomes: BTreeMap::new(),
            latest: BTreeMap::new(),
            accepted: HashMap::new(),
            versions: HashMap::new(),
            worn: BTreeMap::new(),
            renames: BTreeMap::new(),
            liking: HashSet::new(),
            likes: BTreeMap::new(),
        }
    }

    /// Takes the next record of a partition.
    pub fn see(&mut self, partition: PartitionId, timestamp: Millis, fact: &Fact) {
        let latest = self.latest.entry(partition).or_insert(i64::MIN);
        *latest = (*latest).max(timestamp.0);
        let latest = *latest;
        let outcomes = self.outcomes.entry(partition).or_default();
        let (key, event, version) = match *fact {
            Fact::Broken { reason } => {
                *outcomes.rejected.entry(reason).or_default() += 1;
                return;
            }
            Fact::Equipment {
                character,
                event,
                version,
                ..
            } => (Key::Equipment(character), event, version),
            Fact::Enrich {
                character,
                event,
                version,
                ..
            } => (Key::Enrich(character), event, version),
            Fact::Like {
                account,
                target,
                event,
                version,
                ..
            } => (Key::Like(account, target), event, version),
            Fact::Donation {
                sender,
                request,
                event,
                ..
            } => (Key::Donation(sender, request), event, None),
        };
        if let Some(&accepted) = self.accepted.get(&(key, event))
            && latest.saturating_sub(accepted) <= self.dedup_horizon_millis
        {
            outcomes.duplicate += 1;
            return;
        }
        if let (Some(version), Some(&highest)) = (version, self.versions.get(&key))
            && version <= highest
        {
            outcomes.superseded += 1;
            return;
        }
        if let Fact::Equipment {
            character,
            revision,
            body,
            ..
        } = *fact
        {
            if self.worn.get(&character) == Some(&revision) {
                outcomes.unchanged += 1;
            } else if body == Body::Confirmation {
                *outcomes.rejected.entry("EQUIPMENT_MISSING").or_default() += 1;
                return;
            } else {
                outcomes.applied += 1;
                self.worn.insert(character, revision);
            }
        } else {
            outcomes.applied += 1;
        }
        self.accepted.insert((key, event), timestamp.0);
        if let Some(version) = version {
            self.versions.insert(key, version);
        }
        match *fact {
            Fact::Enrich {
                character, renames, ..
            } => {
                self.renames.insert(character, renames);
            }
            Fact::Like {
                account,
                target,
                wanted,
                ..
            } => self.like(account, target, wanted),
            Fact::Broken { .. } | Fact::Equipment { .. } | Fact::Donation { .. } => {}
        }
    }

    fn like(&mut self, account: u32, target: u32, wanted: Option<bool>) {
        let pair = (account, target);
        let was = self.liking.contains(&pair);
        match (was, wanted.unwrap_or(!was)) {
            (false, true) => {
                self.liking.insert(pair);
                *self.likes.entry(target).or_default() += 1;
            }
            (true, false) => {
                self.liking.remove(&pair);
                let count = self.likes.entry(target).or_default();
                *count -= 1;
                if *count == 0 {
                    self.likes.remove(&target);
                }
            }
            (false, false) | (true, true) => {}
        }
    }

    /// What became of the records, by partition.
    #[must_use]
    pub fn outcomes(&self) -> &BTreeMap<PartitionId, Outcomes> {
        &self.outcomes
    }

    /// For every character that is known the revision that it wears; what that is, says
    /// [`Generator::outfit`](super::Generator::outfit).
    #[must_use]
    pub fn worn(&self) -> &BTreeMap<u32, u32> {
        &self.worn
    }

    /// For every character that was described how often it was renamed.
    #[must_use]
    pub fn renames(&self) -> &BTreeMap<u32, u32> {
        &self.renames
    }

    /// The pairs of an account and a character that it likes.
    #[must_use]
    pub fn pairs(&self) -> &HashSet<(u32, u32)> {
        &self.liking
    }

    /// The likes of every character that has any.
    #[must_use]
    pub fn likes(&self) -> &BTreeMap<u32, u64> {
        &self.likes
    }
}
