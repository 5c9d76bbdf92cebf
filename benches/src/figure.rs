//! A measured figure, with what it should be.

use serde::{Deserialize, Serialize};

/// What a figure should be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Bound {
    /// Not less.
    AtLeast(f64),
    /// Not more.
    AtMost(f64),
}

impl Bound {
    fn is_met_by(self, value: f64) -> bool {
        match self {
            Self::AtLeast(least) => value >= least,
            Self::AtMost(most) => value <= most,
        }
    }

    /// The bound with its sign.
    pub(crate) fn text(self) -> String {
        match self {
            Self::AtLeast(least) => format!("≥ {}", number(least)),
            Self::AtMost(most) => format!("≤ {}", number(most)),
        }
    }
}

/// One line of the table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Figure {
    /// What was measured.
    pub(crate) what: String,
    /// The unit of the runs.
    pub(crate) unit: String,
    /// The value of each run.
    pub(crate) runs: Vec<f64>,
    /// CPU seconds, user and system, of each run.
    pub(crate) cpu_seconds: Vec<f64>,
    /// Highest resident memory of each run.
    pub(crate) peak_bytes: Vec<u64>,
    /// What must hold.
    pub(crate) floor: Option<Bound>,
    /// What to design for.
    pub(crate) goal: Option<Bound>,
}

impl Figure {
    /// A figure of some runs.
    pub(crate) fn new(what: impl Into<String>, unit: &str, runs: Vec<f64>) -> Self {
        Self {
            what: what.into(),
            unit: unit.to_owned(),
            runs,
            cpu_seconds: Vec::new(),
            peak_bytes: Vec::new(),
            floor: None,
            goal: None,
        }
    }

    pub(crate) fn floor(self, floor: Bound) -> Self {
        Self {
            floor: Some(floor),
            ..self
        }
    }

    pub(crate) fn goal(self, goal: Bound) -> Self {
        Self {
            goal: Some(goal),
            ..self
        }
    }

    pub(crate) fn cost(self, cpu_seconds: Vec<f64>, peak_bytes: Vec<u64>) -> Self {
        Self {
            cpu_seconds,
            peak_bytes,
            ..self
        }
    }

    /// The middle run.
    pub(crate) fn median(&self) -> f64 {
        median(&self.runs)
    }

    /// The cells of a line, in the order of [`HEAD`].
    pub(crate) fn cells(&self) -> [String; HEAD.len()] {
        let (low, high) = self
            .runs
            .iter()
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &run| {
                (low.min(run), high.max(run))
            });
        let spread = if self.runs.len() > 1 {
            format!("{} – {} ({})", number(low), number(high), self.runs.len())
        } else {
            "one run".to_owned()
        };
        let cpu = if self.cpu_seconds.is_empty() {
            String::new()
        } else {
            format!("{:.2}", median(&self.cpu_seconds))
        };
        let peak = self.peak_bytes.iter().max();
        let peak = peak.map_or_else(String::new, |&peak| format!("{} MiB", peak >> 20));
        let bound = |bound: Option<Bound>| {
            bound.map_or_else(String::new, |bound| {
                let is_met = bound.is_met_by(self.median());
                format!("{} {}", bound.text(), if is_met { "✓" } else { "✗" })
            })
        };
        [
            self.what.clone(),
            number(self.median()),
            self.unit.clone(),
            spread,
            cpu,
            peak,
            bound(self.floor),
            bound(self.goal),
        ]
    }
}

/// What the cells of a line are.
pub(crate) const HEAD: [&str; 8] = [
    "what",
    "median",
    "unit",
    "lowest – highest (runs)",
    "CPU s",
    "peak",
    "floor",
    "goal",
];

/// The middle of some values, the lower one of two.
///
/// # Panics
/// If there is none.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[(sorted.len() - 1) / 2]
}

/// Three digits at least, thousands apart.
pub(crate) fn number(value: f64) -> String {
    let digits = match value.abs() {
        100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        _ => 4,
    };
    let text = format!("{value:.digits$}");
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        let behind = whole.len() - index;
        if index > 0 && behind.is_multiple_of(3) && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits_and_thousands_apart() {
        let texts = [1_234_567.8, 123.4, 12.34, 1.234, 0.01234, -1_234.0].map(number);
        assert_eq!(
            texts,
            ["1,234,568", "123", "12.3", "1.23", "0.0123", "-1,234"]
        );
    }

    #[test]
    fn a_bound_is_marked_as_met_or_not() {
        let figure = Figure::new("a", "b/s", vec![3.0, 1.0, 2.0])
            .floor(Bound::AtLeast(2.0))
            .goal(Bound::AtMost(1.5));
        let cells = figure.cells();
        assert_eq!(cells[1], "2.00");
        assert_eq!(cells[3], "1.00 – 3.00 (3)");
        assert_eq!(cells[6], "≥ 2.00 ✓");
        assert_eq!(cells[7], "≤ 1.50 ✗");
    }
}
