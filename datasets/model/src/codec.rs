//! The small pieces of the binary forms: varints, zigzag integers and length-prefixed bytes.

use thiserror::Error;

/// Why stored bytes could not be read: they are not what this version of the program writes.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// The bytes end too soon.
    #[error("read {what}: the bytes end too soon")]
    Truncated {
        /// What was being read.
        what: &'static str,
    },
    /// The bytes say something that cannot be.
    #[error("read {what}: {problem}")]
    Invalid {
        /// What was being read.
        what: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A form that this program does not know.
    #[error("read {what}: version {version} is unknown")]
    UnknownVersion {
        /// What was being read.
        what: &'static str,
        /// The version found.
        version: u8,
    },
}

/// Appends `value` in groups of seven bits, lowest first.
pub(crate) fn put_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// Appends a signed `value`, small magnitudes short.
pub(crate) fn put_zigzag(bytes: &mut Vec<u8>, value: i64) {
    put_varint(bytes, ((value << 1) ^ (value >> 63)) as u64);
}

/// Appends the length of `part` and `part`.
pub(crate) fn put_bytes(bytes: &mut Vec<u8>, part: &[u8]) {
    put_varint(bytes, part.len() as u64);
    bytes.extend_from_slice(part);
}

/// Reads the pieces back, in the order in which they were written. `what` names the whole in errors.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    what: &'static str,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(what: &'static str, bytes: &'a [u8]) -> Self {
        Self { bytes, what }
    }

    /// A reader of bytes that begin with the version `known`.
    pub(crate) fn versioned(
        what: &'static str,
        bytes: &'a [u8],
        known: u8,
    ) -> Result<Self, DecodeError> {
        let mut reader = Self::new(what, bytes);
        match reader.byte()? {
            version if version == known => Ok(reader),
            version => Err(DecodeError::UnknownVersion { what, version }),
        }
    }

    pub(crate) fn byte(&mut self) -> Result<u8, DecodeError> {
        let (&first, rest) = self.bytes.split_first().ok_or_else(|| self.truncated())?;
        self.bytes = rest;
        Ok(first)
    }

    pub(crate) fn varint(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let group = u64::from(byte & 0x7f);
            if shift == 63 && group > 1 {
                return Err(self.invalid("a varint exceeds 64 bits"));
            }
            value |= group << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.invalid("a varint exceeds 64 bits"))
    }

    pub(crate) fn zigzag(&mut self) -> Result<i64, DecodeError> {
        let value = self.varint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    pub(crate) fn number<N: TryFrom<i64>>(&mut self) -> Result<N, DecodeError> {
        N::try_from(self.zigzag()?).map_err(|_| self.invalid("a number is out of range"))
    }

    pub(crate) fn length(&mut self) -> Result<usize, DecodeError> {
        usize::try_from(self.varint()?).map_err(|_| self.invalid("a length is out of range"))
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = self.length()?;
        let (part, rest) = self
            .bytes
            .split_at_checked(length)
            .ok_or_else(|| self.truncated())?;
        self.bytes = rest;
        Ok(part)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, DecodeError> {
        let bytes = self.bytes()?;
        simdutf8::basic::from_utf8(bytes).map_err(|_| self.invalid("a text is not UTF-8"))
    }

    /// What has not been read.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    /// Checks that everything has been read.
    pub(crate) fn end(self) -> Result<(), DecodeError> {
        if self.bytes.is_empty() {
            Ok(())
        } else {
            Err(self.invalid("bytes are left over"))
        }
    }

    pub(crate) fn invalid(&self, problem: &'static str) -> DecodeError {
        DecodeError::Invalid {
            what: self.what,
            problem,
        }
    }

    fn truncated(&self) -> DecodeError {
        DecodeError::Truncated { what: self.what }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_is_read_back() {
        let numbers = [0, 1, -1, 63, -64, 64, 127, 128, 300, i64::MAX, i64::MIN];
        let mut bytes = vec![1];
        for number in numbers {
            put_zigzag(&mut bytes, number);
        }
        put_varint(&mut bytes, u64::MAX);
        put_bytes(&mut bytes, "모자".as_bytes());

        let mut reader = Reader::versioned("a test", &bytes, 1).unwrap();
        for number in numbers {
            assert_eq!(reader.zigzag(), Ok(number));
        }
        assert_eq!(reader.varint(), Ok(u64::MAX));
        assert_eq!(reader.text(), Ok("모자"));
        assert_eq!(reader.end(), Ok(()));
    }

    #[test]
    fn broken_bytes_are_an_error_that_names_them() {
        let read = |bytes: &[u8]| Reader::new("a test", bytes).bytes().map(<[u8]>::len);

        assert_eq!(
            read(&[5, 1]).unwrap_err().to_string(),
            "read a test: the bytes end too soon"
        );
        assert!(read(&[0xff; 11]).is_err());
        assert!(Reader::versioned("a test", &[2], 1).is_err());
    }
}
