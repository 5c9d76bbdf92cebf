//! What is taken away between two runs: the folder of a table, or records that are bound.

use std::fs;

use model::tables::Relation;

use crate::scene::{OLD, Records, Scene};
use crate::whole::{assert_same, views};

/// Tables whose rows leave no state behind, from which they could be made again.
const LOST: [Relation; 3] = [Relation::Rejected, Relation::Accounting, Relation::Likes];

#[test]
fn a_deleted_table_is_made_again_or_its_loss_is_named_and_all_others_are_as_they_were() {
    let scene = Scene::new("");
    scene.run_to_end("half", OLD, Records::Half);
    scene.run_to_end("through", OLD, Records::All);
    for table in Relation::ALL {
        let name = table.name();
        scene.copy("half", name);
        fs::remove_dir_all(scene.job(name).join("tables").join(name)).unwrap();
        let ran = scene.run(name, OLD, Records::All).exits_with(0);
        let (mut found, mut wanted) = (scene.content(name), scene.content("through"));
        if LOST.contains(&table) {
            let named = ran.err.lines().find(|line| line.contains("ERROR"));
            let named = named.expect("the loss is named");
            assert!(named.contains(&format!("table={name:?}")), "{named}");
            assert_ne!(found.remove(name), wanted.remove(name));
        }
        assert_same(&found, &wanted);
        assert_eq!(views(&scene.job(name)), views(&scene.job("through")));
    }
}

#[test]
fn records_that_are_bound_and_gone_before_they_were_sealed_stop_the_job() {
    let scene = Scene::new("");
    scene.run_to_end("bound", OLD, Records::Half);
    // The first of the group: no table of inputs is sealed.
    let obstacle = scene.block("bound", Relation::Rejected, 1);
    let mut process = scene.start("bound", OLD, Records::All);
    process.waits_for(Relation::Rejected);
    process.logs("phase=Stopping");
    process.kill();
    obstacle.remove();
    let bound = scene.bound("bound");

    let ran = scene.run("bound", OLD, Records::Half).exits_with(1);
    assert!(
        ran.err.contains("but the job has read it to"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("Nothing was reset"), "{}", ran.err);
    assert_eq!(scene.bound("bound"), bound);

    scene.run_to_end("bound", OLD, Records::All);
    scene.run_to_end("through", OLD, Records::All);
    scene.assert_same("bound", "through");
}
