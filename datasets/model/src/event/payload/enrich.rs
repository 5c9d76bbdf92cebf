//! `CharacterEnriched`: who a character is.

use std::borrow::Cow;

use valuation::Level;

use crate::fields::{integer, optional_id, text};
use crate::json::{Checked, Value};
use crate::named::{Named, members};

use super::key_id;

members! {
    /// The members of the payload.
    pub(crate) enum EnrichMember {
        Ocid = "ocid",
        Name = "name",
        World = "world",
        Class = "class",
        Level = "level",
        Guild = "guild",
    }
}

/// Who a character is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnrichPayload<'a> {
    /// The character.
    pub ocid: Cow<'a, str>,
    /// The name; names change.
    pub name: Cow<'a, str>,
    /// The world.
    pub world: Cow<'a, str>,
    /// The class.
    pub class: Cow<'a, str>,
    /// The level, `0..=300`.
    pub level: u16,
    /// The guild, if any.
    pub guild: Option<Cow<'a, str>>,
}

pub(super) fn check<'a>(
    values: &[Value<'a>; EnrichMember::NAMES.len()],
    aggregate_id: &str,
) -> Checked<EnrichPayload<'a>> {
    use EnrichMember as Member;

    let [ocid, name, world, class, level, guild] = *values;
    let levels = 0..=i64::from(Level::MAX.0);
    Ok(EnrichPayload {
        ocid: Member::Ocid.at(key_id(ocid, aggregate_id))?,
        name: Member::Name.at(text(name))?,
        world: Member::World.at(text(world))?,
        class: Member::Class.at(text(class))?,
        level: Member::Level.at(integer(level, levels, "an integer, 0 to 300"))? as u16,
        guild: Member::Guild.at(optional_id(guild))?,
    })
}
