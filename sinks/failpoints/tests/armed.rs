//! A process is armed once; this one is.

use std::fs;
use std::io::ErrorKind;

use failpoints::{PlanError, arm, points};

#[test]
fn what_a_plan_says_happens_at_its_passing_and_is_written_down_before() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    points::BINDING_WRITTEN.pass_or_fail().unwrap();
    arm(
        "binding.written=fail(full)@2;call.built=delay(1)@2+;*=count",
        Some(&log),
    )
    .unwrap();

    points::BINDING_WRITTEN.pass_or_fail().unwrap();
    let error = points::BINDING_WRITTEN.pass_or_fail().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    points::BINDING_WRITTEN.pass_or_fail().unwrap();
    for _ in 0..3 {
        points::CALL_BUILT.pass();
    }

    let said = fs::read_to_string(&log).unwrap();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(
        lines,
        [
            "binding.written 1 count",
            "binding.written 2 fail(full)",
            "call.built 1 count",
            "call.built 2 delay(1)",
            "call.built 3 delay(1)",
        ]
    );
    assert!(matches!(arm("", None), Err(PlanError::Armed)));
}
