//! A table as text: rows read by the names of their columns, and errors that say file, row and
//! value.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use thiserror::Error;
use valuation::Probability;

/// Why a table cannot be used. Rows are lines of the file, the header being row 1.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the messages document the variants")]
pub enum SheetError {
    #[error("read {file} as CSV")]
    Csv { file: String, source: csv::Error },
    #[error("{file} has the columns {found:?}, expected {expected:?}")]
    Columns {
        file: String,
        found: Vec<String>,
        expected: Vec<String>,
    },
    #[error("{file} row {row}: {column} is {value:?}, expected {expected}")]
    Value {
        file: String,
        row: u64,
        column: String,
        value: String,
        expected: String,
    },
    #[error("{file}: {what} is {value}, expected {expected}")]
    Whole {
        file: String,
        what: String,
        value: String,
        expected: String,
    },
}

impl SheetError {
    /// The file: its name, and its path where it was read from a folder.
    #[must_use]
    pub fn file(&self) -> &str {
        let (Self::Csv { file, .. }
        | Self::Columns { file, .. }
        | Self::Value { file, .. }
        | Self::Whole { file, .. }) = self;
        file
    }

    pub(crate) fn file_mut(&mut self) -> &mut String {
        let (Self::Csv { file, .. }
        | Self::Columns { file, .. }
        | Self::Value { file, .. }
        | Self::Whole { file, .. }) = self;
        file
    }
}

/// A table.
pub(crate) struct Sheet {
    file: String,
    columns: Vec<String>,
    rows: Vec<(u64, csv::StringRecord)>,
}

impl Sheet {
    /// Reads the text of `file`, whose header must be `columns`.
    pub(crate) fn parse(file: &str, text: &str, columns: &[&str]) -> Result<Self, SheetError> {
        let csv_error = |source| SheetError::Csv {
            file: file.to_owned(),
            source,
        };
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let header = reader.headers().map_err(csv_error)?;
        if header != columns {
            return Err(SheetError::Columns {
                file: file.to_owned(),
                found: header.iter().map(str::to_owned).collect(),
                expected: columns.iter().map(|&column| column.to_owned()).collect(),
            });
        }
        let mut rows = Vec::new();
        for record in reader.into_records() {
            let record = record.map_err(csv_error)?;
            let line = record.position().map_or(0, csv::Position::line);
            rows.push((line, record));
        }
        Ok(Self {
            file: file.to_owned(),
            columns: columns.iter().map(|&column| column.to_owned()).collect(),
            rows,
        })
    }

    /// The rows in the order of the file.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|(line, record)| Row {
            sheet: self,
            line: *line,
            record,
        })
    }

    /// That something about the table as a whole is wrong.
    pub(crate) fn whole(
        &self,
        what: impl Into<String>,
        value: impl Display,
        expected: impl Into<String>,
    ) -> SheetError {
        SheetError::Whole {
            file: self.file.clone(),
            what: what.into(),
            value: value.to_string(),
            expected: expected.into(),
        }
    }

    /// Checks that the chances of `what` sum to 1.
    pub(crate) fn sums_to_one(
        &self,
        what: &str,
        chances: impl IntoIterator<Item = Probability>,
    ) -> Result<(), SheetError> {
        let sum: f64 = chances.into_iter().map(Probability::get).sum();
        if (sum - 1.0).abs() > 1e-9 {
            return Err(self.whole(format!("the sum of the chances of {what}"), sum, "1"));
        }
        Ok(())
    }
}

/// A row of a table.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    sheet: &'a Sheet,
    line: u64,
    record: &'a csv::StringRecord,
}

impl<'a> Row<'a> {
    /// The text in `column`, which must be one of the sheet's.
    pub(crate) fn text(&self, column: &str) -> &'a str {
        let place = self.sheet.columns.iter().position(|known| known == column);
        place
            .and_then(|place| self.record.get(place))
            .expect("the header was checked")
    }

    /// The text in `column`, which must not be blank.
    pub(crate) fn name(&self, column: &str) -> Result<String, SheetError> {
        let text = self.text(column);
        if text.trim().is_empty() {
            return Err(self.wrong(column, "a text"));
        }
        Ok(text.to_owned())
    }

    /// The number in `column`, which must lie in `range`.
    pub(crate) fn number<N>(&self, column: &str, range: RangeInclusive<N>) -> Result<N, SheetError>
    where
        N: FromStr + PartialOrd + Display,
    {
        match self.text(column).parse::<N>() {
            Ok(number) if range.contains(&number) => Ok(number),
            _ => {
                let expected = format!("a number from {} to {}", range.start(), range.end());
                Err(self.wrong(column, expected))
            }
        }
    }

    /// The chance in `column`.
    pub(crate) fn chance(&self, column: &str) -> Result<Probability, SheetError> {
        let chance = self.number(column, 0.0..=1.0)?;
        Probability::new(chance).map_err(|error| self.wrong(column, error.to_string()))
    }

    /// The chance in `column`, which must be above 0.
    pub(crate) fn chance_above_zero(&self, column: &str) -> Result<Probability, SheetError> {
        let chance = self.chance(column)?;
        if chance == Probability::ZERO {
            return Err(self.wrong(column, "a chance above 0"));
        }
        Ok(chance)
    }

    /// What `known` makes of the text in `column`; `None` is an error.
    pub(crate) fn one_of<T>(
        &self,
        column: &str,
        expected: &str,
        known: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, SheetError> {
        known(self.text(column)).ok_or_else(|| self.wrong(column, expected))
    }

    /// Whether the text in `column` is `yes` and not `no`.
    pub(crate) fn either(&self, column: &str, yes: &str, no: &str) -> Result<bool, SheetError> {
        self.one_of(column, &format!("{yes} or {no}"), |text| {
            (text == yes || text == no).then_some(text == yes)
        })
    }

    /// Checks that `column` holds `expected`, the next number without a gap.
    pub(crate) fn follows<N>(&self, column: &str, expected: N) -> Result<(), SheetError>
    where
        N: FromStr + PartialEq + Display,
    {
        match self.text(column).parse::<N>() {
            Ok(number) if number == expected => Ok(()),
            _ => Err(self.wrong(column, format!("{expected}, so that none is left out"))),
        }
    }

    /// That the value in `column` is wrong.
    pub(crate) fn wrong(&self, column: &str, expected: impl Into<String>) -> SheetError {
        SheetError::Value {
            file: self.sheet.file.clone(),
            row: self.line,
            column: column.to_owned(),
            value: self.text(column).to_owned(),
            expected: expected.into(),
        }
    }
}
