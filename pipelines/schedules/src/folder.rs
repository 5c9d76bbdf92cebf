//! The job's folder: generations and binding logs, with what is synced and what only the page cache has.
//!
//! A log is kept as bindings; whoever reads it gets the bytes that the real code writes, torn where the world says so,
//! through the real reader and the real decision about what is inherited.

use std::collections::BTreeMap;

use model::{Epoch as RealEpoch, PartitionId, Topic};
use runtime::bindings::{self, Binding, Read};
use runtime::{Generation, decide};

use crate::config::{Config, Cut, Epoch, PARTITIONS_MAX, Protections};

/// What an epoch read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Bound {
    pub(crate) epoch: Epoch,
    pub(crate) cut: Cut,
    /// Records and a hash over them, by partition.
    pub(crate) reads: [(u16, u16); PARTITIONS_MAX],
}

/// A generation's binding log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Log {
    /// Bindings that the header says were copied.
    pub(crate) copied: u16,
    pub(crate) bindings: Vec<Bound>,
    /// How many of them are synced.
    pub(crate) synced: u16,
    /// Whether half a line follows.
    pub(crate) torn: bool,
}

/// The real id of a partition of a world.
pub(crate) fn partition_id(config: &Config, place: usize) -> PartitionId {
    PartitionId {
        topic: topic_of(config.partitions[place].topic),
        partition: i32::try_from(place).expect("few partitions"),
    }
}

/// The real topic.
pub(crate) fn topic_of(topic: u8) -> Topic {
    if topic == 0 {
        Topic::Likes
    } else {
        Topic::Equipment
    }
}

impl Bound {
    /// The binding as the real code has it.
    pub(crate) fn real(&self, config: &Config) -> Binding {
        let read = |place: usize| Read {
            next_offset: i64::from(self.cut[place]),
            records: u64::from(self.reads[place].0),
            hash: u64::from(self.reads[place].1),
        };
        let partitions = 0..config.partitions.len();
        Binding {
            epoch: RealEpoch(u64::from(self.epoch)),
            ruleset: "r".to_owned(),
            cut: partitions
                .map(|place| (partition_id(config, place), read(place)))
                .collect(),
        }
    }

    fn of(binding: &Binding) -> Self {
        let mut bound = Self {
            epoch: Epoch::try_from(binding.epoch.0).expect("epochs of a world are small"),
            cut: Cut::default(),
            reads: Default::default(),
        };
        for (id, read) in &binding.cut {
            let place = usize::try_from(id.partition).expect("partitions count from 0");
            bound.cut[place] = u16::try_from(read.next_offset).expect("few records");
            bound.reads[place] = (
                u16::try_from(read.records).expect("few records"),
                u16::try_from(read.hash).expect("hashes of a world have 16 bits"),
            );
        }
        bound
    }
}

impl Log {
    /// A log as a start begins it: one durable unit.
    pub(crate) fn begin(inherited: &[Bound], protections: &Protections) -> Self {
        let count = u16::try_from(inherited.len()).expect("few bindings");
        Self {
            copied: count,
            bindings: inherited.to_vec(),
            synced: if protections.inherited_copied {
                count
            } else {
                0
            },
            torn: false,
        }
    }

    /// The bytes that the real code has written.
    fn bytes(&self, config: &Config, generation: u8) -> Vec<u8> {
        let real: Vec<Binding> = (self.bindings.iter())
            .map(|bound| bound.real(config))
            .collect();
        let (copied, later) = real.split_at(usize::from(self.copied).min(real.len()));
        // Of a copy that was lost the header still tells.
        let mut missing = copied.to_vec();
        while missing.len() < usize::from(self.copied) {
            missing.push(Bound::default_epoch().real(config));
        }
        let header = bindings::beginning(Generation(u64::from(generation)), &missing);
        let header = header.lines().next().unwrap_or_default().to_owned() + "\n";
        let mut text = header + &bindings::lines(copied) + &bindings::lines(later);
        if self.torn {
            let half = bindings::lines(&[Bound::default_epoch().real(config)]);
            text.push_str(&half[..half.len() / 2]);
        }
        text.into_bytes()
    }

    /// Loss of power: what is not synced is gone, but perhaps for half a line.
    pub(crate) fn lose_power(&mut self) {
        let synced = usize::from(self.synced);
        self.torn = self.bindings.len() > synced;
        self.bindings.truncate(synced);
    }
}

impl Bound {
    fn default_epoch() -> Self {
        Self {
            epoch: 1,
            cut: Cut::default(),
            reads: Default::default(),
        }
    }
}

/// The bindings that a start of `own` inherits.
pub(crate) fn inherited(
    config: &Config,
    logs: &[Option<Log>],
    own: u8,
    protections: &Protections,
) -> Vec<Bound> {
    let mut there = BTreeMap::new();
    for (place, log) in logs.iter().enumerate() {
        if let Some(log) = log {
            let generation = u8::try_from(place + 1).expect("few generations");
            there.insert(Generation(u64::from(generation)), (generation, log));
        }
    }
    let read = |generation| {
        let (number, log) = there[&generation];
        bindings::parsed(&log.bytes(config, number))
    };
    let generations: Vec<Generation> = there.keys().copied().collect();
    if !protections.own_log {
        // Whatever any copy has ever bound counts, also what it binds after a newer one has begun.
        let mut all: BTreeMap<RealEpoch, Binding> = BTreeMap::new();
        for generation in generations {
            for binding in read(generation).unwrap_or_default() {
                all.entry(binding.epoch).or_insert(binding);
            }
        }
        return all.values().map(Bound::of).collect();
    }
    let bindings = decide::inherited(Generation(u64::from(own)), &generations, |log| {
        Ok::<_, std::convert::Infallible>(read(log))
    });
    match bindings {
        Ok(bindings) => bindings.iter().map(Bound::of).collect(),
        Err(never) => match never {},
    }
}
