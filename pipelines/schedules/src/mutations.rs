//! What is taken out to see whether it is missed: one mutation each, with the schedule of the protocol that it lets in.

use crate::config::{Config, Protections};
use crate::worlds;

/// What a mutation comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The promise breaks in the small world.
    Breaks,
    /// The promise holds without it: another protection stands behind.
    SecondBelt,
}

/// Protections that are taken out together.
#[derive(Clone, Copy, Debug)]
pub struct Mutation {
    /// What is done wrong.
    pub name: &'static str,
    /// The protections that are missing.
    pub without: &'static [&'static str],
    /// The number of the schedule in the protocol's list.
    pub schedule: Option<u8>,
    /// The small world that shows it, by name.
    pub world: &'static str,
    /// What comes of it there.
    pub verdict: Verdict,
}

/// Needs several faults within a step or two of each other: the checker finds it, walks do not.
const NOT_BY_WALKS: &str = "the marker is not looked at after the listing";

impl Mutation {
    /// A world with it.
    ///
    /// # Panics
    /// If the name of a protection is wrong.
    #[must_use]
    pub fn of(&self, config: Config) -> Config {
        config.without(self.without)
    }

    /// Its small world, mutated.
    ///
    /// # Panics
    /// If there is no small world of that name.
    #[must_use]
    pub fn small(&self) -> Config {
        self.of(worlds::named(self.world))
    }

    /// Whether walks are expected to find it, within a few thousand seeds.
    #[must_use]
    pub fn shows_in_walks(&self) -> bool {
        self.verdict == Verdict::Breaks && self.name != NOT_BY_WALKS
    }

    /// The protections that it leaves.
    #[must_use]
    pub fn protections(&self) -> Protections {
        let mut protections = Protections::default();
        for name in self.without {
            protections.take_out(name);
        }
        protections
    }
}

const fn breaks(
    name: &'static str,
    without: &'static [&'static str],
    schedule: u8,
    world: &'static str,
) -> Mutation {
    Mutation {
        name,
        without,
        schedule: if schedule == 0 { None } else { Some(schedule) },
        world,
        verdict: Verdict::Breaks,
    }
}

const fn second_belt(
    name: &'static str,
    without: &'static [&'static str],
    world: &'static str,
) -> Mutation {
    Mutation {
        name,
        without,
        schedule: None,
        world,
        verdict: Verdict::SecondBelt,
    }
}

/// All mutations; each schedule of the protocol is one of them.
#[must_use]
pub fn mutations() -> &'static [Mutation] {
    MUTATIONS
}

