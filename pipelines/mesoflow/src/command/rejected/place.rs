//! Finds the place in a message that a rejection means, also where the message is broken behind it.

use std::ops::Range;

/// The bytes that a path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Where they are; of a member that stands twice, the second one.
    pub(super) at: Range<usize>,
    /// Whether the path led there to its end: else they are the innermost value around it.
    pub(super) whole: bool,
}

/// Follows `path`, as rejections write it, through a message.
pub(super) fn locate(message: &[u8], path: &str) -> Found {
    let scan = Scan { bytes: message };
    let mut at = scan.blank(0);
    let end = |from| scan.value(from).unwrap_or(message.len());
    let mut rest = path;
    loop {
        let (step, after) = match Step::first(rest) {
            Some(next) => next,
            None => {
                return Found {
                    at: at..end(at),
                    whole: true,
                };
            }
        };
        match scan.inner(at, step) {
            Some(inner) => at = inner,
            None => {
                return Found {
                    at: at..end(at),
                    whole: false,
                };
            }
        }
        rest = after;
    }
}

/// Where a message stops being JSON in UTF-8, if it does.
pub(super) fn breaks_at(message: &[u8]) -> Option<usize> {
    if let Err(error) = std::str::from_utf8(message) {
        return Some(error.valid_up_to());
    }
    let error = serde_json::from_slice::<serde::de::IgnoredAny>(message).err()?;
    if error.is_eof() {
        return Some(message.len());
    }
    let lines = message.split_inclusive(|&byte| byte == b'\n');
    let before: usize = lines
        .take(error.line().saturating_sub(1))
        .map(<[u8]>::len)
        .sum();
    // Columns are counted from 1.
    Some((before + error.column().saturating_sub(1)).min(message.len()))
}

/// A step of a path.
#[derive(Clone, Copy)]
enum Step<'a> {
    Member(&'a str),
    Element(usize),
}

impl<'a> Step<'a> {
    /// The first step of a path, and the path behind it.
    fn first(path: &'a str) -> Option<(Self, &'a str)> {
        if path.is_empty() {
            return None;
        }
        if let Some(inside) = path.strip_prefix('[')
            && let Some((digits, rest)) = inside.split_once(']')
            && let Ok(index) = digits.parse()
        {
            return Some((Self::Element(index), rest.strip_prefix('.').unwrap_or(rest)));
        }
        let end = path[1..].find(['.', '[']).map_or(path.len(), |end| end + 1);
        let (name, rest) = path.split_at(end);
        Some((Self::Member(name), rest.strip_prefix('.').unwrap_or(rest)))
    }
}

/// Goes over JSON without judging it.
#[derive(Clone, Copy)]
struct Scan<'a> {
    bytes: &'a [u8],
}

