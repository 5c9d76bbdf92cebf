//! One item in a few dozen bytes, which are also its identity: equal items have equal bytes.
//!
//! Layout: one byte of flags; slot; part if it is not the slot; name; level; stars; the potentials,
//! flame and base values that the flags name.

use std::borrow::Cow;

use valuation::{FlameOptions, Grade, Item};

use crate::codec::{DecodeError, Reader, put_varint, put_zigzag};

use super::fields::{ItemFields, PotentialFields};
use super::line::{put_line, read_line};
use super::text::{put_text, put_word, read_text, read_word};

const SCROLL: u8 = 0x01;
const PART_IS_SLOT: u8 = 0x02;
const PART: u8 = 0x04;
const POTENTIAL: u8 = 0x08;
const ADDITIONAL: u8 = 0x10;
const FLAME: u8 = 0x20;
const BASE: u8 = 0x40;

/// Appends an item.
pub(super) fn put_item(bytes: &mut Vec<u8>, item: &ItemFields<'_>) {
    let flag = |bit: u8, is_set: bool| if is_set { bit } else { 0 };
    let own_part = !item.part.is_empty() && item.part != item.slot;
    bytes.push(
        flag(SCROLL, item.scroll)
            | flag(PART_IS_SLOT, !item.part.is_empty() && !own_part)
            | flag(PART, own_part)
            | flag(POTENTIAL, !item.potential.is_empty())
            | flag(ADDITIONAL, !item.additional.is_empty())
            | flag(FLAME, !item.flame.is_empty())
            | flag(BASE, item.base_attack != 0 || item.base_magic != 0),
    );
    put_word(bytes, &item.slot);
    if own_part {
        put_word(bytes, &item.part);
    }
    put_text(bytes, &item.name);
    put_varint(bytes, u64::from(item.level));
    bytes.push(item.stars);
    for potential in [&item.potential, &item.additional] {
        if !potential.is_empty() {
            put_potential(bytes, potential);
        }
    }
    if !item.flame.is_empty() {
        put_flame(bytes, &item.flame);
    }
    if item.base_attack != 0 || item.base_magic != 0 {
        put_zigzag(bytes, item.base_attack.into());
        put_zigzag(bytes, item.base_magic.into());
    }
}

/// Reads an item back.
pub(super) fn read_item(bytes: &[u8]) -> Result<Item, DecodeError> {
    let mut reader = Reader::new("an item", bytes);
    let flags = reader.byte()?;
    let slot = read_word(&mut reader)?;
    let part = match flags & (PART_IS_SLOT | PART) {
        0 => Cow::Borrowed(""),
        PART_IS_SLOT => slot.clone(),
        PART => read_word(&mut reader)?,
        _ => return Err(reader.invalid("the part is given twice")),
    };
    let name = read_text(&mut reader)?;
    let level =
        u16::try_from(reader.varint()?).map_err(|_| reader.invalid("the level is out of range"))?;
    let stars = reader.byte()?;
    let potential = |reader: &mut Reader<'_>, bit| {
        if flags & bit == 0 {
            Ok(PotentialFields::default())
        } else {
            read_potential(reader)
        }
    };
    let fields = ItemFields {
        slot,
        part,
        name: Cow::Owned(name),
        level,
        stars,
        scroll: flags & SCROLL != 0,
        potential: potential(&mut reader, POTENTIAL)?,
        additional: potential(&mut reader, ADDITIONAL)?,
        flame: if flags & FLAME == 0 {
            FlameOptions::default()
        } else {
            read_flame(&mut reader)?
        },
        base_attack: if flags & BASE == 0 {
            0
        } else {
            reader.number()?
        },
        base_magic: if flags & BASE == 0 {
            0
        } else {
            reader.number()?
        },
    };
    reader.end()?;
    Ok(fields.into())
}

/// The code of no grade, and of one that is not of the four; those follow, lowest first.
const NO_GRADE: u8 = 0;
const OTHER_GRADE: u8 = 1;
const FIRST_GRADE: u8 = 2;

fn put_potential(bytes: &mut Vec<u8>, potential: &PotentialFields<'_>) {
    match potential
        .grade
        .as_deref()
        .map(|text| (text, Grade::from_korean(text)))
    {
        None => bytes.push(NO_GRADE),
        Some((_, Some(grade))) => bytes.push(FIRST_GRADE + grade as u8),
        Some((text, None)) => {
            bytes.push(OTHER_GRADE);
            put_text(bytes, text);
        }
    }
    for line in &potential.lines {
        put_line(bytes, line.as_deref());
    }
}

fn read_potential(reader: &mut Reader<'_>) -> Result<PotentialFields<'static>, DecodeError> {
    let grade = match reader.byte()? {
        NO_GRADE => None,
        OTHER_GRADE => Some(Cow::Owned(read_text(reader)?)),
        code => {
            let grade = Grade::ALL.get(usize::from(code - FIRST_GRADE));
            let grade = grade.ok_or_else(|| reader.invalid("a grade has an unknown number"))?;
            Some(Cow::Borrowed(grade.korean()))
        }
    };
    let mut lines = [None, None, None];
    for line in &mut lines {
        *line = read_line(reader)?.map(Cow::Owned);
    }
    Ok(PotentialFields { grade, lines })
}

/// One bit for each option that is not 0, then those options.
fn put_flame(bytes: &mut Vec<u8>, flame: &FlameOptions) {
    let options = flame_options(flame);
    let mask = options
        .iter()
        .rev()
        .fold(0, |mask, &option| mask << 1 | u64::from(option != 0));
    put_varint(bytes, mask);
    for option in options.into_iter().filter(|&option| option != 0) {
        put_zigzag(bytes, option.into());
    }
}

fn read_flame(reader: &mut Reader<'_>) -> Result<FlameOptions, DecodeError> {
    let mask = reader.varint()?;
    let mut options = [0; 10];
    for (index, option) in options.iter_mut().enumerate() {
        if mask >> index & 1 == 1 {
            *option = reader.number()?;
        }
    }
    let [
        str,
        dex,
        int,
        luk,
        max_hp,
        all_stat,
        attack,
        magic,
        boss_damage,
        damage,
    ] = options;
    Ok(FlameOptions {
        str,
        dex,
        int,
        luk,
        max_hp,
        all_stat,
        attack,
        magic,
        boss_damage,
        damage,
    })
}

fn flame_options(flame: &FlameOptions) -> [i32; 10] {
    let FlameOptions {
        str,
        dex,
        int,
        luk,
        max_hp,
        all_stat,
        attack,
        magic,
        boss_damage,
        damage,
    } = *flame;
    [
        str,
        dex,
        int,
        luk,
        max_hp,
        all_stat,
        attack,
        magic,
        boss_damage,
        damage,
    ]
}
