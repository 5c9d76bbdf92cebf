//! How rows are printed: a table, JSON lines or CSV, batch by batch.

use std::future::poll_fn;
use std::io::{self, Write};

use anyhow::{Context as _, Result};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::csv;
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::json::WriterBuilder as JsonBuilder;
use datafusion::arrow::json::writer::LineDelimited;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::arrow::util::pretty::pretty_format_batches_with_options;
use datafusion::execution::SendableRecordBatchStream;

use crate::failure;
use crate::progress::{self, Progress};

/// Rows of a table on a terminal: its columns are as wide as the widest of them.
const TABLE_ROWS: usize = 1_000;

/// How rows are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// A table for people, cut off after [`TABLE_ROWS`]; a line a value where it is wider than the terminal.
    Table,
    /// One JSON object a line. Whole numbers have all their digits; bytes are hexadecimal.
    Json,
    /// A line of names, then a line a row. Null is empty; bytes are hexadecimal.
    Csv,
}

/// Prints all rows. Ends well when nobody reads on.
pub(crate) async fn print(
    rows: SendableRecordBatchStream,
    format: Format,
    out: impl Write,
    progress: &Progress,
) -> Result<()> {
    let mut out = Pipe {
        out,
        closed: false,
        progress,
    };
    match format {
        Format::Table => table(rows, &mut out).await,
        Format::Json => lines(rows, &mut out, json_of).await,
        Format::Csv => {
            let names = csv_of(&RecordBatch::new_empty(rows.schema()), true)?;
            out.print(&names)?;
            lines(rows, &mut out, |batch| csv_of(batch, false)).await
        }
    }
}

/// Where rows go, until the reader closes it.
struct Pipe<'a, W> {
    out: W,
    closed: bool,
    progress: &'a Progress,
}

impl<W: Write> Pipe<'_, W> {
    fn print(&mut self, text: &[u8]) -> Result<()> {
        let out = &mut self.out;
        let printed = self
            .progress
            .suspend(|| out.write_all(text).and_then(|()| out.flush()));
        match printed {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            other => other.context("print the rows"),
        }
    }
}

async fn next(rows: &mut SendableRecordBatchStream) -> Result<Option<RecordBatch>> {
    let batch = poll_fn(|context| rows.as_mut().poll_next(context)).await;
    batch.transpose().map_err(failure)
}

async fn lines(
    mut rows: SendableRecordBatchStream,
    out: &mut Pipe<'_, impl Write>,
    text_of: impl Fn(&RecordBatch) -> Result<Vec<u8>, ArrowError>,
) -> Result<()> {
    while !out.closed
        && let Some(batch) = next(&mut rows).await?
    {
        let text = text_of(&batch).context("write the rows as text")?;
        out.print(&text)?;
    }
    Ok(())
}

async fn table(mut rows: SendableRecordBatchStream, out: &mut Pipe<'_, impl Write>) -> Result<()> {
    let mut batches = vec![RecordBatch::new_empty(rows.schema())];
    let mut shown = 0;
    let mut cut = false;
    while !cut && let Some(batch) = next(&mut rows).await? {
        let room = TABLE_ROWS - shown;
        cut = batch.num_rows() > room;
        let batch = batch.slice(0, batch.num_rows().min(room));
        shown += batch.num_rows();
        batches.push(batch);
    }
    let text = within(&batches, progress::width())?;
    let end = match (cut, shown) {
        (true, _) => format!("the first {shown} rows; --json and --csv print all"),
        (false, 1) => "1 row".to_owned(),
        (false, _) => format!("{shown} rows"),
    };
    out.print(format!("{text}\n{end}\n").as_bytes())
}

/// Rows as a table, or each as lines of its own where a table would be wider than the terminal.
fn within(batches: &[RecordBatch], width: usize) -> Result<String> {
    let options = FormatOptions::default().with_null("NULL");
    let table = pretty_format_batches_with_options(batches, &options)
        .context("write the rows as a table")?
        .to_string();
    let border = table.lines().next().unwrap_or_default();
    let has_rows = batches.iter().any(|batch| batch.num_rows() > 0);
    if border.len() <= width || !has_rows {
        return Ok(table);
    }
    let mut text = String::new();
    let mut number = 0;
    for batch in batches {
        let schema = batch.schema();
        let names = schema.fields().iter().map(|field| field.name());
        let long = names.clone().map(|name| name.chars().count()).max();
        let long = long.unwrap_or(0);
        let columns = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column, &options))
            .collect::<Result<Vec<_>, _>>()
            .context("write the rows as text")?;
        for row in 0..batch.num_rows() {
            number += 1;
            text += &format!("-- row {number}\n");
            for (name, column) in names.clone().zip(&columns) {
                text += &format!("{name:<long$}  {}\n", column.value(row));
            }
        }
    }
    text.pop();
    Ok(text)
}

fn json_of(batch: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
    let mut writer = JsonBuilder::new()
        .with_explicit_nulls(true)
        .build::<_, LineDelimited>(Vec::new());
    writer.write(batch)?;
    writer.finish()?;
    Ok(writer.into_inner())
}

fn csv_of(batch: &RecordBatch, names: bool) -> Result<Vec<u8>, ArrowError> {
    let mut text = Vec::new();
    csv::WriterBuilder::new()
        .with_header(names)
        .build(&mut text)
        .write(batch)?;
    Ok(text)
}
