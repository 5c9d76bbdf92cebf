//! Requests that are wrong, whatever the command.

use crate::support::mesoflow;

#[test]
fn an_unknown_command_or_no_command_is_a_wrong_request() {
    mesoflow(["fly"]).exits_with(2);
    mesoflow::<&str>([]).exits_with(2);
    mesoflow(["value"]).exits_with(2);
}

#[test]
fn help_and_version_are_answers() {
    let help = mesoflow(["--help"]).exits_with(0);
    for command in [
        "doctor", "drill", "explain", "generate", "get", "query", "rejected", "scrub", "status",
        "tables", "value",
    ] {
        assert!(help.out.contains(command), "{}", help.out);
    }
    assert!(
        mesoflow(["--version"])
            .exits_with(0)
            .out
            .starts_with("mesoflow ")
    );
}

#[test]
fn a_log_level_that_is_none_is_a_wrong_request() {
    let ran = mesoflow(["--log", "a=b=c", "tables", "show", "likes"]).exits_with(2);
    assert!(ran.err.contains("--log a=b=c"), "{}", ran.err);
    assert!(ran.err.contains("to do: "), "{}", ran.err);
}

#[test]
fn an_error_says_what_where_and_what_to_do_without_colours() {
    let ran = mesoflow(["value", "/nowhere/document.json"]).exits_with(2);
    assert!(
        ran.err.starts_with("error: read /nowhere/document.json: "),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("\nto do: "), "{}", ran.err);
    assert!(!ran.err.contains('\x1b'), "{}", ran.err);
    assert_eq!(ran.out, "");
}

#[test]
fn json_is_asked_for_at_any_place() {
    let columns = mesoflow(["tables", "show", "likes", "--json"]).exits_with(0);
    for args in [
        ["--json", "tables", "show", "likes"],
        ["tables", "--json", "show", "likes"],
        ["tables", "show", "--json", "likes"],
    ] {
        assert_eq!(mesoflow(args).exits_with(0).json(), columns.json());
    }
}

#[test]
fn an_error_is_a_line_of_json_where_the_log_is() {
    for args in [
        &["--log-format", "json", "value", "/nowhere/document.json"][..],
        &["value", "/nowhere/document.json", "--log-format=json"],
        &["--log-format", "json", "fly"],
    ] {
        let ran = mesoflow(args).exits_with(2);
        assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
        let line: serde_json::Value = serde_json::from_str(&ran.err).unwrap();
        assert_eq!(line["level"], "ERROR", "{line}");
        let message = line["message"].as_str().unwrap();
        assert!(!message.starts_with("error"), "{line}");
        let time = line["timestamp"].as_str().unwrap();
        assert!(time.starts_with("20") && time.ends_with('Z'), "{line}");
    }
    let ran = mesoflow(["--log-format", "json", "value", "/nowhere/document.json"]);
    let line: serde_json::Value = serde_json::from_str(&ran.err).unwrap();
    assert!(
        line["to_do"].as_str().unwrap().contains("document"),
        "{line}"
    );
}

#[test]
fn the_sql_command_looks_for_the_tables_of_the_job_file() {
    let job = crate::support::TestJob::new("");
    let ran = mesoflow(["query", "SELECT 1", "--job", &job.file()]).exits_with(2);
    let folder = job.path().join("tables").display().to_string();
    // The job's folder is named relative to its file.
    let folder = folder.replace("/tables", "/./tables");
    assert!(ran.err.contains(&folder), "{}", ran.err);
}

#[test]
fn a_ruleset_that_is_not_there_is_told_by_its_path() {
    let job = crate::support::TestJob::new("ruleset = \"mine.toml\"");
    let path = job.path().join("mine.toml").display().to_string();
    for args in [&["run", "--until-end"][..], &["doctor"]] {
        let ran = mesoflow(args.iter().copied().chain([&*job.file()]));
        assert_ne!(ran.code, 0);
        let said = ran.out + &ran.err;
        for sign in ["mine.toml: No such file", "kms_2026_03"] {
            assert!(said.contains(sign), "{said}");
        }
        assert!(args[0] == "doctor" || said.contains(&path), "{said}");
    }
}
