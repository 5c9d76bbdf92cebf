//! Small worlds, to be explored exhaustively.

use crate::config::{Config, Faults, Op, Outputs, Partition, Protections, Record, StartGrain};

/// A record that sets a key, with an id and a timestamp of its own.
fn set(key: u8, value: u8, place: u16) -> Record {
    Record {
        key,
        op: Op::Set(value),
        id: place,
        timestamp: place,
    }
}

fn partition(topic: u8, records: Vec<Record>) -> Partition {
    Partition { topic, records }
}

/// A world of one partition with nothing but its input table.
fn plain(records: Vec<Record>) -> Config {
    Config {
        partitions: vec![partition(0, records)],
        keys: 1,
        groups: 0,
        outputs: Outputs::default(),
        commands_max: 1,
        horizon: 10,
        codes: Vec::new(),
        start: StartGrain::Tables,
        whole_binding: false,
        inputs_idle: false,
        reads_max: 1,
        clock_jumps: false,
        faults: Faults {
            starts: 2,
            ..Faults::default()
        },
        one_generation: true,
        protections: Protections::default(),
    }
}

/// A key that goes on and off, shown by the views; an older generation lives on, a call is late.
#[must_use]
pub fn flip() -> Config {
    let mut config = plain(vec![set(0, 1, 1), set(0, 0, 2)]);
    config.outputs.views = true;
    config.faults.late_calls = 1;
    config
}

/// The same without late calls, with a loss of power.
#[must_use]
pub fn power() -> Config {
    let mut config = plain(vec![set(0, 1, 1), set(0, 0, 2)]);
    config.outputs.views = true;
    config.faults.power_losses = 1;
    config
}

/// What leaves no state behind: a confirmation that is rejected, and what it confirms.
#[must_use]
pub fn sides() -> Config {
    let confirm = Record {
        op: Op::Confirm(1),
        ..set(0, 1, 1)
    };
    let mut config = plain(vec![confirm, set(0, 1, 2)]);
    config.outputs.sides = true;
    config.faults.crashes = 1;
    config.faults.lost_answers = 1;
    config
}

/// A toggle, its duplicate and a toggle with an id of its own.
#[must_use]
pub fn duplicates() -> Config {
    let toggle = |id, timestamp| Record {
        key: 0,
        op: Op::Toggle,
        id,
        timestamp,
    };
    let mut config = plain(vec![toggle(1, 1), toggle(1, 2), toggle(2, 3), toggle(1, 5)]);
    config.horizon = 2;
    config.outputs.derived = true;
    config.faults.crashes = 1;
    config
}

/// A join of two partitions whose result depends on the order in which they are read.
#[must_use]
pub fn join() -> Config {
    let mut config = plain(vec![set(0, 1, 1), set(0, 0, 2)]);
    config.partitions.push(partition(1, vec![set(0, 1, 1)]));
    config.groups = 1;
    config.outputs.views = true;
    config.faults.failovers = 0;
    config
}

/// Tables, with a commit that is late or unanswered.
#[must_use]
pub fn tables() -> Config {
    let mut config = plain(vec![set(0, 1, 1), set(0, 0, 2)]);
    config.outputs.derived = true;
    config.start = StartGrain::Fine;
    config.faults.late_calls = 1;
    config.faults.lost_answers = 1;
    config
}

/// Compaction of the input table while a sink is behind.
#[must_use]
pub fn compaction() -> Config {
    let mut config = plain(vec![set(0, 1, 1), set(0, 0, 2)]);
    config.outputs.derived = true;
    config.faults.crashes = 1;
    config.faults.compactions = 1;
    config
}

/// A transactional topic.
#[must_use]
pub fn topic() -> Config {
    let mut config = plain(vec![set(0, 1, 1), set(0, 0, 2)]);
    config.outputs.topic = true;
    config.faults.late_calls = 1;
    config.faults.lost_answers = 1;
    config
}

/// A transactional topic and a loss of power, coarse.
#[must_use]
pub fn topic_power() -> Config {
    let mut config = topic();
    config.start = StartGrain::Whole;
    config.inputs_idle = true;
    config.faults = Faults {
        starts: 2,
        power_losses: 1,
        ..Faults::default()
    };
    config
}

/// Epochs without records, and a failover of the views.
#[must_use]
pub fn idle() -> Config {
    let mut config = views_alone(vec![set(0, 1, 1), set(0, 0, 2)]);
    config.faults.failovers = 1;
    config
}

/// Kafka compacts a record away.
#[must_use]
pub fn records_compacted() -> Config {
    let mut config = plain(vec![set(0, 1, 1), set(0, 0, 2)]);
    config.outputs.views = true;
    config.faults.records_compacted = 1;
    config
}

/// A coarse world for the view store alone: everything is read again at each start.
fn views_alone(records: Vec<Record>) -> Config {
    let mut config = plain(records);
    config.outputs.views = true;
    config.start = StartGrain::Whole;
    config.whole_binding = true;
    config.inputs_idle = true;
    config
}

