//! Files that are damaged behind the table's back: each damage is told by its name.

use std::fs;

use lake::{Checked, CompactionLimits, FileDamage, LiveFile, Retain};
use model::Epoch;
use model::tables::Relation;

use crate::support::{TestLake, counts};

/// A table with one file of two rows.
fn table() -> (TestLake, LiveFile) {
    let lake = TestLake::new();
    let mut table = lake.table(Relation::LikeCounts, 1);
    let rows = counts(&[("a", 3, 5, 1), ("b", 7, 6, 1)]);
    table.append(&[rows], Epoch(6), &[]).unwrap();
    let file = lake.view(Relation::LikeCounts).files().unwrap().remove(0);
    (lake, file)
}

fn check(file: &LiveFile) -> Checked {
    file.check(|_| true)
}

#[test]
fn a_file_is_whole_when_it_was_written_and_after_a_compaction() {
    let (lake, file) = table();
    assert_eq!(check(&file), Checked::Whole);
    let mut table = lake.table(Relation::LikeCounts, 1);
    table
        .append(&[counts(&[("a", 3, 7, -1)])], Epoch(7), &[])
        .unwrap();
    let retain = Retain {
        since: Epoch(7),
        ..Retain::default()
    };
    let plan = table.plan_compaction(retain, &CompactionLimits::everything());
    let compacted = plan.unwrap().unwrap().run().unwrap();
    table.commit_compaction(&compacted).unwrap();

    let files = table.view().files().unwrap();
    assert!(files.iter().all(|file| file.hash().is_some()), "{files:?}");
    assert!(files.iter().all(|file| check(file) == Checked::Whole));
}

#[test]
fn each_damage_of_a_file_has_its_name() {
    let (_lake, file) = table();
    let bytes = fs::read(&file.path).unwrap();
    // Any bit.
    for at in [0, 4, bytes.len() / 2, bytes.len() - 1] {
        let mut altered = bytes.clone();
        altered[at] ^= 1;
        fs::write(&file.path, altered).unwrap();
        let checked = check(&file);
        assert!(
            matches!(checked, Checked::Damaged(FileDamage::Altered { .. })),
            "byte {at}: {checked:?}"
        );
    }
    fs::write(&file.path, &bytes[..bytes.len() - 1]).unwrap();
    let size = FileDamage::Size {
        bytes: bytes.len() as u64 - 1,
    };
    assert_eq!(check(&file), Checked::Damaged(size));
    fs::remove_file(&file.path).unwrap();
    assert_eq!(check(&file), Checked::Damaged(FileDamage::Missing));
    fs::create_dir(&file.path).unwrap();
    let size = fs::metadata(&file.path).unwrap().len();
    let folder = LiveFile {
        bytes: size,
        ..file.clone()
    };
    let checked = check(&folder);
    let is_unreadable =
        matches!(&checked, Checked::Damaged(damage) if damage.name() == "unreadable");
    assert!(is_unreadable, "{checked:?}");
}

#[test]
fn a_file_of_an_earlier_version_is_decoded_instead() {
    let (_lake, file) = table();
    let path = file.path.with_file_name("new-1.2.3-00000.parquet");
    fs::rename(&file.path, &path).unwrap();
    let old = LiveFile {
        name: "new-1.2.3-00000.parquet".to_owned(),
        path: path.clone(),
        ..file
    };
    assert_eq!(old.hash(), None);
    assert_eq!(check(&old), Checked::Whole);
    let more = LiveFile {
        stats: lake::FileStats {
            rows: 3,
            ..old.stats.clone()
        },
        ..old.clone()
    };
    assert_eq!(check(&more), Checked::Damaged(FileDamage::Rows { rows: 2 }));
    let mut bytes = fs::read(&path).unwrap();
    let end = bytes.len() - 1;
    bytes[end] ^= 1;
    fs::write(&path, bytes).unwrap();
    let checked = check(&old);
    let is_unreadable =
        matches!(&checked, Checked::Damaged(damage) if damage.name() == "unreadable");
    assert!(is_unreadable, "{checked:?}");
}

#[test]
fn a_check_can_be_broken_off() {
    let (_lake, file) = table();
    assert_eq!(file.check(|_| false), Checked::BrokenOff);
}
