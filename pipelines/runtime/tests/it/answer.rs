//! The right answer, from the generator's own model, and what tables and views say, all as plain maps.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Decimal128Type, Int32Type, Int64Type};
use lake::Lake;
use model::Epoch;
use model::tables::Relation;
use model::view::{CharacterView, Kind, ShardKeys, Stamped, ViewKey, likes};
use sources::generator::{Outcomes, Outfit};
use valuation::totals::{CharacterValue, character_value};
use views::{RedisReader, ViewReader};

use crate::world::{World, service};

/// What one character's equipment is worth: the preset that counts, and cost and missing parts of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Worth {
    pub(crate) preset: u8,
    pub(crate) presets: Vec<(i128, u32)>,
}

/// What one character wears, and the value of it.
pub(crate) struct Worn {
    pub(crate) outfit: Outfit,
    pub(crate) value: CharacterValue,
}

/// What every character wears, by what the generator says it sent; shares nothing with the graphs but the
/// price of an item.
pub(crate) fn worn(world: &World, ruleset: &str) -> BTreeMap<String, Worn> {
    let rules = odds::shipped(ruleset).unwrap();
    let names = world.generator.names();
    let worn = world.oracle.worn().iter();
    worn.map(|(&character, &revision)| {
        let outfit = world.generator.outfit(character, revision);
        let value = character_value(&rules, outfit.class, &outfit.presets);
        (names.ocid(character), Worn { outfit, value })
    })
    .collect()
}

/// Everything there is to know at the end.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) characters: BTreeMap<String, Worth>,
    pub(crate) likes: BTreeMap<String, i64>,
}

impl Answer {
    /// What the generator's model says.
    pub(crate) fn right(world: &World, ruleset: &str) -> Self {
        Self::of_worn(world, &worn(world, ruleset))
    }

    /// What the generator's model says, where what is worn has a value already.
    pub(crate) fn of_worn(world: &World, worn: &BTreeMap<String, Worn>) -> Self {
        let names = world.generator.names();
        let characters = worn.iter().map(|(ocid, Worn { value, .. })| {
            let presets = value.presets.iter();
            let worth = Worth {
                preset: value.preset,
                presets: presets
                    .map(|(total, _)| (total.cost_mesos.0, total.missing_parts))
                    .collect(),
            };
            (ocid.clone(), worth)
        });
        let likes = world.oracle.likes().iter();
        Self {
            characters: characters.collect(),
            likes: likes
                .map(|(&character, &count)| (names.ocid(character), count as i64))
                .collect(),
        }
    }

    /// What Redis says, key by key.
    pub(crate) fn of_redis(job: &str) -> Self {
        Self::of_views(&Views::of_redis(job))
    }

    /// What views say.
    pub(crate) fn of_views(views: &Views) -> Self {
        let characters = views.characters.iter().map(|(ocid, view)| {
            let presets = view.presets.iter();
            let worth = Worth {
                preset: view.preset,
                presets: presets
                    .map(|preset| (preset.cost_mesos.0, preset.missing_parts))
                    .collect(),
            };
            (ocid.clone(), worth)
        });
        Self {
            characters: characters.collect(),
            likes: views.likes.clone(),
        }
    }

    /// What the tables of changes add up to.
    pub(crate) fn of_tables(folder: &Path) -> Self {
        Self::of_tables_as_of(folder, Epoch(u64::MAX - 1))
    }

    /// What the tables of changes add up to at an epoch.
    pub(crate) fn of_tables_as_of(folder: &Path, epoch: Epoch) -> Self {
        let batches = |lake: &Lake, relation: Relation| {
            let view = lake
                .view(relation)
                .unwrap()
                .expect("the job made the table");
            let scan = view.scan().epochs(Epoch(0)..Epoch(epoch.0 + 1));
            scan.batches()
                .unwrap()
                .collect::<Result<Vec<RecordBatch>, _>>()
                .unwrap()
        };
        let lake = Lake::open(&folder.join("tables")).unwrap();
        let mut presets: BTreeMap<(String, u8, i128, u32), i64> = BTreeMap::new();
        for batch in batches(&lake, Relation::PresetValuations) {
            let (ocids, numbers) = (texts(&batch, "ocid"), ints(&batch, "preset"));
            let costs = batch["cost_mesos"].as_primitive::<Decimal128Type>();
            let missing = ints(&batch, "missing_parts");
            for row in 0..batch.num_rows() {
                let key = (
                    ocids[row].clone(),
                    numbers[row] as u8,
                    costs.value(row),
                    missing[row] as u32,
                );
                *presets.entry(key).or_default() += diff(&batch, row);
            }
        }
        let mut best: BTreeMap<(String, u8), i64> = BTreeMap::new();
        for batch in batches(&lake, Relation::CharacterValuations) {
            let (ocids, numbers) = (texts(&batch, "ocid"), ints(&batch, "preset"));
            for (row, ocid) in ocids.iter().enumerate() {
                *best.entry((ocid.clone(), numbers[row] as u8)).or_default() += diff(&batch, row);
            }
        }
        let mut characters: BTreeMap<String, Worth> = BTreeMap::new();
        for (ocid, preset) in net(best) {
            characters.insert(
                ocid,
                Worth {
                    preset,
                    presets: Vec::new(),
                },
            );
        }
        for (ocid, number, cost, missing) in net(presets) {
            let worth = characters
                .get_mut(&ocid)
                .expect("a preset belongs to a character");
            assert_eq!(usize::from(number), worth.presets.len() + 1, "{ocid}");
            worth.presets.push((cost, missing));
        }
        let mut likes: BTreeMap<(String, i64), i64> = BTreeMap::new();
        for batch in batches(&lake, Relation::LikeCounts) {
            let counts = batch["likes"].as_primitive::<Int64Type>();
            for (row, target) in texts(&batch, "target_ocid").into_iter().enumerate() {
                *likes.entry((target, counts.value(row))).or_default() += diff(&batch, row);
            }
        }
        Self {
            characters,
            likes: net(likes).collect(),
        }
    }
}