/// The rewrite in place of DESIGN 3.4: two keys, of which one goes; a call has one command; a flush makes it necessary.
#[must_use]
pub fn rewrite(starts: u8, failovers: u8, flushes: u8, late_calls: u8) -> Config {
    let mut config = views_alone(vec![set(0, 1, 1), set(1, 1, 2), set(0, 0, 3)]);
    config.keys = 2;
    config.faults.starts = starts;
    config.faults.failovers = failovers;
    config.faults.flushes = flushes;
    config.faults.late_calls = late_calls;
    config
}

/// A write of several calls that is cut off, and a key that is then as it was before.
#[must_use]
pub fn cut_off() -> Config {
    let mut config = views_alone(vec![set(0, 1, 1), set(0, 2, 2), set(1, 1, 3), set(0, 1, 4)]);
    config.keys = 2;
    config.reads_max = 2;
    config.faults.crashes = 1;
    config
}

/// A generation with other code: its rewrite deletes a key; a flush and a failover in the middle.
#[must_use]
pub fn other_code() -> Config {
    let mut config = views_alone(vec![set(0, 1, 1), set(1, 1, 2), set(0, 0, 3)]);
    config.keys = 2;
    config.codes = vec![0, 1];
    config.faults.flushes = 1;
    config.faults.failovers = 1;
    config
}

/// Views behind their input table when a start loads it.
#[must_use]
pub fn base() -> Config {
    let mut config = views_alone(vec![set(0, 1, 1), set(0, 0, 2)]);
    config.inputs_idle = false;
    config.faults.crashes = 1;
    config
}

/// An older copy binds after a newer one has begun; a failover brings its claim back.
#[must_use]
pub fn overtaken() -> Config {
    let mut config = views_alone(vec![set(0, 1, 1), set(0, 0, 2)]);
    config.whole_binding = false;
    config.faults.failovers = 1;
    config
}

/// A tail that only the page cache has, three generations, a loss of power.
#[must_use]
pub fn page_cache() -> Config {
    let mut config = views_alone(vec![set(0, 1, 1), set(0, 0, 2)]);
    config.whole_binding = false;
    config.faults.starts = 3;
    config.faults.power_losses = 1;
    config
}

/// A call that is late while the value goes back and forth.
#[must_use]
pub fn late_write() -> Config {
    let mut config = views_alone(vec![set(0, 1, 1), set(0, 0, 2), set(0, 1, 3)]);
    config.faults.starts = 1;
    config.faults.late_calls = 1;
    config
}

/// The same while an older copy's write is late.
#[must_use]
pub fn late_write_of_older() -> Config {
    let mut config = late_write();
    config.faults.starts = 2;
    config
}

/// A rewrite that deletes, and a list of keys that is read while they are gone.
#[must_use]
pub fn listing() -> Config {
    let mut config = views_alone(vec![set(0, 1, 1), set(0, 0, 2)]);
    config.faults.starts = 1;
    config.faults.failovers = 2;
    config.faults.flushes = 1;
    config
}

/// All small worlds by name.
#[must_use]
pub fn all() -> Vec<(&'static str, Config)> {
    vec![
        ("flip", flip()),
        ("power", power()),
        ("sides", sides()),
        ("duplicates", duplicates()),
        ("join", join()),
        ("tables", tables()),
        ("compaction", compaction()),
        ("topic", topic()),
        ("topic power", topic_power()),
        ("idle", idle()),
        ("records compacted", records_compacted()),
        ("base", base()),
        ("overtaken", overtaken()),
        ("page cache", page_cache()),
        ("late write", late_write()),
        ("late write of an older", late_write_of_older()),
        ("listing", listing()),
        ("cut off", cut_off()),
        ("other code", other_code()),
    ]
}

/// The rewrite in place: two generations with every fault of the view store, three with a failover.
#[must_use]
pub fn rewrites() -> Vec<(&'static str, Config)> {
    vec![
        ("rewrite 2", rewrite(2, 0, 1, 1)),
        ("rewrite 2, failover", rewrite(2, 1, 0, 1)),
        ("rewrite 3, failover", rewrite(3, 1, 0, 0)),
    ]
}

/// Worlds that take minutes, for `--example explore`.
#[must_use]
pub fn larger() -> Vec<(&'static str, Config)> {
    let mut failover = flip();
    failover.faults.failovers = 1;
    let mut generations = power();
    generations.faults.starts = 3;
    let mut late = sides();
    late.faults.late_calls = 1;
    vec![
        ("flip, failover", failover),
        ("power, three generations", generations),
        ("sides, late commit", late),
        ("rewrite 2, all faults", rewrite(2, 1, 1, 1)),
        ("rewrite 3, late call", rewrite(3, 1, 0, 1)),
        ("rewrite 3, flush", rewrite(3, 1, 1, 0)),
    ]
}

/// The world of a name.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn named(name: &str) -> Config {
    let worlds = all().into_iter().chain(rewrites()).chain(larger());
    let found = worlds.into_iter().find(|(of, _)| *of == name);
    found
        .unwrap_or_else(|| panic!("there is no world {name:?}"))
        .1
}
