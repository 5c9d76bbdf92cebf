//! What tables say of each epoch, held against what they said before and against what readers of the views saw.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use arrow::array::RecordBatch;
use arrow::array::{AsArray as _, StringArray};
use arrow::datatypes::{Decimal128Type, Int32Type, Int64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use lake::Lake;
use model::Epoch;
use model::tables::{Kind, Relation};

/// A row with its epoch and difference, each with how often it stands.
type Rows = BTreeMap<(Epoch, String), u64>;

/// What tables of changes and logs say, epoch by epoch.
#[derive(Debug, Default)]
pub(crate) struct History {
    tables: BTreeMap<Relation, Committed>,
}

#[derive(Debug)]
struct Committed {
    through: Epoch,
    /// Epochs below are merged.
    since: Epoch,
    rows: Rows,
}

impl History {
    /// What the tables of a job say now.
    pub(crate) fn of(folder: &Path) -> Result<Self> {
        let lake = Lake::open(&folder.join("tables"))?;
        let mut tables = BTreeMap::new();
        for relation in Relation::ALL {
            // Tables of inputs are consolidated; those of what stands now are of one epoch.
            if !matches!(relation.spec().kind, Kind::Changes | Kind::Log) {
                continue;
            }
            let Some(view) = lake.view(relation)? else {
                continue;
            };
            let Some(through) = view.committed() else {
                continue;
            };
            let mut rows = Rows::new();
            for batch in view.scan().batches()? {
                count(&batch?, &mut rows)?;
            }
            let since = view.since().unwrap_or_default();
            let committed = Committed {
                through,
                since,
                rows,
            };
            tables.insert(relation, committed);
        }
        Ok(Self { tables })
    }

    /// Rows of all tables.
    pub(crate) fn rows(&self) -> u64 {
        self.tables
            .values()
            .map(|table| table.rows.len() as u64)
            .sum()
    }

    /// Fails if a later history says other things of the epochs that this one tells.
    pub(crate) fn stands_in(&self, later: &Self) -> Result<()> {
        for (relation, before) in &self.tables {
            let after = later.tables.get(relation);
            let after = after.with_context(|| format!("table {relation} is gone"))?;
            ensure!(
                after.through >= before.through,
                "table {relation} went back from epoch {} to {}",
                before.through,
                after.through
            );
            let of_both = |(epoch, _): &(Epoch, String)| {
                *epoch > before.since.max(after.since) && *epoch <= before.through
            };
            let [was, is] = [before, after].map(|committed| {
                let rows = committed.rows.iter();
                rows.filter(|(row, _)| of_both(row))
                    .collect::<BTreeMap<_, _>>()
            });
            for (row, count) in &was {
                ensure!(
                    is.get(row) == Some(count),
                    "table {relation} said {row:?} {count} times, and says it {:?} times",
                    is.get(row)
                );
            }
            for row in is.keys() {
                ensure!(
                    was.contains_key(row),
                    "table {relation} was complete through {}, and now says {row:?} too",
                    before.through
                );
            }
        }
        Ok(())
    }
}

fn count(batch: &RecordBatch, rows: &mut Rows) -> Result<()> {
    const OPTIONS: FormatOptions<'_> = FormatOptions::new().with_null("null");
    let schema = batch.schema();
    let columns = batch.columns().iter().zip(schema.fields());
    // The epoch stands in the key already.
    let cells = columns
        .filter(|(_, field)| field.name() != "epoch")
        .map(|(column, _)| ArrayFormatter::try_new(column, &OPTIONS))
        .collect::<Result<Vec<_>, _>>()?;
    let epochs = batch["epoch"].as_primitive::<Int64Type>();
    for row in 0..batch.num_rows() {
        let mut text = String::new();
        for cell in &cells {
            text.push_str(&cell.value(row).to_string());
            text.push('|');
        }
        let epoch = Epoch(epochs.value(row).cast_unsigned());
        *rows.entry((epoch, text)).or_default() += 1;
    }
    Ok(())
}

/// What the tables say of each key over time: the value from each epoch on, `None` where there is none.
#[derive(Debug, Default)]
pub(crate) struct Lives {
    /// Cost in mesos and preset of a character; the total likes of a target.
    of: BTreeMap<String, Vec<(Epoch, i64, i128)>>,
    /// Epochs below are merged.
    pub(crate) since: Epoch,
    pub(crate) through: Epoch,
}

impl Lives {
    /// How the like counts of a job came about.
    pub(crate) fn of_likes(folder: &Path) -> Result<Self> {
        Self::of(folder, Relation::LikeCounts, "target_ocid", |batch, row| {
            i128::from(batch["likes"].as_primitive::<Int64Type>().value(row))
        })
    }

    /// How the costs of characters came about, by the preset that counts.
    pub(crate) fn of_characters(folder: &Path) -> Result<Self> {
        Self::of(
            folder,
            Relation::CharacterValuations,
            "ocid",
            |batch, row| {
                batch["cost_mesos"]
                    .as_primitive::<Decimal128Type>()
                    .value(row)
            },
        )
    }

    fn of(
        folder: &Path,
        relation: Relation,
        key: &str,
        value: impl Fn(&RecordBatch, usize) -> i128,
    ) -> Result<Self> {
        let lake = Lake::open(&folder.join("tables"))?;
        let mut lives = Self::default();
        let Some(view) = lake.view(relation)? else {
            return Ok(lives);
        };
        lives.since = view.since().unwrap_or_default();
        lives.through = view.committed().unwrap_or_default();
        for batch in view.scan().batches()? {
            let batch = batch?;
            let keys: &StringArray = batch[key].as_string();
            let epochs = batch["epoch"].as_primitive::<Int64Type>();
            let diffs = batch["diff"].as_primitive::<Int32Type>();
            for row in 0..batch.num_rows() {
                let of_key = lives.of.entry(keys.value(row).to_owned()).or_default();
                let epoch = Epoch(epochs.value(row).cast_unsigned());
                of_key.push((epoch, diffs.value(row).into(), value(&batch, row)));
            }
        }
        Ok(lives)
    }

    /// What the tables say of a key at an epoch.
    pub(crate) fn at(&self, key: &str, epoch: Epoch) -> Result<Option<i128>> {
        let mut sums: BTreeMap<i128, i64> = BTreeMap::new();
        for &(at, diff, value) in self.of.get(key).map_or(&[][..], Vec::as_slice) {
            if at <= epoch {
                *sums.entry(value).or_default() += diff;
            }
        }
        sums.retain(|_, sum| *sum != 0);
        let mut standing = sums.into_iter();
        let first = standing.next();
        ensure!(
            standing.next().is_none() && first.is_none_or(|(_, sum)| sum == 1),
            "the table does not say one thing of {key} at epoch {epoch}"
        );
        Ok(first.map(|(value, _)| value))
    }
}
