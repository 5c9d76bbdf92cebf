//! Golden files: every line is answered by the library and compared with what it wants.

mod answer;
mod compare;
mod document;
mod flame;
mod json;
mod potential;
mod starforce;

use std::fs;
use std::path::{Path, PathBuf};

use self::answer::Answers;
use self::json::Json;

/// How many lines passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
}

/// Runs all lines of `files`, telling `report` of each that fails. A file that cannot be read, or has no
/// lines, is one failure.
pub(crate) fn run(samples: &Path, files: &[PathBuf], report: &mut impl FnMut(String)) -> Counts {
    let mut answers = Answers::new(samples);
    let mut counts = Counts::default();
    for file in files {
        let text = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) => {
                report(format!("read {}: {error}", file.display()));
                counts.failed += 1;
                continue;
            }
        };
        let lines = (1..)
            .zip(text.lines())
            .filter(|(_, line)| !line.trim().is_empty());
        let before = counts.passed + counts.failed;
        for (number, line) in lines {
            match hold(&mut answers, line) {
                Ok(()) => counts.passed += 1,
                Err(reason) => {
                    report(format!("{} line {number}: {reason}", file.display()));
                    counts.failed += 1;
                }
            }
        }
        if counts.passed + counts.failed == before {
            report(format!("{}: the file has no lines", file.display()));
            counts.failed += 1;
        }
    }
    counts
}

fn hold(answers: &mut Answers<'_>, line: &str) -> Result<(), String> {
    let line = Json::parse(line)?;
    let id = line
        .get("id")
        .and_then(Json::as_str)
        .unwrap_or("(no id)")
        .to_owned();
    let wanted = line.get("out").ok_or_else(|| format!("{id}: no `out`"))?;
    let got = answers
        .answer(&line)
        .map_err(|reason| format!("{id}: {reason}"))?;
    let differences = compare::differences(&line, wanted, &got)?;
    if differences.is_empty() {
        return Ok(());
    }
    Err(format!("{id}\n    {}", differences.join("\n    ")))
}
