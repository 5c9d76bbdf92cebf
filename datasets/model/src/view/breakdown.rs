//! The breakdown of a character in the making: each distinct item once, and where it is worn.

use std::fmt::Write;
use std::hash::BuildHasher;
use std::ops::Range;

use hashbrown::HashTable;
use rustc_hash::{FxBuildHasher, FxHashMap};

use super::item_row::push_row;
use crate::valued::{CharacterValuation, ItemValuation};

/// Writes breakdowns; keeps its buffers between characters.
#[derive(Debug, Default)]
pub(super) struct BreakdownWriter {
    rows: Rows,
    /// The rows of items by address, which tells items apart while their character is at hand.
    places: FxHashMap<usize, usize>,
    out: String,
}

impl BreakdownWriter {
    /// The breakdown of `character` as JSON.
    pub(super) fn write(&mut self, character: &CharacterValuation) -> &str {
        self.rows.clear();
        self.places.clear();
        self.out.clear();
        self.out.push_str("{\"presets\":[");
        for (number, preset) in character.presets.iter().enumerate() {
            if number > 0 {
                self.out.push(',');
            }
            let mut runs = Runs::new(&mut self.out);
            for item in &preset.items {
                let rows = &mut self.rows;
                let place = self
                    .places
                    .entry(std::ptr::from_ref::<ItemValuation>(item).addr())
                    .or_insert_with(|| rows.place(item));
                runs.push(*place);
            }
            runs.finish();
        }
        self.out.push_str("],\"items\":[");
        self.out.push_str(&self.rows.text);
        self.out.push_str("]}");
        &self.out
    }
}

/// The distinct rows of one character, with commas between them.
#[derive(Debug, Default)]
struct Rows {
    text: String,
    spans: Vec<Range<usize>>,
    places: HashTable<usize>,
}

impl Rows {
    fn clear(&mut self) {
        self.text.clear();
        self.spans.clear();
        self.places.clear();
    }

    /// The place of the row of `item`, which is appended if it is new.
    fn place(&mut self, item: &ItemValuation) -> usize {
        let before = self.text.len();
        if before > 0 {
            self.text.push(',');
        }
        let start = self.text.len();
        push_row(&mut self.text, item);
        let (text, spans) = (&self.text, &self.spans);
        let row = &text[start..];
        let hash = |row: &str| FxBuildHasher.hash_one(row);
        let same = |place: &usize| text[spans[*place].clone()] == *row;
        if let Some(place) = self.places.find(hash(row), same) {
            let place = *place;
            self.text.truncate(before);
            return place;
        }
        let place = self.spans.len();
        let (hashed, span) = (hash(row), start..text.len());
        self.spans.push(span);
        let (text, spans) = (&self.text, &self.spans);
        let rehash = |place: &usize| hash(&text[spans[*place].clone()]);
        self.places.insert_unique(hashed, place, rehash);
        place
    }
}

/// Writes places as a list whose elements are a place, or `[first, count]` for three or more in a row.
struct Runs<'a> {
    out: &'a mut String,
    first: usize,
    count: usize,
    is_empty: bool,
}

impl<'a> Runs<'a> {
    fn new(out: &'a mut String) -> Self {
        out.push('[');
        Self {
            out,
            first: 0,
            count: 0,
            is_empty: true,
        }
    }

    fn push(&mut self, place: usize) {
        if self.count > 0 && place == self.first + self.count {
            self.count += 1;
            return;
        }
        self.end_run();
        (self.first, self.count) = (place, 1);
    }

    fn end_run(&mut self) {
        let (first, count) = (self.first, self.count);
        let elements = match count {
            0 => return,
            1 => write!(self.comma(), "{first}"),
            2 => write!(self.comma(), "{first},{}", first + 1),
            _ => write!(self.comma(), "[{first},{count}]"),
        };
        elements.expect("a String takes all");
    }

    fn comma(&mut self) -> &mut String {
        if !self.is_empty {
            self.out.push(',');
        }
        self.is_empty = false;
        self.out
    }

    fn finish(mut self) {
        self.end_run();
        self.out.push(']');
    }
}
