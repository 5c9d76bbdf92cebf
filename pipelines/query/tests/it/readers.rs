//! The program answers the ready queries as DuckDB and Polars do.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use datafusion::arrow::datatypes::DataType;
use lake::sql::{Engine, content_columns, sql};
use model::Epoch;
use model::tables::Relation;
use serde_json::{Map, Value, json};

use crate::support::TestJob;

type Answer = Vec<Vec<Value>>;

/// Asks the readers, which are Python with DuckDB and Polars.
fn ask(questions: &[Value]) -> BTreeMap<String, Answer> {
    let python = std::env::var("MESOFLOW_TEST_PYTHON").unwrap_or_else(|_| {
        panic!(
            "MESOFLOW_TEST_PYTHON is not set: it names a Python with the packages of \
             .ci/requirements.txt; ./test installs one"
        )
    });
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../sinks/lake/tests/readers/answer.py"
    );
    let mut child = Command::new(&python)
        .args(["-B", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("MESOFLOW_TEST_PYTHON ({python}) does not start: {error}"));
    let text = serde_json::to_vec(questions).unwrap();
    child.stdin.take().unwrap().write_all(&text).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the readers failed");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The program's answer to a query, as the readers write theirs: every value an exact text, or null.
fn own(job: &TestJob, relation: Relation, query: &str, options: &[&str]) -> Answer {
    // Numbers that JSON readers round are asked for as texts.
    let spec = relation.spec();
    let names = content_columns(spec);
    let column = |name: &str| {
        let found = spec.columns.iter().find(|column| column.name == name);
        found.unwrap().data_type.clone()
    };
    let exact: Vec<String> = names
        .iter()
        .map(|name| match column(name) {
            DataType::Decimal128(..) | DataType::Float64 => {
                format!("CAST({name} AS VARCHAR) AS {name}")
            }
            _ => format!("\"{name}\""),
        })
        .collect();
    let query = format!("SELECT {} FROM ({query}) AS content", exact.join(", "));
    let mut arguments = options.to_vec();
    arguments.extend(["--json", &query]);
    let text = job.answer(&arguments);
    let rows = text.lines().map(|line| {
        let row: Map<String, Value> = serde_json::from_str(line).unwrap();
        let cells = names.iter().zip(row);
        cells
            .map(|(name, (own_name, value))| {
                assert_eq!(*name, own_name);
                cell(value, &column(name))
            })
            .collect()
    });
    sorted(rows.collect())
}

fn cell(value: Value, data_type: &DataType) -> Value {
    match (value, data_type) {
        (Value::Null, _) => Value::Null,
        (Value::String(text), DataType::Float64) => {
            let bits = text.parse::<f64>().unwrap().to_bits();
            Value::String(format!("{bits:016x}"))
        }
        (Value::String(text), _) => Value::String(text),
        (other, _) => Value::String(other.to_string()),
    }
}

fn sorted(mut answer: Answer) -> Answer {
    answer.sort_by_key(|row| serde_json::to_string(row).unwrap());
    answer
}

/// The tables that have been written.
fn relations(job: &TestJob) -> Vec<Relation> {
    let is_there = |relation: &Relation| job.lake.view(*relation).unwrap().is_some();
    Relation::ALL.into_iter().filter(is_there).collect()
}

/// Compares all ready queries; gives how many rows the answers had.
fn compare(job: &TestJob, epochs: &[u64]) -> usize {
    let mut questions = Vec::new();
    let mut answers = BTreeMap::new();
    let as_ofs = [None].into_iter().chain(epochs.iter().copied().map(Some));
    for as_of in as_ofs {
        for relation in relations(job) {
            let ready = |engine| sql(relation, engine, &job.tables(), as_of.map(Epoch));
            let Some(query) = ready(Engine::Mesoflow) else {
                continue;
            };
            let answer = own(job, relation, &query, &[]);
            for engine in [Engine::DuckDb, Engine::Polars] {
                let name = format!("{relation} as of {as_of:?} in {engine}");
                questions.push(json!({
                    "name": name, "engine": engine.name(), "text": ready(engine).unwrap()
                }));
                answers.insert(name, answer.clone());
            }
        }
    }
    let theirs = ask(&questions);
    assert_eq!(theirs.len(), answers.len());
    for (name, answer) in theirs {
        assert_eq!(answers[&name], sorted(answer), "{name}");
    }
    answers.values().map(Vec::len).sum()
}

#[test]
fn duckdb_and_polars_give_the_same_rows_before_and_after_a_compaction() {
    let job = TestJob::filled();
    assert!(compare(&job, &[2, 5, 8]) > 50);
    let retained: Vec<Answer> = contents(&job);
    job.compact(Epoch(6));
    assert!(compare(&job, &[6, 8]) > 30);
    assert_eq!(contents(&job), retained);
}

/// What every table held at epoch 6.
fn contents(job: &TestJob) -> Vec<Answer> {
    relations(job)
        .into_iter()
        .filter_map(|relation| {
            let query = sql(relation, Engine::Mesoflow, &job.tables(), Some(Epoch(6)))?;
            Some(own(job, relation, &query, &[]))
        })
        .collect()
}

#[test]
fn a_content_by_its_name_is_that_of_the_ready_query() {
    let job = TestJob::filled();
    for as_of in [None, Some(5), Some(9)] {
        for relation in relations(&job) {
            let Some(query) = sql(relation, Engine::Mesoflow, &job.tables(), as_of.map(Epoch))
            else {
                continue;
            };
            if relation == Relation::LikeCounts && as_of.is_none() {
                // Here the name is that of a table.
                continue;
            }
            let epoch = as_of.map(|epoch| epoch.to_string());
            let options = match &epoch {
                Some(epoch) => vec!["--as-of", epoch],
                None => vec![],
            };
            let name = match relation.name().strip_suffix("_now") {
                Some(_) => relation.name().to_owned(),
                None => format!("{relation}_now"),
            };
            let named = own(&job, relation, &format!("SELECT * FROM {name}"), &options);
            assert_eq!(named, own(&job, relation, &query, &[]), "{name} {as_of:?}");
        }
    }
}
