//! Which rejected records are meant: by their places, or by what they have in common.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::str::FromStr;

use anyhow::{Context as _, Result, anyhow};
use clap::{Args as ClapArgs, ValueEnum};
use jiff::Timestamp;
use model::{Reason, Topic};
use runtime::acts::{RecordPlace, Standing};

use super::rows::Row;
use crate::failure::Failed as _;

/// Records, by their places or by what they have in common; all conditions must hold.
#[derive(Clone, Debug, Default, ClapArgs)]
pub(super) struct SelectArgs {
    /// The record at this place, as `list` and `show` write it: like.toggle/0/17. May be several.
    #[arg(value_name = "TOPIC/PARTITION/OFFSET")]
    places: Vec<String>,
    /// Records of this topic, by its default name.
    #[arg(long)]
    topic: Option<String>,
    /// Records of this partition.
    #[arg(long)]
    partition: Option<i32>,
    /// Records with this key.
    #[arg(long)]
    key: Option<String>,
    /// Records that were rejected for this reason: a code of docs/rejections.md.
    #[arg(long)]
    reason: Option<String>,
    /// Records at fault at this path; `[*]` stands for any index, as in the groups of `list`.
    #[arg(long)]
    path: Option<String>,
    /// Records in which just this was expected.
    #[arg(long)]
    expected: Option<String>,
    /// Records from this instant on, as 2026-11-24T10:15:30Z, by their timestamps.
    #[arg(long, value_name = "INSTANT")]
    since: Option<String>,
    /// Records before this instant.
    #[arg(long, value_name = "INSTANT")]
    until: Option<String>,
    /// Records that stand so.
    #[arg(long, value_enum)]
    state: Option<State>,
}

/// Where a record stands, as it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// Nothing was done about it.
    Open,
    /// A replay began and was cut off.
    Replaying,
    /// It was published again.
    Replayed,
    /// It will not be replayed.
    Discarded,
}

impl State {
    pub(super) fn of(standing: Standing) -> Self {
        match standing {
            Standing::Open => Self::Open,
            Standing::Replaying { .. } => Self::Replaying,
            Standing::Replayed { .. } => Self::Replayed,
            Standing::Discarded { .. } => Self::Discarded,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Replaying => "replaying",
            Self::Replayed => "replayed",
            Self::Discarded => "discarded",
        }
    }
}

/// What was asked for, understood.
#[derive(Clone, Debug, Default)]
pub(super) struct Selection {
    places: BTreeSet<RecordPlace>,
    topic: Option<Topic>,
    partition: Option<i32>,
    key: Option<Vec<u8>>,
    reason: Option<Reason>,
    path: Option<String>,
    expected: Option<String>,
    since: Option<i64>,
    until: Option<i64>,
    state: Option<State>,
}

impl SelectArgs {
    pub(super) fn selection(&self) -> Result<Selection> {
        let places = self.places.iter().map(|text| place(text));
        Ok(Selection {
            places: places.collect::<Result<_>>()?,
            topic: self.topic.as_deref().map(topic).transpose()?,
            partition: self.partition,
            key: self.key.as_ref().map(|key| key.clone().into_bytes()),
            reason: self.reason.as_deref().map(reason).transpose()?,
            path: self.path.as_deref().map(without_indexes),
            expected: self.expected.clone(),
            since: self.since.as_deref().map(instant).transpose()?,
            until: self.until.as_deref().map(instant).transpose()?,
            state: self.state,
        })
    }
}

