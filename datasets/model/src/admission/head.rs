//! The value of a row of kind head: what admission must remember of a key beside its state.

use crate::codec::{DecodeError, Reader, put_bytes, put_varint};

const VERSION: u8 = 1;
const WHAT: &str = "a head row";

/// The highest version accepted for a key, and the hash of its current document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Head<'a> {
    /// Not negative.
    pub(super) version: Option<i64>,
    pub(super) hash: Option<&'a str>,
}

impl<'a> Head<'a> {
    pub(super) fn put(&self, bytes: &mut Vec<u8>) {
        bytes.push(VERSION);
        put_varint(
            bytes,
            self.version
                .map_or(0, |version| version.cast_unsigned() + 1),
        );
        put_bytes(bytes, self.hash.unwrap_or_default().as_bytes());
    }

    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::versioned(WHAT, bytes, VERSION)?;
        let version = match reader.varint()?.checked_sub(1) {
            None => None,
            Some(version) => Some(
                i64::try_from(version)
                    .map_err(|_| reader.invalid("the version is out of range"))?,
            ),
        };
        // A hash is never empty, so an empty one stands for none.
        let hash = Some(reader.text()?).filter(|hash| !hash.is_empty());
        reader.end()?;
        Ok(Self { version, hash })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_back_as_it_was_put() {
        for head in [
            Head::default(),
            Head {
                version: Some(0),
                hash: None,
            },
            Head {
                version: Some(i64::MAX),
                hash: Some("sha256:00"),
            },
        ] {
            let mut bytes = Vec::new();
            head.put(&mut bytes);
            assert_eq!(Head::read(&bytes), Ok(head));
        }
    }
}
