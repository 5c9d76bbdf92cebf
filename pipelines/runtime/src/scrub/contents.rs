//! The contents of tables: those of changes add up to what the graphs hold, and to what the `_now` tables say.

use arrow::error::ArrowError;
use lake::{ContentSums, Lake, LakeError, View};
use model::Epoch;
use model::tables::{LikeCountRows, Relation, TableSpec, ValuationRows, changes};

use super::Finding;
use super::files::OF;
use crate::egress::ReadOut;

/// The tables that the graphs' content is kept in.
pub(crate) const DERIVED: [Relation; 4] = [
    Relation::ItemValuations,
    Relation::PresetValuations,
    Relation::CharacterValuations,
    Relation::LikeCounts,
];

/// The `_now` tables, each with the table of changes that it is made of.
pub const NOW: [(Relation, Relation); 2] = [
    (Relation::CharactersNow, Relation::CharacterValuations),
    (Relation::LikeCountsNow, Relation::LikeCounts),
];

/// Characters whose rows are made at once.
const CHUNK: usize = 256;
/// Ranges of keys that are looked at closely.
const CLOSE_MAX: usize = 4;
/// Keys that are told one by one.
const KEYS_TOLD: usize = 20;

/// What came of a comparison of contents.
#[derive(Debug)]
pub enum Compared {
    /// They are equal.
    Equal {
        /// How many rows they have.
        rows: u64,
    },
    /// They are not.
    Differ(Vec<Finding>),
    /// They seem to differ in these ranges of keys, which were not looked at closely.
    Unsure(Vec<usize>),
    /// They could not be compared; why.
    Not(&'static str),
}

/// Compares a `_now` table with the table of changes that it is made of, as of the epoch of the first.
///
/// - `pace`: called with the number of bytes about to be read; it may wait, and breaks off by `false`.
pub fn compare_now(
    lake: &Lake,
    (now, of_changes): (Relation, Relation),
    mut pace: impl FnMut(u64) -> bool,
) -> Result<Compared, LakeError> {
    // In this order: the changes are at least as new.
    let (Some(now), Some(of_changes)) = (lake.view(now)?, lake.view(of_changes)?) else {
        return Ok(Compared::Not("it is not there yet"));
    };
    let Some(as_of) = now.committed() else {
        return Ok(Compared::Not("it was not written yet"));
    };
    let spec = of_changes.spec();
    let mut close = Vec::new();
    // Ranges that differ are looked at key by key.
    loop {
        let held = sums(spec, &now, None, &close, &mut pace)?;
        let Some(held) = held else {
            return Ok(Compared::Not("it was broken off"));
        };
        let wanted = match content_at(&of_changes, as_of, &close, &mut pace)? {
            Ok(wanted) => wanted,
            Err(why) => return Ok(Compared::Not(why)),
        };
        let differing = held.differing(&wanted);
        if differing.is_empty() {
            let rows = u64::try_from(held.rows()).unwrap_or(0);
            return Ok(Compared::Equal { rows });
        }
        if !close.is_empty() {
            let done = "the table is rewritten as a whole from its table of changes";
            let folder = now.folder().display().to_string();
            let findings = told(now.spec(), &folder, as_of, (&held, &wanted), (true, done));
            return Ok(Compared::Differ(findings));
        }
        close = differing.into_iter().take(CLOSE_MAX).collect();
    }
}

/// Compares a table of changes with what the graphs held at an epoch.
pub(crate) fn compare_with_graphs(
    lake: &Lake,
    graphs: &ContentSums,
    relation: Relation,
    as_of: Epoch,
    close: &[usize],
    mut pace: impl FnMut(u64) -> bool,
) -> Result<Compared, LakeError> {
    let Some(view) = lake.view(relation)? else {
        return Ok(Compared::Not("it is not there yet"));
    };
    let held = match content_at(&view, as_of, close, &mut pace)? {
        Ok(held) => held,
        Err(why) => return Ok(Compared::Not(why)),
    };
    let differing = held.differing(graphs);
    if differing.is_empty() {
        let rows = u64::try_from(held.rows()).unwrap_or(0);
        return Ok(Compared::Equal { rows });
    }
    if close.is_empty() {
        let close = differing.into_iter().take(CLOSE_MAX);
        return Ok(Compared::Unsure(close.collect()));
    }
    let done = "nothing: what the graphs hold is right in the views. Restore the table's files from a backup, or start a \
                new job in a new folder, which reads everything again";
    let folder = view.folder().display().to_string();
    let findings = told(view.spec(), &folder, as_of, (&held, graphs), (false, done));
    Ok(Compared::Differ(findings))
}

/// The sums of what the graphs held, by table; `None`: broken off.
///
/// - `close`: by table the ranges that are to be looked at closely.
/// - `goes_on`: asked again and again; `false` breaks off.
pub(crate) fn of_graphs(
    read_out: &ReadOut,
    close: &[Vec<usize>; 4],
    goes_on: impl Fn() -> bool,
) -> Result<Option<[ContentSums; 4]>, ArrowError> {
    let new = |place: usize| ContentSums::new(DERIVED[place].spec(), close[place].iter().copied());
    let mut sums = [new(0)?, new(1)?, new(2)?, new(3)?];
    let [items, presets, characters, likes] = &mut sums;
    let mut rows = ValuationRows::default();
    for held in &read_out.characters {
        for (place, (ocid, value)) in held.iter().enumerate() {
            changes(ocid, None, Some(&value), read_out.as_of, &mut rows);
            if place % CHUNK == CHUNK - 1 {
                if !goes_on() {
                    return Ok(None);
                }
                items.add(&rows.items.finish())?;
                presets.add(&rows.presets.finish())?;
                characters.add(&rows.characters.finish())?;
            }
        }
    }
    items.add(&rows.items.finish())?;
    presets.add(&rows.presets.finish())?;
    characters.add(&rows.characters.finish())?;
    let mut rows = LikeCountRows::default();
    for counts in &read_out.like_counts {
        for (target, count) in counts.iter() {
            rows.push(target, count, read_out.as_of, 1);
            if rows.len() == CHUNK * CHUNK {
                if !goes_on() {
                    return Ok(None);
                }
                likes.add(&rows.finish())?;
            }
        }
    }
    likes.add(&rows.finish())?;
    Ok(Some(sums))
}

/// The content of a table of changes at an epoch, or why it cannot be told.
fn content_at(
    view: &View,
    as_of: Epoch,
    close: &[usize],
    pace: &mut dyn FnMut(u64) -> bool,
) -> Result<Result<ContentSums, &'static str>, LakeError> {
    if view.committed() < Some(as_of) {
        return Ok(Err("its table of changes is behind"));
    }
    if view.since() > Some(as_of) {
        return Ok(Err("its history was merged meanwhile"));
    }
    let sums = sums(view.spec(), view, Some(as_of), close, pace)?;
    Ok(sums.ok_or("it was broken off"))
}

