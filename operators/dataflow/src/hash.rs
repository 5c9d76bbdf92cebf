//! One hash for tables and for the way between workers, the same in every process.

use std::hash::{Hash, Hasher};

use rustc_hash::FxHasher;

/// Hash of anything hashable.
pub(crate) fn hash_of(value: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = FxHasher::default();
    value.hash(&mut hasher);
    hasher.finish()
}

/// Hash of bytes within `context`.
pub(crate) fn hash_bytes(context: u32, bytes: &[u8]) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write_u32(context);
    hasher.write(bytes);
    hasher.finish()
}

/// The worker that holds a document or a count by its key, of so many: given to it, nothing has to be exchanged.
#[must_use]
pub fn home(key: &str, workers: usize) -> usize {
    let workers = workers.max(1) as u64;
    (route(hash_bytes(0, key.as_bytes())) % workers) as usize
}

/// Where a hash goes among workers: bits that the workers' own tables do not look at.
pub(crate) fn route(hash: u64) -> u64 {
    (hash >> 32) & 0xff_ffff
}
