//! What tables say row by row, held against the generator's model.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, RecordBatch};
use arrow::datatypes::{Decimal128Type, Float64Type};
use lake::Lake;
use model::Epoch;
use model::tables::Relation;
use sources::generator::{Generator, GeneratorConfig, Oracle};
use valuation::{ComponentKind, Status};

use crate::answer::{Worn, batches, diff, ints, texts};

/// Where an item is worn: ocid, preset and place in it, both from 1.
type Place = (String, i64, i64);

/// A row of `item_valuations` without its place; floats by their bits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ItemRow {
    /// Slot, part, part of the odds tables, name, grade, additional grade.
    texts: [Option<String>; 6],
    level: i64,
    stars: i64,
    scroll: bool,
    cost_mesos: i128,
    missing_parts: i64,
    components: [Component; 6],
}

/// Status, cost, tries and deviation.
type Component = (Status, Option<i128>, Option<u64>, Option<u64>);

/// What `item_valuations` must add up to.
pub(crate) fn right_items(worn: &BTreeMap<String, Worn>) -> BTreeMap<Place, ItemRow> {
    let mut rows = BTreeMap::new();
    for (ocid, Worn { outfit, value }) in worn {
        for (preset, (items, (_, values))) in (1..).zip(outfit.presets.iter().zip(&value.presets)) {
            for (position, (item, value)) in (1..).zip(items.iter().zip(values)) {
                let texts = [
                    Some(&item.slot),
                    Some(&item.part),
                    Some(&value.table_part),
                    Some(&item.name),
                    item.grade.as_ref(),
                    item.additional_grade.as_ref(),
                ];
                let row = ItemRow {
                    texts: texts.map(|text| text.map(ToString::to_string)),
                    level: item.level.0.into(),
                    stars: item.stars.0.into(),
                    scroll: item.scroll,
                    cost_mesos: value.total.cost_mesos.0,
                    missing_parts: value.total.missing_parts.into(),
                    components: value.components.each_ref().map(|component| {
                        (
                            component.status,
                            component.cost_mesos.map(|cost| cost.0),
                            component.tries.map(f64::to_bits),
                            component.sd_mesos.map(f64::to_bits),
                        )
                    }),
                };
                rows.insert((ocid.clone(), preset, position), row);
            }
        }
    }
    rows
}

/// What `item_valuations` adds up to.
pub(crate) fn items_in_tables(folder: &Path) -> BTreeMap<Place, ItemRow> {
    let mut sums: HashMap<(Place, ItemRow), i64> = HashMap::new();
    for batch in batches_of(folder, Relation::ItemValuations) {
        let columns = ItemColumns::of(&batch);
        for row in 0..batch.num_rows() {
            *sums.entry(columns.row(row)).or_default() += diff(&batch, row);
        }
    }
    let mut rows = BTreeMap::new();
    for ((place, row), sum) in sums {
        assert!(
            (0..=1).contains(&sum),
            "{place:?} {row:?} stands {sum} times"
        );
        if sum == 1 {
            let other = rows.insert(place, row.clone());
            assert_eq!(other, None, "two rows stand where {row:?} does");
        }
    }
    rows
}

/// The columns of a batch of item rows.
struct ItemColumns {
    ocids: Vec<String>,
    texts: [ArrayRef; 6],
    /// Preset, position, level, stars, missing parts.
    numbers: [Vec<i64>; 5],
    scroll: ArrayRef,
    cost: ArrayRef,
    /// Status, cost, tries and deviation of each component.
    components: [(Vec<Status>, [ArrayRef; 3]); 6],
}

