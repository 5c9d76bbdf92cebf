//! The payload of each topic.

mod donation;
mod enrich;
mod equipment;
mod like;

pub(crate) use donation::DonationMember;
pub use donation::DonationPayload;
pub(crate) use enrich::EnrichMember;
pub use enrich::EnrichPayload;
pub(crate) use equipment::EquipmentMember;
pub use equipment::{Equipment, EquipmentPayload};
pub(crate) use like::LikeMember;
pub use like::LikePayload;

use std::borrow::Cow;

use crate::Topic;
use crate::fields::id;
use crate::json::{Checked, Cursor, Members, Value, fault};
use crate::named::Named;
use crate::reason::Reason;

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload<'a> {
    /// A character's equipment changed, or was seen again.
    Equipment(EquipmentPayload<'a>),
    /// A character is called, and belongs, so.
    Enrich(EnrichPayload<'a>),
    /// An account likes, or no longer likes, a character.
    Like(LikePayload<'a>),
    /// Money was received.
    Donation(DonationPayload<'a>),
}

/// The members of a payload, read but not yet checked.
pub(super) enum RawPayload<'a> {
    /// Absent or null.
    Missing,
    /// A text, a number, a list...
    NoObject,
    Equipment([Value<'a>; EquipmentMember::NAMES.len()]),
    Enrich([Value<'a>; EnrichMember::NAMES.len()]),
    Like([Value<'a>; LikeMember::NAMES.len()]),
    Donation([Value<'a>; DonationMember::NAMES.len()]),
}

impl<'a> RawPayload<'a> {
    #[inline]
    pub(super) fn read(topic: Topic, cursor: &mut Cursor<'a>) -> Checked<Self> {
        if cursor.peek() != b'{' {
            return cursor.value().map(|value| match value {
                Value::Null => Self::Missing,
                _ => Self::NoObject,
            });
        }
        match topic {
            Topic::Equipment => values(EquipmentMember::NAMES, cursor).map(Self::Equipment),
            Topic::Enrich => values(EnrichMember::NAMES, cursor).map(Self::Enrich),
            Topic::Likes => values(LikeMember::NAMES, cursor).map(Self::Like),
            Topic::Donations => values(DonationMember::NAMES, cursor).map(Self::Donation),
        }
    }

    /// Checks the members; `cursor` is any place in their message.
    #[inline]
    pub(super) fn check(
        &self,
        cursor: &Cursor<'a>,
        aggregate_id: &str,
        is_current: &impl Fn(&str, &str) -> bool,
    ) -> Checked<Payload<'a>> {
        match self {
            Self::Missing | Self::NoObject => unreachable!("the envelope has a payload"),
            Self::Equipment(values) => {
                equipment::check(values, cursor, aggregate_id, is_current).map(Payload::Equipment)
            }
            Self::Enrich(values) => enrich::check(values, aggregate_id).map(Payload::Enrich),
            Self::Like(values) => like::check(values, cursor, aggregate_id).map(Payload::Like),
            Self::Donation(values) => donation::check(values, aggregate_id).map(Payload::Donation),
        }
    }

    /// Checks the JSON of the lists and objects that [`check`](Self::check) reads.
    #[cold]
    pub(super) fn check_form(
        &self,
        cursor: &Cursor<'a>,
        is_current: &impl Fn(&str, &str) -> bool,
    ) -> Checked<()> {
        match self {
            Self::Equipment(values) => equipment::check_form(values, cursor, is_current),
            Self::Like(values) => like::check_form(values, cursor),
            Self::Missing | Self::NoObject | Self::Enrich(_) | Self::Donation(_) => Ok(()),
        }
    }
}

/// Reads the members of the object here that have one of the `N` names.
#[inline]
fn values<'a, const N: usize>(
    names: &'static [&'static str],
    cursor: &mut Cursor<'a>,
) -> Checked<[Value<'a>; N]> {
    let names = names.try_into().expect("N is the number of the names");
    Members::values(names, cursor)
}

/// Reads the id that must equal the envelope's.
fn key_id<'a>(value: Value<'a>, aggregate_id: &str) -> Checked<Cow<'a, str>> {
    let id = id(value)?;
    if id == aggregate_id {
        Ok(id)
    } else {
        Err(fault(Reason::KeyMismatch, "the aggregateId"))
    }
}
