//! One message, read and checked: the envelope and the payload of its topic.
//!
//! The first fault in this order counts: size, JSON, envelope members, type and version, key, payload
//! members.

mod payload;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use crate::fields::{id, invalid, missing, optional_integer, optional_text, text};
use crate::instant::parse_instant;
use crate::json::{Checked, Cursor, Members, Value, fault, is_form_fault};
use crate::limits::MESSAGE_BYTES_MAX;
use crate::named::{Named, members};
use crate::reason::{Reason, Rejection};
use crate::{EventId, Millis, RawRecord, Topic};

pub use payload::{
    DonationPayload, EnrichPayload, Equipment, EquipmentPayload, LikePayload, Payload,
};

use payload::{RawPayload, check_forms};

members! {
    /// The members of the envelope, in the order in which they are checked.
    pub(crate) enum EnvelopeMember {
        EventId = "eventId",
        EventType = "eventType",
        OccurredAt = "occurredAt",
        AggregateId = "aggregateId",
        SchemaVersion = "schemaVersion",
        Version = "version",
        Traceparent = "traceparent",
        Payload = "payload",
    }
}

/// What a message says. Texts are borrowed from it unless they have escapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// The identity of the event.
    pub event_id: EventId,
    /// When it happened, by the producer.
    pub occurred_at: Millis,
    /// The key: the ocid, the liked ocid, or the receiver.
    pub aggregate_id: Cow<'a, str>,
    /// The producer's version of the key, if it keeps one; not negative.
    pub version: Option<i64>,
    /// The trace that the event belongs to, as it was sent.
    pub traceparent: Option<Cow<'a, str>>,
    /// What happened.
    pub payload: Payload<'a>,
}

/// The type of event that belongs to a topic.
#[must_use]
pub fn event_type(topic: Topic) -> &'static str {
    match topic {
        Topic::Equipment => "EquipmentUpdated",
        Topic::Enrich => "CharacterEnriched",
        Topic::Likes => "LikeToggled",
        Topic::Donations => "DonationReceived",
    }
}

const AN_EVENT_ID: &str = "a UUID: 8-4-4-4-12 hexadecimal digits";
const AN_INSTANT: &str = "an instant, as 2026-11-24T10:15:30.123Z";
const A_VERSION: &str = "an integer from 0";
const A_PAYLOAD: &str = "an object";

impl<'a> Event<'a> {
    /// Reads the record as a message of `topic`.
    ///
    /// A document whose hash is current, as `is_current(ocid, hash)` says, is skipped by its bounds.
    pub fn read(
        topic: Topic,
        record: &RawRecord<'a>,
        is_current: impl Fn(&str, &str) -> bool,
    ) -> Result<Self, Rejection> {
        let message = Message::read(topic, record).map_err(|fault| *fault)?;
        message
            .check(topic, record.key, &is_current)
            .map_err(|fault| {
                if is_form_fault(&fault) {
                    return *fault;
                }
                // A fault of the JSON counts first, also where it stands in a list or object that was not
                // reached.
                match message.check_form(&is_current) {
                    Err(form) => *form,
                    Ok(()) => *fault,
                }
            })
    }
}

/// A message whose form is right as far as it was looked at.
struct Message<'a> {
    cursor: Cursor<'a>,
    envelope: [Value<'a>; EnvelopeMember::NAMES.len()],
    payload: RawPayload<'a>,
}

impl<'a> Message<'a> {
    #[inline]
    fn read(topic: Topic, record: &RawRecord<'a>) -> Checked<Self> {
        let Some(bytes) = record.value else {
            return Err(missing("a message: this is a tombstone"));
        };
        if bytes.len() > MESSAGE_BYTES_MAX {
            return Err(fault(Reason::TooLarge, "at most 2 MiB"));
        }
        let mut cursor = Cursor::new(bytes)?;
        let mut envelope = [Value::Absent; EnvelopeMember::NAMES.len()];
        let mut payload = RawPayload::Missing;
        let mut members = Members::of(EnvelopeMember::NAMES);
        cursor.enter_object()?;
        while let Some(index) = members.next(&mut cursor)? {
            let member = EnvelopeMember::of(index);
            let read = match member {
                EnvelopeMember::Payload => {
                    RawPayload::read(topic, &mut cursor).map(|raw| payload = raw)
                }
                _ => cursor.value().map(|value| envelope[index] = value),
            };
            member.at(read)?;
        }
        cursor.end()?;
        Ok(Self {
            cursor,
            envelope,
            payload,
        })
    }

