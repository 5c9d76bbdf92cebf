//! Contents compared by sums of hashes: whatever order rows come in and however often they come and go, equal
//! contents have equal sums.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{ArrayRef, AsArray as _, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};
use model::tables::TableSpec;

/// Ranges of keys that have a sum each.
pub const RANGES: usize = 256;

/// The sums of a content, by ranges of the first key column; a sum is over the 128-bit hashes of the rows.
#[derive(Debug)]
pub struct ContentSums {
    columns: Vec<(&'static str, DataType)>,
    key: &'static str,
    converter: RowConverter,
    ranges: Vec<u128>,
    rows: i64,
    /// The ranges of which each key has a sum too.
    close: BTreeSet<usize>,
    keys: BTreeMap<String, u128>,
}

impl ContentSums {
    /// No rows yet.
    ///
    /// - `spec`: the table whose columns are compared, all but `epoch` and `diff`.
    /// - `close`: ranges of which each key is summed up on its own, for a close look.
    pub fn new(
        spec: &'static TableSpec,
        close: impl IntoIterator<Item = usize>,
    ) -> Result<Self, ArrowError> {
        let columns: Vec<_> = spec
            .content()
            .map(|column| (column.name.as_str(), column.data_type.clone()))
            .collect();
        let fields = columns.iter();
        let fields = fields.map(|(_, data_type)| SortField::new(data_type.clone()));
        Ok(Self {
            key: spec.key[0],
            converter: RowConverter::new(fields.collect())?,
            columns,
            ranges: vec![0; RANGES],
            rows: 0,
            close: close.into_iter().collect(),
            keys: BTreeMap::new(),
        })
    }

    /// Adds rows, each as often as its `diff` says; once where there is none.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        let of_name = |name: &str| {
            let column = batch.column_by_name(name);
            column.ok_or_else(|| ArrowError::SchemaError(format!("no column {name}")))
        };
        let columns = self.columns.iter().map(|(name, data_type)| {
            let column = of_name(name)?;
            match column.data_type() == data_type {
                true => Ok(ArrayRef::clone(column)),
                false => cast(column, data_type),
            }
        });
        let columns: Vec<ArrayRef> = columns.collect::<Result<_, _>>()?;
        let key = self.columns.iter().position(|(name, _)| *name == self.key);
        let key = key.expect("the key is among the columns");
        let keys = columns[key].as_string::<i32>();
        let diffs = match batch.column_by_name("diff") {
            Some(diffs) => Some(diffs.as_primitive_opt::<Int32Type>().ok_or_else(|| {
                ArrowError::SchemaError("diff is no column of 32 bits".to_owned())
            })?),
            None => None,
        };
        let rows = self.converter.convert_columns(&columns)?;
        for (place, row) in rows.iter().enumerate() {
            let diff = diffs.map_or(1, |diffs| diffs.value(place));
            let mut head = [0; 16];
            head.copy_from_slice(&blake3::hash(row.as_ref()).as_bytes()[..16]);
            let summand = u128::from_le_bytes(head).wrapping_mul(i128::from(diff).cast_unsigned());
            let range = range_of(keys.value(place));
            self.ranges[range] = self.ranges[range].wrapping_add(summand);
            self.rows += i64::from(diff);
            if self.close.contains(&range) {
                let key = keys.value(place);
                match self.keys.get_mut(key) {
                    Some(sum) => *sum = sum.wrapping_add(summand),
                    None => {
                        self.keys.insert(key.to_owned(), summand);
                    }
                }
            }
        }
        Ok(())
    }

    /// Number of rows of the content.
    #[must_use]
    pub fn rows(&self) -> i64 {
        self.rows
    }

    /// The ranges whose contents differ.
    #[must_use]
    pub fn differing(&self, other: &Self) -> Vec<usize> {
        let pairs = self.ranges.iter().zip(&other.ranges).enumerate();
        pairs
            .filter(|(_, (one, other))| one != other)
            .map(|(range, _)| range)
            .collect()
    }

    /// The keys of the ranges that are looked at closely whose contents differ, each with both sums; 0 is that of no
    /// row.
    #[must_use]
    pub fn differing_keys(&self, other: &Self) -> Vec<(String, u128, u128)> {
        let keys: BTreeSet<&String> = self.keys.keys().chain(other.keys.keys()).collect();
        let sum = |sums: &Self, key: &String| sums.keys.get(key).copied().unwrap_or(0);
        keys.into_iter()
            .map(|key| (key.clone(), sum(self, key), sum(other, key)))
            .filter(|(_, one, other)| one != other)
            .collect()
    }
}

/// The range of a key: the first byte of the FNV-1a hash, folded.
fn range_of(key: &str) -> usize {
    let hash = key.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash >> 56) as usize
}

#[cfg(test)]
mod tests {
    use model::Epoch;
    use model::tables::{LikeCountRows, Relation};

    use super::*;

    fn sums(changes: &[(&str, i64, i64)], close: &[usize]) -> ContentSums {
        let spec = Relation::LikeCounts.spec();
        let mut sums = ContentSums::new(spec, close.iter().copied()).unwrap();
        for (place, &(target, old, new)) in changes.iter().enumerate() {
            let mut rows = LikeCountRows::default();
            rows.change(target, old, new, Epoch(place as u64));
            sums.add(&rows.finish()).unwrap();
        }
        sums
    }

    #[test]
    fn equal_contents_have_equal_sums_whatever_led_to_them() {
        let one = sums(
            &[
                ("a", 0, 1),
                ("b", 0, 5),
                ("a", 1, 2),
                ("c", 0, 1),
                ("c", 1, 0),
            ],
            &[],
        );
        let other = sums(&[("b", 0, 5), ("a", 0, 2)], &[]);
        assert!(one.differing(&other).is_empty());
        assert_eq!((one.rows(), other.rows()), (2, 2));
    }

    #[test]
    fn contents_that_differ_are_told_by_range_and_key() {
        let all: Vec<usize> = (0..RANGES).collect();
        let one = sums(&[("a", 0, 1), ("b", 0, 5), ("c", 0, 5)], &all);
        let other = sums(&[("b", 0, 6), ("c", 0, 5), ("d", 0, 1)], &all);
        let keys: Vec<_> = one
            .differing_keys(&other)
            .into_iter()
            .map(|(key, ..)| key)
            .collect();
        assert_eq!(keys, ["a", "b", "d"]);
        let mut ranges: Vec<usize> = ["a", "b", "d"].map(range_of).into();
        ranges.sort_unstable();
        ranges.dedup();
        assert_eq!(one.differing(&other), ranges);
    }

    #[test]
    fn a_row_that_is_there_twice_is_another_content() {
        let spec = Relation::LikeCounts.spec();
        let mut twice = sums(&[("a", 0, 1)], &[]);
        let once = sums(&[("a", 0, 1)], &[]);
        let mut rows = LikeCountRows::default();
        rows.push("a", 1, Epoch(3), 1);
        twice.add(&rows.finish()).unwrap();
        assert_eq!(twice.differing(&once), [range_of("a")]);
        assert_eq!(spec.key[0], "target_ocid");
    }
}
