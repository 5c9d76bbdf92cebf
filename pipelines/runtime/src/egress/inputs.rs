//! The tables of the inputs. What leaves no state behind is sealed first: `rejected`, `accounting` and
//! `likes`, then the input table of each topic, through the same cut.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use failpoints::points;
use lake::{Lake, LakeError, Owner, Retain, Table};
use model::admission::{Change, Counts, InputRow, RowKind};
use model::tables::{AccountingRows, InputRows, LikeRows, RejectedRows, Relation};
use model::{Epoch, Millis, PartitionId, Topic};

use super::committer::TableGroup;
use crate::decide;
use crate::ingress::{LastRecord, SealedEpoch};
use crate::status::Status;

/// `rejected`, `accounting`, `likes` and the input tables.
pub(crate) struct InputTables {
    rejected: Table,
    accounting: Table,
    likes: Table,
    inputs: BTreeMap<Topic, Input>,
    rejected_rows: RejectedRows,
    accounting_rows: AccountingRows,
    like_rows: LikeRows,
    dedup_horizon_millis: i64,
    status: Arc<Status>,
    /// Per partition the running maximum timestamp of the rows taken.
    running_max: BTreeMap<PartitionId, Millis>,
    /// Per partition the least timestamp whose event id is still known, as of the rows taken and of those committed.
    ids_from: BTreeMap<PartitionId, Millis>,
    committed_ids_from: BTreeMap<PartitionId, Millis>,
    /// The next offset of every partition, as of the last epoch taken.
    cut: BTreeMap<PartitionId, i64>,
    /// The last record of every partition that was taken since the last commit.
    last: BTreeMap<PartitionId, LastRecord>,
    rows: usize,
    prepared: Prepared,
}

struct Input {
    table: Table,
    rows: InputRows,
}

/// Rejected records may have 2 MiB each, and a commit holds them twice.
const REJECTED_BYTES_MAX: usize = 16 << 20;

/// The rows of a commit that is under way: kept until every table has them.
#[derive(Default)]
struct Prepared {
    rejected: Option<Draft>,
    accounting: Option<Draft>,
    likes: Option<Draft>,
    inputs: BTreeMap<Topic, Draft>,
}

/// The table of a topic's accepted records.
#[must_use]
pub(crate) fn relation_of(topic: Topic) -> Option<Relation> {
    match topic {
        Topic::Equipment => Some(Relation::InputEquipment),
        Topic::Likes => Some(Relation::InputLikes),
        Topic::Enrich | Topic::Donations => None,
    }
}

impl InputTables {
    /// Opens the tables for the topics that the job reads, and fences older generations off.
    pub(crate) fn open(
        lake: &Lake,
        owner: &Owner,
        topics: &[Topic],
        dedup_horizon_millis: i64,
        status: Arc<Status>,
    ) -> Result<Self, LakeError> {
        let mut inputs = BTreeMap::new();
        for &topic in topics {
            if let Some(relation) = relation_of(topic) {
                let table = lake.table(relation, owner)?;
                inputs.insert(
                    topic,
                    Input {
                        table,
                        rows: InputRows::new(relation.spec()),
                    },
                );
            }
        }
        let [rejected, accounting, likes] =
            [Relation::Rejected, Relation::Accounting, Relation::Likes]
                .map(|relation| lake.table(relation, owner));
        let (rejected, accounting, likes) = (rejected?, accounting?, likes?);
        let sealed = inputs
            .values()
            .filter_map(|input: &Input| input.table.committed())
            .max();
        for table in [&rejected, &accounting, &likes] {
            if let (None, Some(sealed)) = (table.committed(), sealed) {
                let table = table.spec().name();
                tracing::error!(table, %sealed, "the table is new, but inputs are sealed: it lacks what came before");
            }
        }
        Ok(Self {
            rejected,
            accounting,
            likes,
            inputs,
            rejected_rows: RejectedRows::default(),
            accounting_rows: AccountingRows::default(),
            like_rows: LikeRows::default(),
            dedup_horizon_millis,
            status,
            running_max: BTreeMap::new(),
            ids_from: BTreeMap::new(),
            committed_ids_from: BTreeMap::new(),
            cut: BTreeMap::new(),
            last: BTreeMap::new(),
            rows: 0,
            prepared: Prepared::default(),
        })
    }

    /// The input table of each topic.
    pub(crate) fn tables(&self) -> impl Iterator<Item = (Topic, &Table)> {
        self.inputs
            .iter()
            .map(|(&topic, input)| (topic, &input.table))
    }

    /// What each table is sealed through: first those of what leaves no state behind.
    fn in_sealing_order(&self) -> impl Iterator<Item = Option<Epoch>> {
        let sealed_first = [&self.rejected, &self.accounting, &self.likes].map(Table::committed);
        let inputs = self.inputs.values().map(|input| input.table.committed());
        sealed_first.into_iter().chain(inputs)
    }

