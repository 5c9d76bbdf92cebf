//! What views and tables say of the same epoch, value by value.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use arrow::array::{AsArray as _, RecordBatch};
use arrow::datatypes::{Decimal128Type, Int16Type, Int32Type, Int64Type};
use lake::{Lake, View};
use model::Epoch;
use model::tables::Relation;
use model::view::{CharacterView, Kind, Marker, Stamped, ViewKey, likes};
use runtime::Finding;
use views::{Damage, ViewReader, decide};

use super::Comparison;
use crate::failure::Failed as _;

/// Values that are read at once.
const BATCH: u32 = 500;
/// How long a table may take to come to the epoch of the views.
const PATIENCE: Duration = Duration::from_secs(10);

/// The values of views while they were read: all are true of an epoch between these, both included.
struct Read {
    first: Epoch,
    last: Epoch,
    /// What each says in short, and the epoch of its last change; `Err`: it is in no form of a view.
    values: BTreeMap<ViewKey, Result<(String, Epoch), String>>,
    strays: Vec<String>,
}

/// Compares all views with the tables of changes.
pub(super) fn compare(
    lake: &Lake,
    store: &mut dyn ViewReader,
) -> Result<(Vec<Comparison>, Vec<Finding>)> {
    let place = store.place().to_owned();
    let (mut comparisons, mut findings) = (Vec::new(), Vec::new());
    let read = read(store).advise("see whether the view store is there and whole")?;
    for kind in Kind::ALL {
        let relation = match kind {
            Kind::Character => Relation::CharacterValuations,
            Kind::Likes => Relation::LikeCounts,
        };
        let what = format!("views of {} with {relation}", kind.name());
        let Some(read) = &read else {
            comparisons.push(Comparison::not(
                what,
                "the views are true of no epoch: the job writes them anew",
            ));
            continue;
        };
        let table = match table(lake, relation, read)? {
            Ok(table) => table,
            Err(why) => {
                comparisons.push(Comparison::not(what, why));
                continue;
            }
        };
        let before = findings.len();
        let (compared, skipped) = compare_kind(kind, read, &table, &place, &mut findings);
        let found = findings.len() - before;
        tracing::debug!(what, found, "compared");
        comparisons.push(Comparison {
            what,
            compared,
            skipped,
            not: None,
        });
    }
    if let Some(read) = read {
        for stray in read.strays {
            findings.push(found(&place, stray, Damage::Stray, read.last, None, None));
        }
    }
    Ok((comparisons, findings))
}

/// Reads all values, each with the marker of its moment; `None`: they are true of no epoch.
fn read(store: &mut dyn ViewReader) -> Result<Option<Read>> {
    let mut read = Read {
        first: Epoch(u64::MAX),
        last: Epoch(0),
        values: BTreeMap::new(),
        strays: Vec::new(),
    };
    let mut cursor = None;
    loop {
        let page = store.list(cursor.as_ref(), BATCH)?;
        let strays = page.strays.iter().map(|stray| {
            let (kind, id) = (stray.key.kind.name(), &stray.key.id);
            format!("{kind} {id} in bucket {:x}", stray.bucket)
        });
        read.strays.extend(strays);
        let snapshot = store.read(&page.keys)?;
        for marker in [page.marker, snapshot.marker] {
            if !read.widen(marker.as_deref())? {
                return Ok(None);
            }
        }
        for (key, bytes) in page.keys.into_iter().zip(snapshot.values) {
            // What went since it was listed is not there at one of the epochs.
            if let Some(bytes) = bytes {
                let value = in_short(&key, &bytes);
                read.values.insert(key, value);
            }
        }
        cursor = page.next;
        if cursor.is_none() {
            return Ok(Some(read));
        }
    }
}

impl Read {
    /// Takes the epochs of a marker in; `false`: it has none.
    fn widen(&mut self, marker: Option<&str>) -> Result<bool> {
        let Some(text) = marker else {
            return Ok(false);
        };
        let marker = Marker::parse(text).context("read the marker of the views")?;
        let (Some(first), Some(last)) = (marker.as_of, decide::shown(&marker)) else {
            return Ok(false);
        };
        self.first = self.first.min(first);
        self.last = self.last.max(last);
        Ok(true)
    }
}

/// What a value says, as far as a table says it too.
fn in_short(key: &ViewKey, bytes: &[u8]) -> Result<(String, Epoch), String> {
    let stamped = Stamped::parse(bytes).map_err(|error| error.to_string())?;
    let says = match key.kind {
        Kind::Likes => likes::decode(stamped.payload).map(|count| count.to_string()),
        Kind::Character => CharacterView::decode(stamped.payload).map(|view| {
            let best = usize::from(view.preset).checked_sub(1);
            match best.and_then(|place| view.presets.get(place)) {
                Some(best) => valuation(
                    &view.class,
                    view.preset.into(),
                    best.cost_mesos.0,
                    i64::from(best.missing_parts),
                ),
                None => format!("{}, preset {}", view.class, view.preset),
            }
        }),
    };
    says.map(|says| (says, stamped.changed_at))
        .map_err(|error| error.to_string())
}

fn valuation(class: &str, preset: i16, cost: i128, missing: i64) -> String {
    format!("{class}, preset {preset}: {cost} mesos, {missing} parts missing")
}

