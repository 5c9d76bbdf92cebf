//! What is printed, and what is refused.

use crate::support::{DEAR, TestJob};

#[test]
fn money_keeps_all_its_digits() {
    let job = TestJob::filled();
    let sql = "SELECT ocid, cost_mesos, sum(cost_mesos) OVER () AS all_mesos FROM item_valuations_now \
               WHERE cost_mesos > 1 AND \"position\" = 1";
    let json = format!("{{\"ocid\":\"ocid-1\",\"cost_mesos\":{DEAR},\"all_mesos\":{DEAR}}}\n");
    assert_eq!(job.answer(&["--json", sql]), json);
    let csv = format!("ocid,cost_mesos,all_mesos\nocid-1,{DEAR},{DEAR}\n");
    assert_eq!(job.answer(&["--csv", sql]), csv);
    assert!(job.answer(&[sql]).contains(&format!("{DEAR}\n")));
}

#[test]
fn null_is_said_and_texts_are_escaped() {
    let job = TestJob::filled();
    let sql = "SELECT DISTINCT name, additional_grade FROM item_valuations ORDER BY name DESC";
    let json = "{\"name\":\"에테르넬 메이지햇\",\"additional_grade\":null}\n\
                {\"name\":\"it's \\\"cheap\\\", a, b\",\"additional_grade\":null}\n";
    assert_eq!(job.answer(&["--json", sql]), json);
    let csv = "name,additional_grade\n에테르넬 메이지햇,\n\"it's \"\"cheap\"\", a, b\",\n";
    assert_eq!(job.answer(&["--csv", sql]), csv);
    assert!(job.answer(&[sql]).contains("| NULL "));
}

#[test]
fn no_rows_are_still_an_answer() {
    let job = TestJob::filled();
    let sql = "SELECT \"key\", epoch FROM input_likes";
    assert_eq!(job.answer(&["--json", sql]), "");
    assert_eq!(job.answer(&["--csv", sql]), "key,epoch\n");
    let table = job.answer(&[sql]);
    assert!(
        table.contains("key") && table.ends_with("0 rows\n"),
        "{table}"
    );
    let count = job.answer(&["--csv", "SELECT count(*) AS n FROM input_likes"]);
    assert_eq!(count, "n\n0\n");
}

#[test]
fn a_long_table_is_cut_and_says_so() {
    let job = TestJob::filled();
    let sql = "SELECT value FROM generate_series(1, 1001)";
    let table = job.answer(&[sql]);
    assert!(table.ends_with("the first 1000 rows; --json and --csv print all\n"));
    assert_eq!(job.answer(&["--json", sql]).lines().count(), 1001);
    let whole = job.answer(&["SELECT value FROM generate_series(1, 1000)"]);
    assert!(whole.ends_with("\n1000 rows\n"));
}

