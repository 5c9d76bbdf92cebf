//! A job that is killed again and again, with another number of workers each time, says in the end what one
//! that ran through says.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use arrow::util::display::{ArrayFormatter, FormatOptions};
use lake::Lake;
use model::tables::{Kind, Relation};
use sources::file::Compression;
use sources::generator::{FileSet, Generator, GeneratorConfig, into_files};
use views::{SqliteStore, ViewReader};

use crate::support::mesoflow;

/// Rows of every table without their epochs, each with how often it stands; of accounting the sums.
type Content = BTreeMap<&'static str, BTreeMap<String, i64>>;

fn input(folder: &Path) -> Vec<PathBuf> {
    let mut generator = Generator::new(GeneratorConfig {
        characters: 300,
        equipment: 1_500,
        likes: 30_000,
        ..GeneratorConfig::default()
    })
    .unwrap();
    into_files(
        &mut generator,
        folder,
        FileSet::Partitions,
        Compression::Plain,
        None,
    )
    .unwrap()
    .0
}

fn job_file(folder: &Path, name: &str, workers: usize, paths: &[PathBuf]) -> PathBuf {
    let file = folder.join(format!("{name}.toml"));
    // Small epochs, few in flight and quick commits: many moments at which a crash matters.
    let text = format!(
        "job = {name:?}\nfolder = {name:?}\nworkers = {workers}\n\
         [source]\nkind = \"files\"\npaths = {paths:?}\n\
         [epoch]\nrecords_max = 200\n[flow]\nepochs_in_flight_max = 3\n\
         [tables]\ncommit_millis = 10\nmaintain_seconds = 1\nhistory_seconds = 0\nnow_seconds = 1\n"
    );
    fs::write(&file, text).unwrap();
    file
}

fn content(folder: &Path) -> Content {
    let lake = Lake::open(&folder.join("tables")).unwrap();
    let mut content = Content::new();
    for relation in Relation::ALL {
        let spec = relation.spec();
        let mut rows: BTreeMap<String, i64> = BTreeMap::new();
        let view = lake
            .view(relation)
            .unwrap()
            .expect("the job made every table");
        for batch in view.scan().batches().unwrap() {
            let batch = batch.unwrap();
            let schema = batch.schema();
            let names: Vec<&str> = schema
                .fields()
                .iter()
                .map(|field| field.name().as_str())
                .collect();
            let options = FormatOptions::default().with_null("null");
            let cells: Vec<ArrayFormatter<'_>> = batch
                .columns()
                .iter()
                .map(|column| ArrayFormatter::try_new(column, &options).unwrap())
                .collect();
            for row in 0..batch.num_rows() {
                let cell = |name: &str| {
                    cells[names.iter().position(|&other| other == name).unwrap()].value(row)
                };
                if relation == Relation::Accounting {
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
                let is_told =
                    |name: &str| !matches!(name, "epoch" | "diff" | "as_of" | "changed_at");
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
        // Input tables are consolidated now and then: what they mean is told by all others.
        if spec.kind != Kind::Input {
            content.insert(relation.name(), rows);
        }
    }
    content
}

/// All values of the views, without the epochs of their changes.
fn views(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut reader = SqliteStore::open_read_only(&folder.join("views.sqlite")).unwrap();
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

#[test]
fn a_job_that_was_killed_again_and_again_says_what_one_says_that_ran_through() {
    let folder = tempfile::tempdir().unwrap();
    let paths = input(folder.path());
    let through = job_file(folder.path(), "through", 2, &paths);
    let report = mesoflow(["run", "--until-end", "--json", through.to_str().unwrap()])
        .exits_with(0)
        .json();
    assert_eq!(report["phase"], "ended");

    let mut killed = 0;
    for round in 0..14_u64 {
        let job = job_file(
            folder.path(),
            "killed",
            [1, 2, 3][round as usize % 3],
            &paths,
        );
        let mut child = Command::new(env!("CARGO_BIN_EXE_mesoflow"))
            .args(["run", "--until-end", job.to_str().unwrap()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_millis(150 + 97 * round));
        if child.try_wait().unwrap().is_none() {
            killed += 1;
            child.kill().unwrap();
        }
        child.wait().unwrap();
    }
    assert!(
        killed >= 3,
        "the job was killed {killed} times only: it has too little to do"
    );
    let job = job_file(folder.path(), "killed", 2, &paths);
    mesoflow(["run", "--until-end", job.to_str().unwrap()]).exits_with(0);

    let (wanted, found) = (
        content(&folder.path().join("through")),
        content(&folder.path().join("killed")),
    );
    for (table, rows) in &wanted {
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
    assert_eq!(
        views(&folder.path().join("through")),
        views(&folder.path().join("killed"))
    );
}
