//! What is done with the bytes that a fuzzer or a test makes up: they become an event or a rejection,
//! and admission says the same of them, before and after it is rebuilt.

use model::admission::{AdmissionSettings, Admitted, Outcome, Partition, Restore};
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
        replays: None,
    };
    let read = Event::read(topic, &record, |_, _| is_current);
    assert_eq!(
        Event::read(topic, &record, |_, _| is_current),
        read,
        "the same bytes are read alike"
    );
    match &read {
        Ok(event) => check_event(topic, event),
        Err(rejection) => check_rejection(rejection),
    }
    // Nothing is current in a partition that begins.
    if !is_current {
        check_admission(topic, &record, &read);
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

fn check_admission(topic: Topic, record: &RawRecord<'_>, read: &Result<Event<'_>, Rejection>) {
    let settings = AdmissionSettings {
        dedup_horizon_millis: i64::MAX,
        dedup_ids_max: usize::MAX,
    };
    let mut partition = Partition::new(topic, settings);
    let mut admitted = Admitted::new(topic);
    let first = partition.admit(record, &mut admitted);
    let second = partition.admit(record, &mut admitted);
    partition.close_batch(&mut admitted);
    let rejected = admitted
        .rejected()
        .first()
        .map(|rejected| &rejected.rejection);
    match read {
        Err(rejection) => assert_eq!(rejected, Some(rejection)),
        Ok(_) if first == Outcome::Rejected => {
            assert_eq!(
                rejected.map(|rejection| rejection.reason),
                Some(Reason::EquipmentMissing)
            );
        }
        Ok(_) => assert_eq!((first, second), (Outcome::Applied, Outcome::Duplicate)),
    }
    assert_eq!(admitted.counts().read(), 2);

    let mut restore = Restore::new(topic, settings);
    for row in admitted.rows() {
        restore.row(&row).expect("a row is read as it was written");
    }
    let mut again = Admitted::new(topic);
    let third = restore.finish().admit(record, &mut again);
    assert_eq!(
        third, second,
        "a partition that is rebuilt knows what it knew"
    );
}
