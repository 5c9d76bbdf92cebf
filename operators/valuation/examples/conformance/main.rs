//! Answers golden lines and compares: `conformance --samples DIR FILE...`.
//!
//! Prints each failing line with what was wanted and got; the last line is `N passed, N failed`.
//! Exit codes: 0 all passed, 1 some failed, 2 the request was wrong.

mod suite;

use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "usage: conformance --samples DIR FILE...";

fn main() -> ExitCode {
    let mut samples = PathBuf::from(".");
    let mut files = Vec::new();
    let mut arguments = std::env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--samples" {
            let Some(folder) = arguments.next() else {
                eprintln!("--samples needs a folder\n{USAGE}");
                return ExitCode::from(2);
            };
            samples = folder.into();
        } else {
            files.push(PathBuf::from(argument));
        }
    }
    if files.is_empty() {
        eprintln!("no golden file is named\n{USAGE}");
        return ExitCode::from(2);
    }
    let counts = suite::run(&samples, &files, &mut |failure| println!("{failure}"));
    println!("{} passed, {} failed", counts.passed, counts.failed);
    if counts.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
