//! What happens at which point: the text form of a plan.

use std::fmt;
use std::io;
use std::time::Duration;

use thiserror::Error;

use crate::points;

/// What happens at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Act {
    /// The process dies as by `kill -9`.
    Crash,
    /// The process is stopped (SIGSTOP) until someone lets it go on (SIGCONT).
    Stop,
    /// The thread waits.
    Delay(Duration),
    /// The operation fails with an error of this kind.
    Fail(io::ErrorKind),
    /// Nothing: it is written down that the point was passed.
    Count,
}

/// Why a plan cannot be followed.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the messages document the variants")]
pub enum PlanError {
    #[error("{entry:?} is no entry of a failpoint plan: expected POINT=ACT or POINT=ACT@PASSING")]
    Entry { entry: String },
    #[error("there is no failpoint {name:?}; `mesoflow drill --failpoints` lists them")]
    Unknown { name: String },
    #[error(
        "{act:?} is nothing that happens at a failpoint: expected crash, stop, delay(MILLISECONDS), fail(full), \
         fail(io) or count"
    )]
    Act { act: String },
    #[error(
        "{when:?} is no passing of a failpoint: expected a number from 1, with + for all after it"
    )]
    When { when: String },
    #[error("the operation at failpoint {name} cannot fail: expected crash, stop, delay or count")]
    Infallible { name: String },
    #[error("the failpoints of this process are armed already")]
    Armed,
    #[error("open the log of the failpoints")]
    Log(#[source] io::Error),
}

/// A plan.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) entries: Vec<Entry>,
}

/// What happens at one point.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The point; all if none is named.
    pub(crate) point: Option<String>,
    pub(crate) act: Act,
    pub(crate) when: When,
}

/// At which passing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Only(u64),
    From(u64),
}

impl When {
    pub(crate) fn holds(self, passing: u64) -> bool {
        match self {
            Self::Only(at) => passing == at,
            Self::From(at) => passing >= at,
        }
    }
}

impl Plan {
    pub(crate) fn parse(text: &str) -> Result<Self, PlanError> {
        let entries = text
            .split(';')
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
            .map(entry)
            .collect::<Result<_, _>>()?;
        Ok(Self { entries })
    }
}

fn entry(text: &str) -> Result<Entry, PlanError> {
    let Some((name, rest)) = text.split_once('=') else {
        return Err(PlanError::Entry {
            entry: text.to_owned(),
        });
    };
    let (act_text, when) = match rest.split_once('@') {
        Some((act, when)) => (act, passing(when)?),
        None => (rest, When::From(1)),
    };
    let act = act(act_text)?;
    if name == "*" && act == Act::Count {
        let point = None;
        return Ok(Entry { point, act, when });
    }
    let Some(point) = points::named(name) else {
        return Err(PlanError::Unknown {
            name: name.to_owned(),
        });
    };
    if matches!(act, Act::Fail(_)) && !point.is_fallible() {
        return Err(PlanError::Infallible {
            name: name.to_owned(),
        });
    }
    let point = Some(name.to_owned());
    Ok(Entry { point, act, when })
}

fn passing(text: &str) -> Result<When, PlanError> {
    let (digits, make): (_, fn(u64) -> When) = match text.strip_suffix('+') {
        Some(digits) => (digits, When::From),
        None => (text, When::Only),
    };
    match digits.parse() {
        Ok(at) if at > 0 => Ok(make(at)),
        _ => Err(PlanError::When {
            when: text.to_owned(),
        }),
    }
}

fn act(text: &str) -> Result<Act, PlanError> {
    let delay = |text: &str| {
        let millis = text.strip_prefix("delay(")?.strip_suffix(')')?;
        Some(Act::Delay(Duration::from_millis(millis.parse().ok()?)))
    };
    match text {
        "crash" => Ok(Act::Crash),
        "stop" => Ok(Act::Stop),
        "fail(full)" => Ok(Act::Fail(io::ErrorKind::StorageFull)),
        "fail(io)" => Ok(Act::Fail(io::ErrorKind::Other)),
        "count" => Ok(Act::Count),
        other => delay(other).ok_or_else(|| PlanError::Act {
            act: other.to_owned(),
        }),
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Crash => f.write_str("crash"),
            Self::Stop => f.write_str("stop"),
            Self::Delay(time) => write!(f, "delay({})", time.as_millis()),
            Self::Fail(io::ErrorKind::StorageFull) => f.write_str("fail(full)"),
            Self::Fail(_) => f.write_str("fail(io)"),
            Self::Count => f.write_str("count"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(text: &str) -> Entry {
        let mut plan = Plan::parse(text).unwrap();
        assert_eq!(plan.entries.len(), 1);
        plan.entries.remove(0)
    }

    #[test]
    fn a_plan_names_points_acts_and_passings() {
        let plan =
            Plan::parse("binding.synced=crash@3; call.answered=delay(200)@5+;commit.put=stop")
                .unwrap();
        let told: Vec<_> = plan
            .entries
            .iter()
            .map(|entry| (entry.point.as_deref().unwrap(), entry.act, entry.when))
            .collect();
        let delay = Act::Delay(Duration::from_millis(200));
        assert_eq!(
            told,
            [
                ("binding.synced", Act::Crash, When::Only(3)),
                ("call.answered", delay, When::From(5)),
                ("commit.put", Act::Stop, When::From(1)),
            ]
        );
        assert_eq!(only("*=count").point, None);
    }

    #[test]
    fn acts_are_written_as_they_are_read() {
        for text in [
            "crash",
            "stop",
            "delay(7)",
            "fail(full)",
            "fail(io)",
            "count",
        ] {
            assert_eq!(act(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_wrong_with_a_plan_is_said() {
        for (text, said) in [
            ("binding.synced", "is no entry"),
            ("binding.sunk=crash", "no failpoint \"binding.sunk\""),
            ("*=crash", "no failpoint \"*\""),
            ("binding.synced=burn", "\"burn\" is nothing"),
            ("binding.synced=delay(soon)", "\"delay(soon)\" is nothing"),
            ("binding.synced=crash@0", "\"0\" is no passing"),
            ("binding.synced=crash@x+", "\"x+\" is no passing"),
            ("released=fail(io)", "cannot fail"),
        ] {
            let error = Plan::parse(text).unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