/// The sums over the rows of a table up to an epoch, or over all; `None`: broken off.
fn sums(
    spec: &'static TableSpec,
    view: &View,
    through: Option<Epoch>,
    close: &[usize],
    pace: &mut dyn FnMut(u64) -> bool,
) -> Result<Option<ContentSums>, LakeError> {
    let of_rows = |source| LakeError::Rows {
        doing: "sum up",
        table: view.spec().name().to_owned(),
        source,
    };
    let mut sums = ContentSums::new(spec, close.iter().copied()).map_err(of_rows)?;
    let end = through.map_or(Epoch(u64::MAX), |through| Epoch(through.0 + 1));
    for file in view.scan().epochs(Epoch(0)..end).files()? {
        if !pace(file.file.bytes) {
            return Ok(None);
        }
        for batch in file.batches()? {
            if !pace(0) {
                return Ok(None);
            }
            sums.add(&batch?).map_err(of_rows)?;
        }
    }
    Ok(Some(sums))
}

/// What differs, key by key, as far as it was looked at closely.
fn told(
    spec: &TableSpec,
    folder: &str,
    as_of: Epoch,
    (held, wanted): (&ContentSums, &ContentSums),
    (repaired, done): (bool, &str),
) -> Vec<Finding> {
    let table = spec.name();
    let differing = held.differing(wanted);
    let keys = held.differing_keys(wanted);
    let new = |key: String, damage: &str| Finding {
        repaired,
        done: done.to_owned(),
        ..Finding::now(OF, folder, key, damage, as_of)
    };
    let mut findings: Vec<Finding> = keys
        .iter()
        .take(KEYS_TOLD)
        .map(|(key, held, wanted)| {
            let hash = |sum: u128| (sum != 0).then(|| format!("{sum:032x}"));
            let damage = match (held, wanted) {
                (0, _) => "missing",
                (_, 0) => "extra",
                _ => "altered",
            };
            Finding {
                held: hash(*held),
                wanted: hash(*wanted),
                ..new(format!("{table} {key}"), damage)
            }
        })
        .collect();
    if differing.len() > CLOSE_MAX || keys.len() > KEYS_TOLD {
        findings.push(Finding {
            held: Some(format!("{} rows", held.rows())),
            wanted: Some(format!("{} rows", wanted.rows())),
            ..new(
                format!(
                    "{table}: keys in {} of {} ranges",
                    differing.len(),
                    lake::RANGES
                ),
                "content",
            )
        });
    }
    findings
}
