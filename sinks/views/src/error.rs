//! Why a view store did not do what it was asked, and whether asking again is any use.

use connection::TlsProblem;
use model::Epoch;
use model::view::{MarkerError, ViewFormError, ViewKey};
use thiserror::Error;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a view was not written or read.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the messages document the variants")]
pub enum ViewError {
    #[error("{doing} in the view store {store}: no answer")]
    Unanswered {
        doing: &'static str,
        store: String,
        source: Cause,
    },
    #[error("{doing} in the view store {store}: refused")]
    Refused {
        doing: &'static str,
        store: String,
        source: Cause,
    },
    #[error("{doing} in the view store {store}: {denial}")]
    Denied {
        doing: &'static str,
        store: String,
        denial: Denial,
        source: Cause,
    },
    #[error("{doing} in the view store {store}: {problem}")]
    Tls {
        doing: &'static str,
        store: String,
        problem: TlsProblem,
        source: Cause,
    },
    #[error("use {key} in the view store {store}: it holds another type; delete or rename it")]
    WrongType { store: String, key: String },
    #[error(
        "use {key} in the view store {store}: it holds bytes that are not UTF-8, which no view \
         writer wrote; delete it"
    )]
    NotText { store: String, key: String },
    #[error("open the view store {store}")]
    Open { store: String, source: Cause },
    #[error("read the marker of the view store {store}")]
    Marker { store: String, source: MarkerError },
    #[error("read {} {} in the view store {store}", key.kind.name(), key.id)]
    Form {
        store: String,
        key: ViewKey,
        source: ViewFormError,
    },
    #[error(
        "write views as generation {own} to the view store {store}: generation {newest} of the job \
         is newer; leave it to that one"
    )]
    Fenced {
        store: String,
        own: u64,
        newest: u64,
    },
    #[error("ask for the newest generation of the job")]
    Generation { source: Cause },
    #[error(
        "write to the view store {store} from epoch {from} to {to}: it needs {need}; ask for the \
         need before each write"
    )]
    OutOfStep {
        store: String,
        from: Epoch,
        to: Epoch,
        need: String,
    },
    #[error("wait for the view store {store}: told to give up; the next writer finishes the write")]
    GaveUp {
        store: String,
        source: Box<ViewError>,
    },
    #[error("write to the view store {store}: told to end; the next writer finishes the write")]
    Abandoned { store: String },
}

/// For what a view store refuses this client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// User or password are not those of the store, or missing.
    Login,
    /// The user lacks a right.
    Right,
}

impl std::fmt::Display for Denial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Login => "user or password is wrong",
            Self::Right => "the user lacks a right",
        })
    }
}

impl ViewError {
    /// Whether the same call may succeed later; if so, it must be repeated identically until it is
    /// answered, because it may have taken effect.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unanswered { .. } | Self::Tls { .. } | Self::Generation { .. } => true,
            Self::Refused { .. }
            | Self::Denied { .. }
            | Self::WrongType { .. }
            | Self::NotText { .. }
            | Self::Open { .. }
            | Self::Marker { .. }
            | Self::Form { .. }
            | Self::Fenced { .. }
            | Self::OutOfStep { .. }
            | Self::GaveUp { .. }
            | Self::Abandoned { .. } => false,
        }
    }
}
