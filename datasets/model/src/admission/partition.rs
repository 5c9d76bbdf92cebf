//! The state machine of one partition: record and state go in, an outcome and a change come out.

use rustc_hash::FxHashMap;

use crate::event::{
    DonationPayload, EnrichPayload, Equipment, EquipmentPayload, Event, LikePayload, Payload,
};
use crate::record::REPLAYS_HEADER;
use crate::{EventId, Millis, RawRecord, Reason, Rejection, Topic};

use super::admitted::{Admitted, Key, Rejected, RowOf};
use super::change::{DonationChange, EnrichChange, EquipmentChange, KEY_SEPARATOR, LikeChange};
use super::head::Head;
use super::ids::Ids;
use super::keys::{Pairs, Slot, Texts};
use super::newest::Newest;
use super::{AdmissionSettings, Outcome, RowKind};

/// What is known of one partition: per key the highest version, the place of the newest accepted record and what its
/// topic needs, and the event ids that count as accepted still.
///
/// A pure function of the partition's records so far, in the order of their offsets.
#[derive(Debug)]
pub struct Partition {
    pub(super) topic: Topic,
    pub(super) ids: Ids,
    /// The highest version accepted, for keys that had one.
    pub(super) versions: FxHashMap<Slot, i64>,
    pub(super) keys: Keys,
    /// The newest accepted record of each key.
    pub(super) newest: Vec<Newest>,
    /// The running maximum that a row tells already.
    pub(super) told_max: Millis,
    /// The newest record.
    pub(super) last_offset: i64,
}

/// The keys of a partition, by topic.
#[derive(Debug)]
pub(super) enum Keys {
    /// Characters, each with the hash of its current document.
    Equipment {
        ocids: Texts,
        hashes: Vec<Option<Box<str>>>,
    },
    Enrich {
        ocids: Texts,
    },
    /// Targets with accounts.
    Likes {
        pairs: Pairs,
    },
    /// Senders with request ids.
    Donations {
        pairs: Pairs,
    },
}

/// What an event brings beside its payload.
#[derive(Clone, Copy)]
struct Arrival {
    event_id: EventId,
    occurred_at: Millis,
    version: Option<i64>,
    timestamp: Millis,
    offset: i64,
    replays: Option<i64>,
}

impl Arrival {
    /// Where among the records of its key it counts.
    fn place(&self) -> i64 {
        self.replays.unwrap_or(self.offset)
    }

    fn row(&self) -> RowOf {
        RowOf {
            event_id: Some(self.event_id),
            timestamp_millis: self.timestamp,
            offset: self.offset,
        }
    }

    fn head(&self) -> RowOf {
        RowOf {
            event_id: None,
            ..self.row()
        }
    }
}

impl Partition {
    /// A partition of which nothing was read.
    #[must_use]
    pub fn new(topic: Topic, settings: AdmissionSettings) -> Self {
        let keys = match topic {
            Topic::Equipment => Keys::Equipment {
                ocids: Texts::default(),
                hashes: Vec::new(),
            },
            Topic::Enrich => Keys::Enrich {
                ocids: Texts::default(),
            },
            Topic::Likes => Keys::Likes {
                pairs: Pairs::default(),
            },
            Topic::Donations => Keys::Donations {
                pairs: Pairs::default(),
            },
        };
        Self {
            topic,
            ids: Ids::new(settings),
            versions: FxHashMap::default(),
            keys,
            newest: Vec::new(),
            told_max: Millis(i64::MIN),
            last_offset: -1,
        }
    }

    /// The topic that the partition is of.
    #[must_use]
    pub fn topic(&self) -> Topic {
        self.topic
    }

    /// Number of keys that are known.
    #[must_use]
    pub fn keys(&self) -> usize {
        match &self.keys {
            Keys::Equipment { ocids, .. } | Keys::Enrich { ocids } => ocids.len(),
            Keys::Likes { pairs } | Keys::Donations { pairs } => pairs.len(),
        }
    }

