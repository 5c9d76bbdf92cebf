//! What must come out: one pass over the inputs with plain maps, sharing no code with the job.

use std::collections::BTreeMap;

use crate::config::{Config, Cut, Op};

/// What the inputs up to some offsets lead to.
#[derive(Debug, Default)]
pub struct Truth {
    /// By topic and key, without zeros.
    pub values: BTreeMap<(u8, u8), u8>,
    /// Partition and offset of what is rejected.
    pub rejected: Vec<(u8, u16)>,
    /// Per partition: applied, unchanged, duplicate, rejected.
    pub counts: BTreeMap<u8, [u16; 4]>,
}

impl Truth {
    /// One pass over everything below `cut`.
    #[must_use]
    pub fn of(config: &Config, cut: &Cut) -> Self {
        let mut truth = Self::default();
        for (place, partition) in config.partitions.iter().enumerate() {
            let place = u8::try_from(place).expect("few partitions");
            let mut accepted: BTreeMap<(u8, u16), u16> = BTreeMap::new();
            let mut clock = 0;
            let end = usize::from(cut[usize::from(place)]);
            for (offset, record) in partition.records[..end].iter().enumerate() {
                clock = clock.max(record.timestamp);
                let count = truth.counts.entry(place).or_default();
                let earlier = accepted.get(&(record.key, record.id));
                if earlier.is_some_and(|at| clock - at <= config.horizon) {
                    count[2] += 1;
                    continue;
                }
                let held = truth.values.get(&(partition.topic, record.key)).copied();
                let held = held.unwrap_or(0);
                let next = match record.op {
                    Op::Set(value) => value,
                    Op::Toggle if held == 0 => 1,
                    Op::Toggle => 0,
                    Op::Confirm(value) if value == held => value,
                    Op::Confirm(_) => {
                        count[3] += 1;
                        let offset = u16::try_from(offset).expect("few records");
                        truth.rejected.push((place, offset));
                        continue;
                    }
                };
                accepted.insert((record.key, record.id), record.timestamp);
                if next == held {
                    count[1] += 1;
                    continue;
                }
                count[0] += 1;
                if next == 0 {
                    truth.values.remove(&(partition.topic, record.key));
                } else {
                    truth.values.insert((partition.topic, record.key), next);
                }
            }
        }
        truth
    }

    /// What readers must see: each key's value, and each group's sum, without zeros.
    ///
    /// - `code`: shifts every value, as another code might.
    #[must_use]
    pub fn view(&self, config: &Config, code: u8) -> BTreeMap<u16, u16> {
        let shift = 50 * u16::from(code);
        let mut view = BTreeMap::new();
        for (&(topic, key), &value) in &self.values {
            if topic != 0 {
                continue;
            }
            view.insert(u16::from(key), u16::from(value) + shift);
            let group = self.values.get(&(1, key)).copied().unwrap_or(0);
            if group != 0 && group <= config.groups {
                let of_group = u16::from(config.keys) + u16::from(group) - 1;
                *view.entry(of_group).or_insert(shift) += u16::from(value);
            }
        }
        view
    }
}
