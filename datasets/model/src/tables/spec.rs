//! What each table is called, holds and means, column by column.

mod columns;

use std::fmt;
use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use columns::{
    as_of, changed_at, character_columns, column, diff, epoch, input, item_valuations, ocid,
    optional, preset_valuations,
};

/// Money: whole mesos, exact to 38 digits.
pub const MESOS: DataType = DataType::Decimal128(38, 0);

/// A relation that is kept as a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    /// Accepted equipment changes.
    InputEquipment,
    /// Accepted like toggles.
    InputLikes,
    /// The value of each worn item.
    ItemValuations,
    /// The value of each preset.
    PresetValuations,
    /// The value of each character.
    CharacterValuations,
    /// Who likes whom.
    Likes,
    /// How often each character is liked.
    LikeCounts,
    /// Records that were refused, with their bytes.
    Rejected,
    /// What became of the records, per partition and epoch.
    Accounting,
    /// The value of each character as it stands.
    CharactersNow,
    /// How often each character is liked as it stands.
    LikeCountsNow,
}

impl Relation {
    /// All relations, inputs first.
    pub const ALL: [Self; 11] = [
        Self::InputEquipment,
        Self::InputLikes,
        Self::ItemValuations,
        Self::PresetValuations,
        Self::CharacterValuations,
        Self::Likes,
        Self::LikeCounts,
        Self::Rejected,
        Self::Accounting,
        Self::CharactersNow,
        Self::LikeCountsNow,
    ];

    /// The name of the table and of its folder.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::InputEquipment => "input_equipment",
            Self::InputLikes => "input_likes",
            Self::ItemValuations => "item_valuations",
            Self::PresetValuations => "preset_valuations",
            Self::CharacterValuations => "character_valuations",
            Self::Likes => "likes",
            Self::LikeCounts => "like_counts",
            Self::Rejected => "rejected",
            Self::Accounting => "accounting",
            Self::CharactersNow => "characters_now",
            Self::LikeCountsNow => "like_counts_now",
        }
    }

    /// The relation of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|relation| relation.name() == name)
    }

    /// The specification of its table.
    #[must_use]
    pub fn spec(self) -> &'static TableSpec {
        static SPECS: LazyLock<[TableSpec; 11]> = LazyLock::new(|| Relation::ALL.map(specify));
        &SPECS[self as usize]
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How the rows of a table add up to a content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Upserts: the content at e is, per partition, key and kind, the newest row at or below e, if
    /// its `diff` is 1. Newest is the largest `(epoch, record_offset)`.
    Input,
    /// Differences: the content at e is the rows whose sum of `diff` over `epoch <= e` is not 0.
    Changes,
    /// Appended only: the content at e is the rows of `epoch <= e`.
    Log,
    /// Rewritten as a whole: the content at the one epoch that `as_of` says.
    Now,
}

/// One column.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// The name.
    pub name: String,
    /// The type as readers see it.
    pub data_type: DataType,
    /// Whether it may be null.
    pub nullable: bool,
    /// What it says, with unit.
    pub doc: String,
}

/// The specification of one table.
#[derive(Clone, Debug)]
pub struct TableSpec {
    /// The relation that it holds.
    pub relation: Relation,
    /// How its rows add up.
    pub kind: Kind,
    /// What it is for, in one line.
    pub doc: &'static str,
    /// The columns that name one row of the content; sorted by them, files can be skipped.
    pub key: &'static [&'static str],
    /// The columns in order.
    pub columns: Vec<Column>,
    /// The Arrow schema as readers see it. Batches to write may hold dictionaries in place of texts.
    pub schema: SchemaRef,
}

impl TableSpec {
    /// The name of the table.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.relation.name()
    }

    /// The columns of the content: all but `epoch` and `diff`.
    pub fn content(&self) -> impl Iterator<Item = &Column> {
        self.columns
            .iter()
            .filter(|column| column.name != "epoch" && column.name != "diff")
    }

    /// The column that says which epoch a row is true of or from.
    #[must_use]
    pub fn epoch_column(&self) -> &'static str {
        match self.kind {
            Kind::Input | Kind::Changes | Kind::Log => "epoch",
            Kind::Now => "as_of",
        }
    }

    /// The columns with statistics: the epoch and the key.
    pub fn statistics(&self) -> impl Iterator<Item = &'static str> + '_ {
        std::iter::once(self.epoch_column()).chain(self.key.iter().copied())
    }
}

