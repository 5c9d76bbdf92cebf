//! The large world of a seed.

use crate::config::{Config, Faults, Op, Outputs, Partition, Protections, Record, StartGrain};
use crate::random::Random;

/// The world of a seed.
#[must_use]
pub fn large(seed: u64, protections: Protections) -> Config {
    let mut random = Random::new(seed);
    let keys = 4 + random.below(5) as u8;
    let mut partitions: Vec<Partition> = Vec::new();
    for place in 0..2 + random.below(2) as u8 {
        let topic = u8::from(place == 2);
        let records = 30 + random.below(150) as u16;
        let records = (0..records)
            .map(|offset| record(&mut random, keys, place, topic, offset))
            .collect();
        partitions.push(Partition { topic, records });
    }
    let has = |random: &mut Random, percent| random.below(100) < percent;
    let outputs = Outputs {
        sides: has(&mut random, 80),
        derived: has(&mut random, 80),
        views: has(&mut random, 95),
        topic: has(&mut random, 50),
    };
    let up_to = |random: &mut Random, most: u64| random.below(most + 1) as u8;
    let faults = Faults {
        starts: 3 + up_to(&mut random, 5),
        crashes: 1 + up_to(&mut random, 3),
        power_losses: up_to(&mut random, 2),
        failovers: up_to(&mut random, 4),
        flushes: up_to(&mut random, 2),
        lost_answers: up_to(&mut random, 12),
        late_calls: up_to(&mut random, 12),
        compactions: up_to(&mut random, 6),
        records_compacted: 0,
        trims: up_to(&mut random, 4),
    };
    let changes_code = has(&mut random, 30);
    Config {
        partitions,
        keys,
        groups: 2,
        outputs,
        commands_max: 1 + random.below(3) as usize,
        horizon: 5 + random.below(20) as u16,
        codes: if changes_code {
            vec![0, 0, 1]
        } else {
            Vec::new()
        },
        start: StartGrain::Fine,
        whole_binding: false,
        inputs_idle: false,
        reads_max: 1 + random.below(6) as u16,
        clock_jumps: has(&mut random, 50),
        faults,
        one_generation: true,
        protections,
    }
}

/// A record: keys have their partition; some ids come twice, some timestamps jump.
fn record(random: &mut Random, keys: u8, place: u8, topic: u8, offset: u16) -> Record {
    let partitions = if topic == 0 { 2 } else { 1 };
    let first = if topic == 0 { place } else { 0 };
    let of_partition = u64::from((keys - first).div_ceil(partitions));
    let key = first + partitions * random.below(of_partition) as u8;
    let op = match random.below(10) {
        0..=3 => Op::Toggle,
        4..=7 => Op::Set(random.below(3) as u8),
        _ => Op::Confirm(random.below(3) as u8),
    };
    let op = if topic == 0 {
        op
    } else {
        Op::Set(random.below(3) as u8)
    };
    let is_again = offset > 0 && random.below(5) == 0;
    let id = if is_again {
        offset - 1 - random.below(u64::from(offset.min(8))) as u16
    } else {
        offset
    };
    Record {
        key,
        op,
        id,
        timestamp: offset + random.below(4) as u16,
    }
}