    /// Number of event ids that are remembered.
    #[must_use]
    pub fn ids(&self) -> usize {
        self.ids.len()
    }

    /// How much later than an accepted record its event id is surely known still, in milliseconds: the
    /// configured horizon, or less after ids were forgotten for want of room.
    #[must_use]
    pub fn horizon_in_effect_millis(&self) -> i64 {
        self.ids.horizon_in_effect_millis()
    }

    /// Decides what becomes of the partition's next record, and adds to `out` what it changed.
    pub fn admit(&mut self, record: &RawRecord<'_>, out: &mut Admitted) -> Outcome {
        self.ids.advance(record.timestamp_millis);
        self.last_offset = record.offset;
        let keys = &self.keys;
        let outcome = Event::read(self.topic, record, |ocid, hash| keys.is_current(ocid, hash))
            .and_then(|event| self.accept(event, record, out))
            .unwrap_or_else(|rejection| {
                out.reject(Rejected {
                    rejection,
                    key: record.key.map(Box::from),
                    value: record.value.map(Box::from),
                    timestamp_millis: record.timestamp_millis,
                    offset: record.offset,
                });
                Outcome::Rejected
            });
        out.count(outcome);
        outcome
    }

    /// Ends a batch: adds the partition's own head to `out` if the running maximum timestamp grew.
    pub fn close_batch(&mut self, out: &mut Admitted) {
        let running_max = self.ids.running_max();
        if running_max > self.told_max {
            self.told_max = running_max;
            let of = RowOf {
                event_id: None,
                timestamp_millis: running_max,
                offset: self.last_offset,
            };
            let key = out.put_key(|_| ());
            out.push_row(RowKind::Head, key, of, |bytes| Head::default().put(bytes));
        }
    }

    fn accept(
        &mut self,
        event: Event<'_>,
        record: &RawRecord<'_>,
        out: &mut Admitted,
    ) -> Result<Outcome, Rejection> {
        let arrival = Arrival {
            event_id: event.event_id,
            occurred_at: event.occurred_at,
            version: event.version,
            timestamp: record.timestamp_millis,
            offset: record.offset,
            replays: record.replays,
        };
        if arrival
            .replays
            .is_some_and(|place| !(0..arrival.offset).contains(&place))
        {
            return Err(Rejection {
                reason: Reason::InvalidField,
                path: REPLAYS_HEADER.to_owned(),
                expected: "the offset of an earlier record of the partition".into(),
            });
        }
        match event.payload {
            Payload::Equipment(payload) => self.equipment(&payload, arrival, out),
            Payload::Enrich(payload) => Ok(self.enrich(&payload, arrival, out)),
            Payload::Like(payload) => Ok(self.like(&payload, arrival, out)),
            Payload::Donation(payload) => Ok(self.donation(&payload, arrival, out)),
        }
    }

