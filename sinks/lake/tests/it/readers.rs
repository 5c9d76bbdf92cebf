//! DuckDB and Polars answer the ready queries as we do.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int16Type, Int32Type, Int64Type};
use lake::sql::{Engine, content_columns, sql};
use lake::{CompactionLimits, Retain, View};
use model::admission::{Counts, Outcome, Rejected, RowKind};
use model::tables::{
    AccountingRows, CharacterNowRows, InputRows, Kind, LikeCountNowRows, RejectedRows, Relation,
    ValuationRows, changes,
};
use model::valued::{CharacterValuation, ItemValuation, PresetValuation, SharedComponent};
use model::{Epoch, Millis, PartitionId, Reason, Rejection, Topic};
use serde_json::{Value, json};
use std::sync::Arc;
use valuation::{ComponentValue, Detail, Item, Level, Meso, Star, Status};

use crate::support::{TestLake, counts, input, pairs};

type Answer = Vec<Vec<Value>>;

/// One value as both sides write it: exact, whatever its type.
fn cell(array: &ArrayRef, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    let text = match array.data_type() {
        DataType::Int16 => array.as_primitive::<Int16Type>().value(row).to_string(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).to_string(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Decimal128(38, 0) => array
            .as_primitive::<Decimal128Type>()
            .value(row)
            .to_string(),
        DataType::Float64 => {
            let bits = array.as_primitive::<Float64Type>().value(row).to_bits();
            format!("{bits:016x}")
        }
        DataType::Boolean => array.as_boolean().value(row).to_string(),
        DataType::Utf8 => array.as_string::<i32>().value(row).to_owned(),
        DataType::Binary => {
            let bytes = array.as_binary::<i32>().value(row);
            bytes.iter().map(|byte| format!("{byte:02x}")).collect()
        }
        other => panic!("no text for a {other}"),
    };
    Value::String(text)
}

fn rows(batch: &RecordBatch, names: &[&str]) -> Answer {
    (0..batch.num_rows())
        .map(|row| names.iter().map(|name| cell(&batch[*name], row)).collect())
        .collect()
}

/// Epoch and offset of the newest row of a key, the row, and its diff.
type Newest = ((i64, i64), Vec<Value>, i32);

/// The content by the definition of its kind, in plain maps.
fn expected(view: &View, as_of: Option<Epoch>) -> Answer {
    let spec = view.spec();
    let names = content_columns(spec);
    let upper = Epoch(as_of.map_or(u64::MAX, |epoch| epoch.0 + 1));
    let mut sums: BTreeMap<String, (Vec<Value>, i64)> = BTreeMap::new();
    let mut newest: BTreeMap<String, Newest> = BTreeMap::new();
    let mut all = Vec::new();
    for batch in view.scan().epochs(Epoch(0)..upper).batches().unwrap() {
        let batch = batch.unwrap();
        for (row, shown) in rows(&batch, &names).into_iter().enumerate() {
            let long = |name: &str| batch[name].as_primitive::<Int64Type>().value(row);
            let int = |name: &str| batch[name].as_primitive::<Int32Type>().value(row);
            match spec.kind {
                Kind::Changes => {
                    let key = serde_json::to_string(&shown).unwrap();
                    sums.entry(key).or_insert((shown, 0)).1 += i64::from(int("diff"));
                }
                Kind::Input => {
                    if batch["kind"].as_string::<i32>().value(row) == "row" {
                        let key = format!("{} {}", int("partition"), shown[3]);
                        let age = (long("epoch"), long("record_offset"));
                        let found = newest.entry(key).or_insert((age, Vec::new(), 0));
                        if age >= found.0 {
                            *found = (age, shown, int("diff"));
                        }
                    }
                }
                Kind::Log | Kind::Now => all.push(shown),
            }
        }
    }
    all.extend(sums.into_values().filter(|row| row.1 != 0).map(|row| row.0));
    all.extend(
        newest
            .into_values()
            .filter(|row| row.2 > 0)
            .map(|row| row.1),
    );
    sorted(all)
}

fn sorted(mut answer: Answer) -> Answer {
    answer.sort_by_key(|row| serde_json::to_string(row).unwrap());
    answer
}

fn character(mesos: i128, name: &str) -> CharacterValuation {
    let priced = ComponentValue {
        status: Status::Ok,
        cost_mesos: Some(Meso(mesos)),
        tries: Some(1.0 / 3.0),
        sd_mesos: Some(mesos as f64 * 0.7),
        detail: Detail::None,
    };
    let none = ComponentValue::settled(Status::None);
    let unknown = ComponentValue::settled(Status::UnknownTable);
    let item = Arc::new(ItemValuation {
        item: Item {
            slot: "모자".into(),
            part: "모자".into(),
            name: name.into(),
            level: Level(250),
            stars: Star(22),
            grade: Some("레전드리".into()),
            ..Item::default()
        },
        table_part: "모자".into(),
        components: [
            priced,
            unknown,
            none.clone(),
            none.clone(),
            none.clone(),
            none,
        ]
        .map(SharedComponent::from),
        cost_mesos: Meso(mesos),
        missing_parts: 1,
    });
    let preset = PresetValuation {
        cost_mesos: Meso(2 * mesos),
        missing_parts: 2,
        sd_mesos: 1e15 / 7.0,
        p90_mesos: 1e16 / 7.0,
        items: vec![item.clone(), item],
    };
    CharacterValuation {
        class: "에반".into(),
        preset: 2,
        presets: [
            PresetValuation::default(),
            preset,
            PresetValuation::default(),
        ],
    }
}

/// Writes something to every table, over epochs 1 to 9.
fn fill(test: &TestLake) {
    let dear = character(
        99_999_999_999_999_999_999_999_999_999_999_999,
        "에테르넬 메이지햇",
    );
    let cheap = character(1, "it's \"cheap\"");
    let steps = [
        (3, None, Some(&dear)),
        (5, Some(&dear), Some(&cheap)),
        (9, Some(&cheap), Some(&dear)),
    ];
    let mut valuations = [
        Relation::ItemValuations,
        Relation::PresetValuations,
        Relation::CharacterValuations,
    ]
    .map(|relation| test.table(relation, 1));
    for (epoch, old, new) in steps {
        let mut rows = ValuationRows::default();
        changes("ocid-1", old, new, Epoch(epoch), &mut rows);
        changes(
            "ocid-2",
            old.and(None),
            (epoch == 5).then_some(&cheap),
            Epoch(epoch),
            &mut rows,
        );
        let batches = [
            rows.items.finish(),
            rows.presets.finish(),
            rows.characters.finish(),
        ];
        for (table, batch) in valuations.iter_mut().zip(batches) {
            table.append(&[batch], Epoch(epoch), &[]).unwrap();
        }
    }
    let mut likes = test.table(Relation::Likes, 1);
    let mut like_counts = test.table(Relation::LikeCounts, 1);
    for epoch in 1..10u64 {
        let account = format!("account-{}", epoch % 4);
        let diff = if epoch > 4 && epoch % 3 == 0 { -1 } else { 1 };
        let rows = pairs(&[("ocid-1", &account, epoch, diff)]);
        likes.append(&[rows], Epoch(epoch), &[]).unwrap();
        let mut rows = vec![("ocid-1", epoch as i64, epoch, 1)];
        if epoch > 1 {
            rows.push(("ocid-1", epoch as i64 - 1, epoch, -1));
        }
        like_counts
            .append(&[counts(&rows)], Epoch(epoch), &[])
            .unwrap();
    }
    let mut inputs = test.table(Relation::InputEquipment, 1);
    use RowKind::{Head, Id, Row};
    for (epoch, rows) in [
        (
            2,
            vec![
                (Row, "ocid-1", 2, 10, 1),
                (Head, "ocid-1", 2, 10, 1),
                (Row, "ocid-2", 2, 11, 1),
            ],
        ),
        (
            5,
            vec![
                (Row, "ocid-1", 5, 12, 1),
                (Row, "ocid-1", 5, 13, 1),
                (Id, "ocid-1", 5, 14, 1),
            ],
        ),
        (
            8,
            vec![(Row, "ocid-2", 8, 15, -1), (Row, "ocid-3", 8, 16, 1)],
        ),
    ] {
        inputs.append(&[input(&rows)], Epoch(epoch), &[]).unwrap();
    }
    let empty = InputRows::new(Relation::InputLikes.spec()).finish();
    test.table(Relation::InputLikes, 1)
        .append(&[empty], Epoch(9), &[])
        .unwrap();
    fill_logs(test);
    let mut now = CharacterNowRows::new(Epoch(9), "rules");
    now.push("ocid-1", &dear, Epoch(9));
    test.table(Relation::CharactersNow, 1)
        .rewrite(&[now.finish()], Epoch(9))
        .unwrap();
    let mut now = LikeCountNowRows::new(Epoch(9));
    now.push("ocid-1", 9, Epoch(9));
    test.table(Relation::LikeCountsNow, 1)
        .rewrite(&[now.finish()], Epoch(9))
        .unwrap();
}

fn fill_logs(test: &TestLake) {
    let partition = PartitionId {
        topic: Topic::Likes,
        partition: 1,
    };
    let mut rejected = test.table(Relation::Rejected, 1);
    let mut accounting = test.table(Relation::Accounting, 1);
    for epoch in [2, 6] {
        let mut rows = RejectedRows::default();
        rows.push(
            partition,
            Epoch(epoch),
            &Rejected {
                rejection: Rejection {
                    reason: Reason::Malformed,
                    path: String::new(),
                    expected: "one JSON object".into(),
                },
                key: None,
                value: Some(vec![0, 255, 10].into()),
                timestamp_millis: Millis(77),
                offset: epoch as i64,
            },
        );
        rejected
            .append(&[rows.finish()], Epoch(epoch), &[])
            .unwrap();
        let mut counts = Counts::default();
        counts.count(Outcome::Rejected);
        let mut rows = AccountingRows::default();
        rows.push(partition, Epoch(epoch), 3, counts);
        accounting
            .append(&[rows.finish()], Epoch(epoch), &[])
            .unwrap();
    }
}

/// Asks the reader, which is Python with DuckDB and Polars.
fn ask(questions: &BTreeMap<String, (Engine, String)>) -> BTreeMap<String, Answer> {
    let python = std::env::var("MESOFLOW_TEST_PYTHON").unwrap_or_else(|_| {
        panic!(
            "MESOFLOW_TEST_PYTHON is not set: it names a Python with the packages of \
             .ci/requirements.txt; ./test installs one"
        )
    });
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/readers/answer.py");
    let mut child = Command::new(&python)
        .args(["-B", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("MESOFLOW_TEST_PYTHON ({python}) does not start: {error}"));
    let questions: Vec<Value> = questions
        .iter()
        .map(|(name, (engine, text))| json!({"name": name, "engine": engine.name(), "text": text}))
        .collect();
    let mut stdin = child.stdin.take().unwrap();
    stdin
        .write_all(serde_json::to_string(&questions).unwrap().as_bytes())
        .unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the readers failed");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn duckdb_and_polars_give_the_same_answers() {
    let test = TestLake::new();
    fill(&test);
    compare(&test, None);

    // The same once more, compacted below epoch 6 and behind a checkpoint.
    for relation in Relation::ALL {
        let mut table = test.table(relation, 2);
        let retain = Retain {
            since: Epoch(6),
            ..Retain::default()
        };
        let plan = table
            .plan_compaction(retain, &CompactionLimits::everything())
            .unwrap();
        if let Some(plan) = plan {
            table.commit_compaction(&plan.run().unwrap()).unwrap();
        }
        table.checkpoint().unwrap();
    }
    compare(&test, Some(Epoch(6)));
}

fn compare(test: &TestLake, since: Option<Epoch>) {
    let folder = test.lake.folder();
    let mut questions = BTreeMap::new();
    let mut wanted = BTreeMap::new();
    for relation in Relation::ALL {
        let view = test.view(relation);
        for as_of in [None, Some(2), Some(5), Some(6), Some(8)] {
            let as_of = as_of.map(Epoch);
            if as_of.is_some_and(|epoch| Some(epoch) < since) {
                continue;
            }
            for engine in [Engine::DuckDb, Engine::Polars] {
                let Some(text) = sql(relation, engine, folder, as_of) else {
                    continue;
                };
                let name = format!("{relation} as of {as_of:?} in {engine}");
                questions.insert(name.clone(), (engine, text));
                wanted.insert(name, expected(&view, as_of));
            }
        }
    }
    let answers = ask(&questions);
    assert_eq!(answers.len(), wanted.len());
    for (name, answer) in answers {
        assert_eq!(sorted(answer), wanted[&name], "{name}");
    }
}