fn specify(relation: Relation) -> TableSpec {
    let likes = || {
        column(
            "likes",
            DataType::Int64,
            "accounts that like the character; absent when 0",
        )
    };
    let (kind, doc, key, columns): (_, _, &'static [&'static str], _) = match relation {
        Relation::InputEquipment => (
            Kind::Input,
            "accepted equipment changes: what the state is rebuilt from",
            &["partition", "key", "kind"],
            input(),
        ),
        Relation::InputLikes => (
            Kind::Input,
            "accepted like toggles: what the state is rebuilt from",
            &["partition", "key", "kind"],
            input(),
        ),
        Relation::ItemValuations => (
            Kind::Changes,
            "the value of each worn item, component by component",
            &["ocid", "preset", "position"],
            item_valuations(),
        ),
        Relation::PresetValuations => (
            Kind::Changes,
            "the value of each preset",
            &["ocid", "preset"],
            preset_valuations(),
        ),
        Relation::CharacterValuations => (
            Kind::Changes,
            "the value of each character: its best preset",
            &["ocid"],
            [vec![epoch(), diff()], character_columns()].concat(),
        ),
        Relation::Likes => (
            Kind::Changes,
            "who likes whom",
            &["target_ocid", "account_id"],
            vec![
                epoch(),
                diff(),
                ocid("target_ocid"),
                column("account_id", DataType::Utf8, "the account that likes it"),
            ],
        ),
        Relation::LikeCounts => (
            Kind::Changes,
            "how often each character is liked",
            &["target_ocid"],
            vec![epoch(), diff(), ocid("target_ocid"), likes()],
        ),
        Relation::Rejected => (
            Kind::Log,
            "records that were refused, with their original bytes",
            &["topic", "partition", "record_offset"],
            vec![
                epoch(),
                column("topic", DataType::Utf8, "the topic by its default name"),
                column("partition", DataType::Int32, "partition of the topic"),
                column("record_offset", DataType::Int64, "offset in the partition"),
                column(
                    "timestamp_millis",
                    DataType::Int64,
                    "the record's Kafka timestamp, milliseconds since 1970",
                ),
                column("reason", DataType::Utf8, "the reason code"),
                column(
                    "path",
                    DataType::Utf8,
                    "path of the member at fault; empty for the message as a whole",
                ),
                column("expected", DataType::Utf8, "what was expected there"),
                optional("key", DataType::Binary, "the record's key"),
                optional("value", DataType::Binary, "the record's original bytes"),
            ],
        ),
        Relation::Accounting => (
            Kind::Log,
            "what became of the records: read = applied + unchanged + duplicate + superseded + rejected",
            &["topic", "partition"],
            vec![
                epoch(),
                column("topic", DataType::Utf8, "the topic by its default name"),
                column("partition", DataType::Int32, "partition of the topic"),
                column(
                    "next_offset",
                    DataType::Int64,
                    "the first offset after this epoch's cut",
                ),
                column("read", DataType::Int64, "records read"),
                column("applied", DataType::Int64, "records accepted"),
                column(
                    "unchanged",
                    DataType::Int64,
                    "records that confirmed what is known",
                ),
                column(
                    "duplicate",
                    DataType::Int64,
                    "records whose event id was accepted before",
                ),
                column(
                    "superseded",
                    DataType::Int64,
                    "records older than what is known",
                ),
                column("rejected", DataType::Int64, "records refused"),
            ],
        ),
        Relation::CharactersNow => (
            Kind::Now,
            "the value of each character as it stands",
            &["ocid"],
            [
                vec![as_of()],
                character_columns(),
                vec![
                    changed_at(),
                    column("ruleset", DataType::Utf8, "hash of the ruleset"),
                ],
            ]
            .concat(),
        ),
        Relation::LikeCountsNow => (
            Kind::Now,
            "how often each character is liked as it stands",
            &["target_ocid"],
            vec![as_of(), ocid("target_ocid"), likes(), changed_at()],
        ),
    };
    let schema = Arc::new(Schema::new(
        columns
            .iter()
            .map(|column| Field::new(&column.name, column.data_type.clone(), column.nullable))
            .collect::<Vec<_>>(),
    ));
    TableSpec {
        relation,
        kind,
        doc,
        key,
        columns,
        schema,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_relation_has_a_specification_of_its_own_name() {
        for relation in Relation::ALL {
            assert_eq!(relation.spec().relation, relation);
            assert_eq!(Relation::from_name(relation.name()), Some(relation));
        }
    }

    #[test]
    fn keys_and_statistics_are_columns() {
        for relation in Relation::ALL {
            let spec = relation.spec();
            for name in spec.statistics() {
                assert!(
                    spec.schema.field_with_name(name).is_ok(),
                    "{relation}.{name}"
                );
            }
        }
    }

    #[test]
    fn no_two_columns_share_a_name() {
        for relation in Relation::ALL {
            let mut names: Vec<_> = relation.spec().columns.iter().map(|c| &c.name).collect();
            names.sort();
            let all = names.len();
            names.dedup();
            assert_eq!(names.len(), all, "{relation}");
        }
    }
}
