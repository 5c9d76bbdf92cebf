//! `mesoflow scrub` from outside: a finished job, damaged in each place.

use std::fs;
use std::path::{Path, PathBuf};

use model::Topic;
use runtime::{Handle, Job, Until};
use sources::file::Compression;
use sources::generator::{FileSet, Generator, GeneratorConfig, into_files};

use crate::support::{TestJob, mesoflow};

/// A job that has run over generated files.
fn finished() -> TestJob {
    let config = GeneratorConfig {
        characters: 30,
        equipment: 60,
        likes: 300,
        ..GeneratorConfig::default()
    };
    let mut generator = Generator::new(config).unwrap();
    let job = TestJob::new("[source]\nkind = \"files\"\npaths = [\"in/records.jsonl\"]");
    let folder = job.path().join("in");
    fs::create_dir(&folder).unwrap();
    let plain = Compression::Plain;
    into_files(&mut generator, &folder, FileSet::One, plain, None).unwrap();
    let settings = Job::read(job.file().as_ref()).unwrap();
    assert_eq!(settings.topics(), [Topic::Equipment, Topic::Likes]);
    runtime::run(&settings, Until::End, &Handle::default()).unwrap();
    job
}

/// The keys of the findings, in order, each with the name of the damage.
fn findings(job: &TestJob, code: i32) -> Vec<(String, String)> {
    let told = mesoflow(["scrub", &job.file(), "--json"])
        .exits_with(code)
        .json();
    let found = told["findings"].as_array().unwrap().iter();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let mut found: Vec<_> = found
        .map(|finding| (text(&finding["key"]), text(&finding["damage"])))
        .collect();
    found.sort();
    found
}

/// The one data file of a table.
fn file_of(job: &TestJob, table: &str) -> PathBuf {
    let settings = Job::read(job.file().as_ref()).unwrap();
    let folder = settings.folder.join("tables").join(table);
    let names = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let is_data = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "parquet");
    names.filter(is_data).max().unwrap()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn a_job_without_damage_is_compared_from_end_to_end() {
    let job = finished();
    let told = mesoflow(["scrub", &job.file(), "--json"])
        .exits_with(0)
        .json();
    assert_eq!(told["findings"], serde_json::json!([]));
    assert!(told["files"].as_u64() >= Some(8), "{told}");
    let comparisons = told["comparisons"].as_array().unwrap();
    assert_eq!(comparisons.len(), 4);
    for comparison in comparisons {
        assert_eq!(comparison["not"], serde_json::Value::Null, "{comparison}");
        assert!(comparison["compared"].as_u64() > Some(10), "{comparison}");
    }
}

#[test]
fn damage_in_views_and_tables_is_told_and_nothing_is_changed() {
    let job = finished();
    let settings = Job::read(job.file().as_ref()).unwrap();
    let file = settings.folder.join("views.sqlite");
    let views = rusqlite::Connection::open(&file).unwrap();
    let first = |table: &str| -> String {
        let sql = format!("SELECT min(id) FROM {table}");
        views.query_row(&sql, [], |row| row.get(0)).unwrap()
    };
    let (character, liked) = (first("character"), first("likes"));
    views
        .execute_batch(&format!(
            "DELETE FROM character WHERE id = '{character}';
             UPDATE likes SET value = CAST('1 123456' AS BLOB) WHERE id = '{liked}';
             INSERT INTO likes VALUES ('nobody', CAST('1 1' AS BLOB));"
        ))
        .unwrap();
    let altered = file_of(&job, "item_valuations");
    let mut bytes = fs::read(&altered).unwrap();
    bytes[100] ^= 1;
    fs::write(&altered, &bytes).unwrap();
    let missing = file_of(&job, "input_likes");
    fs::remove_file(&missing).unwrap();

    let wanted = || {
        let mut wanted = vec![
            (format!("character {character}"), "missing".to_owned()),
            (format!("likes {liked}"), "altered".to_owned()),
            ("likes nobody".to_owned(), "extra".to_owned()),
            (
                format!("item_valuations/{}", name(&altered)),
                "altered".to_owned(),
            ),
            (
                format!("input_likes/{}", name(&missing)),
                "missing".to_owned(),
            ),
        ];
        wanted.sort();
        wanted
    };
    assert_eq!(findings(&job, 1), wanted());
    assert_eq!(findings(&job, 1), wanted(), "nothing was put right");
    let text = mesoflow(["scrub", &job.file()]).exits_with(1);
    for part in [
        "lost: ",
        "do not stop the job",
        "partition 0",
        "likes nobody: extra",
    ] {
        assert!(text.out.contains(part), "{part}: {}", text.out);
    }
    assert!(text.err.contains("5 findings"), "{}", text.err);
}

#[test]
fn a_now_table_that_differs_from_its_table_of_changes_is_told() {
    let job = finished();
    let now = file_of(&job, "like_counts_now");
    fs::remove_file(&now).unwrap();
    let missing = (
        format!("like_counts_now/{}", name(&now)),
        "missing".to_owned(),
    );
    assert_eq!(findings(&job, 1), [missing]);
}

#[test]
fn a_job_that_has_not_run_is_a_wrong_request() {
    let job = TestJob::new("");
    mesoflow(["scrub", &job.file()]).exits_with(2);
}
