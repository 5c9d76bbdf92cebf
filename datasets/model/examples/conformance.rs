//! Answers the golden lines of the inputs' contracts and compares: `conformance FILE...`.
//!
//! Prints each failing line with what was wanted and got; the last line is `N passed, N failed`.
//! Exit codes: 0 all passed, 1 some failed, 2 the request was wrong.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use model::admission::{AdmissionSettings, Admitted, Change, Outcome, Partition};
use model::{Millis, RawRecord, Topic};
use serde::{Deserialize, Serialize};

/// One line of a golden file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: String,
    r#fn: String,
    r#in: serde_json::Value,
    out: serde_json::Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sequence {
    topic: Topic,
    dedup_horizon_millis: i64,
    records: Vec<Record>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    key: Option<String>,
    timestamp_millis: i64,
    #[serde(default)]
    value: Option<String>,
    #[serde(default)]
    value_base64: Option<String>,
}

/// What a sequence leads to, as golden files write it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    outcomes: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    likes: Option<BTreeMap<String, i64>>,
}

/// Sends the records through admission, one after the other.
fn answer(sequence: &Sequence) -> Result<Answer, String> {
    let settings = AdmissionSettings {
        dedup_horizon_millis: sequence.dedup_horizon_millis,
        dedup_ids_max: usize::MAX,
    };
    let mut partition = Partition::new(sequence.topic, settings);
    let mut admitted = Admitted::new(sequence.topic);
    let mut outcomes = Vec::new();
    for (offset, record) in (0..).zip(&sequence.records) {
        let value = match (&record.value, &record.value_base64) {
            (Some(_), Some(_)) => return Err(format!("record {offset} has two values")),
            (Some(text), None) => Some(text.as_bytes().to_vec()),
            (None, Some(base64)) => Some(
                BASE64_STANDARD
                    .decode(base64)
                    .map_err(|error| format!("record {offset}: {error}"))?,
            ),
            (None, None) => None,
        };
        let record = RawRecord {
            key: record.key.as_deref().map(str::as_bytes),
            value: value.as_deref(),
            timestamp_millis: Millis(record.timestamp_millis),
            offset,
            replays: None,
        };
        let outcome = partition.admit(&record, &mut admitted);
        outcomes.push(match outcome {
            Outcome::Rejected => {
                let rejected = admitted
                    .rejected()
                    .last()
                    .ok_or("a rejection is not kept")?;
                if rejected.offset != offset || rejected.value != value.map(Vec::into_boxed_slice) {
                    return Err(format!(
                        "the rejection of record {offset} is of another one"
                    ));
                }
                format!("rejected:{}", rejected.rejection.reason)
            }
            outcome => outcome.name().to_owned(),
        });
    }
    let mut likes = BTreeMap::new();
    for change in admitted.changes() {
        if let Change::Like(change) = change {
            *likes.entry(change.target.to_owned()).or_default() += change.diff();
        }
    }
    likes.retain(|_, count| *count != 0);
    Ok(Answer {
        outcomes,
        likes: (sequence.topic == Topic::Likes).then_some(likes),
    })
}

/// Whether the line holds; if not, why.
fn check(line: &str) -> Result<(), String> {
    let line: Line =
        serde_json::from_str(line).map_err(|error| format!("not a golden line: {error}"))?;
    let within = |problem: String| format!("{}: {problem}", line.id);
    if line.r#fn != "events" {
        return Err(within(format!("function {} is not known here", line.r#fn)));
    }
    let sequence = Sequence::deserialize(&line.r#in).map_err(|error| within(error.to_string()))?;
    let wanted = Answer::deserialize(&line.out).map_err(|error| within(error.to_string()))?;
    let got = answer(&sequence).map_err(within)?;
    if got == wanted {
        Ok(())
    } else {
        let text = |answer| serde_json::to_string(answer).expect("an answer is plain JSON");
        Err(within(format!(
            "\n  wanted {}\n  got    {}",
            text(&wanted),
            text(&got)
        )))
    }
}

/// Checks the lines of one file; says how many passed and failed.
fn run(file: &Path) -> Result<(u64, u64), String> {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    let (mut passed, mut failed) = (0, 0);
    for (number, line) in (1..).zip(text.lines()) {
        match check(line) {
            Ok(()) => passed += 1,
            Err(problem) => {
                failed += 1;
                println!("{}:{number}: {problem}", file.display());
            }
        }
    }
    if passed + failed == 0 {
        return Err("the file has no lines".to_owned());
    }
    Ok((passed, failed))
}

fn main() -> ExitCode {
    let files: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if files.is_empty() {
        eprintln!("no golden file is named\nusage: conformance FILE...");
        return ExitCode::from(2);
    }
    let (mut passed, mut failed) = (0, 0);
    for file in &files {
        match run(file) {
            Ok((of_file_passed, of_file_failed)) => {
                passed += of_file_passed;
                failed += of_file_failed;
            }
            Err(problem) => {
                failed += 1;
                println!("{}: {problem}", file.display());
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
