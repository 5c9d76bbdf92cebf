//! What must come out, by the generator's own model, and what views and tables say.

use std::hash::BuildHasher;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Decimal128Type, Int32Type, Int64Type};
use lake::Lake;
use model::tables::Relation;
use model::view::{CharacterView, Kind, Stamped, likes};
use rustc_hash::{FxBuildHasher, FxHashMap};
use sources::generator::{Generator, Oracle};
use valuation::totals::{ItemTotal, best_preset, item_total, preset_total};
use valuation::{Item, Keyed, key};
use views::ViewReader;

/// The preset that counts, and the cost in mesos and the missing parts of each.
pub type Worth = (u8, [(i128, u32); 3]);

/// Everything there is to know at the end.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// By ocid: the preset that counts, and the cost in mesos and the missing parts of each.
    pub characters: FxHashMap<String, Worth>,
    /// By ocid: likes, where there are any.
    pub likes: FxHashMap<String, i64>,
}

impl Answer {
    /// One pass over what the generator says it sent; shares nothing with the graphs but the price
    /// of a key.
    pub fn right(generator: &Generator, oracle: &Oracle) -> Result<Self> {
        let rules = odds::shipped(odds::SHIPPED[0])?;
        let names = generator.names();
        let mut prices = FxHashMap::default();
        let mut totals: FxHashMap<(&'static str, Item), ItemTotal> = FxHashMap::default();
        let mut answer = Self::default();
        for (&character, &revision) in oracle.worn() {
            let outfit = generator.outfit(character, revision);
            let presets = outfit.presets.map(|items| {
                let items = items.into_iter().map(|item| {
                    *totals
                        .entry((outfit.class, item))
                        .or_insert_with_key(|(class, item)| {
                            let components = key::components(&rules, class, item);
                            let values = components.map(|keyed: Keyed| {
                                keyed.value(|of| {
                                    let price = prices
                                        .entry(of.clone())
                                        .or_insert_with(|| key::price(&rules, of));
                                    price.clone()
                                })
                            });
                            item_total(rules.rules(), &values)
                        })
                });
                preset_total(items)
            });
            let best = best_preset(presets.each_ref().map(|preset| preset.cost_mesos));
            let costs = presets.map(|preset| (preset.cost_mesos.0, preset.missing_parts));
            answer
                .characters
                .insert(names.ocid(character), (best, costs));
        }
        let likes = oracle.likes().iter();
        answer.likes = likes
            .map(|(&character, &count)| (names.ocid(character), count.cast_signed()))
            .collect();
        Ok(answer)
    }

    /// What a view store says, key by key.
    pub fn of_views(reader: &mut impl ViewReader) -> Result<Self> {
        let mut listed = Vec::new();
        let mut cursor = None;
        loop {
            let page = reader.list(cursor.as_ref(), 1_000)?;
            listed.extend(page.keys);
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        let mut answer = Self::default();
        for keys in listed.chunks(500) {
            let values = reader.read(keys)?.values;
            for (key, value) in keys.iter().zip(values) {
                let value = value.context("find a value that was listed")?;
                let payload = Stamped::parse(&value)?.payload;
                let id = key.id.to_string();
                match key.kind {
                    Kind::Character => {
                        let view = CharacterView::decode(payload)?;
                        let costs = view
                            .presets
                            .map(|preset| (preset.cost_mesos.0, preset.missing_parts));
                        answer.characters.insert(id, (view.preset, costs));
                    }
                    Kind::Likes => {
                        answer.likes.insert(id, likes::decode(payload)?);
                    }
                }
            }
        }
        Ok(answer)
    }

    /// What the tables of changes add up to.
    pub fn of_tables(folder: &Path) -> Result<Self> {
        let lake = Lake::open(&folder.join("tables"))?;
        let mut answer = Self::default();
        let mut presets: FxHashMap<(String, i64, i128, i64), i64> = FxHashMap::default();
        each(&lake, Relation::PresetValuations, |batch| {
            let (numbers, missing) = (ints(batch, "preset")?, ints(batch, "missing_parts")?);
            let costs = batch["cost_mesos"].as_primitive::<Decimal128Type>();
            for (row, ocid) in texts(batch, "ocid").enumerate() {
                let key = (
                    ocid.to_owned(),
                    numbers[row],
                    costs.value(row),
                    missing[row],
                );
                *presets.entry(key).or_default() += diff(batch, row);
            }
            Ok(())
        })?;
        let mut best: FxHashMap<(String, i64), i64> = FxHashMap::default();
        each(&lake, Relation::CharacterValuations, |batch| {
            let numbers = ints(batch, "preset")?;
            for (row, ocid) in texts(batch, "ocid").enumerate() {
                *best.entry((ocid.to_owned(), numbers[row])).or_default() += diff(batch, row);
            }
            Ok(())
        })?;
        for (ocid, preset) in standing(best)? {
            let worth = (u8::try_from(preset)?, Default::default());
            answer.characters.insert(ocid, worth);
        }
        for (ocid, preset, cost, missing) in standing(presets)? {
            let worth = answer.characters.get_mut(&ocid);
            let (_, costs) = worth.context("find the character of a preset")?;
            let place = usize::try_from(preset - 1)?;
            costs[place] = (cost, u32::try_from(missing)?);
        }
        let mut counts: FxHashMap<(String, i64), i64> = FxHashMap::default();
        each(&lake, Relation::LikeCounts, |batch| {
            let likes = batch["likes"].as_primitive::<Int64Type>();
            for (row, target) in texts(batch, "target_ocid").enumerate() {
                let key = (target.to_owned(), likes.value(row));
                *counts.entry(key).or_default() += diff(batch, row);
            }
            Ok(())
        })?;
        answer.likes = standing(counts)?.collect();
        Ok(answer)
    }

    /// Fails with the place and the first difference if another answer is not the same.
    pub fn must_be(&self, right: &Self, place: &str) -> Result<()> {
        must_be(&self.characters, &right.characters, place)?;
        must_be(&self.likes, &right.likes, place)
    }
}

fn must_be<V: PartialEq + std::fmt::Debug>(
    got: &FxHashMap<String, V>,
    wanted: &FxHashMap<String, V>,
    place: &str,
) -> Result<()> {
    for (key, value) in wanted {
        let found = got.get(key);
        ensure!(
            found == Some(value),
            "{place} says {found:?} of {key}, not {value:?}"
        );
    }
    ensure!(
        got.len() == wanted.len(),
        "{place} holds {} values, not {}",
        got.len(),
        wanted.len()
    );
    Ok(())
}

/// Number of pairs that the table of likes holds, and the sum of their hashes: equal sums are equal
/// sets, but for a chance of 2⁻⁶⁴.
pub fn pairs_of_table(folder: &Path) -> Result<(i64, u64)> {
    let lake = Lake::open(&folder.join("tables"))?;
    let mut sum = (0, 0_u64);
    each(&lake, Relation::Likes, |batch| {
        let pairs = texts(batch, "target_ocid").zip(texts(batch, "account_id"));
        for (row, (target, account)) in pairs.enumerate() {
            let diff = diff(batch, row);
            let weighed = hash(target, account).wrapping_mul(diff.cast_unsigned());
            sum = (sum.0 + diff, sum.1.wrapping_add(weighed));
        }
        Ok(())
    })?;
    Ok(sum)
}

/// The same of the pairs that must be there.
pub fn right_pairs(generator: &Generator, oracle: &Oracle) -> (i64, u64) {
    let names = generator.names();
    let pairs = oracle.pairs().iter();
    pairs.fold((0, 0), |(count, sum), &(account, target)| {
        let hash = hash(&names.ocid(target), &names.account(account));
        (count + 1, sum.wrapping_add(hash))
    })
}

fn hash(target: &str, account: &str) -> u64 {
    FxBuildHasher.hash_one((target, account))
}

/// Read, applied, unchanged, duplicate, superseded and rejected records by the table of accounting.
pub fn accounting_of_table(folder: &Path) -> Result<[u64; 6]> {
    const COLUMNS: [&str; 6] = [
        "read",
        "applied",
        "unchanged",
        "duplicate",
        "superseded",
        "rejected",
    ];
    let lake = Lake::open(&folder.join("tables"))?;
    let mut sums = [0; 6];
    each(&lake, Relation::Accounting, |batch| {
        for (sum, name) in sums.iter_mut().zip(COLUMNS) {
            *sum += ints(batch, name)?.iter().sum::<i64>().cast_unsigned();
        }
        Ok(())
    })?;
    Ok(sums)
}

/// The same by the generator's model.
pub fn right_accounting(oracle: &Oracle) -> [u64; 6] {
    let mut sums = [0; 6];
    for outcomes in oracle.outcomes().values() {
        let of = [
            outcomes.read(),
            outcomes.applied,
            outcomes.unchanged,
            outcomes.duplicate,
            outcomes.superseded,
            outcomes.rejected.values().sum(),
        ];
        for (sum, count) in sums.iter_mut().zip(of) {
            *sum += count;
        }
    }
    sums
}

/// The epochs of the table of accounting: epoch, partition as `topic/partition`, next offset.
pub fn cuts_of_table(folder: &Path) -> Result<Vec<(i64, String, i64)>> {
    let lake = Lake::open(&folder.join("tables"))?;
    let mut cuts = Vec::new();
    each(&lake, Relation::Accounting, |batch| {
        let (epochs, partitions) = (ints(batch, "epoch")?, ints(batch, "partition")?);
        let next_offsets = ints(batch, "next_offset")?;
        for (row, topic) in texts(batch, "topic").enumerate() {
            let partition = format!("{topic}/{}", partitions[row]);
            cuts.push((epochs[row], partition, next_offsets[row]));
        }
        Ok(())
    })?;
    cuts.sort();
    Ok(cuts)
}

/// What stands, of rows whose differences were summed.
fn standing<K: std::fmt::Debug>(sums: FxHashMap<K, i64>) -> Result<impl Iterator<Item = K>> {
    let wrong = sums.iter().find(|(_, sum)| !(0..=1).contains(*sum));
    if let Some((key, sum)) = wrong {
        anyhow::bail!("{key:?} stands {sum} times in a table");
    }
    let standing = sums.into_iter().filter(|&(_, sum)| sum == 1);
    Ok(standing.map(|(key, _)| key))
}

fn each(
    lake: &Lake,
    relation: Relation,
    mut take: impl FnMut(&RecordBatch) -> Result<()>,
) -> Result<()> {
    let view = lake.view(relation)?;
    let Some(view) = view else {
        return Ok(());
    };
    for batch in view.scan().batches()? {
        take(&batch?)?;
    }
    Ok(())
}

fn texts<'a>(batch: &'a RecordBatch, name: &str) -> impl Iterator<Item = &'a str> {
    let column = batch[name].as_string::<i32>();
    (0..column.len()).map(|row| column.value(row))
}

/// A column of integers of any width.
fn ints(batch: &RecordBatch, name: &str) -> Result<Vec<i64>> {
    let column = arrow::compute::cast(&batch[name], &DataType::Int64)?;
    Ok(column.as_primitive::<Int64Type>().values().to_vec())
}

fn diff(batch: &RecordBatch, row: usize) -> i64 {
    batch["diff"].as_primitive::<Int32Type>().value(row).into()
}
