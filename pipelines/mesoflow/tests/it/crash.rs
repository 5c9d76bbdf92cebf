//! A job that is killed again and again, with another number of workers each time, says in the end what one
//! that ran through says.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use sources::file::Compression;
use sources::generator::{FileSet, Generator, GeneratorConfig, into_files};

use crate::support::mesoflow;
use crate::whole::{assert_same, content, views};

fn input(folder: &Path) -> Vec<PathBuf> {
    let mut generator = Generator::new(GeneratorConfig {
        characters: 300,
        equipment: 1_500,
        likes: 30_000,
        ..GeneratorConfig::default()
    })
    .unwrap();
    into_files(
        &mut generator,
        folder,
        FileSet::Partitions,
        Compression::Plain,
        None,
    )
    .unwrap()
    .0
}

fn job_file(folder: &Path, name: &str, workers: usize, paths: &[PathBuf]) -> PathBuf {
    let file = folder.join(format!("{name}.toml"));
    // Small epochs, few in flight and quick commits: many moments at which a crash matters.
    let text = format!(
        "job = {name:?}\nfolder = {name:?}\nworkers = {workers}\n\
         [source]\nkind = \"files\"\npaths = {paths:?}\n\
         [epoch]\nrecords_max = 200\n[flow]\nepochs_in_flight_max = 3\n\
         [tables]\ncommit_millis = 10\nmaintain_seconds = 1\nhistory_seconds = 0\nnow_seconds = 1\n"
    );
    fs::write(&file, text).unwrap();
    file
}

#[test]
fn a_job_that_was_killed_again_and_again_says_what_one_says_that_ran_through() {
    let folder = tempfile::tempdir().unwrap();
    let paths = input(folder.path());
    let through = job_file(folder.path(), "through", 2, &paths);
    let report = mesoflow(["run", "--until-end", "--json", through.to_str().unwrap()])
        .exits_with(0)
        .json();
    assert_eq!(report["phase"], "ended");

    let mut killed = 0;
    for round in 0..14_u64 {
        let job = job_file(
            folder.path(),
            "killed",
            [1, 2, 3][round as usize % 3],
            &paths,
        );
        let mut child = Command::new(env!("CARGO_BIN_EXE_mesoflow"))
            .args(["run", "--until-end", job.to_str().unwrap()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_millis(150 + 97 * round));
        if child.try_wait().unwrap().is_none() {
            killed += 1;
            child.kill().unwrap();
        }
        child.wait().unwrap();
    }
    assert!(
        killed >= 3,
        "the job was killed {killed} times only: it has too little to do"
    );
    let job = job_file(folder.path(), "killed", 2, &paths);
    mesoflow(["run", "--until-end", job.to_str().unwrap()]).exits_with(0);

    assert_same(
        &content(&folder.path().join("killed")),
        &content(&folder.path().join("through")),
    );
    assert_eq!(
        views(&folder.path().join("through")),
        views(&folder.path().join("killed"))
    );
}
