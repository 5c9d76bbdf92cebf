//! With all protections the promise holds in every state of the small worlds.

use schedules::worlds;

use crate::checked::explore;

/// More states than any world here has.
const ALL: usize = 40_000_000;

#[test]
fn the_promise_holds_in_every_state_of_the_small_worlds() {
    for (name, config) in worlds::all() {
        let explored = explore(&config, ALL);
        println!("{name}: {} states", explored.states);
        assert_eq!(explored.broken, None, "{name}");
        assert!(explored.complete, "{name} has more states than that");
    }
}

#[test]
fn the_rewrite_in_place_holds_for_two_generations_and_for_three_with_a_failover() {
    for (name, config) in worlds::rewrites() {
        let explored = explore(&config, ALL);
        println!("{name}: {} states", explored.states);
        assert_eq!(explored.broken, None, "{name}");
        assert!(explored.complete, "{name} has more states than that");
    }
}
