//! Why a record is rejected: one list of codes, each rejection with the member and what was expected.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The code of a rejection. The codes, their order and their descriptions are those of
/// `docs/rejections.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Reason {
    /// Not one JSON object in UTF-8, cut short, followed by something, or with a member twice.
    Malformed,
    /// A message over 2 MiB, a string over 100,000 characters or a member's name over 256.
    TooLarge,
    /// Nested deeper than 50 levels from the message's root.
    TooDeep,
    /// An `eventType` that no topic has.
    UnknownType,
    /// A `schemaVersion` other than 1.
    UnknownVersion,
    /// A required member is absent or null, or the message has no value at all.
    MissingField,
    /// A member of the wrong type, range, length or form.
    InvalidField,
    /// The message's key, `aggregateId` and the payload's id are not the same.
    KeyMismatch,
    /// A confirmation of a hash that is not that of the character's latest accepted equipment.
    EquipmentMissing,
    /// `targetOcid` is one of the liker's own characters.
    SelfLike,
    /// An `eventType` that belongs to another topic.
    NotExpected,
}

impl Reason {
    /// All reasons, in the order of the documented list.
    pub const ALL: [Self; 11] = [
        Self::Malformed,
        Self::TooLarge,
        Self::TooDeep,
        Self::UnknownType,
        Self::UnknownVersion,
        Self::MissingField,
        Self::InvalidField,
        Self::KeyMismatch,
        Self::EquipmentMissing,
        Self::SelfLike,
        Self::NotExpected,
    ];

    /// The code as tables, logs and golden files write it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Malformed => "MALFORMED",
            Self::TooLarge => "TOO_LARGE",
            Self::TooDeep => "TOO_DEEP",
            Self::UnknownType => "UNKNOWN_TYPE",
            Self::UnknownVersion => "UNKNOWN_VERSION",
            Self::MissingField => "MISSING_FIELD",
            Self::InvalidField => "INVALID_FIELD",
            Self::KeyMismatch => "KEY_MISMATCH",
            Self::EquipmentMissing => "EQUIPMENT_MISSING",
            Self::SelfLike => "SELF_LIKE",
            Self::NotExpected => "NOT_EXPECTED",
        }
    }

    /// The reason of that code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// One sentence for people: what the producer did.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::Malformed => {
                "The message is not exactly one JSON object in UTF-8: cut short, broken, followed by something else, or with a member twice."
            }
            Self::TooLarge => {
                "The message is over 2 MiB, or has a string of more than 100,000 characters or a member's name of more than 256."
            }
            Self::TooDeep => {
                "The message is nested deeper than 50 levels, its root being the first."
            }
            Self::UnknownType => "No topic has this `eventType`.",
            Self::UnknownVersion => "`schemaVersion` is not 1, the only one that exists.",
            Self::MissingField => {
                "A required member is absent or null; a message without a value (a tombstone) lacks the whole envelope."
            }
            Self::InvalidField => "A member has the wrong type, range, length or form.",
            Self::KeyMismatch => {
                "The message's key, `aggregateId` and the id in the payload are not the same."
            }
            Self::EquipmentMissing => {
                "A hash alone confirms equipment, but it is not the hash of the character's latest accepted equipment."
            }
            Self::SelfLike => "The liked character is one of the liker's own (`ownOcids`).",
            Self::NotExpected => "The `eventType` belongs to another topic.",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Why one record (or one file) was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{reason} at {}: expected {expected}", if path.is_empty() { "the message" } else { path })]
pub struct Rejection {
    /// The code.
    pub reason: Reason,
    /// The member concerned, as `payload.snapshot.presets[0][3].stars`; empty for the message as a whole.
    pub path: String,
    /// What was expected there.
    pub expected: Cow<'static, str>,
}

impl Rejection {
    /// A rejection at the place where the caller is; [`within`](Self::within) leads there.
    pub(crate) fn here(reason: Reason, expected: impl Into<Cow<'static, str>>) -> Self {
        Self {
            reason,
            path: String::new(),
            expected: expected.into(),
        }
    }

    /// The same rejection, seen from the object that holds `name`.
    pub(crate) fn within(mut self: Box<Self>, name: &str) -> Box<Self> {
        let separator = if self.path.is_empty() || self.path.starts_with('[') {
            ""
        } else {
            "."
        };
        self.path = format!("{name}{separator}{}", self.path);
        self
    }

    /// The same rejection, seen from the list that holds the element `index`.
    pub(crate) fn at_index(self: Box<Self>, index: usize) -> Box<Self> {
        self.within(&format!("[{index}]"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_found_by_its_text() {
        for reason in Reason::ALL {
            assert_eq!(Reason::from_code(reason.code()), Some(reason));
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.code());
        }
        assert_eq!(Reason::from_code("FINE"), None);
    }

    #[test]
    fn a_path_leads_from_the_root_to_the_member() {
        let rejection = Box::new(Rejection::here(Reason::InvalidField, "an integer"))
            .within("stars")
            .at_index(3)
            .at_index(0)
            .within("presets")
            .within("payload");

        assert_eq!(rejection.path, "payload.presets[0][3].stars");
        assert_eq!(
            rejection.to_string(),
            "INVALID_FIELD at payload.presets[0][3].stars: expected an integer"
        );
    }
}
