//! The schema files say what the code does: the same members, and the same values accepted.

mod probes;

use std::collections::BTreeSet;

use jsonschema::{Keyword, Registry, ValidationError, Validator};
use serde_json::Map;

use self::probes::{documented, probed, probes};
use super::*;
use crate::document::{
    CompactMember, CompactRoot, DocumentBase, DocumentMember, DocumentRoot, FlameOption,
};
use crate::event::payload::{DonationMember, EnrichMember, EquipmentMember, LikeMember};

const SCHEMAS: [(&str, &str); 7] = [
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
    (
        "document",
        include_str!("../../../schemas/document.schema.json"),
    ),
];
const GOLDEN: &str = include_str!("../../../../golden/events.jsonl");
const BASE: &str = "json-schema:///";

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
        (schema("document"), DocumentRoot::NAMES),
        (
            schema("document")["$defs"]["item"].clone(),
            DocumentMember::NAMES,
        ),
        (
            schema("document")["$defs"]["base"].clone(),
            DocumentBase::NAMES,
        ),
        (
            schema("document")["$defs"]["flame"].clone(),
            FlameOption::DOCUMENT_NAMES,
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

/// Demands that the schemas say of a message what the code says; whether it is accepted.
fn is_alike(validator: &Validator, topic: Topic, instance: &Json) -> bool {
    let text = instance.to_string();
    let read = read(topic, &text);
    assert_eq!(
        validator.is_valid(instance),
        is_well_formed(&read),
        "{text} {read:?} {:?}",
        validator
            .validate(instance)
            .err()
            .map(|error| error.to_string())
    );
    read.is_ok()
}

#[test]
fn a_schema_accepts_the_values_that_the_code_accepts() {
    let validator = validator();
    let mut accepted = 0;
    for topic in Topic::ALL {
        for (message, paths) in probed(topic) {
            assert!(is_alike(&validator, topic, &message));
            for path in paths {
                for value in probes() {
                    let mut instance = message.clone();
                    set(&mut instance, &path, value);
                    accepted += usize::from(is_alike(&validator, topic, &instance));
                }
            }
        }
    }
    assert!(accepted > 900, "{accepted}");
}

#[test]
fn a_schema_requires_the_members_that_the_code_requires() {
    let validator = validator();
    let mut objects = Vec::new();
    for topic in Topic::ALL {
        objects.extend(["", "/payload"].map(|path| (topic, message(topic), path.to_owned())));
    }
    for path in ["/payload/snapshot", "/payload/snapshot/presets/0/0"] {
        let topic = Topic::Equipment;
        objects.push((topic, message(topic), path.to_owned()));
    }
    let item = format!("/{}", probes::ITEM.replace('.', "/"));
    for path in ["/payload".to_owned(), "/payload/equipment".to_owned(), item] {
        objects.push((Topic::Equipment, documented(), path));
    }
    for (topic, message, path) in objects {
        let object = message.pointer(&path).and_then(Json::as_object);
        for name in object.map(Map::keys).unwrap() {
            let mut instance = message.clone();
            let object = instance.pointer_mut(&path).and_then(Json::as_object_mut);
            object.unwrap().shift_remove(name);
            is_alike(&validator, topic, &instance);
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
