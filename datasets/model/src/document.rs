//! Reading equipment: the parts that the document and its compact form have in common.

mod compact;
mod fields;
mod findings;
mod flame;
mod items;
mod whole;

#[cfg(test)]
mod tests;

use std::io::Read;

use flate2::read::MultiGzDecoder;

pub(crate) use compact::read_compact;
#[cfg(test)]
pub(crate) use compact::{Member as CompactMember, Root as CompactRoot};
pub(crate) use findings::{Findings, Found};
#[cfg(test)]
pub(crate) use flame::FlameOption;
pub(crate) use whole::read_document;
#[cfg(test)]
pub(crate) use whole::{Base as DocumentBase, Member as DocumentMember, Root as DocumentRoot};

use crate::json::{Checked, Cursor, fault};
use crate::limits::MESSAGE_BYTES_MAX;
use crate::reason::{Reason, Rejection};
use crate::snapshot::{Builder, ItemFields, Snapshot};

/// Takes the distinct items as they are read.
pub(crate) trait Wardrobe {
    /// Keeps an item, and gives the number by which [`wear`](Self::wear) knows it.
    fn keep(&mut self, item: ItemFields<'_>) -> u32;
    /// Adds a kept item to a preset, 0 to 2.
    fn wear(&mut self, preset: usize, item: u32);
}

impl Wardrobe for Builder {
    fn keep(&mut self, item: ItemFields<'_>) -> u32 {
        self.intern(&item)
    }

    fn wear(&mut self, preset: usize, item: u32) {
        Builder::wear(self, preset, item);
    }
}

/// The items as values.
#[derive(Debug, Default)]
struct Values {
    items: Vec<valuation::Item>,
    snapshot: Snapshot,
}

impl Wardrobe for Values {
    fn keep(&mut self, item: ItemFields<'_>) -> u32 {
        self.items.push(item.into());
        self.items.len() as u32 - 1
    }

    fn wear(&mut self, preset: usize, item: u32) {
        self.snapshot.presets[preset].push(self.items[item as usize].clone());
    }
}

/// Reads the provider's whole document, plain or gzip, as it stands in a file.
///
/// ```
/// let snapshot = model::document::parse(
///     r#"{"character_class":"에반","item_equipment_preset_1":[
///         {"item_equipment_slot":"모자","item_name":"에테르넬 메이지햇","starforce":"22"}]}"#
///         .as_bytes(),
/// )?;
///
/// assert_eq!(snapshot.class, "에반");
/// assert_eq!(snapshot.presets[0][0].stars.0, 22);
/// # Ok::<(), model::Rejection>(())
/// ```
pub fn parse(bytes: &[u8]) -> Result<Snapshot, Rejection> {
    let bytes = plain(bytes).map_err(|fault| *fault)?;
    parse_with(&bytes, |cursor, values| read_document(cursor, values)).map_err(|fault| *fault)
}

/// Reads the compact form of a document.
pub fn parse_compact(bytes: &[u8]) -> Result<Snapshot, Rejection> {
    parse_with(bytes, |cursor, values| read_compact(cursor, values)).map_err(|fault| *fault)
}

/// Reads the provider's whole document straight into the binary form of its snapshot, as admission
/// does: plain alone, and without a copy of its texts.
pub fn encode(bytes: &[u8]) -> Result<Box<[u8]>, Rejection> {
    let mut builder = Builder::default();
    let class =
        read_whole(bytes, |cursor| read_document(cursor, &mut builder)).map_err(|fault| *fault)?;
    Ok(builder.finish(&class).into_boxed_slice())
}

fn parse_with<'a>(
    bytes: &'a [u8],
    read: impl FnOnce(&mut Cursor<'a>, &mut Values) -> Checked<Found<std::borrow::Cow<'a, str>>>,
) -> Checked<Snapshot> {
    let mut values = Values::default();
    let class = read_whole(bytes, |cursor| read(cursor, &mut values))?;
    Ok(Snapshot {
        class: class.into_owned(),
        ..values.snapshot
    })
}

/// Reads exactly one object.
fn read_whole<'a, T>(
    bytes: &'a [u8],
    read: impl FnOnce(&mut Cursor<'a>) -> Checked<Found<T>>,
) -> Checked<T> {
    if bytes.len() > MESSAGE_BYTES_MAX {
        return Err(too_large());
    }
    let mut cursor = Cursor::new(bytes)?;
    let found = read(&mut cursor)?;
    cursor.end()?;
    found.into_result()
}

fn too_large() -> Box<Rejection> {
    fault(Reason::TooLarge, "at most 2 MiB")
}

/// Unpacks what begins as gzip does.
fn plain(bytes: &[u8]) -> Checked<std::borrow::Cow<'_, [u8]>> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes.into());
    }
    let mut unpacked = Vec::new();
    MultiGzDecoder::new(bytes)
        .take(MESSAGE_BYTES_MAX as u64 + 1)
        .read_to_end(&mut unpacked)
        .map_err(|_| fault(Reason::Malformed, "whole gzip"))?;
    if unpacked.len() > MESSAGE_BYTES_MAX {
        Err(too_large())
    } else {
        Ok(unpacked.into())
    }
}