impl Scan<'_> {
    fn peek(self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    /// The first place from `at` on that is not blank.
    fn blank(self, at: usize) -> usize {
        let rest = self.bytes.get(at..).unwrap_or_default();
        at + rest
            .iter()
            .take_while(|byte| byte.is_ascii_whitespace())
            .count()
    }

    /// The end of the string that begins at `at`.
    fn string(self, at: usize) -> Option<usize> {
        let mut at = at + 1;
        loop {
            match self.peek(at)? {
                b'"' => return Some(at + 1),
                b'\\' => at += 2,
                _ => at += 1,
            }
        }
    }

    /// The end of the value that begins at `at`.
    fn value(self, at: usize) -> Option<usize> {
        match self.peek(at)? {
            b'"' => self.string(at),
            b'{' | b'[' => {
                let (mut at, mut depth) = (at, 0_usize);
                loop {
                    match self.peek(at)? {
                        b'"' => {
                            at = self.string(at)?;
                            continue;
                        }
                        b'{' | b'[' => depth += 1,
                        b'}' | b']' => depth -= 1,
                        _ => {}
                    }
                    at += 1;
                    if depth == 0 {
                        return Some(at);
                    }
                }
            }
            _ => {
                let rest = &self.bytes[at..];
                let ends =
                    |byte: &u8| matches!(byte, b',' | b'}' | b']') || byte.is_ascii_whitespace();
                Some(at + rest.iter().position(ends).unwrap_or(rest.len()))
            }
        }
    }

    /// Where the value begins that a step leads to from the value at `at`.
    fn inner(self, at: usize, step: Step<'_>) -> Option<usize> {
        let (open, mut found) = (self.peek(at)?, None);
        let mut at = self.blank(at + 1);
        let mut index = 0;
        while let Some(byte) = self.peek(at) {
            if matches!(byte, b'}' | b']') {
                break;
            }
            let is_it = match (open, step) {
                (b'{', Step::Member(name)) => {
                    let Some(end) = (byte == b'"').then(|| self.string(at)).flatten() else {
                        break;
                    };
                    let is_it = self.is_name(at..end, name);
                    at = self.blank(end);
                    if self.peek(at) != Some(b':') {
                        break;
                    }
                    at = self.blank(at + 1);
                    is_it
                }
                (b'[', Step::Element(wanted)) => index == wanted,
                _ => return None,
            };
            if is_it {
                found = Some(at);
            }
            let Some(end) = self.value(at) else {
                break;
            };
            at = self.blank(end);
            if self.peek(at) != Some(b',') {
                break;
            }
            at = self.blank(at + 1);
            index += 1;
        }
        found
    }

    fn is_name(self, quoted: Range<usize>, name: &str) -> bool {
        let quoted = &self.bytes[quoted];
        quoted[1..quoted.len() - 1] == *name.as_bytes()
            || serde_json::from_slice::<String>(quoted).is_ok_and(|text| text == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn at(message: &str, path: &str) -> (String, bool) {
        let found = locate(message.as_bytes(), path);
        (message[found.at].to_owned(), found.whole)
    }

    #[test]
    fn a_path_leads_to_its_value() {
        let message = r#" {"a": {"b" :[1, [{"c":"x]}"}, null]]}, "d":false}"#;
        assert_eq!(at(message, "d"), ("false".to_owned(), true));
        assert_eq!(at(message, "a.b[0]"), ("1".to_owned(), true));
        assert_eq!(at(message, "a.b[1][0].c"), (r#""x]}""#.to_owned(), true));
        assert_eq!(at(message, "a.b[1][1]"), ("null".to_owned(), true));
        assert_eq!(at(message, "").0, message.trim_start());
        assert_eq!(at(r#"{"\u0061":7}"#, "a"), ("7".to_owned(), true));
    }

    #[test]
    fn of_a_member_that_stands_twice_the_second_one_is_found() {
        assert_eq!(at(r#"{"a":1,"a":2}"#, "a"), ("2".to_owned(), true));
    }

    #[test]
    fn what_is_missing_is_looked_for_in_the_value_around_it() {
        let message = r#"{"payload":{"x":[1]}}"#;
        assert_eq!(at(message, "payload.y"), (r#"{"x":[1]}"#.to_owned(), false));
        assert_eq!(at(message, "payload.x[3]"), ("[1]".to_owned(), false));
        assert_eq!(at(message, "payload.x.y"), ("[1]".to_owned(), false));
    }

    #[test]
    fn broken_messages_are_followed_as_far_as_they_go() {
        assert_eq!(at(r#"{"a":{"b":"cut"#, "a.b"), (r#""cut"#.to_owned(), true));
        for message in ["", "{", "[", "{\"a", "{\"a\":", "nonsense", "\"\\", "}{"] {
            locate(message.as_bytes(), "a.b[0]");
            locate(message.as_bytes(), "");
        }
    }

    #[test]
    fn the_place_where_a_message_breaks_is_told() {
        assert_eq!(breaks_at(br#"{"a":1}"#), None);
        assert_eq!(breaks_at(br#"{"a":"#), Some(5));
        assert_eq!(breaks_at(b"{}x"), Some(2));
        assert_eq!(breaks_at(b"{\"a\":1,\n\"b\":?}"), Some(12));
        assert_eq!(breaks_at(b"{\"a\":\"\xff\"}"), Some(6));
    }
}
