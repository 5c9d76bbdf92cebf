//! How far a start has loaded the input tables.

use std::fmt;
use std::time::{Duration, Instant};

use serde::Serialize;

/// Rows that a start loads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Loading {
    rows: u64,
    rows_of: u64,
    began: Instant,
    /// How long it took, once all is loaded.
    took: Option<Duration>,
}

/// How far a start has loaded the input tables.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LoadingReport {
    /// Rows that are loaded.
    pub rows: u64,
    /// Rows that there are to load.
    pub rows_of: u64,
    /// The former of the latter, `0.0..=1.0`; 1 where there is nothing to load.
    pub share: f64,
    /// Rows a second since loading began, until it ended.
    pub rows_per_second: f64,
    /// Seconds since loading began, until it ended.
    pub seconds: f64,
}

impl Loading {
    pub(super) fn begin(rows_of: u64) -> Self {
        Self {
            rows: 0,
            rows_of,
            began: Instant::now(),
            took: None,
        }
    }

    pub(super) fn add(&mut self, rows: u64) {
        self.rows += rows;
        if self.rows >= self.rows_of {
            self.took = Some(self.began.elapsed());
        }
    }

    pub(super) fn report(&self) -> LoadingReport {
        LoadingReport::of(
            self.rows,
            self.rows_of,
            self.took.unwrap_or_else(|| self.began.elapsed()),
        )
    }
}

impl LoadingReport {
    fn of(rows: u64, rows_of: u64, took: Duration) -> Self {
        let seconds = took.as_secs_f64();
        let share = if rows_of == 0 {
            1.0
        } else {
            (rows as f64 / rows_of as f64).min(1.0)
        };
        Self {
            rows,
            rows_of,
            share,
            rows_per_second: if seconds > 0.0 {
                rows as f64 / seconds
            } else {
                0.0
            },
            seconds,
        }
    }
}

impl fmt::Display for LoadingReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} of {} rows, {:.0} %, {:.0} rows/s",
            self.rows,
            self.rows_of,
            // Not 100 before it is all.
            (self.share * 100.0).floor(),
            self.rows_per_second
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_how_many_rows_of_how_many_are_loaded_and_how_fast() {
        let half = LoadingReport::of(500, 1_000, Duration::from_secs(2));
        assert_eq!((half.share, half.rows_per_second), (0.5, 250.0));
        assert_eq!(half.to_string(), "500 of 1000 rows, 50 %, 250 rows/s");

        let nearly = LoadingReport::of(999, 1_000, Duration::from_secs(2));
        assert!(nearly.to_string().contains(" 99 %"));
        let nothing = LoadingReport::of(0, 0, Duration::ZERO);
        assert_eq!((nothing.share, nothing.rows_per_second), (1.0, 0.0));
    }

    #[test]
    fn the_clock_stands_once_all_is_loaded() {
        let mut loading = Loading::begin(2);
        loading.add(1);
        assert_eq!((loading.report().rows, loading.took), (1, None));
        loading.add(1);
        assert!(loading.took.is_some());
        assert_eq!(loading.report(), loading.report());
    }
}
