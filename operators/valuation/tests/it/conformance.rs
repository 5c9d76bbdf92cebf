//! The conformance runner over all golden files of the valuation.

#[path = "../../examples/conformance/suite/mod.rs"]
mod suite;

use std::path::{Path, PathBuf};

fn datasets() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../datasets")
}

#[test]
fn every_golden_line_passes() {
    let files = ["document", "potential", "starforce", "flame", "money_text"]
        .map(|name| datasets().join("golden").join(name).with_extension("jsonl"));
    let mut failures = Vec::new();
    let counts = suite::run(&datasets().join("samples"), &files, &mut |failure| {
        failures.push(failure)
    });
    assert_eq!(counts.failed, 0, "{}", failures.join("\n"));
    assert_eq!(counts.passed, 71 + 308 + 616 + 156 + 160);
}

#[test]
fn what_differs_or_is_not_known_fails_and_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lines.jsonl");
    let lines = [
        r#"{"id":"a","fn":"starforce_max_star","in":{"level":250},"out":{"max_star":29}}"#,
        r#"{"id":"b","fn":"starforce_min_star","in":{},"out":{}}"#,
        r#"{"id":"c","fn":"starforce_max_star","ruleset":"kms","in":{"level":250},"out":{}}"#,
        r#"{"id":"d","fn":"starforce_max_star","in":{"level":250},"out":{"min_star":0}}"#,
        r#"{"id":"e","fn":"#,
        r#"{"id":"f","fn":"starforce_max_star","in":{"level":250},"out":{"max_star":30.0}}"#,
    ];
    std::fs::write(&file, lines.join("\n")).unwrap();
    let missing = folder.path().join("missing.jsonl");
    let empty = folder.path().join("empty.jsonl");
    std::fs::write(&empty, "\n").unwrap();
    let mut failures = Vec::new();
    let counts = suite::run(folder.path(), &[file, missing, empty], &mut |failure| {
        failures.push(failure)
    });
    assert_eq!((counts.passed, counts.failed), (1, 7));
    assert_eq!(failures.len(), 7);
    for (failure, expected) in failures.iter().zip([
        "a\n    max_star: wanted 29, got 30",
        "b: unknown function \"starforce_min_star\"",
        "c: \"kms\" is no shipped ruleset",
        "d\n    min_star: wanted 0, got nothing",
        "line 5: byte",
        "read ",
        "empty.jsonl: the file has no lines",
    ]) {
        assert!(failure.contains(expected), "{failure}");
    }
}
