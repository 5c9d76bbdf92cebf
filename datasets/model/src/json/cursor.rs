//! A place in a message, and the steps from there.

use crate::limits::DEPTH_MAX;
use crate::reason::{Reason, Rejection};

use super::block::string_ends;
use super::members::check_once;
use super::skip::{check_name_length, check_string_length, container_end, too_deep};
use super::value::{Range, Text, Value, escaped_char};

/// A step that may find a fault. The fault is boxed: it is rare, and what is found is small.
pub(crate) type Checked<T> = Result<T, Box<Rejection>>;

/// A fault at the place where the caller is.
#[cold]
pub(crate) fn fault(reason: Reason, expected: &'static str) -> Box<Rejection> {
    Box::new(Rejection::here(reason, expected))
}

/// Whether the fault is one of the JSON itself, which counts before all others.
pub(crate) fn is_form_fault(rejection: &Rejection) -> bool {
    matches!(
        rejection.reason,
        Reason::Malformed | Reason::TooLarge | Reason::TooDeep
    )
}

/// A place in a text of JSON. The text is UTF-8; nothing else is taken for granted.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
    /// Lists and objects that are open here.
    depth: usize,
}

impl<'a> Cursor<'a> {
    /// The beginning of `bytes`, which are checked to be UTF-8.
    pub(crate) fn new(bytes: &'a [u8]) -> Checked<Self> {
        let text =
            simdutf8::basic::from_utf8(bytes).map_err(|_| fault(Reason::Malformed, "UTF-8"))?;
        Ok(Self {
            text,
            at: 0,
            depth: 0,
        })
    }

    /// The beginning of a value that was skipped before.
    pub(crate) fn back_to(&self, range: Range) -> Self {
        Self {
            text: self.text,
            at: range.start,
            depth: range.depth,
        }
    }

    /// Where the cursor stands.
    pub(crate) fn place(&self) -> usize {
        self.at
    }

