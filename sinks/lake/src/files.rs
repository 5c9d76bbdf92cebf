//! The data files of a table: what they are called, hold and say of themselves.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int16Array, Int32Array, Int64Array, RecordBatch,
    StringArray, StructArray,
};
use arrow::datatypes::{DataType, Field, Int16Type, Int32Type, Int64Type};
use arrow::error::ArrowError;
use model::Epoch;
use serde_json::Value;

/// The least and the largest value of a column in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Of a whole number.
    Int {
        /// The least value.
        min: i64,
        /// The largest value.
        max: i64,
    },
    /// Of a text, ordered by bytes.
    Text {
        /// The least value.
        min: String,
        /// The largest value.
        max: String,
    },
}

impl Bound {
    fn widen(&mut self, other: Self) {
        match (self, other) {
            (
                Self::Int { min, max },
                Self::Int {
                    min: low,
                    max: high,
                },
            ) => {
                *min = low.min(*min);
                *max = high.max(*max);
            }
            (
                Self::Text { min, max },
                Self::Text {
                    min: low,
                    max: high,
                },
            ) => {
                if low < *min {
                    *min = low;
                }
                if high > *max {
                    *max = high;
                }
            }
            _ => unreachable!("a column has one type"),
        }
    }
}

/// What a file says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileStats {
    /// Number of rows.
    pub rows: u64,
    /// Bounds by column; a column without any is not known.
    pub bounds: BTreeMap<String, Bound>,
}

impl FileStats {
    /// The least and the largest value of a column of whole numbers.
    #[must_use]
    pub fn int_bounds(&self, column: &str) -> Option<(i64, i64)> {
        match self.bounds.get(column) {
            Some(Bound::Int { min, max }) => Some((*min, *max)),
            Some(Bound::Text { .. }) | None => None,
        }
    }

    /// Widens the bounds of `columns` to what `batch` holds. None of them may have nulls.
    pub(crate) fn add<'a>(
        &mut self,
        batch: &RecordBatch,
        columns: impl Iterator<Item = &'a str>,
    ) -> Result<(), ArrowError> {
        self.rows += batch.num_rows() as u64;
        if batch.num_rows() == 0 {
            return Ok(());
        }
        for name in columns {
            let array = batch.column_by_name(name).ok_or_else(|| {
                ArrowError::SchemaError(format!("the batch has no column {name}"))
            })?;
            let found = bounds_of(array)?;
            match self.bounds.get_mut(name) {
                Some(bound) => bound.widen(found),
                None => {
                    self.bounds.insert(name.to_owned(), found);
                }
            }
        }
        Ok(())
    }

    /// Reads the statistics that a log keeps of a file.
    pub(crate) fn from_json(text: &str) -> Option<Self> {
        let json: Value = serde_json::from_str(text).ok()?;
        let mut stats = Self {
            rows: json.get("numRecords")?.as_u64()?,
            bounds: BTreeMap::new(),
        };
        let (Some(least), Some(largest)) = (
            json.get("minValues").and_then(Value::as_object),
            json.get("maxValues").and_then(Value::as_object),
        ) else {
            return Some(stats);
        };
        for (name, min) in least {
            let bound = match (min, largest.get(name)) {
                (Value::Number(min), Some(Value::Number(max))) => {
                    match (min.as_i64(), max.as_i64()) {
                        (Some(min), Some(max)) => Bound::Int { min, max },
                        _ => continue,
                    }
                }
                (Value::String(min), Some(Value::String(max))) => Bound::Text {
                    min: min.clone(),
                    max: max.clone(),
                },
                _ => continue,
            };
            stats.bounds.insert(name.clone(), bound);
        }
        Some(stats)
    }

    /// The statistics as one row of the form that the log takes, with the columns' own types.
    pub(crate) fn to_struct(
        &self,
        type_of: impl Fn(&str) -> DataType,
    ) -> Result<StructArray, ArrowError> {
        let mut nulls: Vec<(Field, ArrayRef)> = Vec::new();
        let mut least: Vec<(Field, ArrayRef)> = Vec::new();
        let mut largest: Vec<(Field, ArrayRef)> = Vec::new();
        for (name, bound) in &self.bounds {
            let (min, max) = match bound {
                Bound::Int { min, max } => {
                    let number = |value: i64| -> ArrayRef {
                        match type_of(name) {
                            DataType::Int16 => Arc::new(Int16Array::from(vec![value as i16])),
                            DataType::Int32 => Arc::new(Int32Array::from(vec![value as i32])),
                            _ => Arc::new(Int64Array::from(vec![value])),
                        }
                    };
                    (number(*min), number(*max))
                }
                Bound::Text { min, max } => {
                    let text = |value: &String| -> ArrayRef {
                        Arc::new(StringArray::from(vec![value.as_str()]))
                    };
                    (text(min), text(max))
                }
            };
            let zero: ArrayRef = Arc::new(Int64Array::from(vec![0]));
            nulls.push((Field::new(name, DataType::Int64, true), zero));
            least.push((Field::new(name, min.data_type().clone(), true), min));
            largest.push((Field::new(name, max.data_type().clone(), true), max));
        }
        let rows: ArrayRef = Arc::new(Int64Array::from(vec![self.rows.cast_signed()]));
        let mut parts = vec![(Field::new("numRecords", DataType::Int64, true), rows)];
        if !self.bounds.is_empty() {
            for (name, columns) in [
                ("nullCount", nulls),
                ("minValues", least),
                ("maxValues", largest),
            ] {
                let (fields, arrays): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
                let array: ArrayRef = Arc::new(StructArray::try_new(fields.into(), arrays, None)?);
                parts.push((Field::new(name, array.data_type().clone(), true), array));
            }
        }
        let tight: ArrayRef = Arc::new(BooleanArray::from(vec![true]));
        parts.push((Field::new("tightBounds", DataType::Boolean, true), tight));
        let (fields, arrays): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        StructArray::try_new(fields.into(), arrays, None)
    }
}

