//! `docs/rejections.md` lists the reasons as the code has them, each with an example that holds.

use std::fmt::Write as _;

use model::admission::{AdmissionSettings, Admitted, Partition};
use model::{Millis, RawRecord, Reason, Rejection, Topic};

const PAGE: &str = "docs/rejections.md";
const START: &str = "<!-- generated: start -->\n";
const END: &str = "<!-- generated: end -->\n";

/// A message that is rejected, and why.
struct Example {
    topic: Topic,
    key: &'static str,
    message: String,
}

/// A like with members changed, as text.
fn like(changes: &[(&str, &str)]) -> String {
    let mut message = r#"{"eventId":"0191d5a0-7f3a-7c51-9c1e-2b7c5a0f9d11","eventType":"LikeToggled","occurredAt":"2026-11-24T10:15:30Z","aggregateId":"ocid-a","payload":{"likerAccountId":"acc-1","targetOcid":"ocid-a"}}"#.to_owned();
    for (from, to) in changes {
        assert!(message.contains(from), "{from}");
        message = message.replace(from, to);
    }
    message
}

fn example(reason: Reason) -> Example {
    let last = r#""targetOcid":"ocid-a"}"#;
    let message = match reason {
        Reason::Malformed => like(&[(last, r#""targetOcid":"ocid-a","targetOcid":"ocid-b"}"#)]),
        Reason::TooLarge => {
            let long = format!(r#"{last},"note":"{}""#, "a".repeat(100_001));
            like(&[(last, &long)])
        }
        Reason::TooDeep => {
            let deep = format!(r#"{last},"note":{}{}"#, "[".repeat(50), "]".repeat(50));
            like(&[(last, &deep)])
        }
        Reason::UnknownType => like(&[("LikeToggled", "LikeChanged")]),
        Reason::UnknownVersion => like(&[(last, r#""targetOcid":"ocid-a"},"schemaVersion":2"#)]),
        Reason::MissingField => like(&[(r#""likerAccountId":"acc-1","#, "")]),
        Reason::InvalidField => like(&[("2026-11-24T10:15:30Z", "2026-11-24 10:15")]),
        Reason::KeyMismatch => like(&[(last, r#""targetOcid":"ocid-b"}"#)]),
        Reason::EquipmentMissing => like(&[
            ("LikeToggled", "EquipmentUpdated"),
            (
                r#""likerAccountId":"acc-1","targetOcid":"ocid-a""#,
                r#""ocid":"ocid-a","equipmentHash":"9f86d081""#,
            ),
        ]),
        Reason::SelfLike => like(&[(
            last,
            r#""targetOcid":"ocid-a","ownOcids":["ocid-z","ocid-a"]}"#,
        )]),
        Reason::NotExpected => like(&[("LikeToggled", "DonationReceived")]),
    };
    Example {
        topic: match reason {
            Reason::EquipmentMissing => Topic::Equipment,
            _ => Topic::Likes,
        },
        key: "ocid-a",
        message,
    }
}

/// What admission says of the example.
fn rejection(example: &Example) -> Rejection {
    let settings = AdmissionSettings {
        dedup_horizon_millis: 0,
        dedup_ids_max: usize::MAX,
    };
    let mut partition = Partition::new(example.topic, settings);
    let mut admitted = Admitted::new(example.topic);
    let record = RawRecord {
        key: Some(example.key.as_bytes()),
        value: Some(example.message.as_bytes()),
        timestamp_millis: Millis(0),
        offset: 0,
        replays: None,
    };
    partition.admit(&record, &mut admitted);
    admitted.rejected()[0].rejection.clone()
}

/// The text with each run of one character that is longer than 20 cut short.
fn abbreviated(text: &str) -> String {
    let mut short = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let behind = rest.trim_start_matches(first);
        let run = (rest.len() - behind.len()) / first.len_utf8();
        if run > 20 {
            write!(short, "{first}{first}… {run} times …{first}").expect("a String takes all");
        } else {
            short.extend(std::iter::repeat_n(first, run));
        }
        rest = behind;
    }
    short
}

fn generated() -> String {
    let mut page = "| code | what the producer did |\n|---|---|\n".to_owned();
    for reason in Reason::ALL {
        page += &format!("| `{reason}` | {} |\n", reason.description());
    }
    for reason in Reason::ALL {
        let example = example(reason);
        page += &format!(
            "\n### {reason}\n\n`{}`, key `{}`:\n\n```text\n{}\n```\n\n> {}\n",
            example.topic,
            example.key,
            abbreviated(&example.message),
            rejection(&example),
        );
    }
    page
}

#[test]
fn each_example_is_rejected_for_its_reason() {
    for reason in Reason::ALL {
        assert_eq!(rejection(&example(reason)).reason, reason);
    }
}

#[test]
fn the_documented_list_is_that_of_the_code() {
    let path = crate::repository(PAGE);
    let page = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = page
        .split_once(START)
        .expect("the page has a generated part");
    let (found, tail) = rest.split_once(END).expect("the generated part ends");
    let generated = generated();
    if std::env::var_os("MODEL_WRITE").is_some() {
        std::fs::write(&path, [head, START, &generated, END, tail].concat()).unwrap();
    } else {
        assert_eq!(
            found, generated,
            "{PAGE} differs; MODEL_WRITE=1 writes it anew"
        );
    }
}
