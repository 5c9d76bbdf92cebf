//! The first member that is not what it must be. Reading goes on behind it, since a fault of the JSON
//! further on counts before it.

use crate::json::Checked;
use crate::reason::Rejection;

/// The first finding, if any.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    first: Option<Box<Rejection>>,
}

/// What was read, with the first finding. If there is one, what was read counts for nothing.
#[derive(Debug)]
pub(crate) struct Found<T> {
    pub(crate) value: T,
    pub(crate) findings: Findings,
}

impl Findings {
    /// One finding.
    pub(crate) fn of(fault: Box<Rejection>) -> Self {
        Self { first: Some(fault) }
    }

    /// Notes that there is no preset at all.
    pub(crate) fn missing_presets(&mut self, expected: &'static str) {
        self.add(Some(crate::fields::invalid(expected)));
    }

    /// Notes a finding at `member`, and goes on with the default.
    pub(crate) fn note<T: Default>(&mut self, member: &str, read: Checked<T>) -> T {
        match read {
            Ok(value) => value,
            Err(fault) => {
                self.add(Some(fault.within(member)));
                T::default()
            }
        }
    }

    /// Notes what was found further in, at the place that `place` leads to.
    pub(crate) fn inner(
        &mut self,
        inner: Self,
        place: impl FnOnce(Box<Rejection>) -> Box<Rejection>,
    ) {
        if let Some(fault) = inner.first {
            self.add(Some(place(fault)));
        }
    }

    fn add(&mut self, fault: Option<Box<Rejection>>) {
        self.first = self.first.take().or(fault);
    }

    /// The value together with these findings.
    pub(crate) fn with<T>(self, value: T) -> Found<T> {
        Found {
            value,
            findings: self,
        }
    }
}

impl<T> Found<T> {
    /// Whether nothing was found.
    pub(crate) fn is_sound(&self) -> bool {
        self.findings.first.is_none()
    }

    /// The same findings with another value.
    pub(crate) fn map<U>(self, map: impl FnOnce(T) -> U) -> Found<U> {
        Found {
            value: map(self.value),
            findings: self.findings,
        }
    }

    /// The value, if nothing was found.
    pub(crate) fn into_result(self) -> Checked<T> {
        self.findings.first.map_or(Ok(self.value), Err)
    }
}
