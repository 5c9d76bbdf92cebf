//! The tables of the inputs. What leaves no state behind is sealed first: `rejected`, then
//! `accounting`, then the input table of each topic, through the same cut.

use std::collections::BTreeMap;

use lake::{Lake, LakeError, Owner, Table};
use model::tables::{AccountingRows, InputRows, RejectedRows, Relation};
use model::{Epoch, PartitionId, Topic};

use super::committer::TableGroup;
use crate::ingress::SealedEpoch;

/// `rejected`, `accounting` and the input tables.
pub struct InputTables {
    rejected: Table,
    accounting: Table,
    inputs: BTreeMap<Topic, Input>,
    rejected_rows: RejectedRows,
    accounting_rows: AccountingRows,
    /// The next offset of every partition, as of the last epoch taken.
    cut: BTreeMap<PartitionId, i64>,
    rows: usize,
    prepared: Prepared,
}

struct Input {
    table: Table,
    rows: InputRows,
}

/// The rows of a commit that is under way: kept until every table has them.
#[derive(Default)]
struct Prepared {
    rejected: Option<arrow::array::RecordBatch>,
    accounting: Option<arrow::array::RecordBatch>,
    inputs: BTreeMap<Topic, arrow::array::RecordBatch>,
}

/// The table of a topic's accepted records.
#[must_use]
pub fn relation_of(topic: Topic) -> Option<Relation> {
    match topic {
        Topic::Equipment => Some(Relation::InputEquipment),
        Topic::Likes => Some(Relation::InputLikes),
        Topic::Enrich | Topic::Donations => None,
    }
}

impl InputTables {
    /// Opens the tables for the topics that the job reads, and fences older generations off.
    pub fn open(lake: &Lake, owner: &Owner, topics: &[Topic]) -> Result<Self, LakeError> {
        let mut inputs = BTreeMap::new();
        for &topic in topics {
            if let Some(relation) = relation_of(topic) {
                let table = lake.table(relation, owner)?;
                inputs.insert(topic, Input { table, rows: InputRows::new(relation.spec()) });
            }
        }
        Ok(Self {
            rejected: lake.table(Relation::Rejected, owner)?,
            accounting: lake.table(Relation::Accounting, owner)?,
            inputs,
            rejected_rows: RejectedRows::default(),
            accounting_rows: AccountingRows::default(),
            cut: BTreeMap::new(),
            rows: 0,
            prepared: Prepared::default(),
        })
    }

    /// The input table of each topic.
    pub fn tables(&self) -> impl Iterator<Item = (Topic, &Table)> {
        self.inputs.iter().map(|(&topic, input)| (topic, &input.table))
    }

    /// The highest epoch that any of the tables committed.
    #[must_use]
    pub fn newest(&self) -> Option<Epoch> {
        let inputs = self.inputs.values().map(|input| input.table.committed());
        inputs.chain([self.rejected.committed(), self.accounting.committed()]).flatten().max()
    }

    /// The next offset that each partition is sealed through by its input table.
    #[must_use]
    pub fn sealed_offsets(&self) -> BTreeMap<PartitionId, i64> {
        let mut offsets = BTreeMap::new();
        for (topic, table) in self.tables() {
            for (name, at) in table.positions() {
                if let Some(partition) = name.strip_prefix(OFFSET).and_then(|number| number.parse().ok()) {
                    offsets.insert(PartitionId { topic, partition }, at);
                }
            }
        }
        offsets
    }
}

/// Positions of an input table that name the next offset of a partition begin so.
const OFFSET: &str = "offset/";

impl TableGroup for InputTables {
    type Feed = SealedEpoch;

    fn name(&self) -> &'static str {
        "inputs"
    }

    fn epoch(feed: &SealedEpoch) -> Epoch {
        feed.binding.epoch
    }

    fn take(&mut self, feed: &SealedEpoch) {
        let epoch = feed.binding.epoch;
        let is_new = |table: &Table| table.committed() < Some(epoch);
        let (rejected, accounting) = (is_new(&self.rejected), is_new(&self.accounting));
        let mut counts = BTreeMap::<PartitionId, (i64, model::admission::Counts)>::new();
        for batch in &feed.batches {
            self.cut.insert(batch.partition, batch.next_offset);
            if rejected {
                for row in batch.admitted.rejected() {
                    self.rejected_rows.push(batch.partition, epoch, row);
                    self.rows += 1;
                }
            }
            let (next_offset, sum) = counts.entry(batch.partition).or_default();
            *next_offset = batch.next_offset;
            *sum += batch.admitted.counts();
            let Some(input) = self.inputs.get_mut(&batch.partition.topic) else { continue };
            if is_new(&input.table) {
                for row in batch.admitted.rows() {
                    input.rows.push(batch.partition.partition, epoch, &row);
                    self.rows += 1;
                }
            }
        }
        if accounting {
            for (partition, (next_offset, counts)) in counts {
                self.accounting_rows.push(partition, epoch, next_offset, counts);
                self.rows += 1;
            }
        }
    }

    fn rows(&self) -> usize {
        self.rows
    }

    fn commit(&mut self, through: Epoch) -> Result<(), LakeError> {
        let prepared = &mut self.prepared;
        let log = [
            (&mut self.rejected, prepared.rejected.get_or_insert_with(|| self.rejected_rows.finish())),
            (&mut self.accounting, prepared.accounting.get_or_insert_with(|| self.accounting_rows.finish())),
        ];
        for (table, batch) in log {
            seal(table, batch, through, &[])?;
        }
        for (&topic, input) in &mut self.inputs {
            let batch = prepared.inputs.entry(topic).or_insert_with(|| input.rows.finish());
            let offsets: Vec<(String, i64)> = self
                .cut
                .iter()
                .filter(|(partition, _)| partition.topic == topic)
                .map(|(partition, &at)| (format!("{OFFSET}{}", partition.partition), at))
                .collect();
            seal(&mut input.table, batch, through, &offsets)?;
        }
        self.prepared = Prepared::default();
        self.rows = 0;
        Ok(())
    }
}

/// Commits unless the table is sealed through that epoch already.
pub(super) fn seal(
    table: &mut Table,
    batch: &arrow::array::RecordBatch,
    through: Epoch,
    positions: &[(String, i64)],
) -> Result<(), LakeError> {
    if table.committed() >= Some(through) {
        return Ok(());
    }
    let batches = if batch.num_rows() == 0 { &[] } else { std::slice::from_ref(batch) };
    table.append(batches, through, positions)
}
