//! The payloads: their members, each with its limits.

use super::*;

#[test]
fn payloads_are_read_to_the_member() {
    let text = message(Topic::Enrich).to_string();
    let Payload::Enrich(enrich) = read(Topic::Enrich, &text).unwrap().payload else {
        panic!("an enrich payload");
    };
    assert_eq!((&*enrich.name, &*enrich.world), ("이름", "스카니아"));
    assert_eq!((&*enrich.class, enrich.level), ("에반", 280));
    assert_eq!(enrich.guild.as_deref(), Some("길드"));

    let text = message(Topic::Likes).to_string();
    let Payload::Like(like) = read(Topic::Likes, &text).unwrap().payload else {
        panic!("a like payload");
    };
    assert_eq!((&*like.liker_account_id, like.liked), ("acc-1", Some(true)));

    let text = message(Topic::Donations).to_string();
    let Payload::Donation(donation) = read(Topic::Donations, &text).unwrap().payload else {
        panic!("a donation payload");
    };
    assert_eq!((&*donation.request_id, &*donation.sender_id), ("r1", "s1"));
    assert_eq!(
        (donation.amount, donation.reverses.as_deref()),
        (5, Some("r0"))
    );
}

#[test]
fn equipment_comes_as_document_as_snapshot_or_not_at_all() {
    let equipment = |changes: [(&str, Json); 2]| {
        let text = changed(Topic::Equipment, changes);
        match read(Topic::Equipment, &text).unwrap().payload {
            Payload::Equipment(payload) => payload.equipment,
            other => panic!("{other:?}"),
        }
    };
    let document = json!({
        "character_class": "에반",
        "item_equipment_preset_1": [{"item_equipment_slot": "모자", "starforce": "22"}],
    });
    let none = || ("payload.snapshot", Json::Null);

    let Equipment::Snapshot(whole) = equipment([("payload.equipment", document.clone()), none()])
    else {
        panic!("a snapshot");
    };
    let Equipment::Snapshot(compact) =
        equipment([("payload.equipment", Json::Null), ("version", json!(1))])
    else {
        panic!("a snapshot");
    };
    assert_eq!(whole, compact);
    let bare = equipment([("payload.equipment", Json::Null), none()]);
    assert_eq!(bare, Equipment::Confirmation);

    assert_refused(
        Topic::Equipment,
        &changed(Topic::Equipment, [("payload.equipment", document)]),
        Reason::InvalidField,
        "payload.snapshot",
    );
    for value in [json!([]), json!("x"), json!(1), json!(true)] {
        for member in ["equipment", "snapshot"] {
            let path = format!("payload.{member}");
            let text = changed(Topic::Equipment, [none(), (&path, value.clone())]);
            assert_refused(Topic::Equipment, &text, Reason::InvalidField, &path);
        }
    }
}

