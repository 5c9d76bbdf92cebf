//! The provider's document: its class and three presets, and of each item what a price depends on.

use std::borrow::Cow;

use memchr::memmem;

use crate::fields::{invalid, optional_text};
use crate::json::{Checked, Cursor, Members, Value};
use crate::named::{Named, members};
use crate::snapshot::ItemFields;

use super::Wardrobe;
use super::fields::{Field, Potential, number, read_numbers, set};
use super::findings::{Findings, Found};
use super::flame::{FlameOption, read_flame};
use super::items::{Seen, read_items};

members! {
    /// The members of a document that are read.
    pub(crate) enum Root {
        Class = "character_class",
        Preset1 = "item_equipment_preset_1",
        Preset2 = "item_equipment_preset_2",
        Preset3 = "item_equipment_preset_3",
    }
}

members! {
    /// The members of an item that are read, in the provider's order.
    pub(crate) enum Member {
        Part = "item_equipment_part",
        Slot = "item_equipment_slot",
        Name = "item_name",
        Icon = "item_icon",
        Base = "item_base_option",
        Grade = "potential_option_grade",
        AdditionalGrade = "additional_potential_option_grade",
        Line1 = "potential_option_1",
        Line2 = "potential_option_2",
        Line3 = "potential_option_3",
        AdditionalLine1 = "additional_potential_option_1",
        AdditionalLine2 = "additional_potential_option_2",
        AdditionalLine3 = "additional_potential_option_3",
        Flame = "item_add_option",
        Stars = "starforce",
        Scroll = "starforce_scroll_flag",
        RingLevel = "special_ring_level",
    }
}

members! {
    /// The members of `item_base_option` that are read.
    pub(crate) enum Base {
        Attack = "attack_power",
        Magic = "magic_power",
        Level = "base_equipment_level",
    }
}

/// The flag of an item whose stars come from scrolls (noljang).
const SCROLL_USED: &str = "사용";

/// Reads the document here; its class, which is empty if there is none.
pub(crate) fn read_document<'a, W: Wardrobe>(
    cursor: &mut Cursor<'a>,
    wardrobe: &mut W,
) -> Checked<Found<Cow<'a, str>>> {
    let mut findings = Findings::default();
    let mut class = Cow::Borrowed("");
    let mut seen = Seen::default();
    let mut has_preset = false;
    let mut members = Members::only(Root::NAMES);
    cursor.enter_object()?;
    while let Some(index) = members.next(cursor)? {
        let member = Root::of(index);
        let preset = match member {
            Root::Class => {
                let value = cursor
                    .plain_value()
                    .map_err(|fault| fault.within(member.name()))?;
                class = findings
                    .note(member.name(), optional_text(value))
                    .unwrap_or_default();
                continue;
            }
            Root::Preset1 => 0,
            Root::Preset2 => 1,
            Root::Preset3 => 2,
        };
        has_preset = true;
        let inner = member.at(read_preset(cursor, preset, &mut seen, wardrobe))?;
        findings.inner(inner, |fault| fault.within(member.name()));
    }
    if !has_preset {
        findings.missing_presets("item_equipment_preset_1, 2 or 3");
    }
    Ok(findings.with(class))
}

fn read_preset<'a, W: Wardrobe>(
    cursor: &mut Cursor<'a>,
    preset: usize,
    seen: &mut Seen<'a>,
    wardrobe: &mut W,
) -> Checked<Findings> {
    if cursor.peek() == b'[' {
        return read_items(cursor, preset, seen, wardrobe, read_item);
    }
    match cursor.plain_value()? {
        Value::Null => Ok(Findings::default()),
        _ => Ok(Findings::of(invalid("a list of items, or null"))),
    }
}

/// Reads the item here.
fn read_item<'a>(cursor: &mut Cursor<'a>) -> Checked<Found<ItemFields<'a>>> {
    let mut item = ItemFields::default();
    let mut findings = Findings::default();
    if cursor.peek() != b'{' {
        cursor.plain_value()?;
        return Ok(Findings::of(invalid("an item: an object")).with(item));
    }
    let start = cursor.place();
    let mut has_level = false;
    let mut members = Members::only(Member::NAMES);
    cursor.enter_object()?;
    while let Some(index) = members.next(cursor)? {
        let member = Member::of(index);
        let inner = match member {
            Member::Base => read_base(cursor, &mut item, &mut has_level),
            Member::Flame => {
                let names = FlameOption::DOCUMENT_NAMES;
                read_flame(cursor, Members::only(names), names, &mut item.flame)
            }
            _ => read_plain(cursor, member, &mut item),
        };
        let inner = member.at(inner)?;
        findings.inner(inner, |fault| fault.within(member.name()));
    }
    if !has_level && let Some(mut elsewhere) = level_elsewhere(cursor, start) {
        let name = Base::Level.name();
        let value = elsewhere
            .plain_value()
            .map_err(|fault| fault.within(name))?;
        findings.note(name, set(&mut item, Field::Level, value));
    }
    Ok(findings.with(item))
}

impl Member {
    /// The field that the member fills, if it is a text or a number that a price depends on.
    #[inline]
    fn field(self) -> Option<Field> {
        use Potential::{Additional, Main};

        Some(match self {
            Self::Part => Field::Part,
            Self::Slot => Field::Slot,
            Self::Name => Field::Name,
            Self::Grade => Field::Grade(Main),
            Self::AdditionalGrade => Field::Grade(Additional),
            Self::Line1 => Field::Line(Main, 0),
            Self::Line2 => Field::Line(Main, 1),
            Self::Line3 => Field::Line(Main, 2),
            Self::AdditionalLine1 => Field::Line(Additional, 0),
            Self::AdditionalLine2 => Field::Line(Additional, 1),
            Self::AdditionalLine3 => Field::Line(Additional, 2),
            Self::Stars => Field::Stars,
            Self::Icon | Self::Base | Self::Flame | Self::Scroll | Self::RingLevel => return None,
        })
    }
}

/// Reads a member that is a text or a number.
#[inline]
fn read_plain<'a>(
    cursor: &mut Cursor<'a>,
    member: Member,
    item: &mut ItemFields<'a>,
) -> Checked<Findings> {
    let value = cursor.plain_value()?;
    let checked = match (member.field(), member) {
        (Some(field), _) => set(item, field, value),
        (None, Member::Scroll) => {
            optional_text(value).map(|flag| item.scroll = flag.as_deref() == Some(SCROLL_USED))
        }
        (None, Member::RingLevel) => number(value).map(drop),
        (None, _) => optional_text(value).map(drop),
    };
    Ok(checked.err().map_or_else(Findings::default, Findings::of))
}

fn read_base<'a>(
    cursor: &mut Cursor<'a>,
    item: &mut ItemFields<'a>,
    has_level: &mut bool,
) -> Checked<Findings> {
    read_numbers(
        cursor,
        Members::only(Base::NAMES),
        Base::NAMES,
        |index, value| match Base::of(index) {
            Base::Attack => set(item, Field::BaseAttack, value),
            Base::Magic => set(item, Field::BaseMagic, value),
            Base::Level => {
                *has_level = true;
                set(item, Field::Level, value)
            }
        },
    )
}

/// Finds the value of the first `base_equipment_level` at any depth of the item that began at
/// `start`, for items whose `item_base_option` has none.
#[inline]
fn level_elsewhere<'a>(cursor: &Cursor<'a>, start: usize) -> Option<Cursor<'a>> {
    let name = Base::Level.name();
    memmem::find(cursor.since(start).as_bytes(), name.as_bytes())?;
    cursor.find_member(start, name)
}
