//! The columns of the tables, each with what it means.

use arrow::datatypes::DataType;
use valuation::ComponentKind;

use super::{Column, MESOS};

pub(super) fn column(
    name: impl Into<String>,
    data_type: DataType,
    doc: impl Into<String>,
) -> Column {
    Column {
        name: name.into(),
        data_type,
        nullable: false,
        doc: doc.into(),
    }
}

pub(super) fn optional(
    name: impl Into<String>,
    data_type: DataType,
    doc: impl Into<String>,
) -> Column {
    Column {
        nullable: true,
        ..column(name, data_type, doc)
    }
}

pub(super) fn epoch() -> Column {
    column(
        "epoch",
        DataType::Int64,
        "the epoch that the row is of, or the retained epoch if it is older",
    )
}

pub(super) fn diff() -> Column {
    column(
        "diff",
        DataType::Int32,
        "how many copies of the row come (> 0) or go (< 0)",
    )
}

pub(super) fn as_of() -> Column {
    column(
        "as_of",
        DataType::Int64,
        "the epoch that the whole table is true of",
    )
}

pub(super) fn changed_at() -> Column {
    column(
        "changed_at",
        DataType::Int64,
        "the epoch of the row's last change",
    )
}

pub(super) fn ocid(name: &str) -> Column {
    column(name, DataType::Utf8, "the character's ocid")
}

/// What is said of a preset or a character: cost, missing parts and spread.
pub(super) fn totals() -> [Column; 4] {
    [
        column(
            "cost_mesos",
            MESOS,
            "expected cost, the sum of the items that have one",
        ),
        column(
            "missing_parts",
            DataType::Int32,
            "components that should be in the sum and have no cost",
        ),
        column(
            "sd_mesos",
            DataType::Float64,
            "standard deviation of the cost",
        ),
        column(
            "p90_mesos",
            DataType::Float64,
            "the cost that suffices in 90 of 100 cases, approximated",
        ),
    ]
}

pub(super) fn input() -> Vec<Column> {
    vec![
        column("partition", DataType::Int32, "partition of the topic"),
        epoch(),
        column("diff", DataType::Int32, "1 sets the key, -1 deletes it"),
        column(
            "kind",
            DataType::Utf8,
            "row: the record that is the state of its key; id: another accepted event id; head: version and hash of the key, or the partition's largest timestamp",
        ),
        column(
            "key",
            DataType::Utf8,
            "the ocid; for likes target and account, separated by U+001F; empty for the partition's own head",
        ),
        optional(
            "value",
            DataType::Binary,
            "row: the record in its versioned binary form; head: version and hash, and the offset that the record replays, if it does; null when deleted",
        ),
        optional(
            "event_id",
            DataType::Binary,
            "the id of the accepted event (16 bytes)",
        ),
        column(
            "record_offset",
            DataType::Int64,
            "offset of the record in its partition",
        ),
        column(
            "timestamp_millis",
            DataType::Int64,
            "the record's Kafka timestamp, milliseconds since 1970",
        ),
    ]
}

pub(super) fn item_valuations() -> Vec<Column> {
    let mut columns = vec![
        epoch(),
        diff(),
        ocid("ocid"),
        column("preset", DataType::Int16, "the preset, 1 to 3"),
        column(
            "position",
            DataType::Int16,
            "place of the item in the preset, from 1",
        ),
        column("slot", DataType::Utf8, "item_equipment_slot"),
        column("part", DataType::Utf8, "item_equipment_part"),
        column(
            "table_part",
            DataType::Utf8,
            "part of the odds tables that applies",
        ),
        column("name", DataType::Utf8, "item_name"),
        column("level", DataType::Int16, "base_equipment_level, 0 to 300"),
        column("stars", DataType::Int16, "starforce, 0 to 30"),
        column("scroll", DataType::Boolean, "whether by scrolls (noljang)"),
        optional("grade", DataType::Utf8, "potential_option_grade"),
        optional(
            "additional_grade",
            DataType::Utf8,
            "additional_potential_option_grade",
        ),
        column(
            "cost_mesos",
            MESOS,
            "expected cost, the sum of the components that have one",
        ),
        column(
            "missing_parts",
            DataType::Int32,
            "components that should be in the sum and have no cost",
        ),
    ];
    for kind in ComponentKind::ALL {
        let name = kind.name();
        columns.extend([
            column(
                format!("{name}_status"),
                DataType::Utf8,
                format!("whether {name} has a cost, and why not"),
            ),
            optional(
                format!("{name}_cost_mesos"),
                MESOS,
                format!("expected cost of {name}"),
            ),
            optional(
                format!("{name}_tries"),
                DataType::Float64,
                format!("expected tries of {name}"),
            ),
            optional(
                format!("{name}_sd_mesos"),
                DataType::Float64,
                format!("standard deviation of the cost of {name}"),
            ),
        ]);
    }
    columns
}

pub(super) fn preset_valuations() -> Vec<Column> {
    let mut columns = vec![
        epoch(),
        diff(),
        ocid("ocid"),
        column("preset", DataType::Int16, "the preset, 1 to 3"),
        column("class", DataType::Utf8, "the class of the document"),
        column("items", DataType::Int32, "number of items"),
    ];
    columns.extend(totals());
    columns
}

pub(super) fn character_columns() -> Vec<Column> {
    let mut columns = vec![
        ocid("ocid"),
        column("class", DataType::Utf8, "the class of the document"),
        column(
            "preset",
            DataType::Int16,
            "the preset that counts: the one with the largest total, 1 to 3",
        ),
    ];
    columns.extend(totals());
    columns
}