const MUTATIONS: &[Mutation] = &[
    breaks(
        "differences from what was loaded",
        &["sink_base"],
        1,
        "base",
    ),
    breaks("epochs are not definite", &["definite_epochs"], 2, "join"),
    breaks(
        "the marker is read, not claimed, and compared in part",
        &["claim", "marker_generation", "marker_as_of"],
        3,
        "late write of an older",
    ),
    breaks(
        "no fence, and commits are sent again blindly",
        &["fence_inputs", "fence_derived", "no_blind_rebase"],
        4,
        "tables",
    ),
    breaks(
        "the clock knows the tables alone",
        &["clock_bindings", "clock_views"],
        5,
        "base",
    ),
    breaks(
        "the topic is ahead of what is bound",
        &["durable_binding"],
        6,
        "topic power",
    ),
    breaks(
        "the progress is read before initTransactions",
        &["progress_after_init"],
        7,
        "topic",
    ),
    breaks(
        "no answer, and the next difference is computed",
        &["settled_answers", "marker_as_of"],
        8,
        "late write",
    ),
    breaks(
        "an idle store is not looked at",
        &["idle_probe"],
        9,
        "overtaken",
    ),
    breaks(
        "compaction past a sink",
        &["compaction_limit"],
        10,
        "compaction",
    ),
    breaks(
        "a horizon in epochs",
        &["timestamp_horizon"],
        11,
        "duplicates",
    ),
    breaks(
        "a commit has its name before it is on the disk",
        &["commit_durable"],
        12,
        "power",
    ),
    breaks(
        "inherited bindings are not copied durably",
        &["inherited_copied"],
        13,
        "page cache",
    ),
    breaks(
        "no look at the generation before output",
        &["generation_read"],
        14,
        "overtaken",
    ),
    breaks(
        "records read again are not compared",
        &["records_compared"],
        15,
        "records compacted",
    ),
    breaks(
        "a write that was cut off is not finished first",
        &["finish_cut_off"],
        16,
        "cut off",
    ),
    breaks(
        "an epoch without records is shown and not bound",
        &["idle_bound"],
        17,
        "idle",
    ),
    breaks(
        "inputs are sealed before what leaves no state",
        &["sealed_first"],
        18,
        "sides",
    ),
    breaks(
        "a rewrite goes on where another one stopped",
        &["rewrite_restarts"],
        19,
        "other code",
    ),
    breaks(
        "a rewrite is complete without its deletes",
        &["rewrite_deletes"],
        19,
        "other code",
    ),
    breaks(
        "parts are compared by the generation alone",
        &["marker_target", "marker_attempt", "marker_part"],
        19,
        "rewrite 2",
    ),
    breaks(NOT_BY_WALKS, &["listing_checked"], 20, "listing"),
    breaks(
        "output before its binding is durable",
        &["durable_binding"],
        0,
        "page cache",
    ),
    breaks(
        "an old copy's later bindings count",
        &["own_log"],
        0,
        "page cache",
    ),
    breaks(
        "no fence of the input tables",
        &["fence_inputs"],
        0,
        "tables",
    ),
    breaks(
        "no fence of the derived table",
        &["fence_derived"],
        0,
        "tables",
    ),
    breaks(
        "commits are sent again blindly",
        &["no_blind_rebase"],
        0,
        "tables",
    ),
    breaks(
        "the offsets are not in the commit",
        &["offsets_in_commit"],
        0,
        "tables",
    ),
    breaks(
        "event ids are not restored",
        &["duplicate_state"],
        0,
        "duplicates",
    ),
    breaks(
        "the clock does not know the bindings",
        &["clock_bindings"],
        0,
        "tables",
    ),
    breaks(
        "a rewrite lies below what was shown",
        &["rewrite_above_shown"],
        0,
        "other code",
    ),
    breaks(
        "values of other code are taken for own ones",
        &["origin"],
        0,
        "other code",
    ),
    breaks(
        "a store without a marker is taken for one of the own code",
        &["unknown_origin"],
        0,
        "other code",
    ),
    breaks(
        "the views wait for a record to come",
        &["pass_when_asked"],
        0,
        "other code",
    ),
    breaks(
        "calls are not compared by generation",
        &["marker_generation"],
        0,
        "flip",
    ),
    breaks(
        "calls are not compared by part",
        &["marker_part"],
        0,
        "flip, failover",
    ),
    breaks(
        "calls are not compared by as_of",
        &["marker_as_of"],
        0,
        "late write",
    ),
    second_belt("the marker is read, not claimed", &["claim"], "overtaken"),
    second_belt(
        "the log is read before the tables are fenced",
        &["fence_before_log"],
        "tables",
    ),
    second_belt(
        "the clock does not know the tables",
        &["clock_tables"],
        "tables",
    ),
    second_belt(
        "the clock does not know the views",
        &["clock_views"],
        "overtaken",
    ),
    second_belt(
        "no answer, and the next difference is computed, under whole markers",
        &["settled_answers"],
        "late write",
    ),
    second_belt(
        "calls are not compared by target",
        &["marker_target"],
        "rewrite 2",
    ),
    second_belt(
        "calls are not compared by attempt",
        &["marker_attempt"],
        "rewrite 2",
    ),
];
