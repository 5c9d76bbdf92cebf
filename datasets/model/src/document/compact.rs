//! The compact form of a document: just what is priced. Absent members are none, zero or false.

use std::borrow::Cow;

use crate::fields::{invalid, optional_bool, optional_text};
use crate::json::{Checked, Cursor, Members, Value};
use crate::named::{Named, members};
use crate::snapshot::ItemFields;

use super::Wardrobe;
use super::fields::{Field, Potential, set};
use super::findings::{Findings, Found};
use super::flame::{FlameOption, read_flame};
use super::items::{Seen, read_items};

members! {
    /// The members of a snapshot.
    pub(crate) enum Root {
        Class = "class",
        Presets = "presets",
    }
}

members! {
    /// The members of a snapshot's item.
    pub(crate) enum Member {
        Slot = "slot",
        Part = "part",
        Name = "name",
        Level = "level",
        Grade = "grade",
        Lines = "lines",
        AdditionalGrade = "additionalGrade",
        AdditionalLines = "additionalLines",
        Stars = "stars",
        Scroll = "scroll",
        Flame = "flame",
        BaseAttack = "baseAttack",
        BaseMagic = "baseMagic",
    }
}

const PRESETS: &str = "a list of one to three lists of items";

/// Reads the snapshot here; its class, which is empty if there is none.
pub(crate) fn read_compact<'a, W: Wardrobe>(
    cursor: &mut Cursor<'a>,
    wardrobe: &mut W,
) -> Checked<Found<Cow<'a, str>>> {
    let mut findings = Findings::default();
    let mut class = Cow::Borrowed("");
    let mut has_preset = false;
    let mut members = Members::of(Root::NAMES);
    cursor.enter_object()?;
    while let Some(index) = members.next(cursor)? {
        let member = Root::of(index);
        match member {
            Root::Class => {
                let value = cursor
                    .plain_value()
                    .map_err(|fault| fault.within(member.name()))?;
                class = findings
                    .note(member.name(), optional_text(value))
                    .unwrap_or_default();
            }
            Root::Presets => {
                let inner = member.at(read_presets(cursor, wardrobe, &mut has_preset))?;
                findings.inner(inner, |fault| fault.within(member.name()));
            }
        }
    }
    if !has_preset {
        findings.missing_presets(PRESETS);
    }
    Ok(findings.with(class))
}

fn read_presets<'a, W: Wardrobe>(
    cursor: &mut Cursor<'a>,
    wardrobe: &mut W,
    has_preset: &mut bool,
) -> Checked<Findings> {
    if cursor.peek() != b'[' {
        return match cursor.plain_value()? {
            Value::Null => Ok(Findings::default()),
            _ => Ok(Findings::of(invalid(PRESETS))),
        };
    }
    let mut findings = Findings::default();
    let mut seen = Seen::default();
    cursor.enter_list()?;
    let mut preset = 0;
    while cursor.next_element(preset == 0)? {
        *has_preset = true;
        let inner = if preset < 3 && cursor.peek() == b'[' {
            read_items(cursor, preset, &mut seen, wardrobe, read_item)
        } else {
            cursor.plain_value().map(|value| match value {
                Value::Null if preset < 3 => Findings::default(),
                _ if preset < 3 => Findings::of(invalid("a list of items, or null")),
                _ => Findings::of(invalid("no fourth preset")),
            })
        };
        let inner = inner.map_err(|fault| fault.at_index(preset))?;
        findings.inner(inner, |fault| fault.at_index(preset));
        preset += 1;
    }
    Ok(findings)
}

/// Reads the item here.
fn read_item<'a>(cursor: &mut Cursor<'a>) -> Checked<Found<ItemFields<'a>>> {
    let mut item = ItemFields::default();
    let mut findings = Findings::default();
    if cursor.peek() != b'{' {
        cursor.plain_value()?;
        return Ok(Findings::of(invalid("an item: an object")).with(item));
    }
    let mut members = Members::of(Member::NAMES);
    cursor.enter_object()?;
    while let Some(index) = members.next(cursor)? {
        let member = Member::of(index);
        let inner = match member {
            Member::Lines => read_lines(cursor, Potential::Main, &mut item),
            Member::AdditionalLines => read_lines(cursor, Potential::Additional, &mut item),
            Member::Flame => {
                let names = FlameOption::NAMES;
                read_flame(cursor, Members::of(names), names, &mut item.flame)
            }
            _ => read_plain(cursor, member, &mut item),
        };
        let inner = member.at(inner)?;
        findings.inner(inner, |fault| fault.within(member.name()));
    }
    Ok(findings.with(item))
}

impl Member {
    /// The field that the member fills, if it is a text or a number.
    fn field(self) -> Option<Field> {
        Some(match self {
            Self::Slot => Field::Slot,
            Self::Part => Field::Part,
            Self::Name => Field::Name,
            Self::Level => Field::Level,
            Self::Grade => Field::Grade(Potential::Main),
            Self::AdditionalGrade => Field::Grade(Potential::Additional),
            Self::Stars => Field::Stars,
            Self::BaseAttack => Field::BaseAttack,
            Self::BaseMagic => Field::BaseMagic,
            Self::Lines | Self::AdditionalLines | Self::Scroll | Self::Flame => return None,
        })
    }
}

/// Reads a member that is a text, a number or a flag.
fn read_plain<'a>(
    cursor: &mut Cursor<'a>,
    member: Member,
    item: &mut ItemFields<'a>,
) -> Checked<Findings> {
    let value = cursor.plain_value()?;
    let checked = match member.field() {
        Some(field) => set(item, field, value),
        None => optional_bool(value).map(|scroll| item.scroll = scroll.unwrap_or(false)),
    };
    Ok(checked.err().map_or_else(Findings::default, Findings::of))
}

/// Reads a list of at most three lines, or null.
fn read_lines<'a>(
    cursor: &mut Cursor<'a>,
    potential: Potential,
    item: &mut ItemFields<'a>,
) -> Checked<Findings> {
    const LINES: &str = "a list of at most three lines";
    if cursor.peek() != b'[' {
        return match cursor.plain_value()? {
            Value::Null => Ok(Findings::default()),
            _ => Ok(Findings::of(invalid(LINES))),
        };
    }
    let mut findings = Findings::default();
    cursor.enter_list()?;
    let mut index = 0;
    while cursor.next_element(index == 0)? {
        let value = cursor
            .plain_value()
            .map_err(|fault| fault.at_index(index))?;
        let checked = if index < 3 {
            set(item, Field::Line(potential, index), value)
        } else {
            Err(invalid(LINES))
        };
        if let Err(fault) = checked {
            findings.inner(Findings::of(fault), |fault| fault.at_index(index));
        }
        index += 1;
    }
    Ok(findings)
}
