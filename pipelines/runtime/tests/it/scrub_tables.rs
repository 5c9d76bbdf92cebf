//! Damage that is planted in the tables of finished and running jobs: it is found under its name, and put right or
//! said with what is lost.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use lake::{Lake, LiveFile, Owner};
use model::Epoch;
use model::tables::{LikeCountRows, Relation};
use runtime::{Finding, Until};
use sources::generator::GeneratorConfig;

use crate::answer::{Answer, batches, ints, texts};
use crate::scrub::{SCRUB, found, logged, passes};
use crate::world::{Running, World};

const RULES: &str = "kms_2026_03";

/// Settings under which the tables are looked after all the time.
const TABLES: &str = "[tables]\ncommit_millis = 50\nnow_seconds = 1";

fn files_of(folder: &Path, relation: Relation) -> Vec<LiveFile> {
    let lake = Lake::open(&folder.join("tables")).unwrap();
    let view = lake.view(relation).unwrap().unwrap();
    view.files().unwrap()
}

/// Flips a bit in the middle of a file.
fn alter(file: &LiveFile) {
    let mut bytes = std::fs::read(&file.path).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    std::fs::write(&file.path, bytes).unwrap();
}

/// The one finding of a key that starts so.
fn only(findings: &[Finding], start: &str) -> Finding {
    let mut of_key = findings
        .iter()
        .filter(|finding| finding.key.starts_with(start));
    let first = of_key
        .next()
        .unwrap_or_else(|| panic!("{start}: {findings:?}"));
    // Each pass tells what is still damaged.
    assert!(
        of_key.all(|other| other.damage == first.damage),
        "{findings:?}"
    );
    first.clone()
}

#[test]
fn damaged_files_of_a_running_job_are_found_and_those_of_now_tables_written_again() {
    let world = World::small("scrub-files");
    let folder = tempfile::tempdir().unwrap();
    let job = world.job(folder.path(), &format!("{SCRUB}\n{TABLES}"));
    let running = Running::start(&job, Until::Stopped);
    running.until("all records", |report| report.counts().read() == 1_150);
    let passed = passes(&running.report(), "tables");
    running.until("two passes", |report| passes(report, "tables") > passed + 1);
    assert_eq!(found(&running.report(), "tables"), BTreeMap::new());

    let inputs = files_of(folder.path(), Relation::InputLikes);
    let lost = inputs.iter().max_by_key(|file| file.stats.rows).unwrap();
    std::fs::remove_file(&lost.path).unwrap();
    let items = files_of(folder.path(), Relation::ItemValuations);
    alter(items.iter().max_by_key(|file| file.stats.rows).unwrap());
    let counts_now = files_of(folder.path(), Relation::LikeCountsNow);
    std::fs::remove_file(&counts_now[0].path).unwrap();
    let characters_now = files_of(folder.path(), Relation::CharactersNow);
    alter(&characters_now[0]);
    running.until("all damage", |report| {
        let found = found(report, "tables");
        found.get("missing") >= Some(&2) && found.get("altered") >= Some(&2)
    });
    let is_renewed = |relation, old: &[LiveFile]| files_of(folder.path(), relation)[0] != old[0];
    running.until("new now tables", |_| {
        is_renewed(Relation::LikeCountsNow, &counts_now)
            && is_renewed(Relation::CharactersNow, &characters_now)
    });
    running.stop_when("its end", |_| true);
    running.join();

    let logged = logged(folder.path());
    let input = only(&logged, "input_likes/");
    assert_eq!(input.damage, "missing");
    let text = input.lost.unwrap();
    let (first, last) = lost.epochs("epoch").unwrap();
    for part in [
        format!("{} rows", lost.stats.rows),
        format!("epoch {first} to {last}"),
        "partition 0 to 2".to_owned(),
    ] {
        assert!(text.contains(&part), "{part}: {text}");
    }
    assert!(!input.repaired && input.done.contains("do not stop the job"));
    let item = only(&logged, "item_valuations/");
    assert_eq!((&*item.damage, item.repaired), ("altered", false));
    assert!(item.lost.unwrap().contains("epoch "));
    let now = only(&logged, "like_counts_now/");
    assert_eq!(
        (&*now.damage, now.repaired, now.lost),
        ("missing", true, None)
    );
    assert_eq!(only(&logged, "characters_now/").damage, "altered");
    let right = Answer::right(&world, RULES).likes;
    assert_eq!(counts_now_of(folder.path()), right);
}