fn bounds_of(array: &ArrayRef) -> Result<Bound, ArrowError> {
    let unusable = || {
        ArrowError::SchemaError(format!(
            "no bounds of a column of type {} with {} nulls",
            array.data_type(),
            array.null_count()
        ))
    };
    if array.null_count() > 0 {
        return Err(unusable());
    }
    fn ends<T: Ord + Copy>(values: &[T]) -> Option<(T, T)> {
        let first = *values.first()?;
        Some(values.iter().fold((first, first), |(min, max), &value| {
            (min.min(value), max.max(value))
        }))
    }
    let int = |found: Option<(i64, i64)>| found.map(|(min, max)| Bound::Int { min, max });
    let text = |values: &mut dyn Iterator<Item = &str>| {
        let first = values.next()?;
        let (min, max) = values.fold((first, first), |(min, max), value| {
            (min.min(value), max.max(value))
        });
        Some(Bound::Text {
            min: min.to_owned(),
            max: max.to_owned(),
        })
    };
    let found = match array.data_type() {
        DataType::Int16 => int(ends(array.as_primitive::<Int16Type>().values())
            .map(|(min, max)| (min.into(), max.into()))),
        DataType::Int32 => int(ends(array.as_primitive::<Int32Type>().values())
            .map(|(min, max)| (min.into(), max.into()))),
        DataType::Int64 => int(ends(array.as_primitive::<Int64Type>().values())),
        DataType::Utf8 => text(&mut array.as_string::<i32>().iter().flatten()),
        DataType::Dictionary(_, _) => {
            let array = array
                .as_dictionary_opt::<Int32Type>()
                .ok_or_else(unusable)?;
            let values = array.values().as_string_opt::<i32>().ok_or_else(unusable)?;
            let mut used = vec![false; values.len()];
            for &key in array.keys().values() {
                used[key as usize] = true;
            }
            text(
                &mut used
                    .iter()
                    .enumerate()
                    .filter(|(_, used)| **used)
                    .map(|(place, _)| values.value(place)),
            )
        }
        _ => None,
    };
    found.ok_or_else(unusable)
}

/// How a file came to be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    /// Appended: in the order of its rows' epochs and offsets, not sorted by key.
    Appended,
    /// Written by a compaction: part of a run sorted by key. Runs sort by their names as they do by
    /// time.
    Run(String),
}

/// The name of a file: how it came to be, and its place among those written with it.
pub(crate) fn name(origin: &Origin, set: &str, place: usize) -> String {
    match origin {
        Origin::Appended => format!("new-{set}-{place:05}.parquet"),
        Origin::Run(run) => format!("run-{run}.{set}-{place:05}.parquet"),
    }
}

/// The name of a file whose bytes have this hash: they are what the table says for as long as they have.
pub(crate) fn with_hash(name: &str, hash: &blake3::Hash) -> String {
    let stem = name.strip_suffix(".parquet").unwrap_or(name);
    format!("{stem}.{}.parquet", &hash.to_hex()[..HASH_DIGITS])
}

/// 128 bits.
pub(crate) const HASH_DIGITS: usize = 32;

