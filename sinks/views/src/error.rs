//! Why a view store did not do what it was asked, and whether asking again is any use.

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
    #[error(
        "write {key} in the view store {store}: the key holds another type; delete or rename it"
    )]
    WrongType { store: String, key: String },
    #[error("open the view store {store}")]
    Open { store: String, source: Cause },
    #[error("read the marker of the view store {store}")]
    Marker { store: String, source: MarkerError },
    #[error("read {} {}", key.kind.name(), key.id)]
    Form { key: ViewKey, source: ViewFormError },
    #[error("write views as generation {own}: generation {newest} of the job is newer")]
    Fenced { own: u64, newest: u64 },
    #[error("ask for the newest generation of the job")]
    Generation { source: Cause },
    #[error("write views of epoch {to} from epoch {from}, where the store needs {need}")]
    OutOfStep {
        from: Epoch,
        to: Epoch,
        need: String,
    },
    #[error("stop waiting for the view store")]
    GaveUp { source: Box<ViewError> },
}

impl ViewError {
    /// Whether the same call may succeed later; if so, it must be repeated identically until it is
    /// answered, because it may have taken effect.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unanswered { .. } | Self::Generation { .. } => true,
            Self::Refused { .. }
            | Self::WrongType { .. }
            | Self::Open { .. }
            | Self::Marker { .. }
            | Self::Form { .. }
            | Self::Fenced { .. }
            | Self::OutOfStep { .. }
            | Self::GaveUp { .. } => false,
        }
    }
}