    /// Seals the table at a place in the order of sealing.
    fn seal(&mut self, place: usize, through: Epoch) -> Result<(), LakeError> {
        let prepared = &mut self.prepared;
        let (table, draft) = match place {
            0 => {
                let rows = || self.rejected_rows.finish().into();
                let draft = prepared.rejected.get_or_insert_with(rows);
                (&mut self.rejected, draft)
            }
            1 => {
                let rows = || self.accounting_rows.finish().into();
                let draft = prepared.accounting.get_or_insert_with(rows);
                (&mut self.accounting, draft)
            }
            2 => {
                let rows = || self.like_rows.finish().into();
                let draft = prepared.likes.get_or_insert_with(rows);
                (&mut self.likes, draft)
            }
            place => {
                if place == 3 {
                    points::SEALED_FIRST.pass();
                }
                let input = self.inputs.iter_mut().nth(place - 3);
                let (&topic, input) = input.expect("the place is one of the order of sealing");
                let rows = || input.rows.finish().into();
                let draft = prepared.inputs.entry(topic).or_insert_with(rows);
                let cut = self.cut.iter();
                let offsets = cut
                    .filter(|(partition, _)| partition.topic == topic)
                    .map(|(partition, &at)| (format!("{OFFSET}{}", partition.partition), at));
                let last = self.last.iter();
                let last = last
                    .filter(|(partition, _)| partition.topic == topic)
                    .flat_map(|(partition, last)| last_positions(partition.partition, last));
                let positions: Vec<(String, i64)> = offsets.chain(last).collect();
                return draft.seal(&mut input.table, through, &positions);
            }
        };
        draft.seal(table, through, &[])
    }

    /// The highest epoch that any of the tables committed.
    #[must_use]
    pub(crate) fn newest(&self) -> Option<Epoch> {
        self.in_sealing_order().flatten().max()
    }

    /// The epoch that all input tables have sealed.
    #[must_use]
    pub(crate) fn sealed(&self) -> Option<Epoch> {
        let tables = self.inputs.values();
        tables.map(|input| input.table.committed()).min().flatten()
    }

    /// The last record of each partition that its input table has sealed.
    #[must_use]
    pub(crate) fn last_records(&self) -> BTreeMap<PartitionId, LastRecord> {
        let mut records = BTreeMap::new();
        for (partition, _) in self.sealed_offsets() {
            let Some(input) = self.inputs.get(&partition.topic) else {
                continue;
            };
            let at = |name: &str| {
                input
                    .table
                    .position(&format!("{name}{}", partition.partition))
            };
            if let (Some(offset), Some(millis), Some(hash)) =
                (at(LAST_OFFSET), at(LAST_MILLIS), at(LAST_HASH))
            {
                let last = LastRecord {
                    offset,
                    timestamp_millis: Millis(millis),
                    hash: hash.cast_unsigned(),
                };
                records.insert(partition, last);
            }
        }
        records
    }

    /// The next offset that each partition is sealed through by its input table.
    #[must_use]
    pub(crate) fn sealed_offsets(&self) -> BTreeMap<PartitionId, i64> {
        let mut offsets = BTreeMap::new();
        for (topic, table) in self.tables() {
            for (name, at) in table.positions() {
                if let Some(partition) = name
                    .strip_prefix(OFFSET)
                    .and_then(|number| number.parse().ok())
                {
                    offsets.insert(PartitionId { topic, partition }, at);
                }
            }
        }
        offsets
    }
}

/// Positions of an input table that name the next offset of a partition begin so.
const OFFSET: &str = "offset/";
/// And those that name the last record before it: its offset, timestamp and hash.
const LAST_OFFSET: &str = "last_offset/";
const LAST_MILLIS: &str = "last_millis/";
const LAST_HASH: &str = "last_hash/";

