//! An item as it is read: the texts borrowed from the message.

use std::borrow::Cow;

use valuation::{FlameOptions, Item, Level, Star};

/// The fields of [`Item`], borrowed where the message's bytes allow it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ItemFields<'a> {
    pub(crate) slot: Cow<'a, str>,
    pub(crate) part: Cow<'a, str>,
    pub(crate) name: Cow<'a, str>,
    pub(crate) level: u16,
    pub(crate) potential: PotentialFields<'a>,
    pub(crate) additional: PotentialFields<'a>,
    pub(crate) stars: u8,
    pub(crate) scroll: bool,
    pub(crate) flame: FlameOptions,
    pub(crate) base_attack: i32,
    pub(crate) base_magic: i32,
}

/// A grade and three lines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PotentialFields<'a> {
    pub(crate) grade: Option<Cow<'a, str>>,
    pub(crate) lines: [Option<Cow<'a, str>>; 3],
}

impl PotentialFields<'_> {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

fn owned(text: Option<Cow<'_, str>>) -> Option<String> {
    text.map(Cow::into_owned)
}

fn borrowed(text: Option<&String>) -> Option<Cow<'_, str>> {
    text.map(|text| Cow::Borrowed(text.as_str()))
}

impl From<ItemFields<'_>> for Item {
    fn from(fields: ItemFields<'_>) -> Self {
        Self {
            slot: fields.slot.into_owned(),
            part: fields.part.into_owned(),
            name: fields.name.into_owned(),
            level: Level(fields.level),
            grade: owned(fields.potential.grade),
            lines: fields.potential.lines.map(owned),
            additional_grade: owned(fields.additional.grade),
            additional_lines: fields.additional.lines.map(owned),
            stars: Star(fields.stars),
            scroll: fields.scroll,
            flame: fields.flame,
            base_attack: fields.base_attack,
            base_magic: fields.base_magic,
        }
    }
}

impl<'a> From<&'a Item> for ItemFields<'a> {
    fn from(item: &'a Item) -> Self {
        Self {
            slot: Cow::Borrowed(&item.slot),
            part: Cow::Borrowed(&item.part),
            name: Cow::Borrowed(&item.name),
            level: item.level.0,
            potential: PotentialFields {
                grade: borrowed(item.grade.as_ref()),
                lines: item.lines.each_ref().map(|line| borrowed(line.as_ref())),
            },
            additional: PotentialFields {
                grade: borrowed(item.additional_grade.as_ref()),
                lines: item
                    .additional_lines
                    .each_ref()
                    .map(|line| borrowed(line.as_ref())),
            },
            stars: item.stars.0,
            scroll: item.scroll,
            flame: item.flame,
            base_attack: item.base_attack,
            base_magic: item.base_magic,
        }
    }
}
