//! A value with the epoch of its last change: `changed_at`, a space, the payload.

use crate::Epoch;
use crate::view::ViewFormError;

/// A value as a store holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamped<P> {
    /// The epoch at which the payload last changed, or the target of the rewrite that wrote it.
    pub changed_at: Epoch,
    /// What the value says.
    pub payload: P,
}

impl<P: AsRef<[u8]>> Stamped<P> {
    /// The stored bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let payload = self.payload.as_ref();
        let mut bytes = Vec::with_capacity(payload.len() + 16);
        bytes.extend_from_slice(self.changed_at.to_string().as_bytes());
        bytes.push(b' ');
        bytes.extend_from_slice(payload);
        bytes
    }
}

impl<'a> Stamped<&'a [u8]> {
    /// Takes stored bytes apart.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ViewFormError> {
        let end = memchr::memchr(b' ', bytes).ok_or(ViewFormError::ChangedAt)?;
        let digits = std::str::from_utf8(&bytes[..end]).ok();
        let changed_at = digits.and_then(|digits| digits.parse().ok());
        Ok(Self {
            changed_at: Epoch(changed_at.ok_or(ViewFormError::ChangedAt)?),
            payload: &bytes[end + 1..],
        })
    }

    /// The same, on its own.
    #[must_use]
    pub fn into_owned(self) -> Stamped<Vec<u8>> {
        Stamped {
            changed_at: self.changed_at,
            payload: self.payload.to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_comes_back_as_it_was_stamped() {
        let stamped = Stamped {
            changed_at: Epoch(17),
            payload: &b"a b\n"[..],
        };

        assert_eq!(Stamped::parse(&stamped.to_bytes()).unwrap(), stamped);
        assert!(Stamped::parse(b"17").is_err());
        assert!(Stamped::parse(b"x 17").is_err());
    }
}
