//! What an accepted record changed: the input of the graphs.
//!
//! Changes *are* the rows of kind [`RowKind::Row`], read back: the graphs see the same whether a
//! record has just been admitted or its row comes from an input table after a restart.

use crate::codec::{DecodeError, Reader, put_bytes, put_varint, put_zigzag};
use crate::{Millis, Topic};

use super::row::{InputRow, RowKind};

/// One change of one key. Absolute: it replaces what the key was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change<'a> {
    /// A character's equipment is now this.
    Equipment(EquipmentChange<'a>),
    /// A character is now called, and belongs, so.
    Enrich(EnrichChange<'a>),
    /// An account likes, or no longer likes, a character. Emitted only when that is news.
    Like(LikeChange<'a>),
    /// A donation was received, or is now this.
    Donation(DonationChange<'a>),
}

/// The equipment of a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EquipmentChange<'a> {
    /// The character.
    pub ocid: &'a str,
    /// When it was so, by the producer.
    pub occurred_at: Millis,
    /// The snapshot in the form of [`snapshot::binary`](crate::snapshot::binary).
    pub snapshot: &'a [u8],
}

/// Who a character is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnrichChange<'a> {
    /// The character.
    pub ocid: &'a str,
    /// When it was so, by the producer.
    pub occurred_at: Millis,
    /// The name; names change.
    pub name: &'a str,
    /// The world.
    pub world: &'a str,
    /// The class.
    pub class: &'a str,
    /// The level, `0..=300`.
    pub level: u16,
    /// The guild, if any.
    pub guild: Option<&'a str>,
}

/// Whether an account likes a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LikeChange<'a> {
    /// Who likes.
    pub account: &'a str,
    /// The ocid that is liked.
    pub target: &'a str,
    /// When it began, by the producer; `None`: it is liked no longer.
    pub liked_at: Option<Millis>,
}

impl LikeChange<'_> {
    /// What the change does to the target's count: +1 or -1.
    #[must_use]
    pub fn diff(&self) -> i64 {
        if self.liked_at.is_some() { 1 } else { -1 }
    }
}

/// One donation, by its sender and request id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DonationChange<'a> {
    /// Who gave.
    pub sender: &'a str,
    /// The sender's id of the request.
    pub request: &'a str,
    /// When, by the producer.
    pub occurred_at: Millis,
    /// Who received.
    pub receiver: &'a str,
    /// How much, at least 1.
    pub amount: i64,
    /// The request of the same sender that this one reverses.
    pub reverses: Option<&'a str>,
}

/// Parts the two ids of a key; no id contains a control character.
pub(super) const KEY_SEPARATOR: u8 = 0x1f;

const VERSION: u8 = 1;

impl<'a> Change<'a> {
    /// Reads a row of an input table of `topic`. `None` for the kinds that change no graph.
    pub fn from_row(topic: Topic, row: &InputRow<'a>) -> Result<Option<Self>, DecodeError> {
        if row.kind != RowKind::Row {
            return Ok(None);
        }
        let change = match topic {
            Topic::Equipment => Self::Equipment(EquipmentChange::from_row(row)?),
            Topic::Enrich => Self::Enrich(EnrichChange::from_row(row)?),
            Topic::Likes => Self::Like(LikeChange::from_row(row)?),
            Topic::Donations => Self::Donation(DonationChange::from_row(row)?),
        };
        Ok(Some(change))
    }
}

/// Reads the value of a row that must have one.
fn value_of<'a>(row: &InputRow<'a>, what: &'static str) -> Result<Reader<'a>, DecodeError> {
    let value = row.value.ok_or(DecodeError::Invalid {
        what,
        problem: "it has no value",
    })?;
    Reader::versioned(what, value, VERSION)
}

fn key_text<'a>(key: &'a [u8], what: &'static str) -> Result<&'a str, DecodeError> {
    std::str::from_utf8(key).map_err(|_| DecodeError::Invalid {
        what,
        problem: "the key is not UTF-8",
    })
}