    #[inline]
    fn check(
        &self,
        topic: Topic,
        key: Option<&[u8]>,
        is_current: &impl Fn(&str, &str) -> bool,
    ) -> Checked<Event<'a>> {
        use EnvelopeMember as Member;

        let event_id = self.member(Member::EventId, event_id)?;
        let event_type = self.member(Member::EventType, text)?;
        let occurred_at = self.member(Member::OccurredAt, instant)?;
        let aggregate_id = self.member(Member::AggregateId, id)?;
        let is_known_version = self.member(Member::SchemaVersion, is_first_version)?;
        let version = self.member(Member::Version, |value| {
            optional_integer(value, 0..=i64::MAX, A_VERSION)
        })?;
        let traceparent = self.member(Member::Traceparent, optional_text)?;
        let at_payload = |fault: Box<Rejection>| fault.within(Member::Payload.name());
        match self.payload {
            RawPayload::Missing => return Err(at_payload(missing(A_PAYLOAD))),
            RawPayload::NoObject(_) => return Err(at_payload(invalid(A_PAYLOAD))),
            _ => {}
        }
        check_type(topic, &event_type).map_err(|fault| fault.within(Member::EventType.name()))?;
        if !is_known_version {
            return Err(fault(Reason::UnknownVersion, "1").within(Member::SchemaVersion.name()));
        }
        if key.is_some_and(|key| key != aggregate_id.as_bytes()) {
            return Err(
                fault(Reason::KeyMismatch, "the message's key").within(Member::AggregateId.name())
            );
        }
        let payload = self
            .payload
            .check(&self.cursor, &aggregate_id, is_current)
            .map_err(at_payload)?;
        Ok(Event {
            event_id,
            occurred_at,
            aggregate_id,
            version,
            traceparent,
            payload,
        })
    }

    /// Checks the JSON of the lists and objects that were skipped by their bounds.
    #[cold]
    fn check_form(&self, is_current: &impl Fn(&str, &str) -> bool) -> Checked<()> {
        check_forms(EnvelopeMember::ALL, &self.envelope, &self.cursor)?;
        EnvelopeMember::Payload.at(self.payload.check_form(&self.cursor, is_current))
    }

    #[inline(always)]
    fn member<T>(
        &self,
        member: EnvelopeMember,
        read: impl FnOnce(Value<'a>) -> Checked<T>,
    ) -> Checked<T> {
        read(self.envelope[member as usize]).map_err(|fault| fault.within(member.name()))
    }
}

fn event_id(value: Value<'_>) -> Checked<EventId> {
    let text = match value {
        Value::Absent | Value::Null => return Err(missing(AN_EVENT_ID)),
        Value::Text(text) => text.decode(),
        _ => return Err(invalid(AN_EVENT_ID)),
    };
    EventId::parse(text.as_bytes()).ok_or_else(|| invalid(AN_EVENT_ID))
}

fn instant(value: Value<'_>) -> Checked<Millis> {
    let text = match value {
        Value::Absent | Value::Null => return Err(missing(AN_INSTANT)),
        Value::Text(text) => text.decode(),
        _ => return Err(invalid(AN_INSTANT)),
    };
    parse_instant(&text).ok_or_else(|| invalid(AN_INSTANT))
}

/// Whether the schema version is 1, which absent means too. Any other integer is an unknown version.
fn is_first_version(value: Value<'_>) -> Checked<bool> {
    match value {
        Value::Absent | Value::Null | Value::Integer(1) => Ok(true),
        Value::Integer(_) | Value::BigInteger => Ok(false),
        _ => Err(invalid("an integer")),
    }
}

fn check_type(topic: Topic, found: &str) -> Checked<()> {
    if found == event_type(topic) {
        return Ok(());
    }
    let is_another = Topic::ALL
        .into_iter()
        .any(|topic| event_type(topic) == found);
    let reason = if is_another {
        Reason::NotExpected
    } else {
        Reason::UnknownType
    };
    Err(fault(reason, event_type(topic)))
}