/// All values that Redis holds.
#[derive(Default)]
pub(crate) struct Views {
    pub(crate) characters: BTreeMap<String, CharacterView>,
    pub(crate) likes: BTreeMap<String, i64>,
}

impl Views {
    pub(crate) fn of_redis(job: &str) -> Self {
        let url = format!("redis://{}", service("MESOFLOW_TEST_REDIS"));
        let keys = ShardKeys::new(job, 0).unwrap();
        let mut reader = RedisReader::new(&url, keys, Duration::from_secs(5)).unwrap();
        let mut listed: Vec<ViewKey> = Vec::new();
        let mut cursor = None;
        loop {
            let page = reader.list(cursor.as_ref(), 1_000).unwrap();
            listed.extend(page.keys);
            cursor = match page.next {
                Some(next) => Some(next),
                None => break,
            };
        }
        let mut views = Self::default();
        for keys in listed.chunks(500) {
            let values = reader.read(keys).unwrap().values;
            for (key, value) in keys.iter().zip(values) {
                let value = value.expect("a listed key is there");
                let payload = Stamped::parse(&value).unwrap().payload;
                let id = key.id.to_string();
                match key.kind {
                    Kind::Character => {
                        let view = CharacterView::decode(payload).unwrap();
                        views.characters.insert(id, view);
                    }
                    Kind::Likes => {
                        views.likes.insert(id, likes::decode(payload).unwrap());
                    }
                }
            }
        }
        views
    }
}

/// The pairs of target and account in the table of likes.
pub(crate) fn pairs(folder: &Path) -> BTreeSet<(String, String)> {
    let lake = Lake::open(&folder.join("tables")).unwrap();
    let mut pairs: BTreeMap<(String, String), i64> = BTreeMap::new();
    for batch in batches(&lake, Relation::Likes) {
        let rows = texts(&batch, "target_ocid")
            .into_iter()
            .zip(texts(&batch, "account_id"));
        for (row, pair) in rows.enumerate() {
            *pairs.entry(pair).or_default() += diff(&batch, row);
        }
    }
    net(pairs).collect()
}

/// What became of the records, by the table of accounting and the reasons in the table of what was
/// rejected.
pub(crate) fn accounting(folder: &Path) -> BTreeMap<String, Outcomes> {
    let lake = Lake::open(&folder.join("tables")).unwrap();
    let mut outcomes: BTreeMap<String, Outcomes> = BTreeMap::new();
    let mut rejected: BTreeMap<String, u64> = BTreeMap::new();
    for batch in batches(&lake, Relation::Accounting) {
        let (topics, partitions) = (texts(&batch, "topic"), ints(&batch, "partition"));
        let count = |name, row: usize| ints(&batch, name)[row] as u64;
        for (row, topic) in topics.iter().enumerate() {
            let partition = format!("{topic}/{}", partitions[row]);
            let of = outcomes.entry(partition.clone()).or_default();
            of.applied += count("applied", row);
            of.unchanged += count("unchanged", row);
            of.duplicate += count("duplicate", row);
            of.superseded += count("superseded", row);
            *rejected.entry(partition).or_default() += count("rejected", row);
            let sum = [
                "applied",
                "unchanged",
                "duplicate",
                "superseded",
                "rejected",
            ]
            .map(|name| count(name, row));
            assert_eq!(count("read", row), sum.iter().sum::<u64>());
        }
    }
    for batch in batches(&lake, Relation::Rejected) {
        let (topics, partitions) = (texts(&batch, "topic"), ints(&batch, "partition"));
        for (row, reason) in texts(&batch, "reason").iter().enumerate() {
            let partition = format!("{}/{}", topics[row], partitions[row]);
            let reason = model::Reason::from_code(reason).unwrap().code();
            let of = outcomes
                .get_mut(&partition)
                .expect("what was rejected was read");
            *of.rejected.entry(reason).or_default() += 1;
            *rejected.get_mut(&partition).unwrap() -= 1;
        }
    }
    assert!(
        rejected.values().all(|&left| left == 0),
        "every rejection is kept: {rejected:?}"
    );
    outcomes
}

/// What stands, of rows whose differences were summed.
pub(crate) fn net<K: std::fmt::Debug>(sums: BTreeMap<K, i64>) -> impl Iterator<Item = K> {
    sums.into_iter().filter_map(|(key, sum)| {
        assert!((0..=1).contains(&sum), "{key:?} stands {sum} times");
        (sum == 1).then_some(key)
    })
}

pub(crate) fn batches(lake: &Lake, relation: Relation) -> Vec<RecordBatch> {
    let view = lake
        .view(relation)
        .unwrap()
        .expect("the job made the table");
    view.scan()
        .batches()
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap()
}

pub(crate) fn texts(batch: &RecordBatch, name: &str) -> Vec<String> {
    let column = batch[name].as_string::<i32>();
    (0..column.len())
        .map(|row| column.value(row).to_owned())
        .collect()
}

/// A column of integers of any width.
pub(crate) fn ints(batch: &RecordBatch, name: &str) -> Vec<i64> {
    let column = arrow::compute::cast(&batch[name], &arrow::datatypes::DataType::Int64).unwrap();
    column.as_primitive::<Int64Type>().values().to_vec()
}

pub(crate) fn diff(batch: &RecordBatch, row: usize) -> i64 {
    batch["diff"].as_primitive::<Int32Type>().value(row).into()
}
