//! The schema files say what the code does: the same members, and the same values accepted.

use std::collections::BTreeSet;

use jsonschema::{Keyword, Registry, ValidationError, Validator};
use serde_json::Map;

use super::*;
use crate::document::{CompactMember, CompactRoot, FlameOption};
use crate::event::payload::{DonationMember, EnrichMember, EquipmentMember, LikeMember};

const SCHEMAS: [(&str, &str); 6] = [
    (
        "envelope",
        include_str!("../../../schemas/envelope.schema.json"),
    ),
    (
        "equipment",
        include_str!("../../../schemas/equipment.schema.json"),
    ),
    (
        "enrich",
        include_str!("../../../schemas/enrich.schema.json"),
    ),
    ("like", include_str!("../../../schemas/like.schema.json")),
    (
        "donation",
        include_str!("../../../schemas/donation.schema.json"),
    ),
    (
        "snapshot",
        include_str!("../../../schemas/snapshot.schema.json"),
    ),
];
const GOLDEN: &str = include_str!("../../../../golden/events.jsonl");
const BASE: &str = "json-schema:///";
/// The first item of the snapshot in [`message`].
const ITEM: &str = "payload.snapshot.presets.0.0";

fn schema(name: &str) -> Json {
    let (_, text) = SCHEMAS
        .into_iter()
        .find(|(known, _)| *known == name)
        .unwrap();
    serde_json::from_str(text).unwrap()
}

/// `x-max-bytes`: what a text may take in UTF-8.
struct MaxBytes(usize);

