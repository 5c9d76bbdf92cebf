//! Rows of the input tables: what a partition's accepted records leave behind, and what its state is
//! rebuilt from.
//!
//! Each accepted record leaves exactly one row that carries its event id: a [`RowKind::Row`] if it
//! changed the state of its key, else a [`RowKind::Id`]. A [`RowKind::Head`] is added when the
//! version or hash of the key changed, and one with the empty key holds the partition's running
//! maximum timestamp.
//!
//! Rows are upserts per `(partition, kind, key)`: the newest wins, `diff` -1 with a null value
//! deletes. A compaction may therefore drop what was replaced, **but the event id of a replaced or
//! deleted `Row` must stay as an `Id` row while it is inside the horizon, and that of the newest
//! accepted record of a key for ever**: its offset says which replays come too late.
//! [`consolidate_key`] does just that.

use serde::{Deserialize, Serialize};

use crate::{EventId, Millis};

/// What a row of an input table holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RowKind {
    /// The accepted record that is the state of its key, and its event id.
    Row,
    /// The event id of an accepted record that is not (or no longer) the state of its key.
    Id,
    /// The highest version and the current hash of a key, and the place of its newest record if that is a replay; with the empty key the running maximum
    /// timestamp of the partition.
    Head,
}

impl RowKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Row, Self::Id, Self::Head];

    /// The name in the tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Row => "row",
            Self::Id => "id",
            Self::Head => "head",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// One row of an input table, borrowed. Partition and epoch are known to whoever holds the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputRow<'a> {
    /// What the row holds.
    pub kind: RowKind,
    /// 1, or -1 for a deletion.
    pub diff: i8,
    /// The ocid; for likes `target ␟ account`, for donations `sender ␟ request` (␟ is U+001F, which
    /// no id may contain); empty for the partition's own head. Always UTF-8.
    pub key: &'a [u8],
    /// The binary form; `None` in a deletion and in an [`RowKind::Id`].
    pub value: Option<&'a [u8]>,
    /// The id of the event that the row is of; `None` in a [`RowKind::Head`].
    pub event_id: Option<EventId>,
    /// The Kafka timestamp of the record that the row is of.
    pub timestamp_millis: Millis,
    /// The offset of that record.
    pub offset: i64,
}

/// What a compaction keeps of one `(partition, key)`: `rows` in the order of their offsets, all kinds
/// together; calls `keep` for each row that stays, in that order.
///
/// An id stays while `running_max - timestamp <= horizon`, both of the partition, and if it is the key's newest; pass a
/// horizon of `i64::MAX` to keep all.
pub fn consolidate_key<'a>(
    rows: &[InputRow<'a>],
    running_max: Millis,
    horizon_millis: i64,
    mut keep: impl FnMut(InputRow<'a>),
) {
    let newest = |kind| rows.iter().rposition(|row| row.kind == kind);
    let (newest_row, newest_head) = (newest(RowKind::Row), newest(RowKind::Head));
    let newest_id = rows.iter().rposition(|row| row.event_id.is_some());
    for (index, row) in rows.iter().enumerate() {
        let is_state = match row.kind {
            RowKind::Row => newest_row == Some(index) && row.diff > 0,
            RowKind::Head => newest_head == Some(index) && row.diff > 0,
            RowKind::Id => false,
        };
        let age_millis = running_max.0.saturating_sub(row.timestamp_millis.0);
        if is_state {
            keep(*row);
        } else if newest_id == Some(index)
            || (row.event_id.is_some() && age_millis <= horizon_millis)
        {
            keep(InputRow {
                kind: RowKind::Id,
                diff: 1,
                value: None,
                ..*row
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(kind: RowKind, diff: i8, offset: i64) -> InputRow<'static> {
        InputRow {
            kind,
            diff,
            key: b"ocid",
            value: (diff > 0 && kind != RowKind::Id).then_some(b"value".as_slice()),
            event_id: (kind != RowKind::Head).then_some(EventId([offset as u8; 16])),
            timestamp_millis: Millis(offset * 10),
            offset,
        }
    }

    fn consolidated(rows: &[InputRow<'static>], horizon: i64) -> Vec<(RowKind, i64)> {
        let running_max = rows.iter().map(|row| row.timestamp_millis).max().unwrap();
        let mut kept = Vec::new();
        consolidate_key(rows, running_max, horizon, |row| {
            kept.push((row.kind, row.offset))
        });
        kept
    }

    #[test]
    fn a_replaced_row_leaves_its_id_inside_the_horizon() {
        let rows = [
            row(RowKind::Row, 1, 1),
            row(RowKind::Head, 1, 1),
            row(RowKind::Row, 1, 2),
            row(RowKind::Head, 1, 2),
            row(RowKind::Id, 1, 3),
        ];

        assert_eq!(
            consolidated(&rows, i64::MAX),
            [
                (RowKind::Id, 1),
                (RowKind::Row, 2),
                (RowKind::Head, 2),
                (RowKind::Id, 3)
            ]
        );
        assert_eq!(
            consolidated(&rows, 10),
            [(RowKind::Row, 2), (RowKind::Head, 2), (RowKind::Id, 3)]
        );
    }

    #[test]
    fn a_deletion_leaves_nothing_but_the_ids_and_the_newest_of_them_for_ever() {
        let rows = [row(RowKind::Row, 1, 1), row(RowKind::Row, -1, 2)];

        assert_eq!(
            consolidated(&rows, i64::MAX),
            [(RowKind::Id, 1), (RowKind::Id, 2)]
        );
        assert_eq!(consolidated(&rows, 5), [(RowKind::Id, 2)]);
        assert_eq!(consolidated(&rows, -1), [(RowKind::Id, 2)]);
    }
}
