//! A job that is killed again and again, with another number of workers each time, says in the end what one
//! that ran through says.

use std::thread;
use std::time::Duration;

use model::tables::Relation;

use crate::scene::{OLD, PARTS, Records, Scene};

/// Small epochs, few in flight and quick commits and upkeep: many moments at which a crash matters.
const SETTINGS: &str = "maintain_seconds = 1\nhistory_seconds = 0\n\
     [epoch]\nrecords_max = 50\n[flow]\nepochs_in_flight_max = 3";

/// The same, and the tables keep all epochs apart.
const WITH_HISTORY: &str = "maintain_seconds = 1\n\
     [epoch]\nrecords_max = 50\n[flow]\nepochs_in_flight_max = 3";

/// Runs the job "killed", and kills it so many times; `killed` is called after each.
fn kill_again_and_again(scene: &mut Scene, kills: usize, mut killed: impl FnMut(&Scene)) {
    // Tables, so that something can be put in their way.
    let ran = scene.run("killed", OLD, Records::Nothing).exits_with(1);
    assert!(ran.err.contains("no partition to read"), "{}", ran.err);
    let held = [
        Relation::LikeCounts,
        Relation::InputEquipment,
        Relation::InputLikes,
        Relation::CharacterValuations,
    ];
    for (round, relation) in (0..kills).zip(held.into_iter().cycle()) {
        scene.workers = [1, 2, 3][round % 3];
        // However fast the machine, there is more to read than before, and the job is not at its end when it is
        // killed: one table takes the commit of the start, and no other.
        let records = Records::Parts((round + 1) * PARTS / (kills + 1));
        let obstacle = scene.block("killed", relation, 1);
        let before = scene.newest("killed");
        let mut process = scene.start("killed", OLD, records);
        let is_newer = || scene.newest("killed") > before;
        process.until_or_held("a new epoch", relation, is_newer);
        thread::sleep(Duration::from_millis(13 * round as u64));
        process.kill();
        obstacle.remove();
        killed(scene);
    }
    scene.workers = 2;
    scene.run_to_end("killed", OLD, Records::All);
}

#[test]
fn a_job_that_was_killed_again_and_again_says_what_one_says_that_ran_through() {
    let mut scene = Scene::of(1_500, 30_000, SETTINGS);
    scene.run_to_end("through", OLD, Records::All);
    kill_again_and_again(&mut scene, 14, |_| {});
    scene.assert_same("killed", "through");
}

#[test]
fn what_was_committed_before_a_kill_stands_at_its_epoch_after_all_that_follow() {
    let mut scene = Scene::of(500, 5_000, WITH_HISTORY);
    let mut histories = Vec::new();
    kill_again_and_again(&mut scene, 7, |scene| {
        histories.push(scene.history("killed"))
    });
    histories.push(scene.history("killed"));
    for pair in histories.windows(2) {
        pair[0].stands_in(&pair[1]);
    }
    let [.., last, end] = &histories[..] else {
        unreachable!("there is one of each kill");
    };
    assert!(0 < last.rows() && last.rows() < end.rows());
}
