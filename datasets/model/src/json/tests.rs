//! The skipper against an automaton of a few lines, and the readers against serde_json.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::Reason;
use crate::limits::{DEPTH_MAX, NAME_CHARS_MAX};

use super::value::decoded_chars;
use super::*;

/// Where the value at the beginning ends, by its bounds: byte by byte.
fn naive_end(text: &str) -> Result<usize, Reason> {
    let (mut open, mut in_string, mut escaped, mut start) = (Vec::new(), false, false, 0);
    for (index, byte) in text.bytes().enumerate() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => {
                    in_string = false;
                    let is_name = text[index + 1..].trim_ascii_start().starts_with(':');
                    if is_name && decoded_chars(&text[start..index]) > NAME_CHARS_MAX {
                        return Err(Reason::TooLarge);
                    }
                }
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => (in_string, start) = (true, index + 1),
            b'{' | b'[' if open.len() == DEPTH_MAX => return Err(Reason::TooDeep),
            b'{' => open.push(b'}'),
            b'[' => open.push(b']'),
            b'}' | b']' => {
                if open.pop() != Some(byte) {
                    return Err(Reason::Malformed);
                }
                if open.is_empty() {
                    return Ok(index + 1);
                }
            }
            _ => {}
        }
    }
    Err(Reason::Malformed)
}

fn skipped_end(text: &str) -> Result<usize, Reason> {
    let mut cursor = Cursor::new(text.as_bytes()).unwrap();
    match cursor.value() {
        Ok(Value::Object(_) | Value::List(_)) => Ok(cursor.place()),
        Ok(other) => panic!("{other:?}"),
        Err(fault) => Err(fault.reason),
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 4_000,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(20_261_124),
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_skip_ends_where_an_automaton_ends(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "\"", "\"", "\\", "\\\\", "\\\"", "[", "]", "{", "}", "[", "{", "a", ",", ":", " ", "가",
                "\\u0022", "0123456789012345678901234567890123456789", "\n",
            ]),
            0..120,
        ),
        list in any::<bool>(),
    ) {
        let text = format!("{}{}", if list { "[" } else { "{" }, parts.concat());
        prop_assert_eq!(skipped_end(&text), naive_end(&text), "{}", text);
    }

    #[test]
    fn a_text_reads_as_serde_json_reads_it(
        raw in prop::collection::vec(
            prop::sample::select(vec![
                "a", "모자", "\\n", "\\\"", "\\\\", "\\/", "\\b\\f\\r\\t", "\\u0041", "\\uD83D\\uDE00",
                "\\ud800", "\\udc00", "\\u12", "\\x", "\u{1}", "😀", "0123456789abcdef",
            ]),
            0..12,
        ),
    ) {
        let text = format!("\"{}\"", raw.concat());
        let ours = match Cursor::new(text.as_bytes()).unwrap().value() {
            Ok(Value::Text(text)) => Some(text.decode().into_owned()),
            _ => None,
        };
        prop_assert_eq!(ours, serde_json::from_str::<String>(&text).ok(), "{}", text);
    }

    #[test]
    fn a_scalar_reads_as_serde_json_reads_it(text in "-?[0-9.eE+-]{0,6}|null|true|false|nul|[0-9]{17,21}") {
        let mut cursor = Cursor::new(text.as_bytes()).unwrap();
        let ours = cursor.value().ok();
        let theirs = serde_json::from_str::<serde_json::Value>(&text).ok();
        match (ours, &theirs) {
            (Some(Value::Null), Some(serde_json::Value::Null)) => {}
            (Some(Value::Bool(ours)), Some(serde_json::Value::Bool(theirs))) => prop_assert_eq!(ours, *theirs),
            (Some(Value::Integer(ours)), Some(serde_json::Value::Number(theirs))) => {
                // `-0` is an integer here and a float there.
                prop_assert_eq!(ours as f64, theirs.as_f64().unwrap());
            }
            (Some(Value::BigInteger | Value::Fraction), Some(serde_json::Value::Number(theirs))) => {
                prop_assert!(theirs.as_i64().is_none());
            }
            // What f64 cannot hold is a number all the same.
            (Some(Value::Fraction), None) => prop_assert!(text.contains(['e', 'E'])),
            (None, None) => {}
            (ours, theirs) => prop_assert!(false, "{text}: {ours:?} {theirs:?}"),
        }
    }
}

#[test]
fn fifty_levels_are_read_and_fifty_one_are_not() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));

    assert_eq!(skipped_end(&nested(50)), Ok(100));
    assert_eq!(skipped_end(&nested(51)), Err(Reason::TooDeep));
}

#[test]
fn a_long_string_or_name_is_too_large_wherever_it_stands() {
    let with = |chars: usize, unit: &str, tail: &str| {
        skipped_end(&format!("{{\"a\":[{{\"{}\"{tail}}}]}}", unit.repeat(chars))).err()
    };

    assert_eq!(with(100_000, "a", ""), None);
    assert_eq!(with(100_000, "가", ""), None);
    assert_eq!(with(100_000, "\\u0041", ""), None);
    assert_eq!(with(50_000, "\\uD83D\\uDE00a", ""), None);
    assert_eq!(with(100_001, "a", ""), Some(Reason::TooLarge));
    assert_eq!(with(100_001, "가", ""), Some(Reason::TooLarge));
    assert_eq!(with(256, "가", " :1"), None);
    assert_eq!(with(257, "가", " ,1"), None);
    assert_eq!(with(257, "a", ":1"), Some(Reason::TooLarge));
    assert_eq!(with(257, "가", " :1"), Some(Reason::TooLarge));
}

#[test]
fn a_name_may_stand_once() {
    fn read(text: &str) -> Result<[Value<'_>; 2], (Reason, String)> {
        Members::values(&["a", "b"], &mut Cursor::new(text.as_bytes()).unwrap())
            .map_err(|fault| (fault.reason, fault.path))
    }
    let twice = |name: &str| Err((Reason::Malformed, name.to_owned()));

    assert_eq!(
        read(r#"{"b":2,"x":0,"a":1}"#),
        Ok([Value::Integer(1), Value::Integer(2)])
    );
    assert_eq!(read(r#" { } "#), Ok([Value::Absent, Value::Absent]));
    assert_eq!(read(r#"{"a":1,"\u0061":1}"#), twice("a"));
    assert_eq!(read(r#"{"x":1,"y":2,"x":3}"#), twice("x"));
}
