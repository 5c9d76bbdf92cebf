//! Records that must be rejected, each for exactly one reason.

use model::Topic;

use super::draw::Draw;
use super::render::Envelope;

/// A way to break a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Break {
    Truncated,
    NotUtf8,
    NotJson,
    SomethingAfter,
    MemberTwice,
    Tombstone,
    UnknownType,
    TypeOfAnotherTopic,
    UnknownVersion,
    NoAggregateId,
    EmptyPayload,
    NoUuid,
    NoTime,
    OtherKey,
    TooDeep,
    TooLarge,
    SelfLike,
}

impl Break {
    const ALL: [Self; 17] = [
        Self::Truncated,
        Self::NotUtf8,
        Self::NotJson,
        Self::SomethingAfter,
        Self::MemberTwice,
        Self::Tombstone,
        Self::UnknownType,
        Self::TypeOfAnotherTopic,
        Self::UnknownVersion,
        Self::NoAggregateId,
        Self::EmptyPayload,
        Self::NoUuid,
        Self::NoTime,
        Self::OtherKey,
        Self::TooDeep,
        Self::TooLarge,
        Self::SelfLike,
    ];

    /// A way that suits the topic. Large ones are rare: each has 100 KB.
    pub(super) fn draw(topic: Topic, draw: &mut Draw) -> Self {
        match draw.pick(&Self::ALL) {
            Self::TooLarge if draw.below(8) > 0 => Self::Truncated,
            Self::SelfLike if topic != Topic::Likes => Self::EmptyPayload,
            other => other,
        }
    }

    /// The reason for which the record is rejected.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Truncated
            | Self::NotUtf8
            | Self::NotJson
            | Self::SomethingAfter
            | Self::MemberTwice => "MALFORMED",
            Self::Tombstone | Self::NoAggregateId | Self::EmptyPayload => "MISSING_FIELD",
            Self::UnknownType => "UNKNOWN_TYPE",
            Self::TypeOfAnotherTopic => "NOT_EXPECTED",
            Self::UnknownVersion => "UNKNOWN_VERSION",
            Self::NoUuid | Self::NoTime => "INVALID_FIELD",
            Self::OtherKey => "KEY_MISMATCH",
            Self::TooDeep => "TOO_DEEP",
            Self::TooLarge => "TOO_LARGE",
            Self::SelfLike => "SELF_LIKE",
        }
    }

    /// Appends the broken form of a whole envelope to `out` and returns whether there is a value.
    /// The record's key stays that of the whole one.
    pub(super) fn render(self, mut envelope: Envelope, topic: Topic, out: &mut Vec<u8>) -> bool {
        match self {
            Self::Tombstone => return false,
            Self::NotJson => {
                out.extend_from_slice(b"not a record at all");
                return true;
            }
            Self::UnknownType => envelope.event_type = "SomethingHappened",
            Self::TypeOfAnotherTopic => {
                envelope.event_type = match topic {
                    Topic::Likes => "EquipmentUpdated",
                    Topic::Equipment | Topic::Enrich | Topic::Donations => "LikeToggled",
                }
            }
            Self::UnknownVersion => envelope.schema_version = 2,
            Self::EmptyPayload => envelope.payload = b"{}".to_vec(),
            Self::NoUuid => envelope.event_id = b"1234".to_vec(),
            Self::NoTime => envelope.occurred_at = b"yesterday".to_vec(),
            Self::OtherKey => envelope.aggregate_id.reverse(),
            Self::SelfLike => {
                let own = [b",\"ownOcids\":[\"", &*envelope.aggregate_id, b"\"]}"].concat();
                envelope.payload.pop();
                envelope.payload.extend_from_slice(&own);
            }
            Self::Truncated
            | Self::NotUtf8
            | Self::SomethingAfter
            | Self::MemberTwice
            | Self::NoAggregateId
            | Self::TooDeep
            | Self::TooLarge => {}
        }
        let begin = out.len();
        envelope.render(out);
        match self {
            Self::Truncated => out.truncate(begin + (out.len() - begin) / 2),
            // The first character of the event id.
            Self::NotUtf8 => out[begin + 12] = 0xff,
            Self::SomethingAfter => out.extend_from_slice(b" {}"),
            Self::MemberTwice => before_end(out, b",\"schemaVersion\":1"),
            Self::TooDeep => before_end(out, &too_deep()),
            Self::TooLarge => before_end(out, &too_large()),
            Self::NoAggregateId => {
                let name = b"\"aggregateId\"";
                let at = out[begin..]
                    .windows(name.len())
                    .position(|part| part == name);
                let at = begin + at.expect("an envelope names its aggregate");
                out[at + 1] = b'A';
            }
            _ => {}
        }
        true
    }
}

/// Inserts a member in front of the last brace.
fn before_end(out: &mut Vec<u8>, member: &[u8]) {
    out.pop();
    out.extend_from_slice(member);
    out.push(b'}');
}

fn too_deep() -> Vec<u8> {
    [b",\"extra\":", &[b'['; 60][..], &[b']'; 60][..]].concat()
}

fn too_large() -> Vec<u8> {
    [b",\"extra\":\"", &*vec![b'x'; 100_001], b"\""].concat()
}