impl ItemColumns {
    fn of(batch: &RecordBatch) -> Self {
        let column = |name: &str| batch[name].clone();
        Self {
            ocids: texts(batch, "ocid"),
            texts: [
                "slot",
                "part",
                "table_part",
                "name",
                "grade",
                "additional_grade",
            ]
            .map(column),
            numbers: ["preset", "position", "level", "stars", "missing_parts"]
                .map(|name| ints(batch, name)),
            scroll: column("scroll"),
            cost: column("cost_mesos"),
            components: ComponentKind::ALL.map(|kind| {
                let name = kind.name();
                let statuses = texts(batch, &format!("{name}_status"));
                let of_name = |text: &String| {
                    let mut all = Status::ALL.into_iter();
                    all.find(|status| status.name() == text).expect("a status")
                };
                let numbers = ["cost_mesos", "tries", "sd_mesos"];
                (
                    statuses.iter().map(of_name).collect(),
                    numbers.map(|what| column(&format!("{name}_{what}"))),
                )
            }),
        }
    }

    fn row(&self, row: usize) -> (Place, ItemRow) {
        let money = |column: &ArrayRef| {
            let costs = column.as_primitive::<Decimal128Type>();
            (!costs.is_null(row)).then(|| costs.value(row))
        };
        let bits = |column: &ArrayRef| {
            let floats = column.as_primitive::<Float64Type>();
            (!floats.is_null(row)).then(|| floats.value(row).to_bits())
        };
        let [preset, position, level, stars, missing_parts] =
            self.numbers.each_ref().map(|numbers| numbers[row]);
        let texts = self.texts.each_ref().map(|column| {
            let texts = column.as_string::<i32>();
            (!texts.is_null(row)).then(|| texts.value(row).to_owned())
        });
        let item = ItemRow {
            texts,
            level,
            stars,
            scroll: self.scroll.as_boolean().value(row),
            cost_mesos: money(&self.cost).expect("an item has a sum"),
            missing_parts,
            components: self
                .components
                .each_ref()
                .map(|(statuses, [cost, tries, sd])| {
                    (statuses[row], money(cost), bits(tries), bits(sd))
                }),
        };
        ((self.ocids[row].clone(), preset, position), item)
    }
}

/// What stands of a character: class, preset, cost, missing parts, bits of deviation and of the quantile,
/// ruleset.
type CharacterNow = (String, i64, i128, i64, u64, u64, String);

/// Asserts that the `_now` tables hold what is right, all as of `epoch`.
pub(crate) fn assert_now(
    folder: &Path,
    epoch: Epoch,
    worn: &BTreeMap<String, Worn>,
    likes: &BTreeMap<String, i64>,
    ruleset: &str,
) {
    let hash = odds::shipped(ruleset).unwrap().hash().to_string();
    let wanted = worn.iter().map(|(ocid, Worn { outfit, value })| {
        let (total, _) = &value.presets[usize::from(value.preset) - 1];
        let now: CharacterNow = (
            outfit.class.to_owned(),
            value.preset.into(),
            total.cost_mesos.0,
            total.missing_parts.into(),
            total.sd_mesos.to_bits(),
            total.p90_mesos.to_bits(),
            hash.clone(),
        );
        (ocid.clone(), now)
    });
    let mut characters = BTreeMap::new();
    for batch in batches_of(folder, Relation::CharactersNow) {
        assert_true_of(&batch, epoch);
        let [ocids, classes, rulesets] =
            ["ocid", "class", "ruleset"].map(|name| texts(&batch, name));
        let [presets, missing] = ["preset", "missing_parts"].map(|name| ints(&batch, name));
        let costs = batch["cost_mesos"].as_primitive::<Decimal128Type>();
        let [sds, p90s] = ["sd_mesos", "p90_mesos"]
            .map(|name| batch[name].as_primitive::<Float64Type>().values().to_vec());
        for (row, ocid) in ocids.into_iter().enumerate() {
            let now: CharacterNow = (
                classes[row].clone(),
                presets[row],
                costs.value(row),
                missing[row],
                sds[row].to_bits(),
                p90s[row].to_bits(),
                rulesets[row].clone(),
            );
            let other = characters.insert(ocid, now);
            assert_eq!(other, None, "a character has one row");
        }
    }
    assert_same_rows("characters_now", &characters, &wanted.collect());

    let mut counts = BTreeMap::new();
    for batch in batches_of(folder, Relation::LikeCountsNow) {
        assert_true_of(&batch, epoch);
        let rows = texts(&batch, "target_ocid").into_iter();
        for (target, count) in rows.zip(ints(&batch, "likes")) {
            let other = counts.insert(target, count);
            assert_eq!(other, None, "a character has one row");
        }
    }
    assert_same_rows("like_counts_now", &counts, likes);
}

