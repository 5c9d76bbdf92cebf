//! `mesoflow doctor` without services.

use std::fs;

use serde_json::Value;

use crate::support::{Ran, TestJob, mesoflow, ruleset};

pub(crate) fn doctor(job: &TestJob) -> Ran {
    mesoflow(["doctor", "--json", &job.file()])
}

/// The findings about `subject` of a severity, each as what was found.
pub(crate) fn found(report: &Value, severity: &str, subject: &str) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap().iter();
    let about = findings.filter(|finding| {
        finding["severity"] == severity && finding["subject"].as_str().unwrap().starts_with(subject)
    });
    about
        .map(|finding| finding["found"].as_str().unwrap().to_owned())
        .collect()
}

const FILES: &str = "[source]\nkind = \"files\"\npaths = [\"in.jsonl\"]";

#[test]
fn a_broken_job_file_is_the_one_finding() {
    let job = TestJob::new("[epoch]\nclose_milis = 7");
    let report = doctor(&job).exits_with(1).json();
    assert_eq!(
        (&report["errors"], &report["findings"][0]["severity"]),
        (&1.into(), &"error".into())
    );
    let found = found(&report, "error", "job file");
    assert!(found[0].contains("close_milis"), "{found:?}");
    assert!(report["findings"][0]["to_do"].is_string());
}

#[test]
fn a_job_that_can_start_has_no_errors() {
    let job = TestJob::new(FILES);
    fs::write(job.path().join("in.jsonl"), "").unwrap();
    let report = doctor(&job).exits_with(0).json();
    assert_eq!(report["errors"], 0);
    assert_eq!(found(&report, "ok", "file ").len(), 1);
    let left: Vec<_> = fs::read_dir(job.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left.len(), 2, "nothing but job file and input: {left:?}");
}

#[test]
fn what_is_missing_or_left_over_is_named() {
    let job = TestJob::new(&format!(
        "ruleset = \"nowhere.toml\"\nmetrics = \"port\"\n{FILES}"
    ));
    fs::create_dir(job.path().join("bindings")).unwrap();
    let leftover = job.path().join("bindings/.7.log");
    let file = fs::File::create(&leftover).unwrap();
    file.set_modified(std::time::SystemTime::UNIX_EPOCH)
        .unwrap();

    let report = doctor(&job).exits_with(1).json();

    for subject in ["ruleset", "metrics", "file "] {
        assert_eq!(
            found(&report, "error", subject).len(),
            1,
            "{subject}: {report}"
        );
    }
    let odd = found(&report, "warning", "folder");
    assert!(odd.iter().any(|found| found.contains(".7.log")), "{odd:?}");
}

#[test]
fn views_of_another_folder_are_an_error() {
    let job = TestJob::new(FILES);
    fs::write(job.path().join("in.jsonl"), "").unwrap();
    job.embedded_views(&ruleset(), model::Epoch(7), Vec::new());
    let report = doctor(&job).exits_with(1).json();
    assert_eq!(found(&report, "error", "views").len(), 1, "{report}");
}

#[test]
fn a_broker_that_does_not_answer_is_an_error_and_people_are_told_what_to_do() {
    let job = TestJob::new("[source]\nbrokers = \"127.0.0.1:1\"");
    let ran = mesoflow(["doctor", &job.file()]).exits_with(1);
    assert!(
        ran.out.contains("error    broker 127.0.0.1:1: "),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("to do: start it"), "{}", ran.out);
    assert!(!ran.out.contains('\x1b'), "{}", ran.out);
    assert!(ran.err.contains("findings are errors"), "{}", ran.err);
}
