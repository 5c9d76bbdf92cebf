//! The items of one preset.

use crate::json::{Checked, Cursor};
use crate::snapshot::ItemFields;

use super::Wardrobe;
use super::findings::{Findings, Found};

/// Only so many items are compared byte by byte; a character wears some 25 in each preset.
const REMEMBERED_MAX: usize = 128;

/// The items that came before, as they are written: presets share most of them, and an item that is
/// written like an earlier one is that item.
#[derive(Debug, Default)]
pub(super) struct Seen<'a> {
    items: Vec<(&'a str, Option<u32>)>,
    /// The item that is tried first: presets keep their order.
    expected: usize,
}

impl<'a> Seen<'a> {
    /// Skips the item here if it came before: its number, or `None` if it has no slot.
    #[inline]
    fn skip(&mut self, cursor: &mut Cursor<'a>) -> Option<Option<u32>> {
        let (before, behind) = self.items.split_at(self.expected);
        let index = behind
            .iter()
            .chain(before)
            .position(|(written, _)| cursor.skip_written(written))
            .map(|index| (index + self.expected) % self.items.len())?;
        self.expected = (index + 1) % self.items.len();
        Some(self.items[index].1)
    }

    fn remember(&mut self, written: &'a str, item: Option<u32>) {
        if self.items.len() < REMEMBERED_MAX {
            self.items.push((written, item));
        }
    }
}

/// Reads the list of items here, each by `read_item`. Items without a slot are dropped.
pub(super) fn read_items<'a, W: Wardrobe>(
    cursor: &mut Cursor<'a>,
    preset: usize,
    seen: &mut Seen<'a>,
    wardrobe: &mut W,
    read_item: impl Fn(&mut Cursor<'a>) -> Checked<Found<ItemFields<'a>>>,
) -> Checked<Findings> {
    let mut findings = Findings::default();
    cursor.enter_list()?;
    let mut index = 0;
    while cursor.next_element(index == 0)? {
        cursor.peek();
        let item = match seen.skip(cursor) {
            Some(item) => item,
            None => {
                let start = cursor.place();
                let found = read_item(cursor).map_err(|fault| fault.at_index(index))?;
                let is_sound = found.is_sound();
                findings.inner(found.findings, |fault| fault.at_index(index));
                let has_slot = !found.value.slot.is_empty();
                let item = has_slot.then(|| wardrobe.keep(found.value));
                if is_sound {
                    seen.remember(cursor.since(start), item);
                }
                item
            }
        };
        if let Some(item) = item {
            wardrobe.wear(preset, item);
        }
        index += 1;
    }
    Ok(findings)
}
