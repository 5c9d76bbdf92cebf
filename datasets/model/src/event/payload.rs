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
    NoObject(Value<'a>),
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
                _ => Self::NoObject(value),
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
            Self::Missing | Self::NoObject(_) => unreachable!("the envelope has a payload"),
            Self::Equipment(values) => {
                equipment::check(values, cursor, aggregate_id, is_current).map(Payload::Equipment)
            }
            Self::Enrich(values) => enrich::check(values, aggregate_id).map(Payload::Enrich),
            Self::Like(values) => like::check(values, cursor, aggregate_id).map(Payload::Like),
            Self::Donation(values) => donation::check(values, aggregate_id).map(Payload::Donation),
        }
    }

    /// Checks the JSON of the lists and objects that stand here, whether or not they belong.
    #[cold]
    pub(super) fn check_form(
        &self,
        cursor: &Cursor<'a>,
        is_current: &impl Fn(&str, &str) -> bool,
    ) -> Checked<()> {
        match self {
            Self::Missing => Ok(()),
            Self::NoObject(value) => check_form(cursor, *value),
            Self::Equipment(values) => equipment::check_form(values, cursor, is_current),
            Self::Enrich(values) => check_forms(EnrichMember::ALL, values, cursor),
            Self::Like(values) => check_forms(LikeMember::ALL, values, cursor),
            Self::Donation(values) => check_forms(DonationMember::ALL, values, cursor),
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

/// Checks the JSON of a list or object; `cursor` is any place in its message.
pub(super) fn check_form<'a>(cursor: &Cursor<'a>, value: Value<'a>) -> Checked<()> {
    match value {
        Value::Object(range) | Value::List(range) => cursor.back_to(range).check_json(),
        _ => Ok(()),
    }
}

/// Checks the JSON of the lists and objects among the values of these members.
pub(super) fn check_forms<'a, M: Named>(
    members: &[M],
    values: &[Value<'a>],
    cursor: &Cursor<'a>,
) -> Checked<()> {
    members
        .iter()
        .zip(values)
        .try_for_each(|(member, &value)| member.at(check_form(cursor, value)))
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
