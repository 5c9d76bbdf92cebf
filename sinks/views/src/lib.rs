//! Views for readers: Redis and an embedded store behind one trait, with a fence.
//!
//! Writers and readers meet in the forms of [`model::view`] (`docs/views.md`). A [`ViewStore`]
//! exchanges the marker of a shard and applies absolute commands in one atomic [`Call`]; [`decide`]
//! holds every decision as a pure function; a [`ViewWriter`] carries them out for a job.
//!
//! ```
//! use model::Epoch;
//! use model::view::{Origin, ViewKey};
//! use views::{Need, SqliteStore, ViewChange, ViewReader, ViewWriter};
//! # struct Job;
//! # impl views::Host for Job {
//! #     fn newest_generation(&mut self) -> Result<u64, views::HostError> { Ok(1) }
//! #     fn wait(&mut self, _: &views::ViewError, _: u32) -> bool { false }
//! # }
//! # let folder = tempfile::tempdir()?;
//! let file = folder.path().join("views.sqlite");
//! let origin = Origin { code: "c0de".into(), ruleset: "ab12".into() };
//! let mut writer = ViewWriter::new(SqliteStore::open(&file)?, Job, 1, origin);
//!
//! assert_eq!(writer.need()?, Need::Rewrite { at_least: None, keep_equal: false });
//! writer.rewrite(Epoch(10), [ViewChange::likes("target", Epoch(10), Some(3))])?;
//! writer.write(Epoch(10), Epoch(12), vec![ViewChange::likes("target", Epoch(11), Some(4))])?;
//!
//! let mut reader = SqliteStore::open_read_only(&file)?;
//! let reading = reader.get(&ViewKey::likes("target"))?;
//! assert_eq!(reading.marker.and_then(|marker| marker.as_of), Some(Epoch(12)));
//! assert_eq!(reading.value.map(|value| value.changed_at), Some(Epoch(11)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod call;
mod change;
pub mod decide;
mod error;
mod redis;
pub mod scrub;
mod sqlite;
mod store;
mod writer;

pub use call::{Answer, COMMANDS_MAX, Call, Command};
pub use change::ViewChange;
pub use decide::{Need, Step};
pub use error::{Denial, ViewError};
pub use redis::{
    RedisConfig, RedisFacts, RedisReader, RedisStore, RedisUrl, RedisUrlError, SentinelConfig,
    sentinel_address,
};
pub use scrub::{Damage, ListOrder, PayloadHash, Region};
pub use sqlite::{SqliteReader, SqliteStore};
pub use store::{Claim, Cursor, Page, Reading, Snapshot, Stray, ViewReader, ViewStore};
pub use writer::{Host, HostError, Probed, ViewWriter, Written};