#[test]
fn rows_wider_than_the_terminal_have_a_line_a_value() {
    let job = TestJob::filled();
    let sql = "SELECT 'one' AS a, 12345678 AS number, NULL AS nothing";
    let wide = |columns: &str| {
        let mut command = job.command();
        let output = command.env("COLUMNS", columns).arg(sql).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let table = wide("40");
    assert!(table.contains("| one | 12345678 |"), "{table}");
    assert_eq!(
        wide("20"),
        "-- row 1\na        one\nnumber   12345678\nnothing  NULL\n1 row\n"
    );
}

#[test]
fn errors_and_notes_are_lines_of_json_where_the_log_is() {
    let job = TestJob::filled();
    let (code, said) = job.refusal(&["--log-format", "json", "SELEC 1"]);
    assert_eq!(code, Some(2));
    let line: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(line["level"], "ERROR", "{said}");
    assert!(line["timestamp"].as_str().unwrap().ends_with('Z'), "{said}");
    let early = [
        "--log-format",
        "json",
        "--as-of",
        "10",
        "SELECT 1 FROM likes_now",
    ];
    let said = String::from_utf8(job.query(&early).stderr).unwrap();
    let line: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(line["level"], "WARN", "{said}");
}

#[test]
fn the_folder_may_be_that_of_the_tables() {
    let job = TestJob::filled();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_mesoflow-query"))
        .arg("--folder")
        .arg(job.tables())
        .args(["--csv", "SELECT count(*) AS n FROM likes_now"])
        .output()
        .unwrap();
    assert!(output.status.success() && output.stdout.starts_with(b"n\n"));
}

#[test]
fn files_that_cannot_hold_the_answer_are_not_opened() {
    let job = TestJob::filled();
    let plan = job.answer(&[
        "--json",
        "EXPLAIN ANALYZE SELECT * FROM likes WHERE epoch = 4",
    ]);
    assert!(plan.contains("files_opened=1,"), "{plan}");
    let plan = job.answer(&["EXPLAIN SELECT * FROM likes WHERE target_ocid = 'nobody'"]);
    assert!(!plan.contains("DataSourceExec"), "{plan}");
    // Counts and bounds come from the log alone.
    let plan = job.answer(&["EXPLAIN SELECT count(*), max(epoch) FROM likes"]);
    assert!(!plan.contains("DataSourceExec"), "{plan}");
    let counted = job.answer(&["--csv", "SELECT count(*), max(epoch) FROM likes"]);
    assert_eq!(counted.lines().nth(1), Some("9,9"));
}

#[test]
fn the_tables_can_be_listed_and_described() {
    let job = TestJob::filled();
    let tables = job.answer(&["--csv", "SHOW TABLES"]);
    for name in ["likes", "likes_now", "like_counts_now", "characters_now"] {
        assert!(tables.contains(&format!(",{name},")), "{tables}");
    }
    assert!(!tables.contains("rejected") && !tables.contains("now_now"));
    let names: Vec<&str> = tables
        .lines()
        .filter(|line| line.contains(",public,"))
        .collect();
    assert!(names.len() > 4 && names.is_sorted(), "{tables}");
    assert!(
        job.answer(&["DESCRIBE like_counts"])
            .contains("target_ocid")
    );
}

#[test]
fn an_unknown_table_is_refused_with_those_there_are() {
    let job = TestJob::filled();
    let (code, said) = job.refusal(&["SELECT * FROM like_count"]);
    assert_eq!(code, Some(2));
    assert!(
        said.starts_with("error: there is no table \"like_count\""),
        "{said}"
    );
    assert!(
        said.contains("like_counts, like_counts_now, likes, likes_now"),
        "{said}"
    );
}

#[test]
fn statements_that_write_are_refused() {
    let job = TestJob::filled();
    let into = format!(
        "COPY likes TO '{}'",
        job.tables().join("copy.csv").display()
    );
    for sql in [
        "CREATE TABLE mine AS SELECT * FROM likes",
        "INSERT INTO likes SELECT * FROM likes",
        "DELETE FROM likes",
        "DROP TABLE likes",
        "CREATE EXTERNAL TABLE mine STORED AS CSV LOCATION 'mine.csv'",
        "SET datafusion.execution.batch_size = 1",
        &into,
    ] {
        let (code, said) = job.refusal(&[sql]);
        assert_eq!(code, Some(2), "{sql}: {said}");
    }
    assert!(!job.tables().join("copy.csv").exists());
}

#[test]
fn wrong_sql_is_the_requests_fault_and_a_lost_file_is_not() {
    let job = TestJob::filled();
    for sql in [
        "SELEC 1",
        "SELECT nothing FROM likes",
        "SELECT 1/0",
        "SELECT 1; SELECT 2",
        "",
    ] {
        let (code, said) = job.refusal(&[sql]);
        assert_eq!(code, Some(2), "{sql}: {said}");
    }
    let view = job
        .lake
        .view(model::tables::Relation::Likes)
        .unwrap()
        .unwrap();
    std::fs::remove_file(&view.files().unwrap()[0].path).unwrap();
    let (code, said) = job.refusal(&["SELECT * FROM likes"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(".parquet"), "{said}");
}

#[test]
fn a_past_that_is_gone_or_was_never_kept_is_refused() {
    let job = TestJob::filled();
    job.compact(model::Epoch(6));
    let sql = "SELECT count(*) AS n FROM likes_now";
    let (code, said) = job.refusal(&["--as-of", "5", sql]);
    assert_eq!(code, Some(2));
    assert!(said.contains("keeps its past from epoch 6 on"), "{said}");
    assert_eq!(job.answer(&["--as-of", "6", "--csv", sql]), "n\n3\n");
    let (code, said) = job.refusal(&["--as-of", "6", "SELECT * FROM characters_now"]);
    assert_eq!(code, Some(2));
    assert!(
        said.contains("characters_now holds only what is now"),
        "{said}"
    );
    let early = job.query(&["--as-of", "10", sql]);
    assert!(early.status.success());
    let said = String::from_utf8(early.stderr).unwrap();
    assert!(said.contains("likes is sealed through epoch 9"), "{said}");
}

#[test]
fn a_folder_without_tables_is_refused_and_nothing_is_made_there() {
    let empty = tempfile::tempdir().unwrap();
    let folder = empty.path().to_str().unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_mesoflow-query"))
        .args(["--folder", folder, "SELECT 1"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(std::fs::read_dir(empty.path()).unwrap().count(), 0);
}

#[test]
fn a_ready_query_can_come_by_standard_input() {
    let job = TestJob::filled();
    let query = lake::sql::sql(
        model::tables::Relation::LikeCounts,
        lake::sql::Engine::Mesoflow,
        &job.tables(),
        Some(model::Epoch(4)),
    );
    let file = job.tables().join("query.sql");
    std::fs::write(&file, query.unwrap()).unwrap();
    let output = job
        .command()
        .args(["--csv", "-"])
        .stdin(std::fs::File::open(&file).unwrap())
        .output()
        .unwrap();
    assert_eq!(output.stdout, b"target_ocid,likes\nocid-1,4\n");
}
