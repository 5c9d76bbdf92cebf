//! Records made up from a seed, and the right answer to them.
//!
//! [`Generator`] makes records of all topics, mixed, in the order of their timestamps; for each it
//! knows what it says, as a [`Fact`]. [`Oracle`] takes the facts, never the bytes, and says what must
//! come out: one pass, plain maps, no code shared with admission or the graphs.

mod broken;
mod catalogue;
mod config;
mod document;
mod draw;
mod fact;
mod kinds;
mod options;
mod oracle;
mod outfit;
mod output;
mod partitioner;
mod recent;
mod render;

use std::collections::BTreeMap;

use model::{Millis, PartitionId, RawRecord, Topic};

use self::broken::Break;
use self::document::DocumentTemplate;
use self::draw::{Draw, Share};
use self::outfit::Wardrobe;
use self::recent::Recent;
use self::render::Envelope;
use crate::SourceError;

pub use self::catalogue::Catalogue;
pub use self::config::GeneratorConfig;
pub use self::fact::{Body, Fact};
pub use self::oracle::{Oracle, Outcomes};
pub use self::outfit::{Names, Outfit};
pub use self::output::{
    FileSet, Generated, into_files, into_files_while, into_kafka, into_kafka_while,
};

/// How late an event may be seen after it occurred, in milliseconds.
const DELAY_MILLIS: u64 = 50;
/// How much older late records are, in milliseconds.
const LATENESS_MILLIS: u64 = 3_600_000;

/// Makes records. Equal configurations give equal records.
pub struct Generator {
    config: GeneratorConfig,
    shares: Shares,
    wardrobe: Wardrobe,
    draw: Draw,
    /// Records still to be made, by topic.
    left: BTreeMap<Topic, u64>,
    /// Next offset of every partition.
    next_offsets: BTreeMap<PartitionId, i64>,
    recent: BTreeMap<Topic, Recent>,
    made: u64,
    events: u64,
    /// Characters that have appeared.
    introduced: u32,
    /// Highest revision of every character, and the one told last.
    revisions: Vec<(u32, u32)>,
    renames: Vec<u32>,
    key: Vec<u8>,
    value: Vec<u8>,
}

/// One record and what it says.
#[derive(Clone, Copy, Debug)]
pub struct GeneratedRecord<'a> {
    /// Where it belongs.
    pub partition: PartitionId,
    /// The record, with the offset that it has in a topic that was empty before.
    pub record: RawRecord<'a>,
    /// What it says.
    pub fact: Fact,
}

struct Shares {
    broken: Share,
    duplicate: Share,
    late: Share,
    unchanged: Share,
    renamed: Share,
    unlike: Share,
    bare_toggle: Share,
    versioned: Share,
}

impl Generator {
    /// A generator at its first record. Makes the catalogue, which takes some milliseconds.
    pub fn new(config: GeneratorConfig) -> Result<Self, SourceError> {
        config.check()?;
        let topics = Topic::ALL.into_iter();
        Ok(Self {
            shares: Shares {
                broken: Share::new(config.broken),
                duplicate: Share::new(config.duplicate),
                late: Share::new(config.late),
                unchanged: Share::new(config.unchanged),
                renamed: Share::new(config.renamed),
                unlike: Share::new(config.unlike),
                bare_toggle: Share::new(config.bare_toggle),
                versioned: Share::new(config.versioned),
            },
            wardrobe: Wardrobe {
                names: Names { seed: config.seed },
                catalogue: Catalogue::new(config.configurations),
                template: DocumentTemplate::new()?,
                documents: config.documents,
            },
            draw: Draw::new(config.seed),
            left: topics
                .clone()
                .map(|topic| (topic, config.records(topic)))
                .collect(),
            next_offsets: BTreeMap::new(),
            recent: topics.map(|topic| (topic, Recent::default())).collect(),
            made: 0,
            events: 0,
            introduced: 0,
            revisions: vec![(0, 0); config.characters as usize],
            renames: vec![0; config.characters as usize],
            key: Vec::new(),
            value: Vec::new(),
            config,
        })
    }

    /// The names of characters and accounts.
    #[must_use]
    pub fn names(&self) -> Names {
        self.wardrobe.names
    }

    /// The configurations that characters wear.
    #[must_use]
    pub fn catalogue(&self) -> &Catalogue {
        &self.wardrobe.catalogue
    }

    /// What a character wears at a revision.
    #[must_use]
    pub fn outfit(&self, character: u32, revision: u32) -> Outfit {
        self.wardrobe.outfit(character, revision)
    }