/// A file that a table consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveFile {
    /// Its name in the table's folder.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// What it says of itself.
    pub stats: FileStats,
}

impl LiveFile {
    pub(crate) fn origin(&self) -> Origin {
        let run = self
            .name
            .strip_prefix("run-")
            .and_then(|rest| rest.rsplit_once('-'));
        match run {
            Some((run, _)) => Origin::Run(run.to_owned()),
            None => Origin::Appended,
        }
    }

    /// The hash of its bytes, which its name ends in: the first 32 hexadecimal digits of BLAKE3. Files that
    /// versions up to 0.1 wrote have none.
    #[must_use]
    pub fn hash(&self) -> Option<&str> {
        let (_, hash) = self.name.strip_suffix(".parquet")?.rsplit_once('.')?;
        let is_hash =
            hash.len() == HASH_DIGITS && hash.bytes().all(|digit| digit.is_ascii_hexdigit());
        is_hash.then_some(hash)
    }

    /// The order in which files are read so that the rows of one key come in the order of their
    /// epochs: the files of one run hold different keys, all others hold disjoint stretches of time.
    pub(crate) fn order(&self, epoch_column: &str) -> (i64, i64, &str) {
        let (min, max) = self
            .stats
            .int_bounds(epoch_column)
            .unwrap_or((i64::MIN, i64::MIN));
        (min, max, &self.name)
    }

    /// The epochs of its rows, lowest and highest.
    #[must_use]
    pub fn epochs(&self, epoch_column: &str) -> Option<(Epoch, Epoch)> {
        self.stats
            .int_bounds(epoch_column)
            .map(|(min, max)| (Epoch(min.cast_unsigned()), Epoch(max.cast_unsigned())))
    }
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::Schema;

    use super::*;

    fn batch() -> RecordBatch {
        let schema = Schema::new(vec![
            Field::new("epoch", DataType::Int64, false),
            Field::new("preset", DataType::Int16, false),
            Field::new("ocid", DataType::Utf8, false),
        ]);
        RecordBatch::try_new(
            Arc::new(schema),
            vec![
                Arc::new(Int64Array::from(vec![7, 5])),
                Arc::new(Int16Array::from(vec![1, 3])),
                Arc::new(StringArray::from(vec!["나", "가"])),
            ],
        )
        .unwrap()
    }

    #[test]
    fn bounds_are_those_of_all_batches_and_survive_the_log() {
        let mut stats = FileStats::default();
        let columns = ["epoch", "preset", "ocid"];
        stats.add(&batch(), columns.into_iter()).unwrap();
        stats
            .add(&batch().slice(0, 1), columns.into_iter())
            .unwrap();
        assert_eq!(stats.rows, 3);
        assert_eq!(stats.int_bounds("epoch"), Some((5, 7)));
        let schema = batch().schema();
        let row = stats
            .to_struct(|name| schema.field_with_name(name).unwrap().data_type().clone())
            .unwrap();
        assert_eq!(row.len(), 1);
        let json = r#"{"numRecords":3,"nullCount":{"epoch":0},"minValues":{"epoch":5,"preset":1,"ocid":"가"},
            "maxValues":{"epoch":7,"preset":3,"ocid":"나"},"tightBounds":true}"#;
        assert_eq!(FileStats::from_json(json), Some(stats));
    }

    #[test]
    fn values_that_no_row_uses_do_not_widen_bounds() {
        let mut texts = model::tables::text::RepeatedTexts::default();
        texts.place("a");
        texts.push("b");
        assert_eq!(
            bounds_of(&texts.finish()).unwrap(),
            Bound::Text {
                min: "b".into(),
                max: "b".into()
            }
        );
    }

    #[test]
    fn a_name_says_how_the_file_came_to_be() {
        let file = |origin: &Origin| LiveFile {
            name: name(origin, "set", 3),
            path: PathBuf::new(),
            bytes: 0,
            stats: FileStats::default(),
        };
        assert_eq!(file(&Origin::Appended).origin(), Origin::Appended);
        let run = file(&Origin::Run("17".into()));
        assert_eq!(run.origin(), Origin::Run("17.set".into()));
        assert_eq!(run.hash(), None);

        let hash = blake3::hash(b"bytes");
        let hashed = LiveFile {
            name: with_hash(&run.name, &hash),
            ..run
        };
        assert_eq!(hashed.origin(), Origin::Run("17.set".into()));
        assert_eq!(hashed.hash(), Some(&hash.to_hex()[..32]));
    }
}
