//! The provider's document: its class and three presets, and of each item what a price depends on.

use std::borrow::Cow;

use memchr::memmem;
use valuation::{FlameOptions, Level, Star};

use crate::fields::{document_number, document_text, invalid, optional_text};
use crate::json::{Checked, Cursor, Members, Value};
use crate::named::{Named, members};
use crate::snapshot::{ItemFields, PotentialFields};

use super::Wardrobe;
use super::findings::{Findings, Found};
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

members! {
    /// The members of `item_add_option` that are read.
    pub(crate) enum Flame {
        Str = "str",
        Dex = "dex",
        Int = "int",
        Luk = "luk",
        MaxHp = "max_hp",
        Attack = "attack_power",
        Magic = "magic_power",
        BossDamage = "boss_damage",
        Damage = "damage",
        AllStat = "all_stat",
    }
}

pub(super) const A_LEVEL: &str = "a level: an integer, or a text of one, 0 to 300";
pub(super) const STARS: &str = "stars: an integer, or a text of one, 0 to 30";
pub(super) const A_NUMBER: &str = "an integer, or a text of one";
pub(super) const AN_OBJECT: &str = "an object";
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
                    .value()
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
    match cursor.value()? {
        Value::Null => Ok(Findings::default()),
        _ => Ok(Findings::of(invalid("a list of items, or null"))),
    }
}

/// Reads the item here.
fn read_item<'a>(cursor: &mut Cursor<'a>) -> Checked<Found<ItemFields<'a>>> {
    let mut item = ItemFields::default();
    let mut findings = Findings::default();
    if cursor.peek() != b'{' {
        cursor.value()?;
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
            Member::Flame => read_flame(cursor, &mut item.flame),
            _ => read_plain(cursor, member, &mut item),
        };
        let inner = member.at(inner)?;
        findings.inner(inner, |fault| fault.within(member.name()));
    }
    if !has_level {
        let (level, inner) = level_elsewhere(cursor, start)?;
        item.level = level;
        findings.inner(inner, |fault| fault.within(Base::Level.name()));
    }
    Ok(findings.with(item))
}

/// Reads a member that is a text or a number.
#[inline]
fn read_plain<'a>(
    cursor: &mut Cursor<'a>,
    member: Member,
    item: &mut ItemFields<'a>,
) -> Checked<Findings> {
    let value = cursor.value()?;
    let checked = match member {
        Member::Part => set_text(&mut item.part, value),
        Member::Slot => set_text(&mut item.slot, value),
        Member::Name => set_text(&mut item.name, value),
        Member::Icon => optional_text(value).map(drop),
        Member::Grade => set_grade(&mut item.potential, value),
        Member::AdditionalGrade => set_grade(&mut item.additional, value),
        Member::Line1 => set_line(&mut item.potential, 0, value),
        Member::Line2 => set_line(&mut item.potential, 1, value),
        Member::Line3 => set_line(&mut item.potential, 2, value),
        Member::AdditionalLine1 => set_line(&mut item.additional, 0, value),
        Member::AdditionalLine2 => set_line(&mut item.additional, 1, value),
        Member::AdditionalLine3 => set_line(&mut item.additional, 2, value),
        Member::Stars => stars(value).map(|stars| item.stars = stars),
        Member::Scroll => {
            optional_text(value).map(|flag| item.scroll = flag.as_deref() == Some(SCROLL_USED))
        }
        Member::RingLevel => number(value).map(drop),
        Member::Base | Member::Flame => unreachable!("these are objects"),
    };
    Ok(checked.err().map_or_else(Findings::default, Findings::of))
}

pub(super) fn set_text<'a>(text: &mut Cow<'a, str>, value: Value<'a>) -> Checked<()> {
    *text = document_text(value)?.unwrap_or_default();
    Ok(())
}

/// A grade that is called `null` is none.
pub(super) fn set_grade<'a>(potential: &mut PotentialFields<'a>, value: Value<'a>) -> Checked<()> {
    potential.grade = document_text(value)?.filter(|grade| !grade.eq_ignore_ascii_case("null"));
    Ok(())
}

/// A line that says `null` is none.
pub(super) fn set_line<'a>(
    potential: &mut PotentialFields<'a>,
    index: usize,
    value: Value<'a>,
) -> Checked<()> {
    potential.lines[index] = document_text(value)?.filter(|line| line != "null");
    Ok(())
}

pub(super) fn level(value: Value<'_>) -> Checked<u16> {
    let level = document_number(value, 0..=i32::from(Level::MAX.0), A_LEVEL)?;
    Ok(level as u16)
}

pub(super) fn stars(value: Value<'_>) -> Checked<u8> {
    let stars = document_number(value, 0..=i32::from(Star::MAX.0), STARS)?;
    Ok(stars as u8)
}

pub(super) fn number(value: Value<'_>) -> Checked<i32> {
    document_number(value, i32::MIN..=i32::MAX, A_NUMBER)
}

/// Reads an object of numbers, or null. `set` takes each by the index of its name.
pub(super) fn read_numbers<'a>(
    cursor: &mut Cursor<'a>,
    mut members: Members<'a, 'static>,
    names: &'static [&'static str],
    mut set: impl FnMut(usize, Value<'a>) -> Checked<()>,
) -> Checked<Findings> {
    if cursor.peek() != b'{' {
        return match cursor.value()? {
            Value::Null => Ok(Findings::default()),
            _ => Ok(Findings::of(invalid(AN_OBJECT))),
        };
    }
    let mut findings = Findings::default();
    cursor.enter_object()?;
    while let Some(index) = members.next(cursor)? {
        let value = cursor.value().map_err(|fault| fault.within(names[index]))?;
        findings.note(names[index], set(index, value));
    }
    Ok(findings)
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
        |index, value| {
            match Base::of(index) {
                Base::Attack => item.base_attack = number(value)?,
                Base::Magic => item.base_magic = number(value)?,
                Base::Level => {
                    *has_level = true;
                    item.level = level(value)?;
                }
            }
            Ok(())
        },
    )
}

fn read_flame<'a>(cursor: &mut Cursor<'a>, flame: &mut FlameOptions) -> Checked<Findings> {
    read_numbers(
        cursor,
        Members::only(Flame::NAMES),
        Flame::NAMES,
        |index, value| {
            let points = number(value)?;
            match Flame::of(index) {
                Flame::Str => flame.str = points,
                Flame::Dex => flame.dex = points,
                Flame::Int => flame.int = points,
                Flame::Luk => flame.luk = points,
                Flame::MaxHp => flame.max_hp = points,
                Flame::Attack => flame.attack = points,
                Flame::Magic => flame.magic = points,
                Flame::BossDamage => flame.boss_damage = points,
                Flame::Damage => flame.damage = points,
                Flame::AllStat => flame.all_stat = points,
            }
            Ok(())
        },
    )
}

/// Finds the first `base_equipment_level` at any depth of the item that began at `start`, for items
/// whose `item_base_option` has none.
#[inline]
fn level_elsewhere(cursor: &Cursor<'_>, start: usize) -> Checked<(u16, Findings)> {
    let written = cursor.since(start);
    let name = Base::Level.name();
    if memmem::find(written.as_bytes(), name.as_bytes()).is_none() {
        return Ok((0, Findings::default()));
    }
    let Some(mut at_value) = cursor.find_member(start, name) else {
        return Ok((0, Findings::default()));
    };
    let value = at_value.value().map_err(|fault| fault.within(name))?;
    Ok(match level(value) {
        Ok(level) => (level, Findings::default()),
        Err(fault) => (0, Findings::of(fault)),
    })
}