#[test]
fn a_current_document_is_skipped_and_only_its_bounds_count() {
    let text = changed(
        Topic::Equipment,
        [
            ("payload.equipmentHash", json!("current")),
            ("payload.snapshot", Json::Null),
        ],
    );
    let with =
        |document: &str| text.replace(r#""snapshot":null"#, &format!(r#""equipment":{document}"#));

    for document in ["{}", r#"{"a":1,"a":,,"item_equipment_preset_1":7}"#] {
        let text = with(document);
        let Payload::Equipment(payload) = read(Topic::Equipment, &text).unwrap().payload else {
            panic!("an equipment payload");
        };
        assert_eq!(payload.equipment, Equipment::Skipped);
    }
    assert_refused(
        Topic::Equipment,
        &with("{]}"),
        Reason::Malformed,
        "payload.equipment",
    );
    let other = with("{}").replace("current", "other");
    assert_refused(
        Topic::Equipment,
        &other,
        Reason::InvalidField,
        "payload.equipment",
    );
}

#[test]
fn ids_are_1_to_128_bytes_without_control_characters() {
    let longest = "가".repeat(42) + "ab";
    assert_eq!(longest.len(), ID_BYTES_MAX);
    for (topic, path) in [
        (Topic::Likes, "payload.likerAccountId"),
        (Topic::Donations, "payload.requestId"),
        (Topic::Donations, "payload.senderId"),
        (Topic::Donations, "payload.reverses"),
        (Topic::Enrich, "payload.guild"),
    ] {
        for fine in ["x", " ", &longest, "\u{a0}"] {
            let text = changed(topic, [(path, json!(fine))]);
            assert!(read(topic, &text).is_ok(), "{text}");
        }
        for wrong in [
            "",
            &format!("{longest}x"),
            "a\u{0}",
            "a\n",
            "\u{7f}",
            "\u{85}가",
        ] {
            let text = changed(topic, [(path, json!(wrong))]);
            assert_refused(topic, &text, Reason::InvalidField, path);
        }
    }
    let own = changed(Topic::Likes, [("payload.ownOcids", json!(["a", "", "b"]))]);
    assert_refused(
        Topic::Likes,
        &own,
        Reason::InvalidField,
        "payload.ownOcids[1]",
    );
    let no_id = changed(Topic::Likes, [("aggregateId", json!(""))]);
    assert_refused(Topic::Likes, &no_id, Reason::InvalidField, "aggregateId");
}

#[test]
fn hashes_are_1_to_128_bytes_and_texts_at_most_1024() {
    let hash = |bytes: usize| {
        changed(
            Topic::Equipment,
            [("payload.equipmentHash", json!("h".repeat(bytes)))],
        )
    };
    assert!(read(Topic::Equipment, &hash(128)).is_ok());
    for bytes in [0, 129] {
        assert_refused(
            Topic::Equipment,
            &hash(bytes),
            Reason::InvalidField,
            "payload.equipmentHash",
        );
    }
    for path in [
        "traceparent",
        "payload.name",
        "payload.world",
        "payload.class",
    ] {
        let text = |bytes: usize| changed(Topic::Enrich, [(path, json!("t".repeat(bytes)))]);
        assert!(read(Topic::Enrich, &text(0)).is_ok());
        assert!(read(Topic::Enrich, &text(TEXT_BYTES_MAX)).is_ok());
        assert_refused(
            Topic::Enrich,
            &text(TEXT_BYTES_MAX + 1),
            Reason::InvalidField,
            path,
        );
    }
}

#[test]
fn numbers_of_messages_are_integers_in_range_and_never_texts() {
    for (topic, path, fine, wrong) in [
        (
            Topic::Enrich,
            "payload.level",
            vec!["0", "300"],
            vec!["-1", "301", "1.0", "1e2", "\"280\"", "true"],
        ),
        (
            Topic::Donations,
            "payload.amount",
            vec!["1", "9223372036854775807"],
            vec!["0", "-1", "9223372036854775808", "5.0", "\"5\""],
        ),
        (
            Topic::Likes,
            "version",
            vec!["0", "9223372036854775807"],
            vec!["-1", "9223372036854775808", "1.0", "\"7\""],
        ),
        (
            Topic::Likes,
            "schemaVersion",
            vec!["1"],
            vec!["1.0", "\"1\"", "true", "[]"],
        ),
        (
            Topic::Likes,
            "payload.liked",
            vec!["true", "false"],
            vec!["1", "\"true\"", "{}"],
        ),
    ] {
        let with = |number: &str| changed(topic, [(path, json!("?"))]).replace("\"?\"", number);
        for number in fine {
            assert!(read(topic, &with(number)).is_ok(), "{path} {number}");
        }
        for number in wrong {
            assert_refused(topic, &with(number), Reason::InvalidField, path);
        }
        for number in ["01", "+1", ".5", "1.", "0x1", "1_0", "NaN", "True", "--1"] {
            assert_refused(topic, &with(number), Reason::Malformed, path);
        }
    }
}

#[test]
fn nobody_likes_a_character_of_their_own() {
    let own = |list: Json| changed(Topic::Likes, [("payload.ownOcids", list)]);

    for list in [
        json!([KEY]),
        json!(["x", "ocid-\u{61}", "y"]),
        json!([KEY, KEY]),
    ] {
        assert_refused(
            Topic::Likes,
            &own(list),
            Reason::SelfLike,
            "payload.targetOcid",
        );
    }
    assert!(read(Topic::Likes, &own(json!([]))).is_ok());
    // Members are checked before they are compared.
    let wrong = own(json!([KEY, 7]));
    assert_refused(
        Topic::Likes,
        &wrong,
        Reason::InvalidField,
        "payload.ownOcids[1]",
    );
}
