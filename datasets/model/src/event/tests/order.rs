//! Which fault counts first.

use super::*;

#[test]
fn key_aggregate_and_payload_say_the_same() {
    for (topic, path) in [
        (Topic::Equipment, "payload.ocid"),
        (Topic::Enrich, "payload.ocid"),
        (Topic::Likes, "payload.targetOcid"),
        (Topic::Donations, "payload.receiverId"),
    ] {
        let text = message(topic).to_string();
        assert!(read_keyed(topic, None, &text).is_ok());
        for key in ["", "ocid-b", "ocid-a "] {
            let rejection = read_keyed(topic, Some(key), &text).unwrap_err();
            assert_eq!(
                (rejection.reason, &*rejection.path),
                (Reason::KeyMismatch, "aggregateId")
            );
        }
        let aggregate = changed(topic, [("aggregateId", json!("ocid-b"))]);
        assert_refused(topic, &aggregate, Reason::KeyMismatch, "aggregateId");
        let rejection = read_keyed(topic, None, &aggregate).unwrap_err();
        assert_eq!(
            (rejection.reason, &*rejection.path),
            (Reason::KeyMismatch, path)
        );
        let inside = changed(topic, [(path, json!("ocid-b"))]);
        assert_refused(topic, &inside, Reason::KeyMismatch, path);
    }
}

#[test]
fn the_first_fault_in_the_order_of_checking_counts() {
    // Each message has the faults of all that follow it; mending the first brings up the next.
    let mut text = r#"{"eventId":7,"eventType":"LikeToggle","occurredAt":null,"aggregateId":"","schemaVersion":2,
        "version":-1,"traceparent":0,"payload":{"targetOcid":"ocid-c","likerAccountId":null,"liked":0,
        "ownOcids":[7,tru]}}"#
        .to_owned();
    for (reason, path, wrong, mended) in [
        (Reason::Malformed, "payload.ownOcids[1]", "tru", "true"),
        (
            Reason::InvalidField,
            "eventId",
            r#""eventId":7"#,
            &format!(r#""eventId":"{ID}""#),
        ),
        (
            Reason::MissingField,
            "occurredAt",
            r#""occurredAt":null"#,
            r#""occurredAt":"2026-11-24T10:15:30Z""#,
        ),
        (
            Reason::InvalidField,
            "aggregateId",
            r#""aggregateId":"""#,
            r#""aggregateId":"ocid-b""#,
        ),
        (
            Reason::InvalidField,
            "version",
            r#""version":-1"#,
            r#""version":1"#,
        ),
        (
            Reason::InvalidField,
            "traceparent",
            r#""traceparent":0"#,
            r#""traceparent":"""#,
        ),
        (
            Reason::UnknownType,
            "eventType",
            "LikeToggle\"",
            "LikeToggled\"",
        ),
        (
            Reason::UnknownVersion,
            "schemaVersion",
            r#""schemaVersion":2"#,
            r#""schemaVersion":1"#,
        ),
        (Reason::KeyMismatch, "aggregateId", "ocid-b", KEY),
        (Reason::KeyMismatch, "payload.targetOcid", "ocid-c", KEY),
        (
            Reason::MissingField,
            "payload.likerAccountId",
            r#""likerAccountId":null"#,
            r#""likerAccountId":"a""#,
        ),
        (
            Reason::InvalidField,
            "payload.liked",
            r#""liked":0"#,
            r#""liked":false"#,
        ),
        (
            Reason::InvalidField,
            "payload.ownOcids[0]",
            "[7,true]",
            r#"["ocid-a"]"#,
        ),
        (
            Reason::SelfLike,
            "payload.targetOcid",
            r#"["ocid-a"]"#,
            "[]",
        ),
    ] {
        assert_refused(Topic::Likes, &text, reason, path);
        text = text.replace(wrong, mended);
    }
    assert!(read(Topic::Likes, &text).is_ok());

    // A payload that is missing counts with the envelope's members.
    let text = changed(
        Topic::Likes,
        [("payload", Json::Null), ("eventType", json!("X"))],
    );
    assert_refused(Topic::Likes, &text, Reason::MissingField, "payload");
}

#[test]
fn broken_json_of_a_checked_member_counts_wherever_it_stands() {
    for (topic, path) in [
        (Topic::Likes, "eventId"),
        (Topic::Likes, "payload"),
        (Topic::Likes, "payload.liked"),
        (Topic::Enrich, "payload.name"),
        (Topic::Donations, "payload.amount"),
        (Topic::Equipment, "payload.ocid"),
        (Topic::Equipment, "payload.snapshot"),
        (Topic::Equipment, "payload.equipment"),
    ] {
        for (list, place) in [("[1,,2]", "[1]"), ("[tru]", "[0]"), ("[1 2]", "")] {
            let text = changed(topic, [(path, json!("?"))]).replace("\"?\"", list);
            assert_refused(topic, &text, Reason::Malformed, &format!("{path}{place}"));
        }
    }
    for (document, place) in [
        (
            r#"{"presets":[[{"stars":31},{"stars":tru}]]}"#,
            ".presets[0][1].stars",
        ),
        (r#"{"presets":[[],[]],"presets":[]}"#, ".presets"),
    ] {
        let text = changed(
            Topic::Equipment,
            [("payload.snapshot", json!("?")), ("eventId", json!(7))],
        )
        .replace("\"?\"", document);
        let path = format!("payload.snapshot{place}");
        assert_refused(Topic::Equipment, &text, Reason::Malformed, &path);
    }
}
