//! Hashes for the tables in memory: fast, and seeded by the process, so that no message can be made to
//! collide. They never leave the process and nothing depends on their values.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

static SEEDS: LazyLock<[u64; 3]> =
    LazyLock::new(|| [1, 2, 3].map(|n| RandomState::new().hash_one(n)));

/// The process's hash function.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hashing {
    seeds: [u64; 3],
}

impl Default for Hashing {
    fn default() -> Self {
        Self { seeds: *SEEDS }
    }
}

impl Hashing {
    /// The hash of some bytes.
    #[inline]
    pub(crate) fn bytes(&self, bytes: &[u8]) -> u64 {
        let (chunks, rest) = bytes.as_chunks::<16>();
        let mut hash = self.seeds[0] ^ bytes.len() as u64;
        for chunk in chunks {
            hash = self.mix(hash, u128::from_le_bytes(*chunk));
        }
        if !rest.is_empty() {
            let mut chunk = [0; 16];
            chunk[..rest.len()].copy_from_slice(rest);
            hash = self.mix(hash, u128::from_le_bytes(chunk));
        }
        folded(hash, self.seeds[2])
    }

    /// The hash of 16 bytes and a number.
    #[inline]
    pub(crate) fn block(&self, block: u128, number: u32) -> u64 {
        folded(
            self.mix(self.seeds[0] ^ u64::from(number), block),
            self.seeds[2],
        )
    }

    /// The hash of two numbers.
    #[inline]
    pub(crate) fn pair(&self, first: u32, second: u32) -> u64 {
        let pair = u64::from(first) << 32 | u64::from(second);
        folded(folded(pair ^ self.seeds[0], self.seeds[1]), self.seeds[2])
    }

    #[inline(always)]
    fn mix(&self, hash: u64, block: u128) -> u64 {
        folded(block as u64 ^ hash, (block >> 64) as u64 ^ self.seeds[1])
    }
}

/// The two halves of the product, over each other.
#[inline(always)]
fn folded(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn like_inputs_spread() {
        let hashing = Hashing::default();
        let bytes: BTreeSet<u64> = (0..10_000)
            .map(|n| hashing.bytes(format!("ocid-{n}").as_bytes()))
            .collect();
        let blocks: BTreeSet<u64> = (0..10_000).map(|n| hashing.block(n, 7)).collect();
        let pairs: BTreeSet<u64> = (0..10_000)
            .map(|n| hashing.pair(n % 100, n / 100))
            .collect();
        for hashes in [bytes, blocks, pairs] {
            assert_eq!(hashes.len(), 10_000);
            for bits in [0, 57] {
                let used: BTreeSet<u64> = hashes.iter().map(|hash| hash >> bits & 0x7f).collect();
                assert_eq!(used.len(), 128);
            }
        }
    }

    #[test]
    fn a_longer_input_is_another_one() {
        let hashing = Hashing::default();
        assert_ne!(hashing.bytes(b"a"), hashing.bytes(b"a\0"));
        assert_ne!(hashing.bytes(b""), hashing.bytes(b"\0"));
    }
}