impl<'i> Keyword<'i> for MaxBytes {
    fn validate(&self, instance: &'i Json) -> Result<(), ValidationError<'i>> {
        if self.is_valid(instance) {
            Ok(())
        } else {
            Err(ValidationError::custom("a shorter text"))
        }
    }

    fn is_valid(&self, instance: &'i Json) -> bool {
        instance.as_str().is_none_or(|text| text.len() <= self.0)
    }
}

/// Validates whole messages.
fn validator() -> Validator {
    let mut registry = Registry::new();
    for (name, _) in SCHEMAS {
        registry = registry
            .add(format!("{BASE}{name}.schema.json"), schema(name))
            .unwrap();
    }
    jsonschema::options()
        .with_registry(&registry.prepare().unwrap())
        .with_base_uri(format!("{BASE}envelope.schema.json"))
        .should_validate_formats(true)
        .with_keyword("x-max-bytes", |_, max, _| {
            Ok(Box::new(MaxBytes(max.as_u64().unwrap() as usize)))
        })
        .build(&schema("envelope"))
        .unwrap()
}

/// Whether the code finds what a schema can say. What it compares with something else is beyond one.
fn is_well_formed<T>(read: &Result<T, Rejection>) -> bool {
    match read {
        Ok(_) => true,
        Err(rejection) => matches!(
            rejection.reason,
            Reason::KeyMismatch | Reason::SelfLike | Reason::EquipmentMissing
        ),
    }
}

/// Values of every type, at the limits and beyond them. No number is written as `1.0`, and no text of a
/// number is out of range: schemas cannot tell.
fn probes() -> Vec<Json> {
    let texts = [
        "",
        " ",
        "\u{3000}",
        "x",
        "7",
        "+7",
        "-0",
        "0,007",
        "1,23",
        "1.5",
        "--7",
        "a\u{1}",
        "a\n",
        "\u{7f}",
        "\u{85}",
        ID,
        "0191d5a07f3a7c519c1e2b7c5a0f9d11",
        "2026-11-24T10:15:30Z",
        "2026-11-24T10:15:30.123456789+09:00",
        "2026-11-24t10:15:30z",
        "2026-02-30T10:15:30Z",
        "2026-11-24T10:15:30",
        "2026-11-24T10:15:60Z",
        "LikeToggle",
    ];
    let lengths = [1, 2, 3].into_iter().flat_map(|bytes| {
        let unit = ["a", "é", "가"][bytes - 1];
        [ID_BYTES_MAX, TEXT_BYTES_MAX]
            .into_iter()
            .flat_map(move |limit| {
                [limit / bytes, limit / bytes + 1].map(|count| unit.repeat(count))
            })
    });
    let integers = [
        i64::MIN,
        i64::from(i32::MIN) - 1,
        i64::from(i32::MIN),
        -1,
        0,
        1,
        2,
        30,
        31,
        300,
        301,
        i64::from(i32::MAX),
        i64::from(i32::MAX) + 1,
        i64::MAX,
    ];
    let others = [
        json!(null),
        json!(true),
        json!(1.5),
        json!(1u64 << 63),
        json!([]),
        json!([null]),
        json!(["x"]),
        json!(["", "x"]),
        json!([7]),
        json!([null, null, null]),
        json!(["x", "y", "z", "w"]),
        json!([[]]),
        json!([[], null, []]),
        json!([[], [], [], []]),
        json!([[{}]]),
        json!([["x"]]),
        json!([{}]),
        json!({}),
        json!({"x": 1}),
        json!({"int": "x"}),
        json!({"presets": [[]]}),
        json!({"presets": []}),
        json!({"item_equipment_preset_1": []}),
        json!(["가".repeat(43)]),
        json!(["가".repeat(342)]),
    ];
    let texts = texts
        .map(Json::from)
        .into_iter()
        .chain(lengths.map(Json::from));
    texts
        .chain(integers.map(Json::from))
        .chain(others)
        .collect()
}

/// The members of a message, with its snapshot's, each with what must be there for it to be set.
fn paths(topic: Topic) -> Vec<(String, Option<(&'static str, Json)>)> {
    let within = |parent: &str, names: &[&str]| -> Vec<String> {
        names.iter().map(|name| format!("{parent}{name}")).collect()
    };
    let mut paths = within("", EnvelopeMember::NAMES);
    paths.extend(within(
        "payload.",
        match topic {
            Topic::Equipment => EquipmentMember::NAMES,
            Topic::Enrich => EnrichMember::NAMES,
            Topic::Likes => LikeMember::NAMES,
            Topic::Donations => DonationMember::NAMES,
        },
    ));
    let mut all: Vec<_> = paths.into_iter().map(|path| (path, None)).collect();
    if topic == Topic::Equipment {
        let snapshot = within("payload.snapshot.", CompactRoot::NAMES);
        let item = within(&format!("{ITEM}."), CompactMember::NAMES);
        all.extend(snapshot.into_iter().chain(item).map(|path| (path, None)));
        let flame = within(&format!("{ITEM}.flame."), FlameOption::NAMES);
        let parent = || Some(("payload.snapshot.presets.0.0.flame", json!({})));
        all.extend(flame.into_iter().map(|path| (path, parent())));
    }
    all
}

#[test]
fn every_schema_is_one() {
    for (name, _) in SCHEMAS {
        assert!(jsonschema::meta::is_valid(&schema(name)), "{name}");
    }
}

#[test]
fn schemas_have_the_members_that_the_code_reads() {
    for (schema, names) in [
        (schema("envelope"), EnvelopeMember::NAMES),
        (schema("equipment"), EquipmentMember::NAMES),
        (schema("enrich"), EnrichMember::NAMES),
        (schema("like"), LikeMember::NAMES),
        (schema("donation"), DonationMember::NAMES),
        (schema("snapshot"), CompactRoot::NAMES),
        (
            schema("snapshot")["$defs"]["item"].clone(),
            CompactMember::NAMES,
        ),
        (
            schema("snapshot")["$defs"]["flame"].clone(),
            FlameOption::NAMES,
        ),
    ] {
        let members: BTreeSet<_> = schema["properties"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect();
        let names: BTreeSet<_> = names.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(members, names);
    }
}

#[test]
fn lengths_in_characters_and_bytes_are_the_limits_of_the_code() {
    fn check(schema: &Json) {
        match schema {
            Json::Object(object) => {
                if let Some(max) = object.get("maxLength") {
                    let is_text = !object.contains_key("minLength");
                    let limit = if is_text {
                        TEXT_BYTES_MAX
                    } else {
                        ID_BYTES_MAX
                    };
                    assert_eq!(
                        (max, &object["x-max-bytes"]),
                        (&json!(limit), &json!(limit))
                    );
                }
                object.values().for_each(check);
            }
            Json::Array(list) => list.iter().for_each(check),
            _ => {}
        }
    }
    SCHEMAS
        .into_iter()
        .for_each(|(name, _)| check(&schema(name)));
}

#[test]
fn a_schema_accepts_the_values_that_the_code_accepts() {
    let validator = validator();
    let mut accepted = 0;
    for topic in Topic::ALL {
        for (path, parent) in paths(topic) {
            for value in probes() {
                let parent = parent.clone().unwrap_or(("traceparent", json!("t")));
                let text = changed(topic, [parent, (&path, value)]);
                let read = read(topic, &text);
                let instance: Json = serde_json::from_str(&text).unwrap();
                assert_eq!(
                    validator.is_valid(&instance),
                    is_well_formed(&read),
                    "{text} {read:?} {:?}",
                    validator
                        .validate(&instance)
                        .err()
                        .map(|error| error.to_string())
                );
                accepted += usize::from(read.is_ok());
            }
        }
    }
    assert!(accepted > 900, "{accepted}");
}

#[test]
fn a_schema_requires_the_members_that_the_code_requires() {
    let validator = validator();
    for topic in Topic::ALL {
        let message = message(topic);
        let mut paths = vec![String::new(), "/payload".to_owned()];
        if topic == Topic::Equipment {
            let snapshot = ["", "/presets/0/0"].map(|path| format!("/payload/snapshot{path}"));
            paths.extend(snapshot);
        }
        for path in paths {
            let names = message
                .pointer(&path)
                .and_then(Json::as_object)
                .map(Map::keys);
            for name in names.unwrap() {
                let mut instance = message.clone();
                let object = instance.pointer_mut(&path).and_then(Json::as_object_mut);
                object.unwrap().shift_remove(name);
                let text = instance.to_string();
                let read = read(topic, &text);
                assert_eq!(
                    validator.is_valid(&instance),
                    is_well_formed(&read),
                    "{text} {read:?} {:?}",
                    validator
                        .validate(&instance)
                        .err()
                        .map(|error| error.to_string())
                );
            }
        }
    }
}

/// Value and outcome of each golden record that is JSON with every name once.
fn golden() -> Vec<(Topic, Json, String)> {
    let mut records = Vec::new();
    for line in GOLDEN.lines() {
        let line: Json = serde_json::from_str(line).unwrap();
        let topic = serde_json::from_value(line["in"]["topic"].clone()).unwrap();
        let outcomes = line["out"]["outcomes"].as_array().unwrap();
        for (record, outcome) in line["in"]["records"]
            .as_array()
            .unwrap()
            .iter()
            .zip(outcomes)
        {
            // Those in base64 are no UTF-8.
            let Some(text) = record["value"].as_str() else {
                continue;
            };
            if let Ok(instance) = serde_json::from_str(text) {
                records.push((topic, instance, outcome.as_str().unwrap().to_owned()));
            }
        }
    }
    records
}

#[test]
fn golden_records_are_valid_or_not_as_they_are_accepted_or_not() {
    let validator = validator();
    let (mut valid, mut invalid) = (0, 0);
    for (topic, instance, outcome) in golden() {
        let is_valid = validator.is_valid(&instance);
        let reason = outcome
            .strip_prefix("rejected:")
            .map(|code| Reason::from_code(code).unwrap());
        match reason {
            None | Some(Reason::KeyMismatch | Reason::SelfLike | Reason::EquipmentMissing) => {
                assert!(is_valid, "{topic} {instance} {outcome}");
                valid += 1;
            }
            Some(
                Reason::UnknownType
                | Reason::UnknownVersion
                | Reason::MissingField
                | Reason::InvalidField,
            ) => {
                assert!(!is_valid, "{topic} {instance} {outcome}");
                invalid += 1;
            }
            // No object at all, or what a parsed value does not show: a member that stood twice, sizes,
            // depth; a type that is another topic's.
            Some(Reason::Malformed) => assert!(!is_valid || instance.is_object()),
            Some(Reason::TooLarge | Reason::TooDeep | Reason::NotExpected) => {}
        }
    }
    assert!(valid > 100 && invalid > 20, "{valid} {invalid}");
}