fn last_positions(partition: i32, last: &LastRecord) -> [(String, i64); 3] {
    [
        (LAST_OFFSET, last.offset),
        (LAST_MILLIS, last.timestamp_millis.0),
        (LAST_HASH, last.hash.cast_signed()),
    ]
    .map(|(name, at)| (format!("{name}{partition}"), at))
}

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
        let is_new = |table: &Table| decide::takes(table.committed(), epoch);
        let (rejected, accounting, likes) = (
            is_new(&self.rejected),
            is_new(&self.accounting),
            is_new(&self.likes),
        );
        // Idle partitions too: a table that names all of them tells when there are others.
        let cut = feed.binding.cut.iter();
        self.cut
            .extend(cut.map(|(&partition, read)| (partition, read.next_offset)));
        let mut counts = BTreeMap::<PartitionId, (i64, Counts)>::new();
        for batch in &feed.batches {
            if rejected {
                for row in batch.admitted.rejected() {
                    self.rejected_rows.push(batch.partition, epoch, row);
                    self.rows += 1;
                }
            }
            let (next_offset, sum) = counts.entry(batch.partition).or_default();
            *next_offset = batch.next_offset;
            if let Some(last) = batch.last {
                self.last.insert(batch.partition, last);
            }
            *sum += batch.admitted.counts();
            let Some(input) = self.inputs.get_mut(&batch.partition.topic) else {
                continue;
            };
            let is_new_input = is_new(&input.table);
            for row in batch.admitted.rows() {
                if is_new_input {
                    input.rows.push(batch.partition.partition, epoch, &row);
                    self.rows += 1;
                }
                if likes && batch.partition.topic == Topic::Likes {
                    put_like(&mut self.like_rows, epoch, &row);
                }
                if row.kind == RowKind::Head && row.key.is_empty() {
                    self.running_max
                        .insert(batch.partition, row.timestamp_millis);
                }
            }
            if let Some(max) = self.running_max.get(&batch.partition) {
                // Less than it should be where ids were forgotten for want of room: a start need not read them.
                let horizon = batch.horizon_millis.min(self.dedup_horizon_millis);
                let from = Millis(max.0.saturating_sub(horizon));
                self.ids_from.insert(batch.partition, from);
            }
        }
        if accounting {
            for (partition, (next_offset, counts)) in counts {
                self.accounting_rows
                    .push(partition, epoch, next_offset, counts);
                self.rows += 1;
            }
        }
    }

    fn rows(&self) -> usize {
        self.rows
    }

    fn is_large(&self) -> bool {
        self.rejected_rows.bytes() > REJECTED_BYTES_MAX
    }

    fn commit(&mut self, through: Epoch) -> Result<(), LakeError> {
        while let Some(place) = decide::next_to_seal(self.in_sealing_order(), through) {
            self.seal(place, through)?;
        }
        points::INPUTS_SEALED.pass();
        self.prepared = Prepared::default();
        self.last.clear();
        self.rows = 0;
        self.committed_ids_from.clone_from(&self.ids_from);
        self.status.sealed_offsets(&self.cut);
        Ok(())
    }

    fn tables_mut(&mut self) -> Vec<&mut Table> {
        let others = [&mut self.rejected, &mut self.accounting, &mut self.likes];
        let inputs = self.inputs.values_mut().map(|input| &mut input.table);
        others.into_iter().chain(inputs).collect()
    }

    fn retain(&self, since: Epoch) -> Box<dyn Fn(&Table) -> Retain> {
        let known = self.committed_ids_from.clone();
        Box::new(move |table| {
            let of_table = known.iter().filter(|(partition, _)| {
                relation_of(partition.topic) == Some(table.spec().relation)
            });
            let ids_from = of_table
                .map(|(partition, &from)| (partition.partition, from))
                .collect();
            Retain { since, ids_from }
        })
    }
}

/// A pair that begins or ends.
fn put_like(rows: &mut LikeRows, epoch: Epoch, row: &InputRow<'_>) {
    let change =
        Change::from_row(Topic::Likes, row).expect("admission writes rows that it can read");
    if let Some(Change::Like(change)) = change {
        let diff = if change.liked_at.is_some() { 1 } else { -1 };
        rows.push(change.target, change.account, epoch, diff);
    }
}

/// Rows that are to be committed; their files are written once, so that a commit which got no clear answer is
/// known again.
pub(crate) struct Draft {
    batch: RecordBatch,
    files: Option<lake::Prepared>,
}

impl From<RecordBatch> for Draft {
    fn from(batch: RecordBatch) -> Self {
        Self { batch, files: None }
    }
}

impl Draft {
    /// Commits the rows unless the table is sealed through that epoch already.
    pub(crate) fn seal(
        &mut self,
        table: &mut Table,
        through: Epoch,
        positions: &[(String, i64)],
    ) -> Result<(), LakeError> {
        if !decide::takes(table.committed(), through) {
            return Ok(());
        }
        if self.files.is_none() {
            let batches = if self.batch.num_rows() == 0 {
                &[]
            } else {
                std::slice::from_ref(&self.batch)
            };
            self.files = Some(table.writer().write_all(batches)?);
        }
        let files = self.files.as_ref().expect("they were just written");
        table.commit(files, through, positions)
    }

    /// The same, without the rows of epochs that the table has.
    pub(crate) fn without_committed(&mut self, table: &Table) {
        if self.files.is_none()
            && let Some(committed) = table.committed()
        {
            self.batch = super::valuations::after(&self.batch, committed);
        }
    }
}
