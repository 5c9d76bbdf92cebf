//! What the members of both forms fill: each field of an item, checked alike.

use std::borrow::Cow;

use valuation::{Level, Star};

use crate::fields::{document_number, document_text, invalid};
use crate::json::{Checked, Cursor, Members, Value};
use crate::snapshot::{ItemFields, PotentialFields};

use super::findings::Findings;

const A_LEVEL: &str = "a level: an integer, or a text of one, 0 to 300";
const STARS: &str = "stars: an integer, or a text of one, 0 to 30";
const A_NUMBER: &str = "an integer, or a text of one";

/// A field of an item that one text or number fills.
#[derive(Clone, Copy, Debug)]
pub(super) enum Field {
    Slot,
    Part,
    Name,
    Level,
    Grade(Potential),
    Line(Potential, usize),
    Stars,
    BaseAttack,
    BaseMagic,
}

/// Which of the two potentials of an item.
#[derive(Clone, Copy, Debug)]
pub(super) enum Potential {
    Main,
    Additional,
}

impl Potential {
    #[inline]
    fn of_item<'i, 'a>(self, item: &'i mut ItemFields<'a>) -> &'i mut PotentialFields<'a> {
        match self {
            Self::Main => &mut item.potential,
            Self::Additional => &mut item.additional,
        }
    }
}

/// Sets a field of an item to what a member holds.
#[inline]
pub(super) fn set<'a>(item: &mut ItemFields<'a>, field: Field, value: Value<'a>) -> Checked<()> {
    match field {
        Field::Slot => item.slot = text(value)?,
        Field::Part => item.part = text(value)?,
        Field::Name => item.name = text(value)?,
        Field::Level => {
            item.level = document_number(value, 0..=i32::from(Level::MAX.0), A_LEVEL)? as u16;
        }
        // A grade that is called `null` is none.
        Field::Grade(potential) => {
            potential.of_item(item).grade =
                document_text(value)?.filter(|grade| !grade.eq_ignore_ascii_case("null"));
        }
        // A line that says `null` is none.
        Field::Line(potential, index) => {
            potential.of_item(item).lines[index] =
                document_text(value)?.filter(|line| line != "null");
        }
        Field::Stars => {
            item.stars = document_number(value, 0..=i32::from(Star::MAX.0), STARS)? as u8;
        }
        Field::BaseAttack => item.base_attack = number(value)?,
        Field::BaseMagic => item.base_magic = number(value)?,
    }
    Ok(())
}

fn text(value: Value<'_>) -> Checked<Cow<'_, str>> {
    Ok(document_text(value)?.unwrap_or_default())
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
        return match cursor.plain_value()? {
            Value::Null => Ok(Findings::default()),
            _ => Ok(Findings::of(invalid("an object"))),
        };
    }
    let mut findings = Findings::default();
    cursor.enter_object()?;
    while let Some(index) = members.next(cursor)? {
        let value = cursor
            .plain_value()
            .map_err(|fault| fault.within(names[index]))?;
        findings.note(names[index], set(index, value));
    }
    Ok(findings)
}
