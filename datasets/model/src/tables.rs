//! The tables: one specification a relation, and builders that turn rows into Arrow batches.

pub mod input;
pub mod likes;
pub mod logs;
pub mod spec;
pub mod text;
pub mod valuations;

pub use input::{InputColumns, InputRows};
pub use likes::{LikeCountNowRows, LikeCountRows, LikeRows};
pub use logs::{AccountingRows, RejectedRows};
pub use spec::{Column, Kind, Relation, TableSpec};
pub use valuations::{
    CharacterNowRows, CharacterRows, ItemRows, PresetRows, ValuationRows, changes,
};
