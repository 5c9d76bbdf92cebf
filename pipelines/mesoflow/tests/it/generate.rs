//! `mesoflow generate`.

use std::fs;
use std::path::Path;

use crate::support::mesoflow;

fn generate(folder: &Path, more: &[&str]) -> serde_json::Value {
    let args = [
        "--equipment",
        "40",
        "--likes",
        "60",
        "--characters",
        "10",
        "--json",
    ];
    let args = args.iter().chain(more).map(AsRef::as_ref);
    let command = ["generate".as_ref(), folder.as_os_str()];
    mesoflow(command.into_iter().chain(args))
        .exits_with(0)
        .json()
}

#[test]
fn the_same_numbers_give_the_same_bytes() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let made = folders
        .each_ref()
        .map(|folder| generate(folder.path(), &[]));

    assert_eq!(made[0]["records"], 100);
    let files = made[0]["files"].as_array().unwrap();
    assert_eq!(files.len(), 6);
    for file in files {
        let name = Path::new(file.as_str().unwrap()).file_name().unwrap();
        let [one, other] = folders
            .each_ref()
            .map(|folder| fs::read(folder.path().join(name)).unwrap());
        assert!(!one.is_empty() && one == other, "{}", name.display());
    }
}

#[test]
fn files_may_be_compressed() {
    let folder = tempfile::tempdir().unwrap();
    let made = generate(folder.path(), &["--compression", "zstd"]);
    assert!(made["files"][0].as_str().unwrap().ends_with(".zst"));
}

#[test]
fn numbers_that_make_no_sense_are_a_wrong_request() {
    let folder = tempfile::tempdir().unwrap();
    let args = [
        "generate".as_ref(),
        folder.path().as_os_str(),
        "--broken".as_ref(),
        "2".as_ref(),
    ];
    let ran = mesoflow(args).exits_with(2);
    assert!(ran.err.contains("broken is 2"), "{}", ran.err);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
