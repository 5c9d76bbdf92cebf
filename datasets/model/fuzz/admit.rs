//! What is done with the bytes that a fuzzer or a test makes up: they become an event or a rejection.

use model::event::{Equipment, Event, Payload};
use model::snapshot::binary::SnapshotView;
use model::{Millis, RawRecord, Reason, Rejection, Topic};

/// Reads an input: the first byte says the topic, and whether documents count as current; the rest is
/// the message.
///
/// # Panics
///
/// If the reader says something that it must not say.
pub(crate) fn admit(input: &[u8]) {
    let Some((&head, message)) = input.split_first() else {
        return;
    };
    let topic = Topic::ALL[usize::from(head & 0b11)];
    let is_current = head & 0b100 != 0;
    let record = RawRecord {
        key: None,
        value: Some(message),
        timestamp_millis: Millis(0),
        offset: 0,
    };
    let read = Event::read(topic, &record, |_, _| is_current);
    assert_eq!(
        Event::read(topic, &record, |_, _| is_current),
        read,
        "the same bytes are read alike"
    );
    match read {
        Ok(event) => check_event(topic, &event),
        Err(rejection) => check_rejection(&rejection),
    }
}

fn check_event(topic: Topic, event: &Event<'_>) {
    let (key, belongs) = match &event.payload {
        Payload::Equipment(payload) => (&payload.ocid, Topic::Equipment),
        Payload::Enrich(payload) => (&payload.ocid, Topic::Enrich),
        Payload::Like(payload) => (&payload.target_ocid, Topic::Likes),
        Payload::Donation(payload) => (&payload.receiver_id, Topic::Donations),
    };
    assert_eq!(topic, belongs, "a payload is of its topic");
    assert_eq!(*key, event.aggregate_id, "the payload is of the key");
    if let Payload::Equipment(payload) = &event.payload
        && let Equipment::Snapshot(bytes) = &payload.equipment
    {
        let view = SnapshotView::new(bytes).expect("a snapshot is what it is written as");
        view.decode()
            .expect("its items are what they are written as");
    }
}

fn check_rejection(rejection: &Rejection) {
    assert!(Reason::ALL.contains(&rejection.reason));
    assert_ne!(
        rejection.reason,
        Reason::EquipmentMissing,
        "a message alone does not say what is current"
    );
    assert!(!rejection.expected.is_empty(), "{rejection}");
}