/// The content of a table of changes at one epoch, and the keys that change up to another.
struct Content {
    says: BTreeMap<String, String>,
    changed: BTreeSet<String>,
}

/// What a table says, or why it cannot be asked.
fn table(lake: &Lake, relation: Relation, read: &Read) -> Result<Result<Content, String>> {
    let until = Instant::now() + PATIENCE;
    let view = loop {
        let view = lake
            .view(relation)
            .advise("see whether the folder of the tables may be read")?;
        let committed = view.as_ref().and_then(View::committed);
        if committed >= Some(read.last) {
            break view;
        }
        if Instant::now() > until {
            let at = committed.map_or("no epoch".to_owned(), |epoch| format!("epoch {epoch}"));
            return Ok(Err(format!(
                "the table is at {at}, the views at {}: run the job, which brings both to the same",
                read.last
            )));
        }
        thread::sleep(Duration::from_millis(200));
    };
    let view = view.expect("it has committed an epoch");
    if view.since() > Some(read.first) {
        return Ok(Err(
            "its history was merged while the views were read: ask again".to_owned(),
        ));
    }
    // Of damaged files there is a finding.
    Ok(content(&view, read).map_err(|error| format!("{error:#}")))
}

fn content(view: &View, read: &Read) -> Result<Content> {
    let key = view.spec().key[0];
    let mut sums: BTreeMap<(String, String), i64> = BTreeMap::new();
    let mut changed = BTreeSet::new();
    let scan = view.scan().epochs(Epoch(0)..Epoch(read.last.0 + 1));
    for batch in scan.batches()? {
        let batch = batch?;
        let keys = batch[key].as_string::<i32>();
        let epochs = batch["epoch"].as_primitive::<Int64Type>();
        let diffs = batch["diff"].as_primitive::<Int32Type>();
        for row in 0..batch.num_rows() {
            let key = keys.value(row).to_owned();
            if Epoch(epochs.value(row).cast_unsigned()) > read.first {
                changed.insert(key);
            } else {
                let says = row_in_short(view.spec().relation, &batch, row);
                *sums.entry((key, says)).or_default() += i64::from(diffs.value(row));
            }
        }
    }
    let standing = sums.into_iter().filter(|(_, sum)| *sum != 0);
    Ok(Content {
        says: standing.map(|((key, says), _)| (key, says)).collect(),
        changed,
    })
}

fn row_in_short(relation: Relation, batch: &RecordBatch, row: usize) -> String {
    if relation == Relation::LikeCounts {
        let likes = batch["likes"].as_primitive::<Int64Type>();
        return likes.value(row).to_string();
    }
    valuation(
        batch["class"].as_string::<i32>().value(row),
        batch["preset"].as_primitive::<Int16Type>().value(row),
        batch["cost_mesos"]
            .as_primitive::<Decimal128Type>()
            .value(row),
        batch["missing_parts"]
            .as_primitive::<Int32Type>()
            .value(row)
            .into(),
    )
}

/// Compares the values of a kind; returns how many were compared and left out.
fn compare_kind(
    kind: Kind,
    read: &Read,
    table: &Content,
    place: &str,
    findings: &mut Vec<Finding>,
) -> (u64, u64) {
    let (mut compared, mut skipped) = (0, 0);
    let of_kind = read.values.keys().filter(|key| key.kind == kind);
    let held: BTreeSet<&str> = of_kind.map(|key| &*key.id).collect();
    let ids: BTreeSet<&str> = held
        .into_iter()
        .chain(table.says.keys().map(String::as_str))
        .collect();
    for id in ids {
        if table.changed.contains(id) {
            skipped += 1;
            continue;
        }
        compared += 1;
        let key = ViewKey {
            kind,
            id: id.into(),
        };
        let wanted = table.says.get(id);
        let held = read.values.get(&key);
        let damage = match (held, wanted) {
            (None, None) => None,
            (None, Some(_)) => Some(Damage::Missing),
            (Some(_), None) => Some(Damage::Extra),
            (Some(Err(_)), Some(_)) => Some(Damage::Altered),
            (Some(Ok((says, _))), Some(wanted)) if says != wanted => Some(Damage::Altered),
            (Some(Ok((_, changed_at))), Some(_)) if *changed_at > read.last => Some(Damage::Stamp),
            (Some(Ok(_)), Some(_)) => None,
        };
        if let Some(damage) = damage {
            let held = held.map(|value| match value {
                Ok((says, changed_at)) => format!("{says}, since epoch {changed_at}"),
                Err(error) => format!("what is no view: {error}"),
            });
            let name = format!("{} {id}", kind.name());
            let wanted = wanted.cloned();
            findings.push(found(place, name, damage, read.last, held, wanted));
        }
    }
    (compared, skipped)
}

fn found(
    place: &str,
    key: String,
    damage: Damage,
    as_of: Epoch,
    held: Option<String>,
    wanted: Option<String>,
) -> Finding {
    Finding {
        held,
        wanted,
        repaired: true,
        done: "it is put right by the pass that comes by".to_owned(),
        ..Finding::now("views", place, key, damage.name(), as_of)
    }
}