    /// The next record, until all were made.
    #[expect(
        clippy::should_implement_trait,
        reason = "the record borrows from the generator, which an Iterator cannot express"
    )]
    pub fn next(&mut self) -> Option<GeneratedRecord<'_>> {
        let topic = self.next_topic()?;
        let timestamp = self.tick();
        self.value.clear();
        self.key.clear();
        let (fact, has_value) = self.make(topic, timestamp);
        let partition = PartitionId {
            topic,
            partition: partitioner::partition_of(&self.key, self.config.partitions(topic)),
        };
        let next_offset = self.next_offsets.entry(partition).or_default();
        let offset = *next_offset;
        *next_offset += 1;
        Some(GeneratedRecord {
            partition,
            record: RawRecord {
                key: Some(&self.key),
                value: has_value.then_some(&*self.value),
                timestamp_millis: timestamp,
                offset,
                replays: None,
            },
            fact,
        })
    }

    /// A topic, each as likely as it has records left.
    fn next_topic(&mut self) -> Option<Topic> {
        let left: u64 = self.left.values().sum();
        if left == 0 {
            return None;
        }
        let mut drawn = self.draw.below(left);
        for (&topic, left) in &mut self.left {
            if drawn < *left {
                *left -= 1;
                return Some(topic);
            }
            drawn -= *left;
        }
        unreachable!("what is drawn lies below the sum")
    }

    fn tick(&mut self) -> Millis {
        let millis = self.made * 1_000 / u64::from(self.config.records_per_second);
        self.made += 1;
        Millis(self.config.start.0 + millis as i64)
    }

    /// Writes key and value; returns what they say and whether there is a value.
    fn make(&mut self, topic: Topic, timestamp: Millis) -> (Fact, bool) {
        let occurred_at = Millis(timestamp.0 - self.draw.below(DELAY_MILLIS) as i64);
        // Towards the end the characters that did not appear yet have precedence.
        let must_introduce = topic == Topic::Equipment
            && self.left[&topic] < u64::from(self.config.characters - self.introduced);
        if !must_introduce {
            if self.draw.happens(self.shares.broken) {
                return self.make_broken(topic, occurred_at);
            }
            if self.draw.happens(self.shares.duplicate)
                && let Some((fact, occurred_at)) = self.recent[&topic].pick(&mut self.draw)
            {
                self.render(&fact, occurred_at);
                return (fact, true);
            }
            if self.draw.happens(self.shares.late)
                && let Some((fact, _)) = self.recent[&topic].pick(&mut self.draw)
            {
                let fact = self.made_late(fact);
                let lateness = 1_000 + self.draw.below(LATENESS_MILLIS) as i64;
                self.render(&fact, Millis(occurred_at.0 - lateness));
                return (fact, true);
            }
        }
        let fact = match topic {
            Topic::Equipment => self.equipment(must_introduce),
            Topic::Enrich => self.enrich(),
            Topic::Likes => self.like(),
            Topic::Donations => self.donation(),
        };
        self.render(&fact, occurred_at);
        if let Some(recent) = self.recent.get_mut(&topic) {
            recent.remember(fact, occurred_at);
        }
        (fact, true)
    }

    fn render(&mut self, fact: &Fact, occurred_at: Millis) {
        let envelope = Envelope::of(fact, occurred_at, &self.wardrobe);
        self.key.extend_from_slice(&envelope.aggregate_id);
        envelope.render(&mut self.value);
    }

    fn make_broken(&mut self, topic: Topic, occurred_at: Millis) -> (Fact, bool) {
        let event = self.new_event();
        let character = self.draw.below(self.config.characters.into()) as u32;
        if topic == Topic::Equipment && self.draw.below(4) == 0 {
            // Whole, but it confirms what nobody ever wore.
            let fact = Fact::Equipment {
                character,
                event,
                version: None,
                revision: u32::MAX,
                body: Body::Confirmation,
            };
            self.render(&fact, occurred_at);
            return (fact, true);
        }
        let way = Break::draw(topic, &mut self.draw);
        let whole = match topic {
            Topic::Equipment => Fact::Equipment {
                character,
                event,
                version: None,
                revision: 0,
                body: Body::Snapshot,
            },
            Topic::Enrich => Fact::Enrich {
                character,
                event,
                version: None,
                renames: 0,
            },
            Topic::Likes => Fact::Like {
                account: 0,
                target: character,
                event,
                version: None,
                wanted: None,
            },
            Topic::Donations => Fact::Donation {
                sender: 0,
                request: event,
                receiver: character,
                event,
                amount: 1,
            },
        };
        let envelope = Envelope::of(&whole, occurred_at, &self.wardrobe);
        self.key.extend_from_slice(&envelope.aggregate_id);
        let has_value = way.render(envelope, topic, &mut self.value);
        let reason = way.reason();
        (Fact::Broken { reason }, has_value)
    }

    fn new_event(&mut self) -> u64 {
        self.events += 1;
        self.events
    }

    /// Versions grow with the events, so that they grow for every key.
    fn version(&self, event: u64, key: [u32; 2]) -> Option<u64> {
        let names = self.wardrobe.names;
        names
            .is_versioned(self.shares.versioned, key)
            .then_some(event)
    }

    fn equipment(&mut self, must_introduce: bool) -> Fact {
        let event = self.new_event();
        let all_introduced = self.introduced == self.config.characters;
        let introduce =
            must_introduce || self.introduced == 0 || (!all_introduced && self.draw.below(2) == 0);
        let (character, changed) = if introduce {
            self.introduced += 1;
            (self.introduced - 1, true)
        } else {
            let character = self.draw.below(self.introduced.into()) as u32;
            let unchanged = self.draw.happens(self.shares.unchanged);
            let (highest, told) = &mut self.revisions[character as usize];
            if !unchanged {
                *highest += 1;
                *told = *highest;
            }
            (character, !unchanged)
        };
        let whole = if self.wardrobe.has_document(character) {
            Body::Document
        } else {
            Body::Snapshot
        };
        let by_hash = !changed && self.draw.below(2) == 0;
        Fact::Equipment {
            character,
            event,
            version: self.version(event, [character, 0]),
            revision: self.revisions[character as usize].1,
            body: if by_hash { Body::Confirmation } else { whole },
        }
    }

    fn enrich(&mut self) -> Fact {
        let event = self.new_event();
        let character = self.draw.below(self.config.characters.into()) as u32;
        let renames = &mut self.renames[character as usize];
        if self.draw.happens(self.shares.renamed) {
            *renames += 1;
        }
        Fact::Enrich {
            character,
            event,
            renames: *renames,
            version: self.version(event, [character, 0]),
        }
    }

    fn like(&mut self) -> Fact {
        let event = self.new_event();
        if self.draw.happens(self.shares.unlike)
            && let Some((
                Fact::Like {
                    account, target, ..
                },
                _,
            )) = self.recent[&Topic::Likes].pick(&mut self.draw)
        {
            return Fact::Like {
                account,
                target,
                event,
                version: self.version(event, [account, target]),
                wanted: Some(false),
            };
        }
        let account = self.draw.below(self.config.accounts.into()) as u32;
        let characters = u64::from(self.config.characters);
        let draws = (0..self.config.popularity).map(|_| self.draw.below(characters) as u32);
        let target = draws.min().unwrap_or(0);
        let bare = self.draw.happens(self.shares.bare_toggle);
        Fact::Like {
            account,
            target,
            event,
            version: self.version(event, [account, target]),
            wanted: (!bare).then_some(true),
        }
    }

    fn donation(&mut self) -> Fact {
        let event = self.new_event();
        Fact::Donation {
            sender: self.draw.below(self.config.accounts.into()) as u32,
            request: event,
            receiver: self.draw.below(self.config.characters.into()) as u32,
            event,
            amount: 1 + self.draw.below(1_000_000),
        }
    }

    /// A new event that is older than `fact` was.
    fn made_late(&mut self, fact: Fact) -> Fact {
        let event = self.new_event();
        let older = |version: Option<u64>| version.map(|version| version.saturating_sub(1));
        match fact {
            Fact::Equipment {
                character,
                version,
                revision,
                ..
            } => {
                let revision = revision.saturating_sub(1);
                if version.is_none() {
                    // Without a version nothing says that it is late: it becomes what is worn.
                    self.revisions[character as usize].1 = revision;
                }
                Fact::Equipment {
                    character,
                    event,
                    version: older(version),
                    revision,
                    body: if self.wardrobe.has_document(character) {
                        Body::Document
                    } else {
                        Body::Snapshot
                    },
                }
            }
            Fact::Enrich {
                character,
                version,
                renames,
                ..
            } => Fact::Enrich {
                character,
                event,
                version: older(version),
                renames: renames.saturating_sub(1),
            },
            Fact::Like {
                account,
                target,
                version,
                wanted,
                ..
            } => Fact::Like {
                account,
                target,
                event,
                version: older(version),
                wanted: wanted.map(|wanted| !wanted),
            },
            Fact::Donation {
                sender,
                request,
                receiver,
                amount,
                ..
            } => Fact::Donation {
                sender,
                request,
                receiver,
                event,
                amount,
            },
            broken @ Fact::Broken { .. } => broken,
        }
    }
}

impl std::fmt::Debug for Generator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Generator")
            .field("config", &self.config)
            .field("made", &self.made)
            .finish_non_exhaustive()
    }
}
