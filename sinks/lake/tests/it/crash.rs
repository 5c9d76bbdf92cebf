//! A process that is killed in the middle of its commits, and what the next one finds.

use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use lake::{CompactionLimits, Lake, Retain, Retention};
use model::Epoch;
use model::tables::Relation;

use crate::support::{counts, counts_at, owner};

const RELATION: Relation = Relation::LikeCounts;
/// Names the folder that a child writes to; without it the child's test has nothing to do.
const FOLDER: &str = "MESOFLOW_LAKE_TEST_FOLDER";
const GENERATION: &str = "MESOFLOW_LAKE_TEST_GENERATION";

/// Moves one target's count up by one an epoch, and keeps the table in order meanwhile.
#[test]
fn commits_until_it_is_killed() {
    let (Ok(folder), Ok(generation)) = (std::env::var(FOLDER), std::env::var(GENERATION)) else {
        return;
    };
    let lake = Lake::open(folder.as_ref()).unwrap();
    let mut table = lake
        .table(RELATION, &owner(generation.parse().unwrap()))
        .unwrap();
    let mut epoch = table.committed().map_or(0, |at| at.0);
    loop {
        epoch += 1;
        let mut rows = vec![("a", epoch as i64, epoch, 1)];
        if epoch > 1 {
            rows.push(("a", epoch as i64 - 1, epoch, -1));
        }
        let offset = [("offset".to_owned(), epoch as i64)];
        table
            .append(&[counts(&rows)], Epoch(epoch), &offset)
            .unwrap();
        if epoch.is_multiple_of(20) {
            let retain = Retain {
                since: Epoch(epoch - 5),
                ..Retain::default()
            };
            if let Some(plan) = table
                .plan_compaction(retain, &CompactionLimits::default())
                .unwrap()
            {
                table.commit_compaction(&plan.run().unwrap()).unwrap();
            }
        }
        if epoch.is_multiple_of(15) {
            table.checkpoint().unwrap();
            let retention = Retention {
                log: Duration::ZERO,
                files: Duration::from_secs(3600),
            };
            table.clean(retention, SystemTime::now()).unwrap();
        }
    }
}

#[test]
fn a_killed_writer_leaves_whole_commits_behind() {
    let folder = tempfile::tempdir().unwrap();
    let lake = Lake::open(folder.path()).unwrap();
    let mut last = 0;
    for generation in 1..=10u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::commits_until_it_is_killed"])
            .env(FOLDER, folder.path())
            .env(GENERATION, generation.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        // Killed somewhere after it got going, each time somewhere else.
        let reached = last + 4 * generation;
        let mut waited = 0;
        loop {
            sleep(Duration::from_millis(10));
            waited += 1;
            assert!(waited < 6_000, "the child makes no progress");
            assert_eq!(child.try_wait().unwrap(), None, "the child went on its own");
            let view = lake.view(RELATION);
            if let Ok(Some(view)) = view
                && view.committed().is_some_and(|at| at.0 >= reached)
            {
                break;
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();

        let view = lake.view(RELATION).unwrap().unwrap();
        let committed = view.committed().unwrap().0;
        assert!(committed >= reached);
        assert_eq!(view.positions()["job/like_counts/offset"], committed as i64);
        let since = view.since().map_or(1, |since| since.0.max(1));
        for epoch in since..=committed {
            let content = counts_at(&view, epoch);
            assert_eq!(
                content,
                [("a".to_owned(), epoch as i64)].into(),
                "as of {epoch}"
            );
        }
        last = committed;
    }
}
