//! Text columns, each distinct value of a batch stored once, and batches made of columns.

use std::hash::Hasher;
use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Int32Array, RecordBatch, StringArray};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Int32Type, Schema};
use hashbrown::HashTable;
use rustc_hash::FxHasher;

use crate::tables::spec::TableSpec;

/// The type of the arrays made here.
#[must_use]
pub fn dictionary() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

/// Makes a batch of the table of `spec` from all of its columns in order. A text column may be a
/// dictionary.
pub(super) fn batch(spec: &TableSpec, columns: Vec<ArrayRef>) -> RecordBatch {
    let fields: Vec<Field> = spec
        .columns
        .iter()
        .zip(&columns)
        .map(|(column, array)| Field::new(&column.name, array.data_type().clone(), column.nullable))
        .collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
        .expect("the columns are those of the specification")
}

/// A text column in the making whose values repeat: no allocation a cell.
#[derive(Debug)]
pub struct RepeatedTexts {
    keys: Vec<i32>,
    valid: Vec<bool>,
    nulls: usize,
    bytes: Vec<u8>,
    ends: Vec<i32>,
    places: HashTable<u32>,
}

impl Default for RepeatedTexts {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            valid: Vec::new(),
            nulls: 0,
            bytes: Vec::new(),
            ends: vec![0],
            places: HashTable::new(),
        }
    }
}

fn hash(text: &[u8]) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(text);
    hasher.finish()
}

fn slice<'a>(bytes: &'a [u8], ends: &[i32], place: u32) -> &'a [u8] {
    let place = place as usize;
    &bytes[ends[place] as usize..ends[place + 1] as usize]
}

impl RepeatedTexts {
    /// The place of `text` among the distinct values of this batch, for [`Self::push_place`].
    pub fn place(&mut self, text: &str) -> i32 {
        let text = text.as_bytes();
        let hashed = hash(text);
        let (bytes, ends) = (&self.bytes, &self.ends);
        if let Some(place) = self
            .places
            .find(hashed, |&place| slice(bytes, ends, place) == text)
        {
            return *place as i32;
        }
        let place = self.ends.len() as u32 - 1;
        self.bytes.extend_from_slice(text);
        let end = i32::try_from(self.bytes.len()).expect("a batch holds less than 2 GiB of texts");
        self.ends.push(end);
        let (bytes, ends) = (&self.bytes, &self.ends);
        self.places
            .insert_unique(hashed, place, |&place| hash(slice(bytes, ends, place)));
        place as i32
    }

    /// Appends the value at `place`, which [`Self::place`] gave since the last batch.
    pub fn push_place(&mut self, place: i32) {
        self.keys.push(place);
        self.valid.push(true);
    }

    /// Appends `text`.
    pub fn push(&mut self, text: &str) {
        let place = self.place(text);
        self.push_place(place);
    }

    /// Appends `text`, or null.
    pub fn push_option(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.push(text),
            None => {
                self.keys.push(0);
                self.valid.push(false);
                self.nulls += 1;
            }
        }
    }

    /// Takes the batch: a dictionary of texts. The distinct values start anew.
    pub fn finish(&mut self) -> ArrayRef {
        let next = Self {
            keys: Vec::with_capacity(self.keys.len()),
            valid: Vec::with_capacity(self.valid.len()),
            ..Self::default()
        };
        let done = std::mem::replace(self, next);
        let nulls = (done.nulls > 0).then(|| NullBuffer::from(done.valid));
        let keys = Int32Array::new(ScalarBuffer::from(done.keys), nulls);
        let values = StringArray::new(
            OffsetBuffer::new(ScalarBuffer::from(done.ends)),
            Buffer::from_vec(done.bytes),
            None,
        );
        Arc::new(
            DictionaryArray::<Int32Type>::try_new(keys, Arc::new(values))
                .expect("every key is the place of a value"),
        )
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, AsArray};

    use super::*;

    #[test]
    fn equal_texts_are_stored_once_and_nulls_stay_nulls() {
        let mut texts = RepeatedTexts::default();
        for text in [Some("모자"), None, Some("상의"), Some("모자"), Some("")] {
            texts.push_option(text);
        }
        let array = texts.finish();
        let array = array.as_dictionary::<Int32Type>();
        assert_eq!(array.values().len(), 3);
        let array = array.downcast_dict::<StringArray>().unwrap();
        let read: Vec<Option<&str>> = array.into_iter().collect();
        assert_eq!(
            read,
            [Some("모자"), None, Some("상의"), Some("모자"), Some("")]
        );
        assert_eq!(texts.finish().len(), 0);
    }

    #[test]
    fn a_column_of_nulls_alone_has_no_values() {
        let mut texts = RepeatedTexts::default();
        texts.push_option(None);
        let array = texts.finish();
        assert_eq!((array.len(), array.null_count()), (1, 1));
    }
}
