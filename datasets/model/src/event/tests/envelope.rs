//! The envelope: its members, types and versions.

use super::*;

#[test]
fn an_event_of_each_topic_is_read() {
    for topic in Topic::ALL {
        let text = message(topic).to_string();
        let event = read(topic, &text).unwrap();
        assert_eq!(event.event_id.to_string(), ID);
        assert_eq!(event.occurred_at, Millis(1_795_515_330_123));
        assert_eq!(event.aggregate_id, KEY);
        assert_eq!(event.version, Some(42));
        assert_eq!(event.traceparent.as_deref(), Some("00-4bf9-00f0-01"));
        let (key, is_topic) = match &event.payload {
            Payload::Equipment(payload) => (&payload.ocid, topic == Topic::Equipment),
            Payload::Enrich(payload) => (&payload.ocid, topic == Topic::Enrich),
            Payload::Like(payload) => (&payload.target_ocid, topic == Topic::Likes),
            Payload::Donation(payload) => (&payload.receiver_id, topic == Topic::Donations),
        };
        assert!(is_topic);
        assert_eq!(key, KEY);
    }
}

#[test]
fn a_tombstone_lacks_the_envelope() {
    let record = RawRecord {
        key: Some(KEY.as_bytes()),
        value: None,
        timestamp_millis: Millis(0),
        offset: 0,
        replays: None,
    };
    for topic in Topic::ALL {
        let rejection = Event::read(topic, &record, |_, _| false).unwrap_err();
        assert_eq!(
            (rejection.reason, &*rejection.path),
            (Reason::MissingField, "")
        );
    }
}

#[test]
fn required_members_are_missing_when_absent_or_null_and_optional_ones_never() {
    let envelope = [
        ("eventId", true),
        ("eventType", true),
        ("occurredAt", true),
        ("aggregateId", true),
        ("payload", true),
        ("schemaVersion", false),
        ("version", false),
        ("traceparent", false),
    ];
    let payloads: [(Topic, &[(&str, bool)]); 4] = [
        (
            Topic::Equipment,
            &[("ocid", true), ("equipmentHash", true), ("snapshot", false)],
        ),
        (
            Topic::Enrich,
            &[
                ("ocid", true),
                ("name", true),
                ("world", true),
                ("class", true),
                ("level", true),
                ("guild", false),
            ],
        ),
        (
            Topic::Likes,
            &[
                ("likerAccountId", true),
                ("targetOcid", true),
                ("liked", false),
                ("ownOcids", false),
            ],
        ),
        (
            Topic::Donations,
            &[
                ("requestId", true),
                ("senderId", true),
                ("receiverId", true),
                ("amount", true),
                ("reverses", false),
            ],
        ),
    ];
    for (topic, members) in payloads {
        let members = members
            .iter()
            .map(|&(name, is_required)| (format!("payload.{name}"), is_required));
        let envelope = envelope.map(|(name, is_required)| (name.to_owned(), is_required));
        for (path, is_required) in envelope.into_iter().chain(members) {
            for text in [without(topic, &path), changed(topic, [(&path, Json::Null)])] {
                if is_required {
                    assert_refused(topic, &text, Reason::MissingField, &path);
                } else {
                    assert!(read(topic, &text).is_ok(), "{text}");
                }
            }
        }
    }
}

#[test]
fn a_member_of_another_type_is_invalid() {
    for topic in Topic::ALL {
        let names = payload(topic);
        let payload = names
            .as_object()
            .unwrap()
            .keys()
            .map(|name| format!("payload.{name}"));
        let envelope = EnvelopeMember::NAMES.iter().map(|&name| name.to_owned());
        for path in envelope.chain(payload) {
            for value in [json!(1.5), json!({"a": 1}), json!([[]]), json!("\u{0}")] {
                let is_fine = match &*path {
                    "payload" | "payload.snapshot" => value.is_object(),
                    // Any text is a traceparent, a hash or a name.
                    _ => value.is_string(),
                };
                let text = changed(topic, [(&path, value)]);
                if !is_fine {
                    let (reason, at) = refused(topic, &text);
                    assert_eq!(reason, Reason::InvalidField, "{text}");
                    assert!(at.starts_with(&path), "{text}");
                }
            }
        }
    }
}

#[test]
fn event_ids_are_uuids_and_instants_have_a_zone() {
    for (path, wrong) in [
        ("eventId", "0191d5a07f3a7c519c1e2b7c5a0f9d11"),
        ("eventId", ""),
        ("occurredAt", "2026-11-24T10:15:30"),
        ("occurredAt", "2026-02-30T10:15:30Z"),
        ("occurredAt", ""),
    ] {
        let text = changed(Topic::Likes, [(path, json!(wrong))]);
        assert_refused(Topic::Likes, &text, Reason::InvalidField, path);
    }
    let escaped = message(Topic::Likes)
        .to_string()
        .replace("0191d5a0", "\\u00301\\u00391d5a0");
    assert_eq!(
        read(Topic::Likes, &escaped).unwrap().event_id.to_string(),
        ID
    );
}

#[test]
fn a_type_of_another_topic_is_not_expected_and_any_other_is_unknown() {
    for topic in Topic::ALL {
        for other in Topic::ALL.into_iter().filter(|&other| other != topic) {
            let text = changed(topic, [("eventType", json!(event_type(other)))]);
            assert_refused(topic, &text, Reason::NotExpected, "eventType");
        }
        for unknown in ["", "likeToggled", "LikeToggled "] {
            let text = changed(topic, [("eventType", json!(unknown))]);
            assert_refused(topic, &text, Reason::UnknownType, "eventType");
        }
    }
}

#[test]
fn any_version_but_the_first_is_unknown() {
    for version in ["0", "2", "-1", "99999999999999999999"] {
        let text = changed(Topic::Likes, [("schemaVersion", json!("?"))]).replace("\"?\"", version);
        assert_refused(Topic::Likes, &text, Reason::UnknownVersion, "schemaVersion");
    }
}
