//! What a member must hold: ids, texts and numbers, each checked with what was expected.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use crate::json::{Checked, Value, fault};
use crate::limits::{HASH_BYTES_MAX, ID_BYTES_MAX, TEXT_BYTES_MAX};
use crate::reason::{Reason, Rejection};

const AN_ID: &str = "an id: 1 to 128 bytes without control characters";
const A_HASH: &str = "a hash: 1 to 128 bytes";
const A_TEXT: &str = "a text of at most 1,024 bytes";

/// A member that must be there.
pub(crate) fn missing(expected: &'static str) -> Box<Rejection> {
    fault(Reason::MissingField, expected)
}

/// A member that is not what it must be.
pub(crate) fn invalid(expected: &'static str) -> Box<Rejection> {
    fault(Reason::InvalidField, expected)
}

/// Asks for a member that may not be absent.
fn required<'a, T>(
    value: Value<'a>,
    expected: &'static str,
    read: impl FnOnce(Value<'a>) -> Checked<T>,
) -> Checked<T> {
    if value.is_none() {
        Err(missing(expected))
    } else {
        read(value)
    }
}

/// Asks for a member that may be absent or null.
fn optional<'a, T>(
    value: Value<'a>,
    read: impl FnOnce(Value<'a>) -> Checked<T>,
) -> Checked<Option<T>> {
    if value.is_none() {
        Ok(None)
    } else {
        read(value).map(Some)
    }
}

/// An id.
pub(crate) fn id(value: Value<'_>) -> Checked<Cow<'_, str>> {
    required(value, AN_ID, id_of)
}

/// An id, if there is one.
pub(crate) fn optional_id(value: Value<'_>) -> Checked<Option<Cow<'_, str>>> {
    optional(value, id_of)
}

fn id_of(value: Value<'_>) -> Checked<Cow<'_, str>> {
    let Value::Text(text) = value else {
        return Err(invalid(AN_ID));
    };
    let id = text.decode();
    let is_plain = id.bytes().all(|byte| (b' '..0x7f).contains(&byte));
    let fits = (1..=ID_BYTES_MAX).contains(&id.len());
    if fits && (is_plain || !id.contains(char::is_control)) {
        Ok(id)
    } else {
        Err(invalid(AN_ID))
    }
}

/// The hash of a document.
pub(crate) fn hash(value: Value<'_>) -> Checked<Cow<'_, str>> {
    required(value, A_HASH, |value| {
        let Value::Text(text) = value else {
            return Err(invalid(A_HASH));
        };
        let hash = text.decode();
        if (1..=HASH_BYTES_MAX).contains(&hash.len()) {
            Ok(hash)
        } else {
            Err(invalid(A_HASH))
        }
    })
}

/// A text.
pub(crate) fn text(value: Value<'_>) -> Checked<Cow<'_, str>> {
    required(value, A_TEXT, text_of)
}

/// A text, if there is one.
pub(crate) fn optional_text(value: Value<'_>) -> Checked<Option<Cow<'_, str>>> {
    optional(value, text_of)
}

fn text_of(value: Value<'_>) -> Checked<Cow<'_, str>> {
    let Value::Text(text) = value else {
        return Err(invalid(A_TEXT));
    };
    let text = text.decode();
    if text.len() <= TEXT_BYTES_MAX {
        Ok(text)
    } else {
        Err(invalid(A_TEXT))
    }
}

/// An integer of a payload or envelope: written as one, never as a text.
pub(crate) fn integer(
    value: Value<'_>,
    range: RangeInclusive<i64>,
    expected: &'static str,
) -> Checked<i64> {
    required(value, expected, |value| integer_of(value, range, expected))
}

/// An integer of a payload or envelope, if there is one.
pub(crate) fn optional_integer(
    value: Value<'_>,
    range: RangeInclusive<i64>,
    expected: &'static str,
) -> Checked<Option<i64>> {
    optional(value, |value| integer_of(value, range, expected))
}

fn integer_of(
    value: Value<'_>,
    range: RangeInclusive<i64>,
    expected: &'static str,
) -> Checked<i64> {
    match value {
        Value::Integer(number) if range.contains(&number) => Ok(number),
        _ => Err(invalid(expected)),
    }
}

/// `true`, `false`, or neither.
pub(crate) fn optional_bool(value: Value<'_>) -> Checked<Option<bool>> {
    optional(value, |value| match value {
        Value::Bool(bool) => Ok(bool),
        _ => Err(invalid("true or false")),
    })
}

/// A text of a document, where nothing and blanks are the same.
pub(crate) fn document_text(value: Value<'_>) -> Checked<Option<Cow<'_, str>>> {
    let text = optional_text(value)?;
    Ok(text.filter(|text| !is_blank(text)))
}

fn is_blank(text: &str) -> bool {
    match text.as_bytes().first() {
        None => true,
        Some(first) if first.is_ascii_graphic() => false,
        Some(_) => text.chars().all(char::is_whitespace),
    }
}

/// A number of a document: an integer, or a text of one; absent, null and blank are 0.
pub(crate) fn document_number(
    value: Value<'_>,
    range: RangeInclusive<i32>,
    expected: &'static str,
) -> Checked<i32> {
    let number = match value {
        Value::Absent | Value::Null => Some(0),
        Value::Integer(number) => Some(number),
        Value::Text(text) => number_of_text(&text.decode()),
        _ => None,
    };
    number
        .and_then(|number| i32::try_from(number).ok())
        .filter(|number| range.contains(number))
        .ok_or_else(|| invalid(expected))
}

/// Reads an optional sign, then digits, or digits with a comma before each three of them.
fn number_of_text(text: &str) -> Option<i64> {
    if is_blank(text) {
        return Some(0);
    }
    let (is_negative, digits) = match text.as_bytes() {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let number = match digits.iter().position(|&byte| byte == b',') {
        None => append_digits(0, digits),
        Some(first @ 1..=3) => {
            let (head, groups) = digits.split_at(first);
            let groups = groups.as_chunks::<4>();
            let whole = groups.1.is_empty().then_some(groups.0)?;
            whole
                .iter()
                .try_fold(append_digits(0, head)?, |number, group| match group {
                    [b',', digits @ ..] => append_digits(number, digits),
                    _ => None,
                })
        }
        Some(_) => None,
    }?;
    Some(if is_negative { -number } else { number })
}

/// Appends at least one digit to a number; what no i64 holds stays the largest, out of every range.
fn append_digits(number: i64, digits: &[u8]) -> Option<i64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(number, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| i64::from(digit - b'0'))?;
        Some(number.saturating_mul(10).saturating_add(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_may_be_written_with_sign_and_commas() {
        for (text, number) in [
            ("0", 0),
            ("130", 130),
            ("+5", 5),
            ("-12", -12),
            ("007", 7),
            ("1,234", 1_234),
            ("-12,345,678", -12_345_678),
            ("", 0),
            (" \u{3000}", 0),
            ("99999999999999999999", i64::MAX),
        ] {
            assert_eq!(number_of_text(text), Some(number), "{text:?}");
        }
    }

    #[test]
    fn anything_else_is_no_number() {
        for text in [
            "x", "1.5", "1e3", " 1", "1 ", "-", "+", "--1", "1-", "1,23", "1,2345", ",123",
            "1234,567", "1,", "null", "１", "0x10", "1,234,", "12,,345",
        ] {
            assert_eq!(number_of_text(text), None, "{text:?}");
        }
    }
}
