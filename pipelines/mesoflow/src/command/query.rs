//! `mesoflow query`: SQL over the tables, answered by the program `mesoflow-query`.

use std::env;
use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, anyhow};
use clap::Args as ClapArgs;

/// The program that answers; beside this one, or on the path of the shell.
const PROGRAM: &str = "mesoflow-query";

/// Asks the tables of a job in SQL; `mesoflow query --help` says how.
#[derive(Debug, ClapArgs)]
#[command(disable_help_flag = true)]
pub(crate) struct Args {
    /// The statement and options of mesoflow-query, as they are.
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "SQL"
    )]
    arguments: Vec<OsString>,
}

/// Becomes `mesoflow-query`: its exit code is that of this process.
pub(crate) fn run(args: &Args) -> Result<()> {
    let own = env::current_exe().ok();
    let program = beside(own.as_deref()).unwrap_or_else(|| PathBuf::from(PROGRAM));
    let error = Command::new(&program).args(&args.arguments).exec();
    if error.kind() == io::ErrorKind::NotFound {
        return Err(anyhow!(
            "{PROGRAM} is neither beside this program nor on the path; in the project, \
             `cargo build --workspace --bin {PROGRAM}` builds it (some minutes)"
        ));
    }
    Err(anyhow::Error::new(error).context(format!("start {}", program.display())))
}

/// The program in the folder of `own`, if it is there.
fn beside(own: Option<&Path>) -> Option<PathBuf> {
    let program = own?.parent()?.join(PROGRAM);
    program.is_file().then_some(program)
}
