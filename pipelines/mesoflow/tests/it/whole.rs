//! All that a job says, as plain maps: what one job says can be held against what another one says.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use lake::{Lake, View};
use model::Epoch;
use model::tables::{Kind, Relation};
use views::{SqliteStore, ViewReader};

/// Rows without their epochs, each with how often it stands.
type Rows = BTreeMap<String, i64>;

/// The rows of every table; of accounting the sums.
pub(crate) type Content = BTreeMap<&'static str, Rows>;

/// Tables of changes of what the rules decide.
pub(crate) const VALUATIONS: [Relation; 3] = [
    Relation::ItemValuations,
    Relation::PresetValuations,
    Relation::CharacterValuations,
];

/// All epochs.
const ALL: Range<Epoch> = Epoch(0)..Epoch(u64::MAX);

/// What stands in all tables of a job's folder but those of inputs, which are consolidated now and then: what
/// they mean is told by the others.
pub(crate) fn content(folder: &Path) -> Content {
    let lake = Lake::open(&folder.join("tables")).unwrap();
    let told = Relation::ALL.into_iter();
    told.filter(|relation| relation.spec().kind != Kind::Input)
        .map(|relation| (relation.name(), rows(&view(&lake, relation), ALL)))
        .collect()
}

/// What stood in the tables of valuations at an epoch.
pub(crate) fn valuations_as_of(folder: &Path, epoch: Epoch) -> Content {
    let lake = Lake::open(&folder.join("tables")).unwrap();
    let through = Epoch(0)..Epoch(epoch.0 + 1);
    VALUATIONS
        .into_iter()
        .map(|relation| {
            (
                relation.name(),
                rows(&view(&lake, relation), through.clone()),
            )
        })
        .collect()
}

fn view(lake: &Lake, relation: Relation) -> View {
    let view = lake.view(relation).unwrap();
    view.expect("the job made every table")
}

/// The cells of a batch as texts, by column.
pub(crate) fn cells(batch: &RecordBatch) -> Vec<ArrayFormatter<'_>> {
    const OPTIONS: FormatOptions<'_> = FormatOptions::new().with_null("null");
    let columns = batch.columns().iter();
    columns
        .map(|column| ArrayFormatter::try_new(column, &OPTIONS).unwrap())
        .collect()
}

fn rows(view: &View, epochs: Range<Epoch>) -> Rows {
    let spec = view.spec();
    let mut rows = Rows::new();
    for batch in view.scan().epochs(epochs).batches().unwrap() {
        let batch = batch.unwrap();
        let schema = batch.schema();
        let names: Vec<&str> = schema
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .collect();
        let cells = cells(&batch);
        for row in 0..batch.num_rows() {
            let cell = |name: &str| {
                cells[names.iter().position(|&other| other == name).unwrap()].value(row)
            };
            if spec.relation == Relation::Accounting {
                let partition = format!("{}/{}", cell("topic"), cell("partition"));
                for outcome in [
                    "read",
                    "applied",
                    "unchanged",
                    "duplicate",
                    "superseded",
                    "rejected",
                ] {
                    let count: i64 = cell(outcome).to_string().parse().unwrap();
                    *rows.entry(format!("{partition} {outcome}")).or_default() += count;
                }
                continue;
            }
            let is_told = |name: &str| !matches!(name, "epoch" | "diff" | "as_of" | "changed_at");
            let text: Vec<String> = names
                .iter()
                .zip(&cells)
                .filter(|(name, _)| is_told(name))
                .map(|(_, cell)| cell.value(row).to_string())
                .collect();
            let diff = match spec.kind {
                Kind::Changes => cell("diff").to_string().parse().unwrap(),
                Kind::Input | Kind::Log | Kind::Now => 1,
            };
            *rows.entry(text.join(" | ")).or_default() += diff;
        }
    }
    rows.retain(|_, count| *count != 0);
    rows
}

/// Asserts that two jobs say the same; shows what differs first.
#[track_caller]
pub(crate) fn assert_same(found: &Content, wanted: &Content) {
    for (table, rows) in wanted {
        assert!(!rows.is_empty(), "{table} is empty");
        let differing: Vec<_> = rows
            .iter()
            .filter(|(row, count)| found[table].get(*row) != Some(count))
            .take(3)
            .collect();
        assert!(differing.is_empty(), "{table} lacks {differing:?}");
        let extra: Vec<_> = found[table]
            .keys()
            .filter(|row| !rows.contains_key(*row))
            .take(3)
            .collect();
        assert!(extra.is_empty(), "{table} has {extra:?}");
    }
}

/// All values of the embedded views of a job's folder, without the epochs of their changes.
pub(crate) fn views(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    values(&mut SqliteStore::open_read_only(&folder.join("views.sqlite")).unwrap())
}

/// All values of a store, without the epochs of their changes.
pub(crate) fn values(reader: &mut impl ViewReader) -> BTreeMap<String, Vec<u8>> {
    let mut keys = Vec::new();
    let mut cursor = None;
    loop {
        let page = reader.list(cursor.as_ref(), 1_000).unwrap();
        keys.extend(page.keys);
        cursor = match page.next {
            Some(next) => Some(next),
            None => break,
        };
    }
    let values = reader.read(&keys).unwrap().values;
    keys.iter()
        .zip(values)
        .map(|(key, value)| {
            let value = value.expect("a listed key is there");
            let payload = model::view::Stamped::parse(&value)
                .unwrap()
                .payload
                .to_vec();
            (format!("{key:?}"), payload)
        })
        .collect()
}
