//! What a job has committed and bound when it is ended must stand ever after, at the same epochs.

use std::collections::BTreeMap;
use std::path::Path;

use lake::Lake;
use model::Epoch;
use model::tables::{Kind, Relation};
use runtime::bindings::{Binding, inherited};
use runtime::{Generation, JobFolder};

use crate::whole::cells;

/// Rows with epoch and difference, each with how often it stands.
type Rows = BTreeMap<Vec<String>, u64>;

/// What tables and bindings say of each epoch.
pub(crate) struct History {
    tables: BTreeMap<Relation, Committed>,
    bound: Vec<Binding>,
}

/// What a table says of each epoch.
struct Committed {
    through: Option<Epoch>,
    rows: Rows,
}

impl History {
    /// The history of a job's folder. The job must keep all of it: a compaction merges what is older.
    pub(crate) fn of(folder: &Path) -> Self {
        let lake = Lake::open(&folder.join("tables")).unwrap();
        // Tables of inputs are consolidated now and then, whatever is kept of the others.
        let told = Relation::ALL
            .into_iter()
            .filter(|relation| match relation.spec().kind {
                Kind::Changes | Kind::Log => true,
                Kind::Input | Kind::Now => false,
            });
        let tables = told.filter_map(|relation| Some((relation, committed(&lake, relation)?)));
        Self {
            tables: tables.collect(),
            bound: inherited(&JobFolder::open(folder).unwrap(), Generation(u64::MAX)).unwrap(),
        }
    }

    /// Number of rows of changes.
    pub(crate) fn rows(&self) -> usize {
        self.tables.values().map(|table| table.rows.len()).sum()
    }

    /// Asserts that all of this history is in a later one, and that nothing came to its epochs.
    #[track_caller]
    pub(crate) fn stands_in(&self, later: &Self) {
        for (relation, before) in &self.tables {
            let after = &later.tables[relation];
            assert!(after.through >= before.through, "{relation} went back");
            let through = before.through.map_or(0, |epoch| epoch.0);
            let is_of_before = |row: &Vec<String>| row[0].parse::<u64>().unwrap() <= through;
            let now: Rows = after
                .rows
                .iter()
                .filter(|(row, _)| is_of_before(row))
                .map(|(row, &count)| (row.clone(), count))
                .collect();
            let gone = before
                .rows
                .iter()
                .find(|(row, count)| after.rows.get(*row) != Some(count));
            assert!(gone.is_none(), "{relation} had {gone:?} through {through}");
            let new = now
                .iter()
                .find(|(row, count)| before.rows.get(*row) != Some(count));
            assert!(
                new.is_none(),
                "{relation} got {new:?} though it was through {through}"
            );
        }
        self.bindings_hold_in(later);
    }

    /// Asserts that every epoch has the records that were bound to it, in the later bindings as far as they go
    /// back, and in what the later accounting says was read.
    #[track_caller]
    fn bindings_hold_in(&self, later: &Self) {
        let kept: BTreeMap<Epoch, &Binding> = later
            .bound
            .iter()
            .map(|binding| (binding.epoch, binding))
            .collect();
        let first = kept.keys().next().copied();
        for binding in &self.bound {
            if first.is_some_and(|first| first <= binding.epoch) {
                assert_eq!(kept.get(&binding.epoch), Some(&binding));
            }
        }
        let Some(accounting) = later.tables.get(&Relation::Accounting) else {
            return;
        };
        let columns = &Relation::Accounting.spec().columns;
        let place = |name: &str| {
            columns
                .iter()
                .position(|column| column.name == name)
                .unwrap()
        };
        let places = ["topic", "partition", "next_offset", "read"].map(place);
        let mut read: BTreeMap<(Epoch, String), (String, String)> = BTreeMap::new();
        for row in accounting.rows.keys() {
            let [topic, partition, next_offset, read_there] =
                places.map(|place| row[place].clone());
            let at = (
                Epoch(row[0].parse().unwrap()),
                format!("{topic}/{partition}"),
            );
            read.insert(at, (next_offset, read_there));
        }
        let sealed = self
            .bound
            .iter()
            .filter(|binding| Some(binding.epoch) <= accounting.through);
        for binding in sealed {
            let partitions = binding.cut.iter().filter(|(_, bound)| bound.records > 0);
            for (partition, bound) in partitions {
                let at = (binding.epoch, partition.to_string());
                let wanted = (bound.next_offset.to_string(), bound.records.to_string());
                assert_eq!(read.get(&at), Some(&wanted), "{at:?}");
            }
        }
    }
}

/// The rows of a table, if it is there.
fn committed(lake: &Lake, relation: Relation) -> Option<Committed> {
    let view = lake.view(relation).unwrap()?;
    let mut rows = Rows::new();
    for batch in view.scan().batches().unwrap() {
        let batch = batch.unwrap();
        assert_eq!(batch.schema().field(0).name(), "epoch");
        let cells = cells(&batch);
        for row in 0..batch.num_rows() {
            let row = cells
                .iter()
                .map(|cell| cell.value(row).to_string())
                .collect();
            *rows.entry(row).or_default() += 1;
        }
    }
    Some(Committed {
        through: view.committed(),
        rows,
    })
}
