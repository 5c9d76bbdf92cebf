//! What readers find in the views: keys, fields, values and the marker (`docs/views.md`).
//!
//! A shard of a job has one [`Marker`] and, by kind, buckets of values. A bucket is a hash whose
//! fields are ids: small values share one key's overhead, and because all bucket names are known
//! beforehand, what a store holds can be listed exactly, piece by piece. Each value starts with
//! `changed_at`; the marker alone says of which epoch all of them are true.

mod breakdown;
pub mod character;
mod item_row;
mod json;
pub mod key;
pub mod likes;
pub mod marker;
pub mod stamped;

pub use character::{CharacterEncoder, CharacterView, ItemView, PresetView};
pub use key::{Kind, ShardKeys, ShardNameError, ViewKey};
pub use marker::{Marker, MarkerError, Origin, Progress, ProgressKind};
pub use stamped::Stamped;

use thiserror::Error;

/// A value that is not in the form of `docs/views.md`.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the messages document the variants")]
pub enum ViewFormError {
    #[error("read changed_at before the first space of a view value")]
    ChangedAt,
    #[error("read a like count")]
    Likes,
    #[error("find the line end between the totals and the breakdown of a character")]
    Breakdown,
    #[error("inflate the breakdown of a character")]
    Inflate { source: std::io::Error },
    #[error("parse the {part} of a character")]
    Json {
        part: &'static str,
        source: serde_json::Error,
    },
    #[error("read {what} of a character")]
    Shape { what: &'static str },
}