impl Selection {
    /// The records at these places.
    pub(super) fn at(places: impl IntoIterator<Item = RecordPlace>) -> Self {
        Self {
            places: places.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Whether nothing at all was asked for.
    pub(super) fn is_everything(&self) -> bool {
        let Self {
            places,
            topic,
            partition,
            key,
            reason,
            path,
            expected,
            since,
            until,
            state,
        } = self;
        places.is_empty()
            && topic.is_none()
            && partition.is_none()
            && key.is_none()
            && reason.is_none()
            && path.is_none()
            && expected.is_none()
            && since.is_none()
            && until.is_none()
            && state.is_none()
    }

    /// The one topic that can have such records, if it is one.
    pub(super) fn topic(&self) -> Option<Topic> {
        let named: BTreeSet<Topic> = self.places.iter().map(|place| place.topic).collect();
        match named.len() {
            1 => named.first().copied(),
            _ => self.topic,
        }
    }

    /// Partitions that can have such records.
    pub(super) fn partitions(&self) -> RangeInclusive<i32> {
        if let Some(partition) = self.partition {
            return partition..=partition;
        }
        let named = self.places.iter().map(|place| place.partition);
        let (least, most) = (named.clone().min(), named.max());
        least.unwrap_or(i32::MIN)..=most.unwrap_or(i32::MAX)
    }

    /// Offsets that such records can have.
    pub(super) fn offsets(&self) -> RangeInclusive<i64> {
        let named = self.places.iter().map(|place| place.offset);
        let (least, most) = (named.clone().min(), named.max());
        least.unwrap_or(i64::MIN)..=most.unwrap_or(i64::MAX)
    }

    /// Whether a record is one that is meant.
    pub(super) fn takes(&self, row: &Row, standing: Standing) -> bool {
        let named = self.places.is_empty() || self.places.contains(&row.place);
        let key = |wanted: &Vec<u8>| row.key.as_ref() == Some(wanted);
        named
            && self.topic.is_none_or(|topic| row.place.topic == topic)
            && self
                .partition
                .is_none_or(|partition| row.place.partition == partition)
            && self.key.as_ref().is_none_or(key)
            && self.reason.is_none_or(|reason| row.reason == reason.code())
            && self
                .path
                .as_ref()
                .is_none_or(|path| without_indexes(&row.path) == *path)
            && self
                .expected
                .as_ref()
                .is_none_or(|expected| row.expected == *expected)
            && self.since.is_none_or(|since| row.timestamp.0 >= since)
            && self.until.is_none_or(|until| row.timestamp.0 < until)
            && self.state.is_none_or(|state| State::of(standing) == state)
    }
}

/// A path with `[*]` in place of each index: faults of one cause are one group.
pub(super) fn without_indexes(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(open) = rest.find('[') {
        let (before, bracket) = rest.split_at(open);
        out.push_str(before);
        let digits = bracket[1..].bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 && bracket[1 + digits..].starts_with(']') {
            out.push_str("[*]");
            rest = &bracket[digits + 2..];
        } else {
            out.push('[');
            rest = &bracket[1..];
        }
    }
    out.push_str(rest);
    out
}

fn place(text: &str) -> Result<RecordPlace> {
    let parse = || {
        let mut parts = text.split('/');
        let topic = Topic::from_name(parts.next()?)?;
        let partition = i32::from_str(parts.next()?).ok()?;
        let offset = i64::from_str(parts.next()?).ok()?;
        parts.next().is_none().then_some(RecordPlace {
            topic,
            partition,
            offset,
        })
    };
    parse()
        .with_context(|| format!("{text:?} is no place of a record"))
        .advise("give topic, partition and offset as `mesoflow rejected list` writes them: like.toggle/0/17")
        .wrong()
}

fn topic(name: &str) -> Result<Topic> {
    let known = Topic::ALL.map(Topic::name).join(", ");
    Topic::from_name(name)
        .with_context(|| format!("there is no topic {name:?}"))
        .advise(format!("name one of {known}"))
        .wrong()
}

fn reason(code: &str) -> Result<Reason> {
    let known = Reason::ALL.map(Reason::code).join(", ");
    Reason::from_code(code)
        .with_context(|| format!("there is no reason {code:?}"))
        .advise(format!("name one of {known}"))
        .wrong()
}

fn instant(text: &str) -> Result<i64> {
    let parsed: Result<Timestamp, _> = text.parse();
    parsed
        .map(|instant| instant.as_millisecond())
        .map_err(|error| anyhow!("{text:?} is no instant: {error}"))
        .advise("give one as 2026-11-24T10:15:30Z")
        .wrong()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_of_a_path_are_generalised_and_nothing_else() {
        for (path, wanted) in [
            ("", ""),
            ("occurredAt", "occurredAt"),
            (
                "payload.snapshot.presets[0][13].stars",
                "payload.snapshot.presets[*][*].stars",
            ),
            ("payload.a[].b[x]c[1", "payload.a[].b[x]c[1"),
            ("[3]", "[*]"),
        ] {
            assert_eq!(without_indexes(path), wanted);
        }
        let once = without_indexes("a[1]");
        assert_eq!(without_indexes(&once), once);
    }

    #[test]
    fn a_place_is_read_as_it_is_written() {
        for text in ["like.toggle/0/17", "character.equipment/-1/0"] {
            assert_eq!(place(text).unwrap().to_string(), text);
        }
        for text in [
            "",
            "likes/0/1",
            "like.toggle/0",
            "like.toggle/0/1/2",
            "like.toggle/x/1",
        ] {
            assert!(place(text).is_err(), "{text}");
        }
    }
}
