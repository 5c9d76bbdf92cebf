//! Jobs that are ended around a change of the rules, and started again under these or other rules.

use model::Epoch;
use model::tables::Relation;
use views::{SqliteStore, ViewReader};

use crate::scene::{NEW, OLD, Records, Scene};
use crate::whole::{VALUATIONS, assert_same, valuations_as_of};

/// Two jobs that ran through, one under each ruleset, named by it.
fn scene() -> Scene {
    let scene = Scene::new("[epoch]\nrecords_max = 50");
    for ruleset in [OLD, NEW] {
        scene.run_to_end(ruleset, ruleset, Records::All);
    }
    scene
}

/// Asserts that the tables of valuations say of an epoch what a job said at its end that ran through.
#[track_caller]
fn stands_as_of(scene: &Scene, name: &str, epoch: Epoch, wanted: &str) {
    let newest = Epoch(u64::MAX - 1);
    assert_same(
        &valuations_as_of(&scene.job(name), epoch),
        &valuations_as_of(&scene.job(wanted), newest),
    );
}

/// The epoch that the views are true of, and the hash of their rules.
fn shown(scene: &Scene, name: &str) -> Option<(Epoch, String)> {
    let file = scene.job(name).join("views.sqlite");
    let marker = SqliteStore::open_read_only(&file).ok()?.marker().ok()??;
    Some((marker.as_of?, marker.origin?.ruleset))
}

fn hash(ruleset: &str) -> String {
    odds::shipped(ruleset).unwrap().hash().to_string()
}

#[test]
fn epochs_of_a_job_that_was_killed_before_its_first_valuations_stay_as_their_rules_made_them() {
    let scene = scene();
    // Tables, but no commit to them.
    let ran = scene.run("first", OLD, Records::Nothing).exits_with(1);
    assert!(ran.err.contains("no partition to read"), "{}", ran.err);
    for table in VALUATIONS {
        let name = table.name();
        scene.copy("first", name);
        let obstacle = scene.block(name, table, 1);
        let mut process = scene.start(name, OLD, Records::All);
        process.waits_for(table);
        process.logs("phase=Stopping");
        let read = scene.newest_under(name, OLD);
        process.until("the view of the last epoch", || {
            shown(&scene, name).is_some_and(|(epoch, _)| epoch == read)
        });
        process.kill();
        obstacle.remove();
        assert_eq!(scene.committed(name, table), None);

        let history = scene.history(name);
        scene.run_to_end(name, NEW, Records::All);
        history.stands_in(&scene.history(name));
        scene.assert_same(name, NEW);
        stands_as_of(&scene, name, read, OLD);
        assert!(scene.newest_under(name, NEW) > read);
    }
}

/// Starts a job under new rules, and kills it when the first epoch under them is in the views, but not in one of
/// the tables.
fn kill_in_the_switch(scene: &Scene, name: &str, table: Relation) -> Epoch {
    // The old rules are gone through once more, which says that the table is its own, too.
    let obstacle = scene.block(name, table, 2);
    let mut process = scene.start(name, NEW, Records::All);
    process.waits_for(table);
    process.until("a view under the new rules", || {
        shown(scene, name).is_some_and(|(_, ruleset)| ruleset == hash(NEW))
    });
    process.kill();
    obstacle.remove();
    let switch = scene.newest_under(name, NEW);
    assert_eq!(shown(scene, name), Some((switch, hash(NEW))));
    assert!(scene.committed(name, table) < Some(switch));
    switch
}

#[test]
fn a_kill_between_view_and_table_of_the_first_epoch_under_new_rules_is_made_good() {
    let scene = scene();
    let last = scene.newest_under(OLD, OLD);
    for table in VALUATIONS.into_iter().chain([Relation::LikeCounts]) {
        let name = table.name();
        scene.copy(OLD, name);
        let switch = kill_in_the_switch(&scene, name, table);
        let history = scene.history(name);
        scene.run_to_end(name, NEW, Records::All);
        history.stands_in(&scene.history(name));
        scene.assert_same(name, NEW);
        stands_as_of(&scene, name, last, OLD);
        stands_as_of(&scene, name, switch, NEW);
    }
}

#[test]
fn rules_that_go_back_after_a_kill_in_their_switch_are_the_old_ones_from_a_newer_epoch_on() {
    let scene = scene();
    let last = scene.newest_under(OLD, OLD);
    for table in VALUATIONS {
        let name = table.name();
        scene.copy(OLD, name);
        let switch = kill_in_the_switch(&scene, name, table);
        let history = scene.history(name);
        scene.run_to_end(name, OLD, Records::All);
        history.stands_in(&scene.history(name));
        scene.assert_same(name, OLD);
        stands_as_of(&scene, name, last, OLD);
        stands_as_of(&scene, name, switch, NEW);
        assert!(scene.newest_under(name, OLD) > switch);
    }
}

#[test]
fn a_switch_that_is_killed_twice_has_one_first_epoch() {
    let scene = scene();
    for table in [Relation::ItemValuations, Relation::CharacterValuations] {
        let name = table.name();
        scene.copy(OLD, name);
        let first = kill_in_the_switch(&scene, name, table);
        let history = scene.history(name);
        let second = kill_in_the_switch(&scene, name, table);
        assert_eq!(first, second);
        history.stands_in(&scene.history(name));
        scene.run_to_end(name, NEW, Records::All);
        history.stands_in(&scene.history(name));
        scene.assert_same(name, NEW);
        stands_as_of(&scene, name, first, NEW);
    }
}

#[test]
fn a_switch_that_was_stopped_before_it_bound_anything_did_not_happen() {
    let scene = scene();
    for ruleset in [OLD, NEW] {
        let name = format!("then-{ruleset}");
        scene.copy(OLD, &name);
        let bound = scene.bound(&name);
        // Under the new rules the table cannot be opened.
        let obstacle = scene.block(&name, Relation::CharacterValuations, 1);
        scene.run(&name, NEW, Records::All).exits_with(1);
        obstacle.remove();
        assert_eq!(scene.bound(&name), bound);
        scene.run_to_end(&name, ruleset, Records::All);
        scene.assert_same(&name, ruleset);
        stands_as_of(&scene, &name, scene.newest_under(OLD, OLD), OLD);
    }
}

#[test]
fn a_switch_that_is_asked_to_stop_before_its_commit_goes_on_under_whatever_rules_come_next() {
    let scene = scene();
    scene.copy(OLD, "stopped");
    let obstacle = scene.block("stopped", Relation::ItemValuations, 2);
    let mut process = scene.start("stopped", NEW, Records::All);
    process.waits_for(Relation::ItemValuations);
    let (code, log) = process.stop();
    assert_eq!(code, 1, "{log}");
    obstacle.remove();
    for ruleset in [OLD, NEW] {
        let name = format!("then-{ruleset}");
        scene.copy("stopped", &name);
        scene.run_to_end(&name, ruleset, Records::All);
        scene.assert_same(&name, ruleset);
        stands_as_of(&scene, &name, scene.newest_under(OLD, OLD), OLD);
    }
}
