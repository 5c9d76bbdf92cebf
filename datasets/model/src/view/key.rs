//! Names: what is viewed, and where a shard of a job keeps it.

use std::sync::Arc;

use thiserror::Error;

/// What a value is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The valuation of a character's equipment; the id is its ocid.
    Character,
    /// How many accounts like a character; the id is the target's ocid.
    Likes,
}

impl Kind {
    /// All kinds, in the order in which a store is listed.
    pub const ALL: [Self; 2] = [Self::Character, Self::Likes];

    /// The name on the command line and in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Character => "character",
            Self::Likes => "likes",
        }
    }

    /// Hexadecimal digits of a bucket's number. Characters are large and few to a bucket at any
    /// width; counts are small, and stay in Redis' packed form while a bucket has at most 128
    /// (18 million in 16^5 buckets: 17 each).
    #[must_use]
    pub fn bucket_digits(self) -> usize {
        match self {
            Self::Character => 4,
            Self::Likes => 5,
        }
    }

    /// Number of buckets.
    #[must_use]
    pub fn buckets(self) -> u32 {
        1 << (4 * self.bucket_digits())
    }

    /// Number of the bucket of `id`: the first digits of its SHA-1, the one digest that Redis' own
    /// scripts, shells and every language have at hand. In `0..self.buckets()`.
    #[must_use]
    pub fn bucket_of(self, id: &str) -> u32 {
        let digest = sha1_smol::Sha1::from(id.as_bytes()).digest().bytes();
        let head = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
        head >> (32 - 4 * self.bucket_digits())
    }

    /// The letter in a bucket's key.
    fn letter(self) -> char {
        match self {
            Self::Character => 'c',
            Self::Likes => 'l',
        }
    }
}

/// One value's name: kind and id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ViewKey {
    /// What the value is about.
    pub kind: Kind,
    /// The ocid, exactly as in the events.
    pub id: Arc<str>,
}

impl ViewKey {
    /// A character's valuation.
    #[must_use]
    pub fn character(ocid: impl Into<Arc<str>>) -> Self {
        Self {
            kind: Kind::Character,
            id: ocid.into(),
        }
    }

    /// A target's likes.
    #[must_use]
    pub fn likes(target: impl Into<Arc<str>>) -> Self {
        Self {
            kind: Kind::Likes,
            id: target.into(),
        }
    }

    /// Number of the bucket: that [of the id](Kind::bucket_of).
    #[must_use]
    pub fn bucket(&self) -> u32 {
        self.kind.bucket_of(&self.id)
    }
}

/// The Redis keys of one shard of a job; all of them have the hash tag `{job:shard}`, so that they
/// lie in one slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardKeys {
    tag: String,
}

/// A job name that cannot stand in a key.
#[derive(Debug, Error)]
#[error("job name {0:?} must have 1 to 64 of the characters a-z A-Z 0-9 . _ -")]
pub struct ShardNameError(pub String);

impl ShardKeys {
    /// The keys of `shard` (0 unless a job has several) of `job`.
    pub fn new(job: &str, shard: u32) -> Result<Self, ShardNameError> {
        let fits = (1..=64).contains(&job.len())
            && job
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        if fits {
            Ok(Self {
                tag: format!("{{{job}:{shard}}}"),
            })
        } else {
            Err(ShardNameError(job.to_owned()))
        }
    }

    /// The string key of the marker.
    #[must_use]
    pub fn marker(&self) -> String {
        format!("{}:marker", self.tag)
    }

    /// The hash key of a bucket; its fields are ids.
    #[must_use]
    pub fn bucket(&self, kind: Kind, bucket: u32) -> String {
        let (tag, letter, width) = (&self.tag, kind.letter(), kind.bucket_digits());
        format!("{tag}:{letter}:{bucket:0width$x}")
    }

    /// The hash key that holds `key`.
    #[must_use]
    pub fn of(&self, key: &ViewKey) -> String {
        self.bucket(key.kind, key.bucket())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_lies_in_the_bucket_that_sha1sum_says() {
        // printf %s 3b7c1f | sha1sum
        let keys = ShardKeys::new("mesoflow", 0).unwrap();

        assert_eq!(
            keys.of(&ViewKey::character("3b7c1f")),
            "{mesoflow:0}:c:55c3"
        );
        assert_eq!(keys.of(&ViewKey::likes("3b7c1f")), "{mesoflow:0}:l:55c3f");
        assert_eq!(keys.marker(), "{mesoflow:0}:marker");
    }

    #[test]
    fn a_job_name_that_would_move_the_hash_tag_is_refused() {
        for name in ["", "a}b", "a b", "가", &"x".repeat(65)] {
            assert!(ShardKeys::new(name, 0).is_err(), "{name:?}");
        }
    }
}