    /// What was passed since `place`.
    pub(crate) fn since(&self, place: usize) -> &'a str {
        &self.text[place..self.at]
    }

    /// Passes what stands here if it is `written`, a whole list or object that was read before.
    #[inline]
    pub(crate) fn skip_written(&mut self, written: &str) -> bool {
        let is_it = self.text.as_bytes()[self.at..].starts_with(written.as_bytes());
        if is_it {
            self.at += written.len();
        }
        is_it
    }

    /// The value of the first member called `name`, at any depth, in what was passed since `place`.
    pub(crate) fn find_member(&self, place: usize, name: &str) -> Option<Self> {
        let mut found = Self {
            text: &self.text[..self.at],
            at: place,
            depth: self.depth + 1,
        };
        loop {
            found.at += found.text[found.at..].find('"')? + 1;
            let start = found.at;
            found.skip_string().ok()?;
            let is_it = found.text[start..found.at - 1] == *name;
            if found.peek() == b':' && is_it {
                found.step();
                return Some(found);
            }
        }
    }

    /// The next byte that is no white space; 0 at the end, where no such byte can stand.
    #[inline(always)]
    pub(crate) fn peek(&mut self) -> u8 {
        match self.byte() {
            byte if byte > b' ' => byte,
            _ => self.peek_behind_blanks(),
        }
    }

    fn peek_behind_blanks(&mut self) -> u8 {
        while matches!(self.byte(), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
        self.byte()
    }

    #[inline(always)]
    fn byte(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    /// Takes the byte that [`peek`](Self::peek) has shown.
    #[inline(always)]
    fn step(&mut self) {
        self.at += 1;
    }

    /// Checks that nothing but white space follows.
    pub(crate) fn end(&mut self) -> Checked<()> {
        self.peek();
        if self.at == self.text.len() {
            Ok(())
        } else {
            Err(fault(Reason::Malformed, "nothing after the object"))
        }
    }

    /// Enters an object that is expected here.
    #[inline]
    pub(crate) fn enter_object(&mut self) -> Checked<()> {
        self.enter(b'{', "an object")
    }

    /// Enters a list that is expected here.
    #[inline]
    pub(crate) fn enter_list(&mut self) -> Checked<()> {
        self.enter(b'[', "a list")
    }

    #[inline]
    fn enter(&mut self, bracket: u8, expected: &'static str) -> Checked<()> {
        if self.peek() != bracket {
            return Err(fault(Reason::Malformed, expected));
        }
        if self.depth == DEPTH_MAX {
            return Err(too_deep());
        }
        self.step();
        self.depth += 1;
        Ok(())
    }

    /// Goes to the next member of the entered object, behind its colon; `None`: the object has ended.
    #[inline]
    pub(crate) fn next_name(&mut self, first: bool) -> Checked<Option<Text<'a>>> {
        if !self.next(b'}', first, "a comma or the end of the object")? {
            return Ok(None);
        }
        if self.peek() != b'"' {
            return Err(fault(Reason::Malformed, "a member's name"));
        }
        self.step();
        let name = self.string()?;
        check_name_length(name.raw)?;
        if self.peek() != b':' {
            return Err(fault(Reason::Malformed, "a colon after the member's name"));
        }
        self.step();
        Ok(Some(name))
    }

    /// Goes to the next element of the entered list; `false`: the list has ended.
    #[inline]
    pub(crate) fn next_element(&mut self, first: bool) -> Checked<bool> {
        self.next(b']', first, "a comma or the end of the list")
    }

    #[inline(always)]
    fn next(&mut self, end: u8, first: bool, expected: &'static str) -> Checked<bool> {
        let byte = self.peek();
        if byte == end {
            self.step();
            self.depth -= 1;
            return Ok(false);
        }
        if !first {
            if byte != b',' {
                return Err(fault(Reason::Malformed, expected));
            }
            self.step();
        }
        Ok(true)
    }

    /// Reads the value here strictly; a list or object is skipped by its bounds.
    #[inline]
    pub(crate) fn value(&mut self) -> Checked<Value<'a>> {
        match self.peek() {
            b'"' => {
                self.step();
                Ok(Value::Text(self.string()?))
            }
            b'{' => Ok(Value::Object(self.skip_container()?)),
            b'[' => Ok(Value::List(self.skip_container()?)),
            _ => self.scalar(),
        }
    }

    /// Reads the value here strictly, also what a list or object holds, which is not what is asked for.
    #[inline]
    pub(crate) fn plain_value(&mut self) -> Checked<Value<'a>> {
        let value = self.value()?;
        if let Value::Object(range) | Value::List(range) = value {
            self.back_to(range).check_json()?;
        }
        Ok(value)
    }

    /// Passes the value here, and checks all of it. The nesting that may be open bounds the recursion.
    #[cold]
    pub(crate) fn check_json(&mut self) -> Checked<()> {
        match self.peek() {
            b'{' => {
                self.enter_object()?;
                let mut names = Vec::new();
                while let Some(name) = self.next_name(names.is_empty())? {
                    let name = name.decode();
                    self.check_json().map_err(|fault| fault.within(&name))?;
                    names.push(name);
                }
                check_once(&mut names)
            }
            b'[' => {
                self.enter_list()?;
                let mut index = 0;
                while self.next_element(index == 0)? {
                    self.check_json().map_err(|fault| fault.at_index(index))?;
                    index += 1;
                }
                Ok(())
            }
            _ => self.value().map(drop),
        }
    }

    fn scalar(&mut self) -> Checked<Value<'a>> {
        let token = self.token()?;
        match token {
            "null" => Ok(Value::Null),
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            number => number_of(number).ok_or_else(|| fault(Reason::Malformed, "a JSON value")),
        }
    }

    /// Skips the value here by its bounds alone.
    #[inline]
    pub(crate) fn skip(&mut self) -> Checked<()> {
        match self.peek() {
            b'"' => {
                self.step();
                self.skip_string()
            }
            b'{' | b'[' => self.skip_container().map(drop),
            _ => self.token().map(drop),
        }
    }

    /// Takes what stands here up to white space, a bracket, comma, colon or quote.
    fn token(&mut self) -> Checked<&'a str> {
        let start = self.at;
        while !is_token_end(self.byte()) {
            self.at += 1;
        }
        // Only ASCII ends a token, so both ends are boundaries of characters.
        let token = &self.text[start..self.at];
        if token.is_empty() {
            Err(fault(Reason::Malformed, "a value"))
        } else {
            Ok(token)
        }
    }

    fn skip_container(&mut self) -> Checked<Range> {
        let end = container_end(self.text, self.at, self.depth)?;
        let range = Range {
            start: self.at,
            depth: self.depth,
        };
        self.at = end;
        Ok(range)
    }

    /// Reads the string that begins here, behind its quote.
    #[inline]
    fn string(&mut self) -> Checked<Text<'a>> {
        let start = self.at;
        let mut escaped = false;
        loop {
            match self.find_string_end::<true>()? {
                b'"' => break,
                b'\\' => {
                    let escape = &self.text.as_bytes()[self.at + 1..];
                    let (_, length) = escaped_char(escape)
                        .ok_or_else(|| fault(Reason::Malformed, "a JSON escape"))?;
                    self.at += 1 + length;
                    escaped = true;
                }
                _ => return Err(fault(Reason::Malformed, "no control character in a string")),
            }
        }
        let raw = &self.text[start..self.at];
        self.step();
        check_string_length(raw)?;
        Ok(Text { raw, escaped })
    }

    /// Skips the string that begins here, behind its quote.
    #[inline]
    fn skip_string(&mut self) -> Checked<()> {
        let start = self.at;
        while self.find_string_end::<false>()? == b'\\' {
            // What is escaped is skipped with it: a quote, or the first byte of anything else.
            self.at += 2;
        }
        let raw = &self.text.as_bytes()[start..self.at];
        self.step();
        if raw.len() > crate::limits::STRING_CHARS_MAX {
            check_string_length(&self.text[start..self.at - 1])?;
        }
        Ok(())
    }

    /// Goes to the next quote, backslash or, if `CONTROL`, control character, and says which it is.
    #[inline(always)]
    fn find_string_end<const CONTROL: bool>(&mut self) -> Checked<u8> {
        let bytes = self.text.as_bytes();
        while let Some(block) = bytes.get(self.at..).and_then(<[u8]>::first_chunk::<16>) {
            let ends = string_ends::<CONTROL>(block);
            if ends != 0 {
                self.at += ends.trailing_zeros() as usize;
                return Ok(bytes[self.at]);
            }
            self.at += 16;
        }
        while let Some(&byte) = bytes.get(self.at) {
            if byte == b'"' || byte == b'\\' || (CONTROL && byte < 0x20) {
                return Ok(byte);
            }
            self.at += 1;
        }
        Err(fault(Reason::Malformed, "the end of the string"))
    }
}

