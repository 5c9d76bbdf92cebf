//! The compact form of a document: just what is priced. Absent members are none, zero or false.

use std::borrow::Cow;

use valuation::FlameOptions;

use crate::fields::{invalid, optional_bool, optional_text};
use crate::json::{Checked, Cursor, Members, Value};
use crate::named::{Named, members};
use crate::snapshot::{ItemFields, PotentialFields};

use super::Wardrobe;
use super::findings::{Findings, Found};
use super::items::{Seen, read_items};
use super::whole::{level, number, read_numbers, set_grade, set_line, set_text, stars};

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

members! {
    /// The members of a snapshot's flame.
    pub(crate) enum Flame {
        Int = "int",
        Luk = "luk",
        Dex = "dex",
        AllStat = "allStat",
        Attack = "attack",
        Magic = "magic",
        MaxHp = "maxHp",
        BossDamage = "bossDamage",
        Damage = "damage",
        Str = "str",
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
                    .value()
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
        return match cursor.value()? {
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
            cursor.value().map(|value| match value {
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
        cursor.value()?;
        return Ok(Findings::of(invalid("an item: an object")).with(item));
    }
    let mut members = Members::of(Member::NAMES);
    cursor.enter_object()?;
    while let Some(index) = members.next(cursor)? {
        let member = Member::of(index);
        let inner = match member {
            Member::Lines => read_lines(cursor, &mut item.potential),
            Member::AdditionalLines => read_lines(cursor, &mut item.additional),
            Member::Flame => read_flame(cursor, &mut item.flame),
            _ => read_plain(cursor, member, &mut item),
        };
        let inner = member.at(inner)?;
        findings.inner(inner, |fault| fault.within(member.name()));
    }
    Ok(findings.with(item))
}

/// Reads a member that is a text, a number or a flag.
fn read_plain<'a>(
    cursor: &mut Cursor<'a>,
    member: Member,
    item: &mut ItemFields<'a>,
) -> Checked<Findings> {
    let value = cursor.value()?;
    let checked = match member {
        Member::Slot => set_text(&mut item.slot, value),
        Member::Part => set_text(&mut item.part, value),
        Member::Name => set_text(&mut item.name, value),
        Member::Level => level(value).map(|level| item.level = level),
        Member::Grade => set_grade(&mut item.potential, value),
        Member::AdditionalGrade => set_grade(&mut item.additional, value),
        Member::Stars => stars(value).map(|stars| item.stars = stars),
        Member::Scroll => optional_bool(value).map(|scroll| item.scroll = scroll.unwrap_or(false)),
        Member::BaseAttack => number(value).map(|attack| item.base_attack = attack),
        Member::BaseMagic => number(value).map(|magic| item.base_magic = magic),
        Member::Lines | Member::AdditionalLines | Member::Flame => {
            unreachable!("these are lists and an object")
        }
    };
    Ok(checked.err().map_or_else(Findings::default, Findings::of))
}

/// Reads a list of at most three lines, or null.
fn read_lines<'a>(
    cursor: &mut Cursor<'a>,
    potential: &mut PotentialFields<'a>,
) -> Checked<Findings> {
    const LINES: &str = "a list of at most three lines";
    if cursor.peek() != b'[' {
        return match cursor.value()? {
            Value::Null => Ok(Findings::default()),
            _ => Ok(Findings::of(invalid(LINES))),
        };
    }
    let mut findings = Findings::default();
    cursor.enter_list()?;
    let mut index = 0;
    while cursor.next_element(index == 0)? {
        let value = cursor.value().map_err(|fault| fault.at_index(index))?;
        let checked = if index < 3 {
            set_line(potential, index, value)
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

fn read_flame<'a>(cursor: &mut Cursor<'a>, flame: &mut FlameOptions) -> Checked<Findings> {
    read_numbers(
        cursor,
        Members::of(Flame::NAMES),
        Flame::NAMES,
        |index, value| {
            let points = number(value)?;
            match Flame::of(index) {
                Flame::Int => flame.int = points,
                Flame::Luk => flame.luk = points,
                Flame::Dex => flame.dex = points,
                Flame::AllStat => flame.all_stat = points,
                Flame::Attack => flame.attack = points,
                Flame::Magic => flame.magic = points,
                Flame::MaxHp => flame.max_hp = points,
                Flame::BossDamage => flame.boss_damage = points,
                Flame::Damage => flame.damage = points,
                Flame::Str => flame.str = points,
            }
            Ok(())
        },
    )
}
