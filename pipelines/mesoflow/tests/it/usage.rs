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
        "doctor", "explain", "generate", "get", "query", "tables", "value",
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