/// Whether a byte ends a number, a literal, or what stands in its place. 0 stands for the end; as a
/// byte of the message it ends nothing well either.
fn is_token_end(byte: u8) -> bool {
    matches!(
        byte,
        0 | b' ' | b'\t' | b'\n' | b'\r' | b',' | b':' | b'"' | b'{' | b'}' | b'[' | b']'
    )
}

/// Reads a number as JSON writes it.
fn number_of<'a>(text: &str) -> Option<Value<'a>> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let whole = digits.bytes().take_while(u8::is_ascii_digit).count();
    if whole == 0 || (whole > 1 && digits.starts_with('0')) {
        return None;
    }
    let rest = &digits[whole..];
    if rest.is_empty() {
        return Some(text.parse().map_or(Value::BigInteger, Value::Integer));
    }
    let rest = match rest.strip_prefix('.') {
        None => rest,
        Some(fraction) => skip_digits(fraction)?,
    };
    let rest = match rest.strip_prefix(['e', 'E']) {
        None => rest,
        Some(exponent) => skip_digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))?,
    };
    rest.is_empty().then_some(Value::Fraction)
}

/// What follows at least one digit.
fn skip_digits(text: &str) -> Option<&str> {
    let rest = text.trim_start_matches(|char: char| char.is_ascii_digit());
    (rest.len() < text.len()).then_some(rest)
}
