//! The value of a row of kind head: what admission must remember of a key beside its state.

use crate::codec::{DecodeError, Reader, put_bytes, put_varint};

const VERSION: u8 = 1;
/// The version of a head with a place.
const PLACED: u8 = 2;
const WHAT: &str = "a head row";

/// The highest version accepted for a key, the hash of its current document, and the place of its newest record if
/// that one is a replay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Head<'a> {
    /// Not negative.
    pub(super) version: Option<i64>,
    pub(super) hash: Option<&'a str>,
    /// The offset that the record of this head replays.
    pub(super) place: Option<i64>,
}

impl<'a> Head<'a> {
    pub(super) fn put(&self, bytes: &mut Vec<u8>) {
        bytes.push(self.place.map_or(VERSION, |_| PLACED));
        put_varint(
            bytes,
            self.version
                .map_or(0, |version| version.cast_unsigned() + 1),
        );
        put_bytes(bytes, self.hash.unwrap_or_default().as_bytes());
        if let Some(place) = self.place {
            put_varint(bytes, place.cast_unsigned());
        }
    }

    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let is_placed = bytes.first() == Some(&PLACED);
        let known = if is_placed { PLACED } else { VERSION };
        let mut reader = Reader::versioned(WHAT, bytes, known)?;
        let version = match reader.varint()?.checked_sub(1) {
            None => None,
            Some(version) => Some(
                i64::try_from(version)
                    .map_err(|_| reader.invalid("the version is out of range"))?,
            ),
        };
        // A hash is never empty, so an empty one stands for none.
        let hash = Some(reader.text()?).filter(|hash| !hash.is_empty());
        let place = is_placed.then(|| reader.varint()).transpose()?;
        let place = place
            .map(i64::try_from)
            .transpose()
            .map_err(|_| reader.invalid("the place is out of range"))?;
        reader.end()?;
        Ok(Self {
            version,
            hash,
            place,
        })
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
                place: Some(0),
            },
            Head {
                version: Some(i64::MAX),
                hash: Some("sha256:00"),
                place: Some(i64::MAX),
            },
        ] {
            let mut bytes = Vec::new();
            head.put(&mut bytes);
            assert_eq!(Head::read(&bytes), Ok(head));
        }
    }
}