/// Asserts that all rows are true of an epoch, and did not change later.
fn assert_true_of(batch: &RecordBatch, epoch: Epoch) {
    let epoch = epoch.0.cast_signed();
    for (as_of, changed_at) in ints(batch, "as_of")
        .into_iter()
        .zip(ints(batch, "changed_at"))
    {
        assert!(
            as_of == epoch && (1..=epoch).contains(&changed_at),
            "{as_of} {changed_at}"
        );
    }
}

/// Partition and offset of a record that was rejected, and what is kept of it: reason, key and value.
type Rejections = BTreeMap<(String, i64), (String, Option<Vec<u8>>, Option<Vec<u8>>)>;

/// The records that must be rejected, generated once more.
pub(crate) fn right_rejections(config: &GeneratorConfig) -> Rejections {
    let mut generator = Generator::new(config.clone()).unwrap();
    let mut oracle = Oracle::new(i64::MAX);
    let mut rejections = Rejections::new();
    while let Some(generated) = generator.next() {
        let partition = generated.partition;
        let before = oracle
            .outcomes()
            .get(&partition)
            .cloned()
            .unwrap_or_default();
        oracle.see(
            partition,
            generated.record.timestamp_millis,
            &generated.fact,
        );
        let rejected = oracle.outcomes()[&partition].rejected.iter();
        let mut reasons =
            rejected.filter(|(reason, count)| before.rejected.get(*reason) != Some(*count));
        if let Some((reason, _)) = reasons.next() {
            let [key, value] =
                [generated.record.key, generated.record.value].map(|part| part.map(<[u8]>::to_vec));
            let kept = ((*reason).to_owned(), key, value);
            rejections.insert((partition.to_string(), generated.record.offset), kept);
        }
    }
    rejections
}

/// The records in the table of what was rejected.
pub(crate) fn rejections(folder: &Path) -> Rejections {
    let mut rejections = Rejections::new();
    for batch in batches_of(folder, Relation::Rejected) {
        let [topics, reasons] = ["topic", "reason"].map(|name| texts(&batch, name));
        let [partitions, offsets] = ["partition", "record_offset"].map(|name| ints(&batch, name));
        let [keys, values] = ["key", "value"].map(|name| batch[name].as_binary::<i32>());
        let bytes = |column: &BinaryArray, row: usize| {
            (!column.is_null(row)).then(|| column.value(row).to_vec())
        };
        for row in 0..batch.num_rows() {
            let place = (format!("{}/{}", topics[row], partitions[row]), offsets[row]);
            let kept = (reasons[row].clone(), bytes(keys, row), bytes(values, row));
            let other = rejections.insert(place, kept);
            assert_eq!(other, None, "a record is kept once");
        }
    }
    rejections
}

/// Asserts that two maps are equal; shows what differs first.
pub(crate) fn assert_same_rows<K: Ord + Debug, V: PartialEq + Debug>(
    what: &str,
    found: &BTreeMap<K, V>,
    wanted: &BTreeMap<K, V>,
) {
    let lacking = wanted
        .iter()
        .find(|(key, value)| found.get(key) != Some(value));
    if let Some((key, value)) = lacking {
        panic!(
            "{what}: {key:?} must be {value:?}, not {:?}",
            found.get(key)
        );
    }
    let extra = found.keys().find(|key| !wanted.contains_key(key));
    assert!(extra.is_none(), "{what}: {extra:?} must not be there");
    assert!(!wanted.is_empty(), "{what} is empty");
}

fn batches_of(folder: &Path, relation: Relation) -> Vec<RecordBatch> {
    batches(&Lake::open(&folder.join("tables")).unwrap(), relation)
}
