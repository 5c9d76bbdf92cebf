//! How fast a scrub goes: a pass in its time, if that is within the bound; never faster than the bound.

use std::time::{Duration, Instant};

use crate::config::ScrubConfig;

/// Values or bytes a second that a scrub compares at least, so that a small job has its pass soon.
const KEYS_MIN: f64 = 20.0;
const BYTES_MIN: f64 = 65_536.0;
/// A pass is planned to be done in so much of its time.
const WITHIN: f64 = 0.8;
/// A start of a job has other things to do for so long.
const AFTER_START: Duration = Duration::from_secs(60);

/// How fast a scrub goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pace {
    /// From the start of a pass to that of the next.
    every: Duration,
    keys_max: f64,
    bytes_max: f64,
}

impl Pace {
    /// The pace that a job file sets; `None` turns the scrub off.
    pub(crate) fn of(config: &ScrubConfig) -> Option<Self> {
        (config.every_seconds > 0).then(|| Self {
            every: Duration::from_secs(config.every_seconds),
            keys_max: f64::from(config.keys_per_second),
            bytes_max: config.bytes_per_second as f64,
        })
    }

    /// When the first pass of a job that starts at `now` begins.
    pub(crate) fn first(&self, now: Instant) -> Instant {
        now + AFTER_START.min(self.every / 10)
    }

    /// When the pass after the one that began at `began` begins, if that one ends at `now`.
    pub(crate) fn next(&self, began: Instant, now: Instant) -> Instant {
        now.max(began + self.every)
    }

    /// Values a second, where there are `keys` of them.
    pub(crate) fn keys_per_second(&self, keys: usize) -> f64 {
        self.rate(keys as f64).max(KEYS_MIN).min(self.keys_max)
    }

    /// Bytes a second, where there are `bytes` of them.
    pub(crate) fn bytes_per_second(&self, bytes: u64) -> f64 {
        self.rate(bytes as f64).max(BYTES_MIN).min(self.bytes_max)
    }

    fn rate(&self, all: f64) -> f64 {
        all / (self.every.as_secs_f64() * WITHIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(every_seconds: u64) -> Option<Pace> {
        Pace::of(&ScrubConfig {
            every_seconds,
            keys_per_second: 500,
            bytes_per_second: 1_000_000,
        })
    }

    #[test]
    fn a_pass_takes_most_of_its_time_but_never_more_than_the_bound() {
        let pace = pace(1_000).unwrap();
        assert_eq!(pace.keys_per_second(0), 20.0);
        assert_eq!(pace.keys_per_second(80_000), 100.0);
        assert_eq!(pace.keys_per_second(80_000_000), 500.0);
        assert_eq!(pace.bytes_per_second(0), 65_536.0);
        assert_eq!(pace.bytes_per_second(u64::MAX), 1_000_000.0);
    }

    #[test]
    fn a_pass_that_took_too_long_is_followed_by_the_next() {
        let (pace, began) = (pace(1_000).unwrap(), Instant::now());
        let at = |seconds| began + Duration::from_secs(seconds);
        assert_eq!(pace.next(began, at(10)), at(1_000));
        assert_eq!(pace.next(began, at(5_000)), at(5_000));
        assert_eq!(pace.first(began), at(60));
    }

    #[test]
    fn no_period_means_never() {
        assert_eq!(pace(0), None);
    }
}
