//! The identity of an event.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A UUID of any version, as its 16 bytes: equal whatever the case it was written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(pub [u8; 16]);

impl EventId {
    /// Reads the form `8-4-4-4-12` of hexadecimal digits, and no other.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text: &[u8; 36] = text.try_into().ok()?;
        let dashes = text[8] == b'-' && text[13] == b'-' && text[18] == b'-' && text[23] == b'-';
        let mut bytes = [0; 16];
        let mut wrong = 0;
        for (byte, at) in bytes.iter_mut().zip(DIGIT_PAIRS) {
            let (high, low) = (HEX[usize::from(text[at])], HEX[usize::from(text[at + 1])]);
            wrong |= high | low;
            *byte = high << 4 | (low & 0xf);
        }
        (dashes && wrong & 0xf0 == 0).then_some(Self(bytes))
    }
}

/// Where the 16 pairs of digits begin.
const DIGIT_PAIRS: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];

/// The value of each hexadecimal digit; 0xff for every other byte.
const HEX: [u8; 256] = {
    let mut table = [0xff; 256];
    let mut value = 0;
    while value < 16 {
        table[b"0123456789abcdef"[value] as usize] = value as u8;
        table[b"0123456789ABCDEF"[value] as usize] = value as u8;
        value += 1;
    }
    table
};

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_same_in_either_case() {
        let lower = EventId::parse(b"0191d5a0-7f3a-7c51-9c1e-2b7c5a0f9d11").unwrap();

        assert_eq!(
            EventId::parse(b"0191D5A0-7F3A-7C51-9C1E-2B7C5A0F9D11"),
            Some(lower)
        );
        assert_eq!(lower.to_string(), "0191d5a0-7f3a-7c51-9c1e-2b7c5a0f9d11");
    }

    #[test]
    fn only_the_form_with_four_dashes_is_an_id() {
        for text in [
            "",
            "x",
            "0191d5a07f3a7c519c1e2b7c5a0f9d11",
            "{0191d5a0-7f3a-7c51-9c1e-2b7c5a0f9d1}",
            "0191d5a0-7f3a-7c51-9c1e-2b7c5a0f9d1g",
            "0191d5a0-7f3a-7c51-9c1e-2b7c5a0f9d111",
            "0191d5a07-f3a-7c51-9c1e-2b7c5a0f9d11",
        ] {
            assert_eq!(EventId::parse(text.as_bytes()), None, "{text}");
        }
    }
}
