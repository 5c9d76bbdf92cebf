//! Errors and notes on standard error, as text or as lines of a log in JSON.

use std::time::{SystemTime, UNIX_EPOCH};

use clap::ValueEnum;
use datafusion::arrow::temporal_conversions::timestamp_us_to_datetime;
use serde_json::json;

/// What reads standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// People.
    Text,
    /// Programs: one JSON object a line.
    Json,
}

/// How much a message matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// There is an answer, and something to know about it.
    Warn,
    /// There is none.
    Error,
}

/// Says something on standard error.
pub(crate) fn say(form: Form, level: Level, text: &str) {
    let (word, name) = match level {
        Level::Warn => ("note", "WARN"),
        Level::Error => ("error", "ERROR"),
    };
    match form {
        Form::Text => eprintln!("{word}: {text}"),
        Form::Json => {
            let line = json!({
                "timestamp": now(),
                "level": name,
                "message": text,
                "target": "mesoflow-query",
            });
            eprintln!("{line}");
        }
    }
}

/// The time in the form of RFC 3339; empty by a clock that no calendar has.
fn now() -> String {
    let since_1970 = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since_1970.as_micros())
        .ok()
        .and_then(timestamp_us_to_datetime)
        .map_or_else(String::new, |time| format!("{time:?}Z"))
}