    fn equipment(
        &mut self,
        payload: &EquipmentPayload<'_>,
        arrival: Arrival,
        out: &mut Admitted,
    ) -> Result<Outcome, Rejection> {
        let known = self.keys.equipment().0.find(payload.ocid.as_bytes());
        if let Some(outcome) = self.seen_before(known, arrival) {
            return Ok(outcome);
        }
        let (_, hashes) = self.keys.equipment();
        let current = known.and_then(|slot| hashes[slot as usize].as_deref());
        let is_current = current == Some(&*payload.hash);
        let (slot, key) = match (&payload.equipment, known) {
            (_, Some(slot)) if is_current => {
                let key = out.put_key(|bytes| bytes.extend_from_slice(payload.ocid.as_bytes()));
                out.push_bare(RowKind::Id, 1, key, arrival.row());
                (slot, key)
            }
            (Equipment::Snapshot(snapshot), _) => {
                let (ocids, hashes) = self.keys.equipment_mut();
                let slot = ocids.intern(payload.ocid.as_bytes());
                hashes.resize(ocids.len(), None);
                hashes[slot as usize] = Some(Box::from(&*payload.hash));
                let change = EquipmentChange {
                    ocid: &payload.ocid,
                    occurred_at: arrival.occurred_at,
                    snapshot,
                };
                let key = out.put_key(|bytes| bytes.extend_from_slice(payload.ocid.as_bytes()));
                out.push_row(RowKind::Row, key, arrival.row(), |bytes| {
                    change.put_value(bytes)
                });
                (slot, key)
            }
            (Equipment::Confirmation | Equipment::Skipped, _) => {
                return Err(Rejection {
                    reason: Reason::EquipmentMissing,
                    path: "payload.equipmentHash".to_owned(),
                    expected: "the hash of the character's latest accepted equipment".into(),
                });
            }
        };
        let head = Some(&*payload.hash);
        self.remember(slot, key, arrival, head, !is_current, out);
        Ok(if is_current {
            Outcome::Unchanged
        } else {
            Outcome::Applied
        })
    }

    fn enrich(
        &mut self,
        payload: &EnrichPayload<'_>,
        arrival: Arrival,
        out: &mut Admitted,
    ) -> Outcome {
        let Keys::Enrich { ocids } = &mut self.keys else {
            unreachable!("the payload is of the partition's topic")
        };
        let known = ocids.find(payload.ocid.as_bytes());
        if let Some(outcome) = self.seen_before(known, arrival) {
            return outcome;
        }
        let Keys::Enrich { ocids } = &mut self.keys else {
            unreachable!("the payload is of the partition's topic")
        };
        let slot = ocids.intern(payload.ocid.as_bytes());
        let change = EnrichChange {
            ocid: &payload.ocid,
            occurred_at: arrival.occurred_at,
            name: &payload.name,
            world: &payload.world,
            class: &payload.class,
            level: payload.level,
            guild: payload.guild.as_deref(),
        };
        let key = out.put_key(|bytes| bytes.extend_from_slice(payload.ocid.as_bytes()));
        out.push_row(RowKind::Row, key, arrival.row(), |bytes| {
            change.put_value(bytes)
        });
        self.remember(slot, key, arrival, None, false, out);
        Outcome::Applied
    }

    fn like(&mut self, payload: &LikePayload<'_>, arrival: Arrival, out: &mut Admitted) -> Outcome {
        let (target, account) = (
            payload.target_ocid.as_bytes(),
            payload.liker_account_id.as_bytes(),
        );
        let known = self.keys.pairs().find(target, account);
        if let Some(outcome) = self.seen_before(known, arrival) {
            return outcome;
        }
        let Keys::Likes { pairs } = &mut self.keys else {
            unreachable!("the payload is of the partition's topic")
        };
        let slot = known.unwrap_or_else(|| pairs.intern(target, account));
        let newest = self.newest_of(slot);
        let was_liked = newest.is_liked();
        let is_liked = payload.liked.unwrap_or(!was_liked);
        *newest = newest.liked(is_liked);
        let key = put_pair(out, target, account);
        match (was_liked, is_liked) {
            (false, true) => out.push_row(RowKind::Row, key, arrival.row(), |bytes| {
                LikeChange::put_value(arrival.occurred_at, bytes);
            }),
            (true, false) => out.push_bare(RowKind::Row, -1, key, arrival.row()),
            _ => out.push_bare(RowKind::Id, 1, key, arrival.row()),
        }
        self.remember(slot, key, arrival, None, false, out);
        Outcome::Applied
    }