/// What `like_counts_now` says.
fn counts_now_of(folder: &Path) -> BTreeMap<String, i64> {
    let lake = Lake::open(&folder.join("tables")).unwrap();
    let mut counts = BTreeMap::new();
    for batch in batches(&lake, Relation::LikeCountsNow) {
        counts.extend(
            texts(&batch, "target_ocid")
                .into_iter()
                .zip(ints(&batch, "likes")),
        );
    }
    counts
}

#[test]
fn rows_that_the_graphs_do_not_hold_are_found_in_tables_of_changes_and_now_tables() {
    let world = World::small("scrub-rows");
    let folder = tempfile::tempdir().unwrap();
    let job = |more: &str| world.job(folder.path(), &format!("{TABLES}\n{more}"));
    Running::start(&job("[scrub]\nevery_seconds = 0"), Until::End).join();
    let right = Answer::right(&world, RULES).likes;
    // As the job itself would, had it a bug.
    {
        let lake = Lake::open(&folder.path().join("tables")).unwrap();
        let owner = Owner {
            job: world.name().to_owned(),
            generation: 1,
        };
        let mut table = lake.table(Relation::LikeCounts, &owner).unwrap();
        let through = Epoch(table.committed().unwrap().0 + 1);
        let mut rows = LikeCountRows::default();
        let (liked, count) = right.iter().next().unwrap();
        rows.change(liked, *count, count + 1, through);
        rows.change("nobody", 0, 7, through);
        table.append(&[rows.finish()], through, &[]).unwrap();
    }
    // The damage is of an epoch that is not over yet: there must be a later one.
    world.write(GeneratorConfig {
        seed: 2,
        characters: 5,
        equipment: 10,
        likes: 10,
        ..GeneratorConfig::default()
    });
    let running = Running::start(&job(SCRUB), Until::Stopped);
    running.until("all damage", |report| {
        let found = found(report, "tables");
        found.contains_key("altered") && found.contains_key("extra")
    });
    running.stop_when("its end", |_| true);
    running.join();

    let logged = logged(folder.path());
    let extra = only(&logged, "like_counts nobody");
    assert_eq!((&*extra.damage, extra.repaired), ("extra", false));
    let altered = format!("like_counts {}", right.keys().next().unwrap());
    assert_eq!(only(&logged, &altered).damage, "altered");
    let others = ["like_counts nobody", &altered];
    assert!(
        logged.iter().all(|finding| others.contains(&&*finding.key)),
        "{logged:?}"
    );
}

#[test]
fn a_now_table_that_differs_from_its_table_of_changes_is_written_again() {
    let world = World::small("scrub-now");
    let folder = tempfile::tempdir().unwrap();
    let job = |more: &str| world.job(folder.path(), &format!("{TABLES}\n{more}"));
    Running::start(&job("[scrub]\nevery_seconds = 0"), Until::End).join();
    {
        let lake = Lake::open(&folder.path().join("tables")).unwrap();
        let owner = Owner {
            job: world.name().to_owned(),
            generation: 1,
        };
        let mut now = lake.table(Relation::LikeCountsNow, &owner).unwrap();
        let none = RecordBatch::new_empty(Arc::clone(&now.spec().schema));
        now.restore(&[none]).unwrap();
    }
    assert_eq!(counts_now_of(folder.path()), BTreeMap::new());
    // Nothing new is read: but for the damage there is no reason to write the table.
    let running = Running::start(&job(SCRUB), Until::Stopped);
    let right = Answer::right(&world, RULES).likes;
    running.until("the right table", |_| counts_now_of(folder.path()) == right);
    running.stop_when("its end", |_| true);
    running.join();

    let logged = logged(folder.path());
    assert!(
        logged
            .iter()
            .all(|finding| { finding.key.starts_with("like_counts_now") && finding.repaired })
    );
    let damages: Vec<&str> = logged.iter().map(|finding| &*finding.damage).collect();
    assert!(
        damages.contains(&"missing") && damages.contains(&"content"),
        "{damages:?}"
    );
}
