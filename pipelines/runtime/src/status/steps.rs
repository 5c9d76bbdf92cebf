//! How long workers take for what they are fed: a histogram without locks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;

/// Buckets for each doubling: a quantile is right within a quarter.
const PARTS: u32 = 4;
const BUCKETS: usize = 64 * PARTS as usize;

/// How often a step took how long.
#[derive(Debug)]
pub(crate) struct Steps {
    counts: [AtomicU64; BUCKETS],
    longest_nanos: AtomicU64,
}

/// Steps of workers: of each what it was fed with and all that the dataflow did with it at once.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct StepsReport {
    /// Number of steps.
    pub steps: u64,
    /// Milliseconds that half of them took at most.
    pub p50_millis: f64,
    /// Milliseconds that 999 of 1,000 took at most.
    pub p999_millis: f64,
    /// Milliseconds that the longest took.
    pub longest_millis: f64,
}

impl Default for Steps {
    fn default() -> Self {
        Self {
            counts: [const { AtomicU64::new(0) }; BUCKETS],
            longest_nanos: AtomicU64::new(0),
        }
    }
}

impl Steps {
    pub(crate) fn note(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX).max(4);
        self.counts[bucket(nanos)].fetch_add(1, Ordering::Relaxed);
        self.longest_nanos.fetch_max(nanos, Ordering::Relaxed);
    }

    pub(crate) fn report(&self) -> StepsReport {
        let counts: Vec<u64> = self
            .counts
            .iter()
            .map(|count| count.load(Ordering::Relaxed))
            .collect();
        let longest = self.longest_nanos.load(Ordering::Relaxed);
        let steps: u64 = counts.iter().sum();
        let quantile = |share: f64| {
            let rank = (steps as f64 * share).ceil() as u64;
            let mut below = 0;
            let bucket = counts.iter().position(|&count| {
                below += count;
                below >= rank.max(1)
            });
            // The upper end of the bucket, as far as there is anything.
            bucket.map_or(0, |bucket| least(bucket + 1).min(longest)) as f64 / 1e6
        };
        StepsReport {
            steps,
            p50_millis: quantile(0.5),
            p999_millis: quantile(0.999),
            longest_millis: longest as f64 / 1e6,
        }
    }
}

fn bucket(nanos: u64) -> usize {
    let doubling = nanos.ilog2();
    let part = ((u128::from(nanos) * u128::from(PARTS)) >> doubling) as u32 - PARTS;
    (doubling * PARTS + part) as usize
}

/// The least time of a bucket.
fn least(bucket: usize) -> u64 {
    let (doubling, part) = (bucket as u32 / PARTS, bucket as u32 % PARTS);
    let least = (u128::from(PARTS + part) << doubling) / u128::from(PARTS);
    u64::try_from(least).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_lies_in_its_bucket() {
        for nanos in (4..1_000).chain([999_999, 1 << 40, (1 << 40) + 1, u64::MAX]) {
            let bucket = bucket(nanos);
            assert!(least(bucket) <= nanos, "{nanos}");
            assert!(nanos < least(bucket + 1) || nanos == u64::MAX, "{nanos}");
        }
    }

    #[test]
    fn quantiles_are_right_within_a_quarter() {
        let steps = Steps::default();
        for micros in 1..=10_000 {
            steps.note(Duration::from_micros(micros));
        }
        let report = steps.report();
        assert_eq!(report.steps, 10_000);
        assert!((5.0..=6.25).contains(&report.p50_millis), "{report:?}");
        assert!((9.99..=10.0).contains(&report.p999_millis), "{report:?}");
        assert_eq!(report.longest_millis, 10.0);
        assert_eq!(Steps::default().report().p999_millis, 0.0);
    }
}
