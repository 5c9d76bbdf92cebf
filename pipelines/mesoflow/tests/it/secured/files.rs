//! Who may read what a job writes.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::scene::{OLD, Records, Scene};

/// The rights of everything below a folder, by path.
fn walk(folder: &Path, found: &mut Vec<(String, bool, u32)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let metadata = fs::symlink_metadata(&path).unwrap();
        let mode = metadata.permissions().mode() & 0o7777;
        found.push((path.display().to_string(), metadata.is_dir(), mode));
        if metadata.is_dir() {
            walk(&path, found);
        }
    }
}

#[test]
fn what_a_job_writes_is_for_its_user_and_group_and_its_views_for_its_user_alone() {
    let scene = Scene::new("maintain_seconds = 1");
    scene.run_to_end("job", OLD, Records::Half);
    scene.run_to_end("job", OLD, Records::All);

    let mut found = Vec::new();
    walk(&scene.job("job"), &mut found);
    let mut kinds = std::collections::BTreeSet::new();
    for (path, is_folder, mode) in &found {
        let wanted = match (is_folder, path.contains("views.sqlite")) {
            (true, _) => 0o750,
            (false, true) => 0o600,
            (false, false) => 0o640,
        };
        assert_eq!(*mode, wanted, "{mode:o} {path}");
        kinds.insert(path.rsplit_once('.').map_or("", |(_, end)| end).to_owned());
    }
    for kind in ["parquet", "json", "log", "sqlite"] {
        assert!(kinds.contains(kind), "{kind}: {kinds:?}");
    }
}
