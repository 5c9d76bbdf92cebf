//! Reading a table's rows: files that can hold them, batch by batch.

use std::fs::File;
use std::ops::Range;
use std::path::Path;

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::Int64Type;
use model::Epoch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::file::metadata::ParquetMetaData;

use crate::error::LakeError;
use crate::files::LiveFile;
use crate::view::View;

/// Rows of a batch, unless told otherwise.
const BATCH_ROWS: usize = 16_384;
/// And so many bytes at most, by what the rows of a file have on average.
const BATCH_BYTES: usize = 4 << 20;

/// What to read of one version of a table.
#[derive(Clone, Debug)]
pub struct Scan {
    view: View,
    columns: Option<Vec<String>>,
    epochs: Range<Epoch>,
}

impl Scan {
    pub(crate) fn of(view: View) -> Self {
        Self {
            view,
            columns: None,
            epochs: Epoch(0)..Epoch(u64::MAX),
        }
    }

    /// Reads these columns alone, in the order of the table.
    #[must_use]
    pub fn columns(mut self, columns: &[&str]) -> Self {
        self.columns = Some(columns.iter().map(|&name| name.to_owned()).collect());
        self
    }

    /// Reads rows of these epochs alone: `lower <= epoch < upper`.
    #[must_use]
    pub fn epochs(mut self, epochs: Range<Epoch>) -> Self {
        self.epochs = epochs;
        self
    }

    /// The files that can hold such rows, each to be read on its own, on any thread. One after the
    /// other they give the rows of one key in the order of their epochs.
    pub fn files(&self) -> Result<Vec<ScanFile>, LakeError> {
        let epoch = self.view.spec().epoch_column();
        let files = self.view.files()?;
        Ok(files
            .into_iter()
            .filter_map(|file| {
                let bounds = file.epochs(epoch);
                if bounds
                    .is_some_and(|(min, max)| max < self.epochs.start || min >= self.epochs.end)
                {
                    return None;
                }
                let all_inside = bounds
                    .is_some_and(|(min, max)| min >= self.epochs.start && max < self.epochs.end);
                Some(ScanFile {
                    file,
                    epoch,
                    columns: self.columns.clone(),
                    epochs: (!all_inside).then(|| self.epochs.clone()),
                    batch_rows: BATCH_ROWS,
                })
            })
            .collect())
    }

    /// The rows, file by file.
    pub fn batches(
        &self,
    ) -> Result<impl Iterator<Item = Result<RecordBatch, LakeError>>, LakeError> {
        let files = self.files()?;
        Ok(files.into_iter().flat_map(|file| {
            let (batches, error) = match file.batches() {
                Ok(batches) => (Some(batches), None),
                Err(error) => (None, Some(Err(error))),
            };
            batches.into_iter().flatten().chain(error)
        }))
    }
}

/// A file to be read.
#[derive(Clone, Debug)]
pub struct ScanFile {
    /// The file.
    pub file: LiveFile,
    epoch: &'static str,
    columns: Option<Vec<String>>,
    /// The epochs to keep; `None` when the file holds no others.
    epochs: Option<Range<Epoch>>,
    batch_rows: usize,
}

impl ScanFile {
    /// Reads so many rows at once.
    #[must_use]
    pub fn batch_rows(mut self, rows: usize) -> Self {
        self.batch_rows = rows;
        self
    }

    /// Opens the file.
    pub fn batches(&self) -> Result<ScanBatches, LakeError> {
        let path = &self.file.path;
        let mut wanted = self.columns.clone();
        if let (Some(columns), Some(_)) = (&mut wanted, &self.epochs)
            && !columns.iter().any(|name| name == self.epoch)
        {
            columns.push(self.epoch.to_owned());
        }
        Ok(ScanBatches {
            reader: open_in(path, wanted.as_deref(), self.batch_rows)?,
            file: self.clone(),
        })
    }
}

/// Opens a data file for reading; all columns, or `columns` in the order of the file.
pub(crate) fn open(
    path: &Path,
    columns: Option<&[String]>,
) -> Result<ParquetRecordBatchReader, LakeError> {
    open_in(path, columns, BATCH_ROWS)
}

/// The same in batches of so many rows.
fn open_in(
    path: &Path,
    columns: Option<&[String]>,
    batch_rows: usize,
) -> Result<ParquetRecordBatchReader, LakeError> {
    let file = File::open(path).map_err(LakeError::io("open file", path))?;
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options)
        .map_err(LakeError::parquet("open file", path))?;
    let rows = batch_rows.min(rows_in_bounds(builder.metadata()));
    let mut builder = builder.with_batch_size(rows);
    if let Some(columns) = columns {
        let names = columns.iter().map(String::as_str);
        let mask = ProjectionMask::columns(builder.parquet_schema(), names);
        builder = builder.with_projection(mask);
    }
    builder
        .build()
        .map_err(LakeError::parquet("read file", path))
}

/// How many rows of a file are read at once: as many as take a few megabytes, as a rejected record may have two.
fn rows_in_bounds(file: &ParquetMetaData) -> usize {
    let rows = usize::try_from(file.file_metadata().num_rows()).unwrap_or(0);
    let groups = file.row_groups().iter();
    let bytes: i64 = groups.map(|group| group.total_byte_size()).sum();
    let bytes = usize::try_from(bytes).unwrap_or(0);
    let of_one = bytes / rows.max(1);
    (BATCH_BYTES / of_one.max(1)).clamp(1, BATCH_ROWS)
}

/// The rows of one file.
pub struct ScanBatches {
    reader: ParquetRecordBatchReader,
    file: ScanFile,
}

impl ScanBatches {
    fn trim(&self, batch: RecordBatch) -> Result<RecordBatch, arrow::error::ArrowError> {
        let Some(epochs) = &self.file.epochs else {
            return Ok(batch);
        };
        let keep: BooleanArray = batch
            .column_by_name(self.file.epoch)
            .and_then(|column| column.as_primitive_opt::<Int64Type>())
            .map(|column| {
                let inside = |epoch: &i64| epochs.contains(&Epoch(epoch.cast_unsigned()));
                column
                    .values()
                    .iter()
                    .map(|epoch| Some(inside(epoch)))
                    .collect()
            })
            .ok_or_else(|| {
                arrow::error::ArrowError::SchemaError(format!("no column {}", self.file.epoch))
            })?;
        let kept = filter_record_batch(&batch, &keep)?;
        let asked_for_epoch = self
            .file
            .columns
            .as_ref()
            .is_none_or(|columns| columns.iter().any(|name| name == self.file.epoch));
        if asked_for_epoch {
            return Ok(kept);
        }
        let others: Vec<usize> = (0..kept.num_columns())
            .filter(|&place| kept.schema().field(place).name() != self.file.epoch)
            .collect();
        kept.project(&others)
    }
}

impl Iterator for ScanBatches {
    type Item = Result<RecordBatch, LakeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let path = &self.file.file.path;
        let batch = self.reader.next()?.and_then(|batch| self.trim(batch));
        Some(batch.map_err(|error| LakeError::parquet("read rows of", path)(error.into())))
    }
}
