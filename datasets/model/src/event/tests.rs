//! The contracts of the inputs: what is accepted, each reason with its place, and which counts first.

mod envelope;
mod form;
mod order;
mod payloads;
mod schemas;

use serde_json::{Value as Json, json};

use super::*;
use crate::limits::{DEPTH_MAX, ID_BYTES_MAX, NAME_CHARS_MAX, STRING_CHARS_MAX, TEXT_BYTES_MAX};

const ID: &str = "0191d5a0-7f3a-7c51-9c1e-2b7c5a0f9d11";
const KEY: &str = "ocid-a";

fn payload(topic: Topic) -> Json {
    match topic {
        Topic::Equipment => json!({
            "ocid": KEY, "equipmentHash": "h1",
            "snapshot": {"class": "에반", "presets": [[{"slot": "모자", "stars": 22}]]},
        }),
        Topic::Enrich => json!({
            "ocid": KEY, "name": "이름", "world": "스카니아", "class": "에반", "level": 280, "guild": "길드",
        }),
        Topic::Likes => json!({
            "likerAccountId": "acc-1", "targetOcid": KEY, "liked": true, "ownOcids": ["ocid-b"],
        }),
        Topic::Donations => json!({
            "requestId": "r1", "senderId": "s1", "receiverId": KEY, "amount": 5, "reverses": "r0",
        }),
    }
}

/// A message that has every member.
fn message(topic: Topic) -> Json {
    json!({
        "eventId": ID, "eventType": event_type(topic), "occurredAt": "2026-11-24T10:15:30.123Z",
        "aggregateId": KEY, "schemaVersion": 1, "version": 42, "traceparent": "00-4bf9-00f0-01",
        "payload": payload(topic),
    })
}

/// A message with members changed: `("payload.liked", value)`.
fn changed<const N: usize>(topic: Topic, changes: [(&str, Json); N]) -> String {
    let mut message = message(topic);
    for (path, value) in changes {
        set(&mut message, path, value);
    }
    message.to_string()
}

/// Sets the member at `payload.liked` of a message; its parent must be there.
fn set(message: &mut Json, path: &str, value: Json) {
    let pointer = format!("/{}", path.replace('.', "/"));
    match message.pointer_mut(&pointer) {
        Some(member) => *member = value,
        None => {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            message.pointer_mut(parent).unwrap()[name] = value;
        }
    }
}

fn without(topic: Topic, path: &str) -> String {
    let mut message = message(topic);
    let object = match path.split_once('.') {
        Some((parent, _)) => &mut message[parent],
        None => &mut message,
    };
    let name = path.rsplit('.').next().unwrap();
    object.as_object_mut().unwrap().shift_remove(name).unwrap();
    message.to_string()
}

fn read_keyed<'a>(
    topic: Topic,
    key: Option<&'a str>,
    text: &'a str,
) -> Result<Event<'a>, Rejection> {
    let record = RawRecord {
        key: key.map(str::as_bytes),
        value: Some(text.as_bytes()),
        timestamp_millis: Millis(0),
        offset: 0,
        replays: None,
    };
    Event::read(topic, &record, |_, hash| hash == "current")
}

fn read(topic: Topic, text: &str) -> Result<Event<'_>, Rejection> {
    read_keyed(topic, Some(KEY), text)
}

fn refused(topic: Topic, text: &str) -> (Reason, String) {
    let rejection = read(topic, text).expect_err(text);
    assert!(!rejection.expected.is_empty());
    (rejection.reason, rejection.path)
}

#[track_caller]
fn assert_refused(topic: Topic, text: &str, reason: Reason, path: &str) {
    assert_eq!(refused(topic, text), (reason, path.to_owned()), "{text}");
}
