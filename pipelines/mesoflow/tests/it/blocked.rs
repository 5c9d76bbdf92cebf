//! A job that is ended while a table cannot be committed, and started again.

use model::tables::Relation;

use crate::scene::{NEW, OLD, Records, Scene};
use crate::whole::views;

/// Small epochs, few in flight: a table that cannot be committed holds the job in the middle.
const HELD: &str = "[epoch]\nrecords_max = 20\n[flow]\nepochs_in_flight_max = 5";

/// One job that has read half of the records, and one that has read all of them in one go.
fn scene(settings: &'static str) -> Scene {
    let scene = Scene::new(settings);
    scene.run_to_end("half", OLD, Records::Half);
    scene.run_to_end("through", OLD, Records::All);
    scene
}

/// For each table: a job is killed while that one cannot be committed, but `others` can. Started again, it says
/// what one says that ran through.
fn kill_while_blocked(tables: &[Relation], others: &[Relation]) {
    let scene = scene(HELD);
    for &table in tables {
        let name = table.name();
        scene.copy("half", name);
        let before: Vec<_> = others
            .iter()
            .map(|&other| scene.committed(name, other))
            .collect();
        let obstacle = scene.block(name, table, 1);
        let mut process = scene.start(name, OLD, Records::All);
        process.waits_for(table);
        process.until("a commit of the other tables", || {
            let now = others.iter().map(|&other| scene.committed(name, other));
            now.zip(&before).all(|(now, before)| now > *before)
        });
        process.kill();
        obstacle.remove();
        assert_eq!(scene.committed(name, table), scene.committed("half", table));
        let history = scene.history(name);
        scene.run_to_end(name, OLD, Records::All);
        history.stands_in(&scene.history(name));
        scene.assert_same(name, "through");
    }
}

#[test]
fn a_kill_while_a_table_of_inputs_is_blocked_loses_and_repeats_nothing() {
    kill_while_blocked(
        &[
            Relation::Rejected,
            Relation::Accounting,
            Relation::Likes,
            Relation::InputEquipment,
            Relation::InputLikes,
        ],
        &[Relation::CharacterValuations, Relation::LikeCounts],
    );
}

#[test]
fn a_kill_while_a_table_of_valuations_is_blocked_loses_and_repeats_nothing() {
    kill_while_blocked(
        &[
            Relation::ItemValuations,
            Relation::PresetValuations,
            Relation::CharacterValuations,
        ],
        &[Relation::InputLikes, Relation::LikeCounts],
    );
}

#[test]
fn a_kill_while_the_like_counts_are_blocked_loses_and_repeats_nothing() {
    kill_while_blocked(
        &[Relation::LikeCounts],
        &[Relation::InputLikes, Relation::CharacterValuations],
    );
}

#[test]
fn a_now_table_that_is_blocked_fails_the_end_of_the_job_and_is_written_by_the_next() {
    let scene = scene("");
    for table in [Relation::CharactersNow, Relation::LikeCountsNow] {
        let name = table.name();
        scene.copy("half", name);
        let obstacle = scene.block(name, table, 1);
        let ran = scene.run(name, OLD, Records::All).exits_with(1);
        assert!(ran.err.contains(name), "{}", ran.err);
        obstacle.remove();
        scene.run_to_end(name, OLD, Records::All);
        scene.assert_same(name, "through");
    }
}

#[test]
fn a_stop_that_cannot_commit_ends_with_the_name_of_the_table_and_the_next_start_does_the_rest() {
    let scene = scene(HELD);
    let tables = [
        Relation::InputLikes,
        Relation::ItemValuations,
        Relation::LikeCounts,
    ];
    let processes = tables.map(|table| {
        scene.copy("half", table.name());
        let obstacle = scene.block(table.name(), table, 1);
        let mut process = scene.start(table.name(), OLD, Records::All);
        process.waits_for(table);
        (table.name(), obstacle, process)
    });
    let stops = processes.map(|(name, obstacle, process)| {
        let stop = std::thread::spawn(|| process.stop());
        (name, obstacle, stop)
    });
    for (name, obstacle, stop) in stops {
        let (code, log) = stop.join().unwrap();
        assert_eq!(code, 1, "{log}");
        let last = log.lines().rev().find(|line| line.starts_with("error: "));
        assert!(last.is_some_and(|line| line.contains(name)), "{log}");
        obstacle.remove();
        scene.run_to_end(name, OLD, Records::All);
        scene.assert_same(name, "through");
    }
}

#[test]
fn a_table_that_cannot_be_opened_ends_the_start_with_its_name() {
    let scene = scene("");
    for table in [
        Relation::InputLikes,
        Relation::ItemValuations,
        Relation::LikeCounts,
        Relation::CharactersNow,
    ] {
        let name = table.name();
        scene.copy("half", name);
        let obstacle = scene.block(name, table, 0);
        let ran = scene.run(name, OLD, Records::All).exits_with(1);
        assert!(ran.err.contains(&format!("table {name}")), "{}", ran.err);
        obstacle.remove();
    }
}

#[test]
fn outputs_that_wait_for_inputs_show_nothing_before_it_is_sealed() {
    let scene = scene(
        "[epoch]\nrecords_max = 20\n[flow]\nepochs_in_flight_max = 5\noutputs = \"after_inputs\"",
    );
    scene.copy("half", "waits");
    let outputs = [Relation::LikeCounts, Relation::CharacterValuations];
    let obstacle = scene.block("waits", Relation::InputLikes, 1);
    let mut process = scene.start("waits", OLD, Records::All);
    process.waits_for(Relation::InputLikes);
    process.kill();
    for output in outputs {
        assert_eq!(
            scene.committed("waits", output),
            scene.committed("half", output)
        );
    }
    assert_eq!(views(&scene.job("waits")), views(&scene.job("half")));
    obstacle.remove();
    scene.run_to_end("waits", OLD, Records::All);
    scene.assert_same("waits", "through");
    // Epochs without records have nothing to wait for.
    for name in ["waits", "through"] {
        scene.run_to_end(name, NEW, Records::All);
    }
    scene.assert_same("waits", "through");
}
