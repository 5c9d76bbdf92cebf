//! What must come out, by the generator's own model, and what views and tables say: as drills have it, for a bench's world.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use model::view::ShardKeys;
use views::RedisReader;

use drill::answer;
pub(crate) use drill::answer::Answer;

use crate::world::{World, redis_url};

/// Where a bench's job keeps its tables.
fn data(folder: &Path) -> PathBuf {
    folder.join("data")
}

/// One pass over what the generator says it sent.
pub(crate) fn right(world: &World) -> Result<Answer> {
    Answer::right(&world.generator, &world.oracle)
}

/// What Redis says, key by key.
pub(crate) fn of_redis(job: &str) -> Result<Answer> {
    Answer::of_views(&mut redis_reader(job)?)
}

/// What the tables of changes add up to.
pub(crate) fn of_tables(folder: &Path) -> Result<Answer> {
    Answer::of_tables(&data(folder))
}

/// A reader of the views of a job.
pub(crate) fn redis_reader(job: &str) -> Result<RedisReader> {
    let keys = ShardKeys::new(job, 0)?;
    Ok(RedisReader::new(
        &redis_url()?,
        keys,
        Duration::from_secs(10),
    )?)
}

/// Number of pairs that the table of likes holds, and the sum of their hashes.
pub(crate) fn pairs_of_table(folder: &Path) -> Result<(i64, u64)> {
    answer::pairs_of_table(&data(folder))
}

/// The same of the pairs that must be there.
pub(crate) fn right_pairs(world: &World) -> (i64, u64) {
    answer::right_pairs(&world.generator, &world.oracle)
}

/// Read, applied, unchanged, duplicate, superseded and rejected records by the table of accounting.
pub(crate) fn accounting_of_table(folder: &Path) -> Result<[u64; 6]> {
    answer::accounting_of_table(&data(folder))
}

/// The same by the generator's model.
pub(crate) fn right_accounting(world: &World) -> [u64; 6] {
    answer::right_accounting(&world.oracle)
}

/// The epochs of the table of accounting: epoch, partition as `topic/partition`, next offset.
pub(crate) fn cuts_of_table(folder: &Path) -> Result<Vec<(i64, String, i64)>> {
    answer::cuts_of_table(&data(folder))
}
