//! Any bytes become an event or a rejection, and valid JSON is never called malformed.

use std::collections::BTreeMap;

use model::event::Event;
use model::{Millis, RawRecord, Reason, Rejection, Topic};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use crate::admit::admit;
use crate::cases;
use crate::messages::{complete, golden, input};

/// One way to spoil a message.
#[derive(Clone, Debug)]
enum Mutation {
    /// Cuts it.
    Truncate(Index),
    /// Sets one byte.
    Set(Index, u8),
    /// Puts bytes in.
    Insert(Index, Vec<u8>),
    /// Takes bytes out.
    Remove(Index, usize),
    /// Copies a part to another place: members twice, values of other members.
    Copy(Index, usize, Index),
    /// Puts members behind a brace.
    Members(Index, &'static str),
    /// Wraps what follows a colon or comma in brackets.
    Nest(Index, usize),
}

/// Tokens that mean something to a reader.
const TOKENS: [&str; 24] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "null",
    "true",
    "-",
    "0",
    "1.5",
    "1e9",
    "\\u0000",
    "\\ud800",
    "\u{0}",
    "가",
    "99999999999999999999",
    " ",
    "\n",
    "\"\"",
    "{}",
    "[]",
];
const MEMBERS: [&str; 8] = [
    r#""eventId":1,"#,
    r#""payload":{},"#,
    r#""ocid":"x","ocid":"x","#,
    r#""x":[,],"#,
    r#""presets":[],"#,
    r#""base_equipment_level":"x","#,
    r#""schemaVersion":2,"#,
    r#""aggregateId":null,"#,
];

fn mutation() -> impl Strategy<Value = Mutation> {
    let index = any::<Index>;
    let bytes = prop_oneof![
        prop::sample::select(TOKENS.to_vec()).prop_map(|token| token.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 1..8),
    ];
    let token_byte = prop::sample::select(b"{}[],:\"\\0-e. nt\x00\xff".to_vec());
    prop_oneof![
        1 => index().prop_map(Mutation::Truncate),
        3 => (index(), prop_oneof![any::<u8>(), token_byte]).prop_map(|(at, byte)| Mutation::Set(at, byte)),
        3 => (index(), bytes).prop_map(|(at, bytes)| Mutation::Insert(at, bytes)),
        2 => (index(), 1..40usize).prop_map(|(at, length)| Mutation::Remove(at, length)),
        3 => (index(), 1..80usize, index()).prop_map(|(from, length, to)| Mutation::Copy(from, length, to)),
        2 => (index(), prop::sample::select(MEMBERS.to_vec())).prop_map(|(at, text)| Mutation::Members(at, text)),
        1 => (index(), prop_oneof![1..8usize, 40..60usize]).prop_map(|(at, levels)| Mutation::Nest(at, levels)),
    ]
}

/// The place behind a byte that `is` tells, the one at or after `at`.
fn behind(bytes: &[u8], at: usize, is: impl Fn(u8) -> bool) -> usize {
    let found = bytes[at..].iter().position(|&byte| is(byte));
    found.map_or(bytes.len(), |index| at + index + 1)
}

fn apply(bytes: &mut Vec<u8>, mutation: &Mutation) {
    if bytes.is_empty() {
        return;
    }
    let length = bytes.len();
    match mutation {
        Mutation::Truncate(at) => bytes.truncate(at.index(length)),
        Mutation::Set(at, byte) => bytes[at.index(length)] = *byte,
        Mutation::Insert(at, inserted) => {
            let at = at.index(length);
            bytes.splice(at..at, inserted.iter().copied());
        }
        Mutation::Remove(at, count) => {
            let at = at.index(length);
            bytes.drain(at..length.min(at + count));
        }
        Mutation::Copy(from, count, to) => {
            let (from, to) = (from.index(length), to.index(length));
            let copied = bytes[from..length.min(from + count)].to_vec();
            bytes.splice(to..to, copied);
        }
        Mutation::Members(at, members) => {
            let at = behind(bytes, at.index(length), |byte| byte == b'{');
            bytes.splice(at..at, members.bytes());
        }
        Mutation::Nest(at, levels) => {
            let start = behind(bytes, at.index(length), |byte| matches!(byte, b':' | b','));
            let end = bytes[start..]
                .iter()
                .position(|byte| matches!(byte, b',' | b'}' | b']'))
                .map_or(bytes.len(), |index| start + index);
            bytes.splice(end..end, std::iter::repeat_n(b']', *levels));
            bytes.splice(start..start, std::iter::repeat_n(b'[', *levels));
        }
    }
}

