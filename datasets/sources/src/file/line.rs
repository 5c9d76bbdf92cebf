//! What a line of a file is.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use model::{Millis, PartitionId, RawRecord, Topic};
use serde::Deserialize;

use super::{STRAY_LINES, STRAY_TOPIC};

/// A line as a record.
#[derive(Debug, PartialEq)]
pub(super) struct Line<'a> {
    pub(super) partition: PartitionId,
    /// The offset that the line names; without one, the number of lines before it.
    pub(super) offset: i64,
    /// Whether the offset is the number of lines before it.
    pub(super) by_line: bool,
    key: Option<Cow<'a, [u8]>>,
    value: Option<Cow<'a, [u8]>>,
    timestamp_millis: Millis,
    replays: Option<i64>,
}

/// The members of both forms. Everything may be absent; what is unknown is ignored.
#[derive(Deserialize)]
struct Members<'a> {
    topic: Option<Topic>,
    partition: Option<i32>,
    offset: Option<i64>,
    timestamp_millis: Option<i64>,
    replays: Option<i64>,
    #[serde(borrow)]
    key: Option<Text<'a>>,
    #[serde(borrow)]
    key_base64: Option<Text<'a>>,
    #[serde(borrow)]
    value: Option<Text<'a>>,
    #[serde(borrow)]
    value_base64: Option<Text<'a>>,
    #[serde(borrow, rename = "eventType")]
    event_type: Option<Text<'a>>,
    #[serde(borrow, rename = "occurredAt")]
    occurred_at: Option<Text<'a>>,
}

/// The members that make a line a bare envelope. To it those of the record form are unknown ones,
/// whatever they hold.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, rename = "eventType")]
    event_type: Text<'a>,
    #[serde(borrow, rename = "occurredAt")]
    occurred_at: Text<'a>,
}

/// A text that is borrowed where it has no escapes (serde borrows no text inside an `Option`).
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Line<'a> {
    /// What `text` is, a line without its break that has `lines_before` lines before it.
    pub(super) fn parse(text: &'a [u8], lines_before: i64) -> Self {
        let members = serde_json::from_slice(text).ok();
        members
            .and_then(|members| Self::either(members, text, lines_before))
            .or_else(|| {
                let envelope = serde_json::from_slice(text).ok()?;
                Self::bare(&envelope, text, lines_before)
            })
            .unwrap_or_else(|| Self {
                partition: PartitionId {
                    topic: STRAY_TOPIC,
                    partition: STRAY_LINES,
                },
                offset: lines_before,
                by_line: true,
                key: None,
                value: Some(text.into()),
                timestamp_millis: Millis(0),
                replays: None,
            })
    }

    fn either(members: Members<'a>, text: &'a [u8], lines_before: i64) -> Option<Self> {
        if let (Some(topic), Some(partition), Some(offset), Some(timestamp)) = (
            members.topic,
            members.partition,
            members.offset,
            members.timestamp_millis,
        ) {
            if partition < 0 || offset < 0 {
                return None;
            }
            return Some(Self {
                partition: PartitionId { topic, partition },
                offset,
                by_line: false,
                key: bytes(members.key, members.key_base64)?,
                value: bytes(members.value, members.value_base64)?,
                timestamp_millis: Millis(timestamp),
                replays: members.replays,
            });
        }
        let envelope = Envelope {
            event_type: members.event_type?,
            occurred_at: members.occurred_at?,
        };
        Self::bare(&envelope, text, lines_before)
    }

    fn bare(envelope: &Envelope, text: &'a [u8], lines_before: i64) -> Option<Self> {
        let event_type = &*envelope.event_type.0;
        let topic = Topic::ALL
            .into_iter()
            .find(|&topic| model::event::event_type(topic) == event_type)?;
        Some(Self {
            partition: PartitionId {
                topic,
                partition: 0,
            },
            offset: lines_before,
            by_line: true,
            key: None,
            value: Some(text.into()),
            // A time that is none is for admission to reject; 0 moves no running maximum.
            timestamp_millis: Millis(
                envelope
                    .occurred_at
                    .0
                    .parse()
                    .map_or(0, |at: Timestamp| at.as_millisecond()),
            ),
            replays: None,
        })
    }

    pub(super) fn as_record(&self) -> RawRecord<'_> {
        RawRecord {
            key: self.key.as_deref(),
            value: self.value.as_deref(),
            timestamp_millis: self.timestamp_millis,
            offset: self.offset,
            replays: self.replays,
        }
    }
}

