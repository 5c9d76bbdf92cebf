//! What was found, how bad it is, and what to do about it.

use std::error::Error;

use serde::Serialize;

use crate::failure::joined;
use crate::terminal::{Colour, coloured};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Severity {
    /// As it should be.
    Ok,
    /// The job can run; something should be looked at.
    Warning,
    /// The job cannot run, or would lose its promises.
    Error,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) severity: Severity,
    /// What was looked at.
    pub(super) subject: String,
    /// What it is like.
    pub(super) found: String,
    /// What to do, unless all is well.
    pub(super) to_do: Option<String>,
}

/// All that was looked at, in order.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    pub(super) fn fine(&mut self, subject: &str, found: impl Into<String>) {
        self.add(Severity::Ok, subject, found.into(), None);
    }

    pub(super) fn odd(&mut self, subject: &str, found: impl Into<String>, to_do: &str) {
        self.add(Severity::Warning, subject, found.into(), Some(to_do));
    }

    pub(super) fn wrong(&mut self, subject: &str, found: impl Into<String>, to_do: &str) {
        self.add(Severity::Error, subject, found.into(), Some(to_do));
    }

    /// An error with its causes.
    pub(super) fn failed(&mut self, subject: &str, error: &(dyn Error + 'static), to_do: &str) {
        self.wrong(subject, with_causes(error), to_do);
    }

    fn add(&mut self, severity: Severity, subject: &str, found: String, to_do: Option<&str>) {
        self.0.push(Finding {
            severity,
            subject: subject.to_owned(),
            found,
            to_do: to_do.map(str::to_owned),
        });
    }

    pub(super) fn list(&self) -> &[Finding] {
        &self.0
    }

    pub(super) fn count(&self, severity: Severity) -> usize {
        let of_it = self.0.iter().filter(|finding| finding.severity == severity);
        of_it.count()
    }

    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for finding in &self.0 {
            let mark = match finding.severity {
                Severity::Ok => coloured(Colour::Good, "ok     "),
                Severity::Warning => coloured(Colour::Odd, "warning"),
                Severity::Error => coloured(Colour::Bad, "error  "),
            };
            text += &format!("{mark}  {}: {}\n", finding.subject, finding.found);
            if let Some(to_do) = &finding.to_do {
                text += &format!("         to do: {to_do}\n");
            }
        }
        let (errors, warnings) = (self.count(Severity::Error), self.count(Severity::Warning));
        let all = self.0.len();
        text + &format!("findings: {all}, errors: {errors}, warnings: {warnings}\n")
    }
}

/// An error and its causes on one line.
pub(super) fn with_causes(error: &(dyn Error + 'static)) -> String {
    let chain = std::iter::successors(Some(error), |&error| error.source());
    joined(chain.map(ToString::to_string))
}

/// A length of time in the unit in which it is read.
pub(super) fn duration_text(millis: u64) -> String {
    const UNITS: [(u64, &str); 4] = [
        (86_400_000, "days"),
        (3_600_000, "hours"),
        (60_000, "minutes"),
        (1_000, "seconds"),
    ];
    let unit = UNITS.iter().find(|(length, _)| millis >= 2 * length);
    unit.map_or_else(
        || format!("{millis} ms"),
        |(length, name)| format!("{} {name}", millis / length),
    )
}

/// A number of bytes in the unit in which it is read.
pub(super) fn bytes_text(bytes: u64) -> String {
    const UNITS: [(u32, &str); 3] = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    let unit = UNITS.iter().find(|(shift, _)| bytes >> shift > 0);
    unit.map_or_else(
        || format!("{bytes} bytes"),
        |(shift, name)| format!("{} {name}", bytes >> shift),
    )
}