fn read(topic: Topic, message: &[u8]) -> Result<Event<'_>, Rejection> {
    let record = RawRecord {
        key: None,
        value: Some(message),
        timestamp_millis: Millis(0),
        offset: 0,
        replays: None,
    };
    Event::read(topic, &record, |_, _| false)
}

fn valid() -> impl Strategy<Value = (Topic, String)> {
    let messages = [complete(), golden()].concat();
    prop_oneof![
        3 => prop::sample::select(complete()),
        1 => prop::sample::select(messages),
    ]
}

/// A message after mutations: the first byte of [`input`], then its text.
fn spoilt() -> impl Strategy<Value = (Topic, Vec<u8>)> {
    let mutations = prop::collection::vec(mutation(), 1..5);
    (valid(), mutations).prop_map(|((topic, message), mutations)| {
        let mut text = message.into_bytes();
        for mutation in &mutations {
            apply(&mut text, mutation);
        }
        (topic, text)
    })
}

proptest! {
    #![proptest_config(cases(30_000))]

    #[test]
    fn spoilt_messages_become_events_or_rejections(
        (topic, text) in spoilt(),
        head in prop_oneof![4 => Just(None), 1 => any::<u8>().prop_map(Some)],
    ) {
        let mut bytes = input(topic, &text);
        bytes[0] = head.unwrap_or(bytes[0]);
        admit(&bytes);

        // What a strict parser reads is malformed here only for a member that stands twice.
        let parsed = serde_json::from_slice::<serde_json::Value>(&text);
        if let (Ok(serde_json::Value::Object(_)), Err(rejection)) = (parsed, read(topic, &text)) {
            prop_assert!(
                rejection.reason != Reason::Malformed || rejection.expected == "the member once",
                "{rejection}: {}", String::from_utf8_lossy(&text),
            );
        }
    }

    #[test]
    fn any_bytes_are_a_rejection(head in any::<u8>(), bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        admit(&[&[head], &bytes[..]].concat());
        prop_assert_eq!(read(Topic::ALL[usize::from(head & 3)], &bytes).unwrap_err().reason, Reason::Malformed);
    }

    #[test]
    fn any_row_of_tokens_is_an_event_or_a_rejection(
        head in any::<u8>(),
        tokens in prop::collection::vec(prop::sample::select([&TOKENS[..], &MEMBERS[..]].concat()), 0..60),
    ) {
        admit(&[&[head], b"{".as_slice(), tokens.concat().as_bytes()].concat());
    }
}

#[test]
fn every_message_to_begin_with_is_an_event_as_it_stands() {
    for (topic, message) in complete() {
        assert!(read(topic, message.as_bytes()).is_ok(), "{message}");
    }
}

#[test]
fn spoilt_messages_are_rejected_for_many_reasons_and_some_are_still_accepted() {
    let mut runner = TestRunner::new(cases(1));
    let spoilt = spoilt();
    let mut reasons = BTreeMap::new();
    for _ in 0..20_000 {
        let (topic, text) = spoilt.new_tree(&mut runner).unwrap().current();
        let reason = read(topic, &text).err().map(|rejection| rejection.reason);
        *reasons.entry(reason).or_insert(0) += 1;
    }
    for reason in [
        None,
        Some(Reason::Malformed),
        Some(Reason::TooDeep),
        Some(Reason::UnknownType),
        Some(Reason::UnknownVersion),
        Some(Reason::MissingField),
        Some(Reason::InvalidField),
        Some(Reason::KeyMismatch),
    ] {
        assert!(
            reasons.contains_key(&reason),
            "{reason:?} is not among {reasons:?}"
        );
    }
}