    fn donation(
        &mut self,
        payload: &DonationPayload<'_>,
        arrival: Arrival,
        out: &mut Admitted,
    ) -> Outcome {
        let (sender, request) = (payload.sender_id.as_bytes(), payload.request_id.as_bytes());
        let known = self.keys.pairs().find(sender, request);
        if let Some(outcome) = self.seen_before(known, arrival) {
            return outcome;
        }
        let Keys::Donations { pairs } = &mut self.keys else {
            unreachable!("the payload is of the partition's topic")
        };
        let slot = pairs.intern(sender, request);
        let change = DonationChange {
            sender: &payload.sender_id,
            request: &payload.request_id,
            occurred_at: arrival.occurred_at,
            receiver: &payload.receiver_id,
            amount: payload.amount,
            reverses: payload.reverses.as_deref(),
        };
        let key = put_pair(out, sender, request);
        out.push_row(RowKind::Row, key, arrival.row(), |bytes| {
            change.put_value(bytes)
        });
        self.remember(slot, key, arrival, None, false, out);
        Outcome::Applied
    }

    /// Duplicate or superseded, if the event is one of these for its key.
    fn seen_before(&self, known: Option<Slot>, arrival: Arrival) -> Option<Outcome> {
        let slot = known?;
        if self.ids.contains(arrival.event_id, slot) {
            return Some(Outcome::Duplicate);
        }
        let is_older = |version| {
            let highest = self.versions.get(&slot);
            highest.is_some_and(|&highest| version <= highest)
        };
        let is_overtaken = |place| self.newest[slot as usize].place() >= Some(place);
        (arrival.version.is_some_and(is_older) || arrival.replays.is_some_and(is_overtaken))
            .then_some(Outcome::Superseded)
    }

    /// What is known of the newest accepted record of a key.
    #[inline]
    fn newest_of(&mut self, slot: Slot) -> &mut Newest {
        let slot = slot as usize;
        if slot >= self.newest.len() {
            self.newest.resize(slot + 1, Newest::default());
        }
        &mut self.newest[slot]
    }

    /// Keeps the id, version and place of an accepted event, and tells a new head of its key.
    fn remember(
        &mut self,
        slot: Slot,
        key: Key,
        arrival: Arrival,
        hash: Option<&str>,
        is_new_hash: bool,
        out: &mut Admitted,
    ) {
        if let Some(version) = arrival.version {
            self.versions.insert(slot, version);
        }
        let newest = self.newest_of(slot);
        *newest = newest.at(arrival.place());
        if is_new_hash || arrival.version.is_some() || arrival.replays.is_some() {
            let version = self.versions.get(&slot).copied();
            let head = Head {
                version,
                hash,
                place: arrival.replays,
            };
            out.push_row(RowKind::Head, key, arrival.head(), |bytes| head.put(bytes));
        }
        self.ids
            .insert(arrival.event_id, slot, arrival.timestamp, arrival.offset);
    }
}

impl Keys {
    fn is_current(&self, ocid: &str, hash: &str) -> bool {
        let Self::Equipment { ocids, hashes } = self else {
            return false;
        };
        ocids
            .find(ocid.as_bytes())
            .is_some_and(|slot| hashes[slot as usize].as_deref() == Some(hash))
    }

    fn equipment(&self) -> (&Texts, &[Option<Box<str>>]) {
        match self {
            Self::Equipment { ocids, hashes } => (ocids, hashes),
            _ => unreachable!("the payload is of the partition's topic"),
        }
    }

    fn equipment_mut(&mut self) -> (&mut Texts, &mut Vec<Option<Box<str>>>) {
        match self {
            Self::Equipment { ocids, hashes } => (ocids, hashes),
            _ => unreachable!("the payload is of the partition's topic"),
        }
    }

    fn pairs(&self) -> &Pairs {
        match self {
            Self::Likes { pairs } | Self::Donations { pairs } => pairs,
            _ => unreachable!("the payload is of the partition's topic"),
        }
    }
}

fn put_pair(out: &mut Admitted, first: &[u8], second: &[u8]) -> Key {
    out.put_key(|bytes| {
        bytes.extend_from_slice(first);
        bytes.push(KEY_SEPARATOR);
        bytes.extend_from_slice(second);
    })
}
