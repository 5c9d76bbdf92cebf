//! Why a command failed, what to do about it, and the exit code that says so.

use std::fmt;
use std::process::ExitCode;

use anyhow::{Error, Result};

/// A request that cannot be carried out as it was made: exit code 2, where a failure has 1.
/// A mark in a chain of causes; it says nothing itself.
#[derive(Debug)]
pub(crate) struct WrongRequest;

/// What to do about an error. A mark in a chain of causes, shown behind all of them.
#[derive(Debug)]
struct Advice(String);

impl fmt::Display for WrongRequest {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

/// Marks errors for whoever reads them.
pub(crate) trait Failed<T> {
    /// What to do about it: an imperative, without a full stop.
    fn advise(self, advice: impl Into<String>) -> Result<T>;

    /// The request was wrong, nothing failed.
    fn wrong(self) -> Result<T>;
}

impl<T, E: Into<Error>> Failed<T> for std::result::Result<T, E> {
    fn advise(self, advice: impl Into<String>) -> Result<T> {
        self.map_err(|error| error.into().context(Advice(advice.into())))
    }

    fn wrong(self) -> Result<T> {
        self.map_err(|error| error.into().context(WrongRequest))
    }
}

/// The error in the form `what: cause: cause`, and what to do on a line of its own.
pub(crate) fn described(error: &Error) -> String {
    let mut text = causes(error);
    if let Some(advice) = advice(error) {
        text.push_str("\nto do: ");
        text.push_str(advice);
    }
    text
}

/// The error in the form `what: cause: cause`.
pub(crate) fn causes(error: &Error) -> String {
    joined(error.chain().map(ToString::to_string))
}

/// What to do about it.
pub(crate) fn advice(error: &Error) -> Option<&str> {
    let Advice(advice) = error.downcast_ref()?;
    Some(advice)
}

/// What an error and its causes say, one behind the other.
pub(crate) fn joined(chain: impl Iterator<Item = String>) -> String {
    let mut parts: Vec<String> = Vec::new();
    for part in chain {
        // Marks say nothing, and a message may already end with its cause.
        if !part.is_empty() && !parts.last().is_some_and(|above| above.ends_with(&part)) {
            parts.push(part);
        }
    }
    parts.join(": ")
}

/// 2 for a wrong request, else 1.
pub(crate) fn exit_code(error: &Error) -> ExitCode {
    let wrong = error.downcast_ref::<WrongRequest>().is_some();
    ExitCode::from(if wrong { 2 } else { 1 })
}

#[cfg(test)]
mod tests {
    use anyhow::{Context as _, anyhow};

    use super::*;

    #[test]
    fn an_error_says_what_where_why_and_what_to_do() {
        let error = Err::<(), _>(anyhow!("No such file"))
            .context("read job.toml")
            .advise("name a job file")
            .wrong()
            .unwrap_err();

        assert_eq!(
            described(&error),
            "read job.toml: No such file\nto do: name a job file"
        );
        assert_eq!(exit_code(&error), ExitCode::from(2));
    }

    #[test]
    fn a_message_that_ends_with_its_cause_does_not_say_it_twice() {
        let error = anyhow!("row 7").context("job.toml is no job file: row 7");

        assert_eq!(described(&error), "job.toml is no job file: row 7");
        assert_eq!(exit_code(&error), ExitCode::from(1));
    }
}