/// A key or value; `None` if it is given twice or is not base64.
#[expect(
    clippy::option_option,
    reason = "outside: whether it can be read; inside: whether there is one"
)]
fn bytes<'a>(text: Option<Text<'a>>, base64: Option<Text<'a>>) -> Option<Option<Cow<'a, [u8]>>> {
    match (text, base64) {
        (None, None) => Some(None),
        (Some(Text(Cow::Borrowed(text))), None) => Some(Some(text.as_bytes().into())),
        (Some(Text(Cow::Owned(text))), None) => Some(Some(text.into_bytes().into())),
        (None, Some(Text(text))) => Some(Some(STANDARD.decode(&*text).ok()?.into())),
        (Some(_), Some(_)) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (i32, i64, Option<Vec<u8>>, Option<Vec<u8>>, i64) {
        let line = Line::parse(text.as_bytes(), 9);
        let record = line.as_record();
        (
            line.partition.partition,
            record.offset,
            record.key.map(<[u8]>::to_vec),
            record.value.map(<[u8]>::to_vec),
            record.timestamp_millis.0,
        )
    }

    #[test]
    fn a_record_form_keeps_key_value_offset_and_time() {
        let head = r#"{"topic":"like.toggle","partition":2,"offset":40,"timestamp_millis":5"#;

        assert_eq!(
            parsed(&format!(
                r#"{head},"key":"k","value":"{{\"a\":1}}","more":[1]}}"#
            )),
            (2, 40, Some(b"k".to_vec()), Some(br#"{"a":1}"#.to_vec()), 5)
        );
        assert_eq!(
            parsed(&format!(r#"{head},"key":null,"value":null}}"#)),
            (2, 40, None, None, 5)
        );
        assert_eq!(
            parsed(&format!(
                r#"{head},"key_base64":"/w==","value_base64":"/wA="}}"#
            )),
            (2, 40, Some(vec![0xff]), Some(vec![0xff, 0]), 5)
        );
    }

    #[test]
    fn only_a_record_form_says_which_record_it_replays() {
        let replays = |text: &str| Line::parse(text.as_bytes(), 9).as_record().replays;
        let head = r#"{"topic":"like.toggle","partition":2,"offset":40,"timestamp_millis":5"#;

        assert_eq!(
            replays(&format!(r#"{head},"replays":7,"value":"x"}}"#)),
            Some(7)
        );
        assert_eq!(replays(&format!(r#"{head},"value":"x"}}"#)), None);
        let bare = r#"{"eventType":"LikeToggled","occurredAt":"1970-01-01T00:00:01Z","replays":7}"#;
        assert_eq!(replays(bare), None);
    }

    #[test]
    fn a_bare_envelope_goes_to_the_topic_of_its_type() {
        let text = r#"{"eventType":"LikeToggled","occurredAt":"1970-01-01T00:00:01.5Z"}"#;

        assert_eq!(parsed(text), (0, 9, None, Some(text.into()), 1_500));
        assert_eq!(
            Line::parse(text.as_bytes(), 9).partition.topic,
            Topic::Likes
        );
        let timeless = r#"{"eventType":"LikeToggled","occurredAt":"yesterday"}"#;
        assert_eq!(parsed(timeless), (0, 9, None, Some(timeless.into()), 0));
    }

    #[test]
    fn members_of_the_record_form_are_unknown_ones_in_a_bare_envelope() {
        for member in [
            r#""topic":"prod""#,
            r#""topic":7"#,
            r#""partition":"2""#,
            r#""offset":"7""#,
            r#""offset":1,"offset":2"#,
            r#""timestamp_millis":1.5"#,
            r#""key":{"a":1}"#,
            r#""value":[]"#,
            r#""topic":"like.toggle","partition":-1,"offset":7,"timestamp_millis":5"#,
        ] {
            let text = format!(
                r#"{{{member},"eventType":"LikeToggled","occurredAt":"1970-01-01T00:00:01.5Z"}}"#
            );

            let line = Line::parse(text.as_bytes(), 9);
            assert_eq!(line.partition.topic, Topic::Likes, "{text}");
            let as_it_is = (0, 9, None, Some(text.clone().into_bytes()), 1_500);
            assert_eq!(parsed(&text), as_it_is);
        }
    }

    #[test]
    fn anything_else_comes_through_as_it_is() {
        for text in [
            "",
            "nonsense",
            "[1]",
            r#"{"eventType":"SomethingElse","occurredAt":"1970-01-01T00:00:01Z"}"#,
            r#"{"topic":"other","partition":0,"offset":1,"timestamp_millis":1}"#,
            r#"{"topic":"like.toggle","partition":-1,"offset":1,"timestamp_millis":1}"#,
            r#"{"topic":"like.toggle","partition":0,"offset":1,"timestamp_millis":1,"value_base64":"?"}"#,
            r#"{"topic":"like.toggle","partition":0,"offset":1,"timestamp_millis":1,"value":{}}"#,
        ] {
            assert_eq!(parsed(text), (STRAY_LINES, 9, None, Some(text.into()), 0));
        }
    }
}
