//! A like count: its decimal digits.

use crate::view::ViewFormError;

/// The payload for `count` accounts.
#[must_use]
pub fn encode(count: i64) -> Vec<u8> {
    count.to_string().into_bytes()
}

/// The count in a payload.
pub fn decode(payload: &[u8]) -> Result<i64, ViewFormError> {
    let text = std::str::from_utf8(payload).map_err(|_| ViewFormError::Likes)?;
    text.parse().map_err(|_| ViewFormError::Likes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_comes_back() {
        assert_eq!(decode(&encode(1_234)).unwrap(), 1_234);
        assert!(decode(b"many").is_err());
    }
}