/// The two ids of a composed key.
fn key_pair<'a>(key: &'a [u8], what: &'static str) -> Result<(&'a str, &'a str), DecodeError> {
    key_text(key, what)?
        .split_once(char::from(KEY_SEPARATOR))
        .ok_or(DecodeError::Invalid {
            what,
            problem: "the key is not two ids",
        })
}

fn put_optional(bytes: &mut Vec<u8>, text: Option<&str>) {
    put_bytes(bytes, text.unwrap_or_default().as_bytes());
}

/// Ids are never empty, so an empty one stands for none.
fn optional(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

impl<'a> EquipmentChange<'a> {
    /// Appends the row's value.
    pub(super) fn put_value(&self, bytes: &mut Vec<u8>) {
        bytes.push(VERSION);
        put_zigzag(bytes, self.occurred_at.0);
        bytes.extend_from_slice(self.snapshot);
    }

    fn from_row(row: &InputRow<'a>) -> Result<Self, DecodeError> {
        const WHAT: &str = "an equipment row";
        let ocid = key_text(row.key, WHAT)?;
        let mut value = value_of(row, WHAT)?;
        let occurred_at = Millis(value.zigzag()?);
        Ok(Self {
            ocid,
            occurred_at,
            snapshot: value.rest(),
        })
    }
}

impl<'a> EnrichChange<'a> {
    /// Appends the row's value.
    pub(super) fn put_value(&self, bytes: &mut Vec<u8>) {
        bytes.push(VERSION);
        put_zigzag(bytes, self.occurred_at.0);
        put_bytes(bytes, self.name.as_bytes());
        put_bytes(bytes, self.world.as_bytes());
        put_bytes(bytes, self.class.as_bytes());
        put_varint(bytes, u64::from(self.level));
        put_optional(bytes, self.guild);
    }

    fn from_row(row: &InputRow<'a>) -> Result<Self, DecodeError> {
        const WHAT: &str = "an enrich row";
        let ocid = key_text(row.key, WHAT)?;
        let mut value = value_of(row, WHAT)?;
        let change = Self {
            ocid,
            occurred_at: Millis(value.zigzag()?),
            name: value.text()?,
            world: value.text()?,
            class: value.text()?,
            level: u16::try_from(value.varint()?)
                .map_err(|_| value.invalid("the level is out of range"))?,
            guild: optional(value.text()?),
        };
        value.end()?;
        Ok(change)
    }
}

impl<'a> LikeChange<'a> {
    /// Appends the row's value, for a like that begins.
    pub(super) fn put_value(liked_at: Millis, bytes: &mut Vec<u8>) {
        bytes.push(VERSION);
        put_zigzag(bytes, liked_at.0);
    }

    fn from_row(row: &InputRow<'a>) -> Result<Self, DecodeError> {
        const WHAT: &str = "a like row";
        let (target, account) = key_pair(row.key, WHAT)?;
        if row.diff < 0 {
            return Ok(Self {
                account,
                target,
                liked_at: None,
            });
        }
        let mut value = value_of(row, WHAT)?;
        let liked_at = Some(Millis(value.zigzag()?));
        value.end()?;
        Ok(Self {
            account,
            target,
            liked_at,
        })
    }
}

impl<'a> DonationChange<'a> {
    /// Appends the row's value.
    pub(super) fn put_value(&self, bytes: &mut Vec<u8>) {
        bytes.push(VERSION);
        put_zigzag(bytes, self.occurred_at.0);
        put_bytes(bytes, self.receiver.as_bytes());
        put_zigzag(bytes, self.amount);
        put_optional(bytes, self.reverses);
    }

    fn from_row(row: &InputRow<'a>) -> Result<Self, DecodeError> {
        const WHAT: &str = "a donation row";
        let (sender, request) = key_pair(row.key, WHAT)?;
        let mut value = value_of(row, WHAT)?;
        let change = Self {
            sender,
            request,
            occurred_at: Millis(value.zigzag()?),
            receiver: value.text()?,
            amount: value.zigzag()?,
            reverses: optional(value.text()?),
        };
        value.end()?;
        Ok(change)
    }
}
