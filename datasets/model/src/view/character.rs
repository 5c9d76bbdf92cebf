//! A character's value: totals as JSON, a line end, and the breakdown as zlib-compressed JSON.

use std::fmt::Write;
use std::io::Read;

use flate2::{Compress, Compression, FlushCompress, Status as ZlibStatus};
use serde::Deserialize;
use valuation::{ComponentValue, Meso};

use super::ViewFormError;
use super::breakdown::BreakdownWriter;
use super::item_row;
use super::json::{Cell, push_float, push_mesos, push_text};
use crate::valued::CharacterValuation;

/// The most that a breakdown may inflate to; a document has at most a few hundred items of 200 bytes.
const BREAKDOWN_BYTES_MAX: u64 = 4 << 20;

/// A character as a reader gets it: money exact, floats in 5 significant digits.
#[derive(Clone, Debug, PartialEq)]
pub struct CharacterView {
    /// The class of the document.
    pub class: String,
    /// The preset that counts, 1 to 3.
    pub preset: u8,
    /// The three presets, in order.
    pub presets: [PresetView; 3],
    /// The distinct items of the presets, in order of first use.
    pub items: Vec<ItemView>,
}

/// One preset's totals.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PresetView {
    /// Sum over the items in whole mesos.
    pub cost_mesos: Meso,
    /// Number of summed components without a cost.
    pub missing_parts: u32,
    /// Standard deviation of the cost in mesos.
    pub sd_mesos: f64,
    /// The cost that suffices in 90 of 100 cases, in mesos.
    pub p90_mesos: f64,
    /// The items in the order of the document, as places in [`CharacterView::items`].
    pub items: Vec<usize>,
}

/// One item.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemView {
    /// The slot of the document.
    pub slot: String,
    /// The item's name.
    pub name: String,
    /// The six components in the order of `ComponentKind::ALL`. Texts of policies and all money are
    /// exact; other numbers have 5 digits or follow from the money.
    pub components: [ComponentValue; 6],
    /// Sum of the summed components in whole mesos.
    pub cost_mesos: Meso,
    /// Number of summed components without a cost.
    pub missing_parts: u32,
}

/// Makes payloads; keeps its buffers and the compressor's memory between characters.
#[derive(Debug)]
pub struct CharacterEncoder {
    compress: Compress,
    breakdown: BreakdownWriter,
    payload: Vec<u8>,
}

impl Default for CharacterEncoder {
    fn default() -> Self {
        Self {
            compress: Compress::new(LEVEL, true),
            breakdown: BreakdownWriter::default(),
            payload: Vec::new(),
        }
    }
}

/// Level 6 gains 1 % of bytes on a few kilobytes and takes half as long again.
const LEVEL: Compression = Compression::new(4);

impl CharacterEncoder {
    /// The payload of `character`; equal valuations have equal payloads.
    #[must_use]
    pub fn encode(&mut self, character: &CharacterValuation) -> Vec<u8> {
        let payload = &mut self.payload;
        payload.clear();
        payload.extend_from_slice(totals(character).as_bytes());
        payload.push(b'\n');
        deflate_onto(
            payload,
            &mut self.compress,
            self.breakdown.write(character).as_bytes(),
        );
        payload.as_slice().to_vec()
    }
}

fn deflate_onto(payload: &mut Vec<u8>, compress: &mut Compress, input: &[u8]) {
    compress.reset();
    // Stored blocks add a few bytes per 16 KiB to input that does not compress.
    payload.reserve(input.len() + input.len() / 1024 + 64);
    let status = compress
        .compress_vec(input, payload, FlushCompress::Finish)
        .expect("deflate has no failing input");
    assert_eq!(
        status,
        ZlibStatus::StreamEnd,
        "the reserved room holds any input"
    );
}

fn totals(character: &CharacterValuation) -> String {
    let mut out = String::with_capacity(256);
    out.push_str("{\"class\":");
    push_text(&mut out, &character.class);
    write!(out, ",\"preset\":{},\"presets\":", character.preset).expect("a String takes all");
    for (open, preset) in ["[[", ",[", ",["].into_iter().zip(&character.presets) {
        out.push_str(open);
        push_mesos(&mut out, Some(preset.cost_mesos));
        write!(out, ",{},", preset.missing_parts).expect("a String takes all");
        push_float(&mut out, Some(preset.sd_mesos));
        out.push(',');
        push_float(&mut out, Some(preset.p90_mesos));
        out.push(']');
    }
    out.push_str("]}");
    out
}

#[derive(Deserialize)]
struct Totals {
    class: String,
    preset: u8,
    presets: [Vec<Cell>; 3],
}

#[derive(Deserialize)]
struct Breakdown {
    presets: [Vec<Cell>; 3],
    items: Vec<Cell>,
}

impl CharacterView {
    /// Reads a payload.
    pub fn decode(payload: &[u8]) -> Result<Self, ViewFormError> {
        let end = memchr::memchr(b'\n', payload).ok_or(ViewFormError::Breakdown)?;
        let totals: Totals =
            serde_json::from_slice(&payload[..end]).map_err(|source| ViewFormError::Json {
                part: "totals",
                source,
            })?;
        let mut breakdown = Vec::new();
        flate2::read::ZlibDecoder::new(&payload[end + 1..])
            .take(BREAKDOWN_BYTES_MAX)
            .read_to_end(&mut breakdown)
            .map_err(|source| ViewFormError::Inflate { source })?;
        let breakdown: Breakdown =
            serde_json::from_slice(&breakdown).map_err(|source| ViewFormError::Json {
                part: "breakdown",
                source,
            })?;
        let items = item_row::decode_all(&breakdown.items)?;

        let mut presets: [PresetView; 3] = Default::default();
        for ((view, cells), worn) in presets
            .iter_mut()
            .zip(&totals.presets)
            .zip(&breakdown.presets)
        {
            *view = read_totals(cells).ok_or(ViewFormError::Shape { what: "the totals" })?;
            view.items = read_places(worn, items.len()).ok_or(ViewFormError::Shape {
                what: "the items of a preset",
            })?;
        }
        if !(1..=3).contains(&totals.preset) {
            return Err(ViewFormError::Shape {
                what: "the preset that counts",
            });
        }
        Ok(Self {
            class: totals.class,
            preset: totals.preset,
            presets,
            items,
        })
    }

    /// The preset that counts.
    #[must_use]
    pub fn best(&self) -> &PresetView {
        &self.presets[usize::from(self.preset) - 1]
    }
}

fn read_totals(cells: &[Cell]) -> Option<PresetView> {
    let [cost, missing, sd, p90, ..] = cells else {
        return None;
    };
    Some(PresetView {
        cost_mesos: cost.mesos()?,
        missing_parts: missing.integer()?,
        sd_mesos: sd.float().unwrap_or(f64::NAN),
        p90_mesos: p90.float().unwrap_or(f64::NAN),
        items: Vec::new(),
    })
}

fn read_places(cells: &[Cell], items: usize) -> Option<Vec<usize>> {
    let mut places = Vec::new();
    for cell in cells {
        let (first, count) = match cell {
            Cell::List(run) => match run.as_slice() {
                [first, count] => (first.integer::<usize>()?, count.integer::<usize>()?),
                _ => return None,
            },
            place => (place.integer()?, 1),
        };
        let end = first.checked_add(count).filter(|end| *end <= items)?;
        places.extend(first..end);
    }
    Some(places)
}

#[cfg(test)]
#[path = "character/tests.rs"]
mod tests;
