use model::admission::{InputRow, consolidate_key};
use model::{EventId, Millis};

use super::*;

/// All sequences of `length` of the four kinds of rows a key can have.
fn sequences(length: usize) -> Vec<Vec<(RowKind, i32)>> {
    const KINDS: [(RowKind, i32); 4] = [
        (RowKind::Row, 1),
        (RowKind::Row, -1),
        (RowKind::Head, 1),
        (RowKind::Id, 1),
    ];
    (0..length).fold(vec![Vec::new()], |all, _| {
        all.iter()
            .flat_map(|sequence| KINDS.map(|kind| [&sequence[..], &[kind]].concat()))
            .collect()
    })
}

fn facts(sequence: &[(RowKind, i32)]) -> Vec<Facts> {
    sequence
        .iter()
        .enumerate()
        .map(|(at, &(kind, diff))| Facts {
            kind,
            diff,
            settled: true,
            has_id: kind != RowKind::Head,
            timestamp: at as i64,
        })
        .collect()
}

#[test]
fn a_whole_key_keeps_what_admission_says() {
    for sequence in sequences(5) {
        for ids_from in 0..6 {
            let rows: Vec<InputRow<'_>> = facts(&sequence)
                .iter()
                .map(|row| InputRow {
                    kind: row.kind,
                    diff: row.diff as i8,
                    key: b"key",
                    value: None,
                    event_id: row.has_id.then_some(EventId([0; 16])),
                    timestamp_millis: Millis(row.timestamp),
                    offset: row.timestamp,
                })
                .collect();
            let mut wanted = Vec::new();
            consolidate_key(&rows, Millis(10), 10 - ids_from, |row| {
                wanted.push((row.offset, row.kind));
            });
            let found: Vec<(i64, RowKind)> = fates(&facts(&sequence), Some(ids_from), true)
                .into_iter()
                .zip(&rows)
                .filter_map(|(fate, row)| match fate {
                    Fate::Stays => Some((row.offset, row.kind)),
                    Fate::StaysAsId => Some((row.offset, RowKind::Id)),
                    Fate::Goes => None,
                })
                .collect();
            assert_eq!(found, wanted, "{sequence:?} ids from {ids_from}");
        }
    }
}

#[test]
fn a_deletion_stays_while_older_rows_may_lie_elsewhere() {
    let rows = facts(&[
        (RowKind::Row, 1),
        (RowKind::Row, -1),
        (RowKind::Row, 1),
        (RowKind::Row, -1),
    ]);
    assert_eq!(
        fates(&rows[1..2], Some(9), false),
        [Fate::Stays],
        "part of the table"
    );
    assert_eq!(
        fates(&rows[1..2], Some(9), true),
        [Fate::StaysAsId],
        "all of it"
    );
}

#[test]
fn likes_add_up_to_the_same_whatever_part_of_the_table_is_taken() {
    // A pair begins and ends in turn; any stretch may be taken, with older rows left out or none.
    for begins in [true, false] {
        for count in 1..6 {
            let sequence: Vec<(RowKind, i32)> = (0..count)
                .map(|place| {
                    (
                        RowKind::Row,
                        if (place % 2 == 0) == begins { 1 } else { -1 },
                    )
                })
                .collect();
            let before: i32 = sequence.iter().map(|(_, diff)| diff).sum();
            let kept: Vec<i32> = fates(&facts(&sequence), Some(9), false)
                .into_iter()
                .zip(&sequence)
                .filter_map(|(fate, (_, diff))| (fate == Fate::Stays).then_some(*diff))
                .collect();
            assert_eq!(kept.iter().sum::<i32>(), before, "{sequence:?}");
            // The newest row that is kept says what the pair is; without one nothing has changed.
            if let Some(newest) = kept.last() {
                assert_eq!(*newest, sequence.last().unwrap().1, "{sequence:?}");
            }
        }
    }
}

#[test]
fn rows_above_the_retained_epoch_all_stay() {
    let mut rows = facts(&[(RowKind::Row, 1), (RowKind::Row, 1), (RowKind::Row, 1)]);
    rows[1].settled = false;
    rows[2].settled = false;
    assert_eq!(fates(&rows, Some(9), true), [Fate::Stays; 3]);
}
