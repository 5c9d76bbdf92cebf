//! `mesoflow query`: SQL over the tables, answered by the program `mesoflow-query`.

use std::env;
use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, anyhow};
use clap::Args as ClapArgs;

use crate::failure::Failed as _;
use crate::job::{TablesArg, must_be_there};

/// The program that answers; beside this one, or on the path of the shell.
const PROGRAM: &str = "mesoflow-query";

/// Asks the tables of a job in SQL.
///
/// Every table goes by its name and holds changes, with `epoch` and `diff`; NAME_now is its content as it
/// stands. Statements that write are refused. The program `mesoflow-query` answers.
#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    /// One statement; `-` reads it from standard input. SHOW TABLES lists what can be asked.
    sql: OsString,
    #[command(flatten)]
    of: TablesArg,
    /// Answers as of this epoch: later rows are left out, and NAME_now is the content at it.
    #[arg(long, value_name = "EPOCH")]
    as_of: Option<u64>,
    /// Prints CSV with a head line.
    #[arg(long)]
    csv: bool,
    /// Memory for sorts, joins and groups, in megabytes; beyond it they go to temporary files.
    #[arg(long, value_name = "MB")]
    memory_mb: Option<u32>,
}

/// Becomes `mesoflow-query`: its exit code is that of this process.
pub(crate) fn run(args: &Args, json: bool, json_log: bool) -> Result<()> {
    let folder = args.of.folder()?;
    must_be_there(&folder)?;
    let own = env::current_exe().ok();
    let program = beside(own.as_deref()).unwrap_or_else(|| PathBuf::from(PROGRAM));
    let mut command = Command::new(&program);
    command.args(arguments(args, &folder, json, json_log));
    let error = command.exec();
    if error.kind() == io::ErrorKind::NotFound {
        return Err(anyhow!(
            "{PROGRAM} is neither beside this program nor on the path"
        ))
        .advise(build_beside(own.as_deref()));
    }
    Err(anyhow::Error::new(error).context(format!("start {}", program.display())))
}

/// How to build the program where it is found.
fn build_beside(own: Option<&Path>) -> String {
    // Beside `target/debug/mesoflow`.
    let target = own.and_then(Path::parent).and_then(Path::parent);
    let target = target.map_or_else(String::new, |target| {
        format!("CARGO_TARGET_DIR={} ", target.display())
    });
    format!(
        "build it in the project (some minutes): {target}cargo build --locked --workspace --bin {PROGRAM}"
    )
}

/// The request in the words of `mesoflow-query`.
fn arguments(args: &Args, folder: &Path, json: bool, json_log: bool) -> Vec<OsString> {
    let mut words: Vec<OsString> = vec!["--folder".into(), folder.into()];
    if let Some(epoch) = args.as_of {
        words.extend(["--as-of".into(), epoch.to_string().into()]);
    }
    if let Some(megabytes) = args.memory_mb {
        words.extend(["--memory-mb".into(), megabytes.to_string().into()]);
    }
    if json {
        words.push("--json".into());
    }
    if args.csv {
        words.push("--csv".into());
    }
    if json_log {
        words.extend(["--log-format".into(), "json".into()]);
    }
    words.extend(["--".into(), args.sql.clone()]);
    words
}

/// The program in the folder of `own`, if it is there.
fn beside(own: Option<&Path>) -> Option<PathBuf> {
    let program = own?.parent()?.join(PROGRAM);
    program.is_file().then_some(program)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Asked {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn the_request_is_handed_on_with_the_folder_of_the_tables() {
        let words = ["query", "SELECT -1", "--as-of", "7", "--folder", "/nowhere"];
        let Asked { args } = Asked::parse_from(words);

        let words = arguments(&args, &args.of.folder().unwrap(), true, false);

        let wanted = [
            "--folder",
            "/nowhere",
            "--as-of",
            "7",
            "--json",
            "--",
            "SELECT -1",
        ];
        assert_eq!(words, wanted);
    }
}
