//! The form of a message: one object, its size and nesting, unknown members.

use super::*;

#[test]
fn a_message_is_exactly_one_object_in_utf_8() {
    let text = message(Topic::Likes).to_string();
    for broken in [
        "",
        " ",
        "null",
        "[]",
        "\"x\"",
        "7",
        "{",
        "}",
        "{}}",
        "{} {}",
        "{,}",
        "{\"a\"}",
        "\u{feff}{}",
    ] {
        assert_refused(Topic::Likes, broken, Reason::Malformed, "");
    }
    for end in 0..text.len() {
        let Some(cut) = text.get(..end) else { continue };
        assert_eq!(refused(Topic::Likes, cut).0, Reason::Malformed, "{cut}");
    }
    for tail in ["x", "{}", ",", "\0"] {
        assert_refused(
            Topic::Likes,
            &format!("{text}{tail}"),
            Reason::Malformed,
            "",
        );
    }
    assert!(read(Topic::Likes, &format!(" \r\n\t{text} \r\n\t")).is_ok());

    let mut bytes = text.replace("acc-1", "acc-?").into_bytes();
    let at = bytes.iter().position(|&byte| byte == b'?').unwrap();
    bytes[at] = 0xc3;
    let record = RawRecord {
        key: None,
        value: Some(&bytes),
        timestamp_millis: Millis(0),
        offset: 0,
        replays: None,
    };
    let rejection = Event::read(Topic::Likes, &record, |_, _| false).unwrap_err();
    assert_eq!(rejection.reason, Reason::Malformed);
}

#[test]
fn a_member_that_stands_twice_is_malformed_in_whatever_case_of_escapes() {
    let text = message(Topic::Likes).to_string();
    let with = |tail: &str| format!("{},{tail}}}", &text[..text.len() - 1]);

    for (tail, path) in [
        (r#""eventId":"x""#, "eventId"),
        (r#""event\u0049d":"x""#, "eventId"),
        (r#""payload":null"#, "payload"),
        (r#""x":1,"x":1"#, "x"),
    ] {
        assert_refused(Topic::Likes, &with(tail), Reason::Malformed, path);
    }
    let inside = text.replace(r#""liked":true"#, r#""liked":true,"liked":true"#);
    assert_refused(Topic::Likes, &inside, Reason::Malformed, "payload.liked");
    assert!(read(Topic::Likes, &with(r#""eventid":7,"x":{"a":1,"a":2}"#)).is_ok());
}

#[test]
fn of_unknown_members_only_the_bounds_count() {
    for topic in Topic::ALL {
        let text = message(topic).to_string();
        let junk = r#""x":{"a" 1,,"a":[tru]},"y":nonsense,"#;
        let with = |junk: &str| {
            let text = text.replacen('{', &format!("{{{junk}"), 1);
            text.replace(r#""payload":{"#, &format!(r#""payload":{{{junk}"#))
        };
        assert!(read(topic, &with(junk)).is_ok());
        assert_refused(topic, &with(r#""x":[}],"#), Reason::Malformed, "x");
    }
}

#[test]
fn members_may_come_in_any_order() {
    for topic in Topic::ALL {
        let text = message(topic).to_string();
        let mut reversed = serde_json::Map::new();
        for (name, value) in message(topic).as_object().unwrap().iter().rev() {
            let value = match value.as_object() {
                Some(object) => object
                    .iter()
                    .rev()
                    .map(|(k, v)| (k.clone(), v.clone()))
                    .collect(),
                None => value.clone(),
            };
            reversed.insert(name.clone(), value);
        }
        let reversed = Json::from(reversed).to_string();
        assert_ne!(reversed, text);
        assert_eq!(read(topic, &reversed).unwrap(), read(topic, &text).unwrap());
    }
}

#[test]
fn limits_of_size_hold_to_the_byte_and_character() {
    let text = message(Topic::Likes).to_string();
    let filled = |bytes: usize| text.clone() + &" ".repeat(bytes - text.len());
    assert!(read(Topic::Likes, &filled(MESSAGE_BYTES_MAX)).is_ok());
    assert_refused(
        Topic::Likes,
        &filled(MESSAGE_BYTES_MAX + 1),
        Reason::TooLarge,
        "",
    );
    // The size counts before the JSON.
    assert_refused(
        Topic::Likes,
        &"x".repeat(MESSAGE_BYTES_MAX + 1),
        Reason::TooLarge,
        "",
    );

    let unknown = |name: String, value: String| changed(Topic::Likes, [(&name, json!(value))]);
    let long = |chars: usize| "가".repeat(chars);
    assert!(read(Topic::Likes, &unknown("x".into(), long(STRING_CHARS_MAX))).is_ok());
    let text = unknown("x".into(), long(STRING_CHARS_MAX + 1));
    assert_refused(Topic::Likes, &text, Reason::TooLarge, "x");
    assert!(read(Topic::Likes, &unknown(long(NAME_CHARS_MAX), "x".into())).is_ok());
    let text = unknown(long(NAME_CHARS_MAX + 1), "x".into());
    assert_eq!(refused(Topic::Likes, &text).0, Reason::TooLarge);
    // Also of a member that is read, whose own limit is lower.
    let text = changed(
        Topic::Likes,
        [("traceparent", json!(long(STRING_CHARS_MAX + 1)))],
    );
    assert_refused(Topic::Likes, &text, Reason::TooLarge, "traceparent");
}

#[test]
fn the_message_is_the_first_of_fifty_levels() {
    let nested = |path: &str, levels: usize| {
        changed(Topic::Likes, [(path, json!("?"))]).replace(
            "\"?\"",
            &format!("{}{}", "[".repeat(levels), "]".repeat(levels)),
        )
    };
    assert!(read(Topic::Likes, &nested("x", DEPTH_MAX - 1)).is_ok());
    assert_refused(Topic::Likes, &nested("x", DEPTH_MAX), Reason::TooDeep, "x");
    assert!(read(Topic::Likes, &nested("payload.x", DEPTH_MAX - 2)).is_ok());
    assert_refused(
        Topic::Likes,
        &nested("payload.x", DEPTH_MAX - 1),
        Reason::TooDeep,
        "payload.x",
    );
    let own = nested("payload.ownOcids", DEPTH_MAX - 2);
    assert_refused(
        Topic::Likes,
        &own,
        Reason::InvalidField,
        "payload.ownOcids[0]",
    );
}
