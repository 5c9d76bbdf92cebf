//! The marker of a shard: who writes it, of which epoch its values are true, and what is under way.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Epoch;

/// What values were computed with; where it changed, differences cannot be gone on by.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// Hash of graph and code.
    pub code: String,
    /// Hash of the ruleset.
    pub ruleset: String,
}

/// The marker of a shard. Its text is canonical: equal markers have equal bytes, so that a store
/// compares and exchanges it as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// The generation of the job that may write; the first member, which scripts read by pattern.
    pub generation: u64,
    /// Every value is true of an epoch at or after this one, and of exactly this one while
    /// `progress` is none; none before the first rewrite is done.
    pub as_of: Option<Epoch>,
    /// What the values at `as_of` were computed with.
    pub origin: Option<Origin>,
    /// The write of several calls that is under way.
    pub progress: Option<Progress>,
}

/// A write of several calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// What kind of write.
    pub state: ProgressKind,
    /// The epoch that the values will be true of.
    pub target: Epoch,
    /// What the new values are computed with.
    pub origin: Origin,
    /// New at each start of a write of several calls within a generation.
    pub attempt: u64,
    /// Number of calls applied.
    pub part: u32,
}

/// Kinds of writes of several calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProgressKind {
    /// Differences from `as_of` to the target.
    Writing,
    /// Every value at the target, then the deletes of what is not held there.
    Rewriting,
}

/// A marker that is not in the form of `docs/views.md`.
#[derive(Debug, Error)]
#[error("parse the marker {text:?}")]
pub struct MarkerError {
    /// What stood there.
    pub text: String,
    /// What is wrong with it.
    pub source: serde_json::Error,
}

impl Marker {
    /// The marker of a store that holds nothing which could be believed.
    #[must_use]
    pub fn empty(generation: u64) -> Self {
        Self {
            generation,
            as_of: None,
            origin: None,
            progress: None,
        }
    }

    /// The marker of a store whose values are all true of `epoch`.
    #[must_use]
    pub fn complete(generation: u64, epoch: Epoch, origin: Origin) -> Self {
        Self {
            generation,
            as_of: Some(epoch),
            origin: Some(origin),
            progress: None,
        }
    }

    /// The canonical text, one JSON object.
    #[must_use]
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).expect("a marker has only text keys and finite numbers")
    }

    /// Reads the text.
    pub fn parse(text: &str) -> Result<Self, MarkerError> {
        serde_json::from_str(text).map_err(|source| MarkerError {
            text: text.to_owned(),
            source,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_starts_with_the_generation_and_comes_back() {
        let origin = Origin {
            code: "c0de".into(),
            ruleset: "ab12".into(),
        };
        let marker = Marker {
            progress: Some(Progress {
                state: ProgressKind::Rewriting,
                target: Epoch(9),
                origin: origin.clone(),
                attempt: 1,
                part: 3,
            }),
            ..Marker::complete(2, Epoch(5), origin)
        };

        let text = marker.to_text();

        assert_eq!(
            text,
            r#"{"generation":2,"as_of":5,"origin":{"code":"c0de","ruleset":"ab12"},"progress":{"state":"rewriting","target":9,"origin":{"code":"c0de","ruleset":"ab12"},"attempt":1,"part":3}}"#
        );
        assert_eq!(Marker::parse(&text).unwrap(), marker);
        assert!(Marker::parse("7").is_err());
    }
}
