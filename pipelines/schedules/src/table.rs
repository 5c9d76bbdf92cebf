//! A Delta table: versions by put-if-absent, positions and rows in one commit.

use std::collections::BTreeMap;
use std::sync::Arc;

use lake::decide::Found;

use crate::check::{Broken, Property, broken};
use crate::config::{Config, Cut, Epoch};
use crate::oracle::Truth;

/// Which table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum TableKind {
    /// Rejected records.
    Rejected,
    /// Counts of records by outcome.
    Accounting,
    /// Accepted changes of a topic.
    Input(u8),
    /// The derived values, as changes.
    Derived,
}

/// What a row says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum RowKind {
    /// `key` has `value` from here on.
    Change,
    /// The id `value` of `key` was accepted.
    Id,
    /// The running maximum of timestamps is `value`.
    Head,
    /// The record at offset `value` was rejected.
    Rejected,
    /// `value` records had the outcome `key`.
    Count,
}

/// A row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Row {
    pub(crate) epoch: Epoch,
    pub(crate) kind: RowKind,
    pub(crate) partition: u8,
    pub(crate) key: u16,
    pub(crate) value: u16,
    /// Of an id: when it was accepted.
    pub(crate) at: u32,
}

/// A table as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Table {
    pub(crate) kind: TableKind,
    pub(crate) version: u16,
    pub(crate) generation: u8,
    pub(crate) committed: Option<Epoch>,
    pub(crate) offsets: Option<Cut>,
    pub(crate) since: Epoch,
    pub(crate) rows: Arc<Vec<Row>>,
    /// The last commit of rows: by which generation, through what.
    pub(crate) last: Option<(u8, Epoch)>,
    /// How it was before the last commit, as long as that may be lost with the power (a mutation).
    pub(crate) undo: Option<Box<Table>>,
}

/// A commit that is made or under way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Commit {
    /// The table by its place.
    pub(crate) table: u8,
    /// The version that it was built on.
    pub(crate) base: u16,
    /// The position that it started from.
    pub(crate) from: Option<Epoch>,
    pub(crate) generation: u8,
    /// Sealed through; `None`: compaction.
    pub(crate) through: Option<Epoch>,
    pub(crate) offsets: Option<Cut>,
    pub(crate) since: Epoch,
    pub(crate) rows: Arc<Vec<Row>>,
    /// What the sender knows of the epochs.
    pub(crate) history: Arc<Vec<(Epoch, Cut)>>,
}

impl Table {
    pub(crate) fn new(kind: TableKind) -> Self {
        Self {
            kind,
            version: 0,
            generation: 0,
            committed: None,
            offsets: None,
            since: 0,
            rows: Arc::default(),
            last: None,
            undo: None,
        }
    }

    /// Puts a commit if its version is free; says whether it was.
    pub(crate) fn put(&mut self, commit: &Commit, durable: bool) -> bool {
        if self.version != commit.base {
            return false;
        }
        self.undo = None;
        if !durable {
            self.undo = Some(Box::new(self.clone()));
        }
        self.version += 1;
        if let Some(through) = commit.through {
            self.committed = Some(through);
            self.last = Some((commit.generation, through));
            Arc::make_mut(&mut self.rows).extend_from_slice(&commit.rows);
            if let Some(offsets) = commit.offsets {
                self.offsets = Some(offsets);
            }
        } else {
            self.since = commit.since;
            self.rows = Arc::new(merged(&self.rows, commit.since));
        }
        true
    }

    /// Sets offsets in a commit of their own (a mutation).
    pub(crate) fn put_offsets(&mut self, offsets: Cut) {
        self.version += 1;
        self.offsets = Some(offsets);
    }

    /// What is found after a commit without a clear answer.
    pub(crate) fn found(&self, commit: &Commit) -> Found {
        let landed = match commit.through {
            Some(through) => {
                self.committed == Some(through) && self.last == Some((commit.generation, through))
            }
            None => self.since == commit.since,
        };
        Found {
            generation: (self.generation > 0).then_some(u64::from(self.generation)),
            landed,
            unmoved: self.committed == commit.from,
        }
    }

    /// Values of changes at an epoch, by key, without zeros.
    pub(crate) fn values_at(&self, epoch: Epoch) -> BTreeMap<u16, u16> {
        let mut values = BTreeMap::new();
        let changes = self.rows.iter().filter(|row| row.kind == RowKind::Change);
        for row in changes.filter(|row| row.epoch <= epoch) {
            if row.value == 0 {
                values.remove(&row.key);
            } else {
                values.insert(row.key, row.value);
            }
        }
        values
    }

    /// Whether what the table says at `epoch` is what the records lead to.
    pub(crate) fn check(&self, config: &Config, truth: &Truth, epoch: Epoch) -> Result<(), Broken> {
        match self.kind {
            TableKind::Rejected => {
                let rows = self.rows.iter().filter(|row| row.epoch <= epoch);
                let mut found: Vec<(u8, u16)> =
                    rows.map(|row| (row.partition, row.value)).collect();
                found.sort_unstable();
                if found != truth.rejected {
                    return broken(
                        Property::Accounted,
                        format!(
                            "at epoch {epoch} rejected are {found:?}, not {:?}",
                            truth.rejected
                        ),
                    );
                }
            }
            TableKind::Accounting => {
                let mut found: BTreeMap<u8, [u16; 4]> = BTreeMap::new();
                for row in self.rows.iter().filter(|row| row.epoch <= epoch) {
                    found.entry(row.partition).or_default()[usize::from(row.key)] += row.value;
                }
                if found != truth.counts {
                    return broken(
                        Property::Accounted,
                        format!(
                            "at epoch {epoch} accounted are {found:?}, not {:?}",
                            truth.counts
                        ),
                    );
                }
            }
            TableKind::Input(topic) => {
                let found = self.values_at(epoch);
                let wanted = truth.values.iter().filter(|((of, _), _)| *of == topic);
                let wanted: BTreeMap<u16, u16> = wanted
                    .map(|(&(_, key), &value)| (u16::from(key), u16::from(value)))
                    .collect();
                if found != wanted {
                    return broken(
                        Property::True,
                        format!(
                            "{:?} says {found:?} at epoch {epoch}, not {wanted:?}",
                            self.kind
                        ),
                    );
                }
            }
            TableKind::Derived => {
                let (found, wanted) = (self.values_at(epoch), truth.view(config, 0));
                if found != wanted {
                    return broken(
                        Property::True,
                        format!(
                            "the derived table says {found:?} at epoch {epoch}, not {wanted:?}"
                        ),
                    );
                }
            }
        }
        Ok(())
    }
}

/// Rows after compaction: what lies below `since` is told as of it.
fn merged(rows: &[Row], since: Epoch) -> Vec<Row> {
    let mut changes: BTreeMap<u16, Row> = BTreeMap::new();
    let mut heads: BTreeMap<u8, Row> = BTreeMap::new();
    let mut merged = Vec::new();
    for row in rows.iter().filter(|row| row.epoch <= since) {
        let row = Row {
            epoch: since,
            ..*row
        };
        match row.kind {
            RowKind::Change => {
                changes.insert(row.key, row);
            }
            RowKind::Head => {
                heads.insert(row.partition, row);
            }
            RowKind::Id | RowKind::Rejected | RowKind::Count => merged.push(row),
        }
    }
    merged.extend(heads.into_values());
    merged.extend(changes.into_values().filter(|row| row.value != 0));
    merged.extend(rows.iter().filter(|row| row.epoch > since));
    merged
}
