//! Prices that earlier starts have computed.

use std::fs;

use runtime::Until;

use crate::answer::Answer;
use crate::world::{Running, World, views};

#[test]
fn remembered_prices_give_the_same_answers_and_damaged_ones_are_computed_again() {
    let world = World::small("memo");
    let folder = tempfile::tempdir().unwrap();
    let right = Answer::right(&world, "kms_2026_03");
    let run = |views: &str| Running::start(&world.job(folder.path(), views), Until::End).join();

    let first = run("[views]\nkind = \"none\"");
    let all = first.prices_computed;
    assert!(all > 0 && first.prices_remembered == 0);

    // All that the views get is made of remembered prices.
    let second = run(&views());
    assert_eq!((second.prices_computed, second.prices_remembered), (0, all));
    assert_eq!(second.loaded_rows(), second.loading.unwrap().rows_of);
    assert_eq!(Answer::of_redis(world.name()), right);

    let memos = fs::read_dir(folder.path().join("prices")).unwrap();
    let memos: Vec<_> = memos.map(|entry| entry.unwrap().path()).collect();
    let [memo] = &memos[..] else {
        panic!("one ruleset has one memo: {memos:?}");
    };
    let mut bytes = fs::read(memo).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(memo, &bytes).unwrap();
    let third = run(&views());
    assert_eq!((third.prices_computed, third.prices_remembered), (all, 0));
    assert_eq!(Answer::of_redis(world.name()), right);

    let last = run(&views());
    assert_eq!((last.prices_computed, last.prices_remembered), (0, all));
}
