//! `mesoflow tables`.

use std::path::Path;

use lake::{CompactionLimits, Lake, Owner, Retain, Table};
use model::Epoch;
use model::tables::{LikeCountRows, Relation};

use crate::support::{TestJob, mesoflow};

/// A table with one row of epoch 7, committed through epoch 9.
fn like_counts(folder: &Path) -> Table {
    let lake = Lake::open(folder).unwrap();
    let owner = Owner {
        job: "job".to_owned(),
        generation: 1,
    };
    let mut table = lake.table(Relation::LikeCounts, &owner).unwrap();
    let mut rows = LikeCountRows::default();
    rows.push("target", 3, Epoch(7), 1);
    table.append(&[rows.finish()], Epoch(9), &[]).unwrap();
    table
}

#[test]
fn tables_are_listed_with_how_far_they_are() {
    let folder = tempfile::tempdir().unwrap();
    like_counts(folder.path());

    let args = ["tables", "--json", "--folder"].map(AsRef::as_ref);
    let listed = mesoflow(args.into_iter().chain([folder.path().as_os_str()]))
        .exits_with(0)
        .json();

    let listed = listed.as_array().unwrap();
    assert_eq!(listed.len(), Relation::ALL.len());
    let counts = listed
        .iter()
        .find(|table| table["name"] == "like_counts")
        .unwrap();
    assert_eq!(
        (&counts["exists"], &counts["as_of"]),
        (&true.into(), &9.into())
    );
    assert_eq!(counts["files"], 1);
    let likes = listed
        .iter()
        .find(|table| table["name"] == "likes")
        .unwrap();
    assert_eq!(
        (&likes["exists"], &likes["files"]),
        (&false.into(), &0.into())
    );
}

#[test]
fn columns_and_queries_are_told_without_a_job() {
    let columns = mesoflow(["tables", "show", "like_counts", "--json"])
        .exits_with(0)
        .json();
    assert_eq!(columns[0]["name"], "epoch");
    let args = [
        "tables",
        "sql",
        "like_counts",
        "--engine",
        "duckdb",
        "--as-of",
        "7",
        "--json",
    ];
    let query = mesoflow(args).exits_with(0).json();
    let text = query["query"].as_str().unwrap();
    assert!(
        text.contains("delta_scan('/") && text.contains("epoch <= 7"),
        "{text}"
    );
}

#[test]
fn no_query_is_told_for_an_epoch_that_is_compacted_away() {
    let folder = tempfile::tempdir().unwrap();
    let mut table = like_counts(folder.path());
    let retain = Retain {
        since: Epoch(8),
        ..Retain::default()
    };
    let plan = table.plan_compaction(retain, &CompactionLimits::everything());
    let compacted = plan.unwrap().unwrap().run().unwrap();
    table.commit_compaction(&compacted).unwrap();

    let ask = |name, as_of| {
        let args = ["tables", "sql", name, "--as-of", as_of, "--folder"].map(AsRef::as_ref);
        mesoflow(args.into_iter().chain([folder.path().as_os_str()]))
    };
    let ran = ask("like_counts", "7").exits_with(2);
    assert!(ran.err.contains("from epoch 8 on"), "{}", ran.err);
    assert!(ran.err.contains("to do: "), "{}", ran.err);
    assert_eq!(ran.out, "");
    ask("like_counts", "8").exits_with(0);
    // Not there yet: nothing is known against it.
    ask("likes", "7").exits_with(0);
}

#[test]
fn unknown_tables_engines_and_folders_are_wrong_requests() {
    for args in [
        &["tables", "show", "nothing"][..],
        &["tables", "sql", "likes", "--engine", "excel"],
        &["tables", "sql", "characters_now", "--as-of", "7"],
        &["tables", "--folder", "/nowhere"],
    ] {
        let ran = mesoflow(args).exits_with(2);
        assert!(ran.err.contains("to do: "), "{}", ran.err);
    }
}

#[test]
fn the_tables_of_a_job_are_found_by_its_file() {
    let job = TestJob::new("");
    let ran = mesoflow(["tables", "--job", &job.file()]).exits_with(2);
    assert!(ran.err.contains("tables"), "{}", ran.err);
    Lake::open(&job.path().join("tables")).unwrap();
    let listed = mesoflow(["tables", "list", "--json", "--job", &job.file()]).exits_with(0);
    assert_eq!(listed.json().as_array().unwrap().len(), Relation::ALL.len());
    let both = ["tables", "--folder", "tables", "--job", &job.file()];
    mesoflow(both).exits_with(2);
}
