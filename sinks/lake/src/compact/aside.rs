//! Sorted stretches put aside on disk, so that a merge holds few rows in memory.

use std::fs;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::basic::Compression;
use parquet::file::properties::{EnabledStatistics, WriterProperties};

use crate::durable;
use crate::error::LakeError;
use crate::write::fresh_id;

/// Rows that are held of each stretch while stretches are merged.
const BATCH_ROWS: usize = 1 << 10;
/// Rows that are held while a stretch is written.
const ROW_GROUP_ROWS: usize = 1 << 15;

/// Writes rows into a file in `folder`, to be read once. The file has lost its name before anything is in it, so
/// that it goes with its reader, or with the process.
pub(crate) fn put(
    folder: &Path,
    schema: SchemaRef,
    rows: impl Iterator<Item = Result<RecordBatch, ArrowError>>,
) -> Result<(ParquetRecordBatchReader, PathBuf), LakeError> {
    // The ending lets maintenance sweep it, should a crash come between the next two calls.
    let path = folder.join(format!("aside-{}.parquet", fresh_id()));
    let file = durable::to_write()
        .read(true)
        .create_new(true)
        .open(&path)
        .map_err(LakeError::io("create file", &path))?;
    fs::remove_file(&path).map_err(LakeError::io("delete file", &path))?;
    let written = file
        .try_clone()
        .map_err(LakeError::io("open file again", &path))?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .build();
    let mut writer = ArrowWriter::try_new(written, schema, Some(properties))
        .map_err(LakeError::parquet("start file", &path))?;
    for batch in rows {
        batch
            .map_err(Into::into)
            .and_then(|batch| writer.write(&batch))
            .map_err(LakeError::parquet("write rows to", &path))?;
    }
    writer
        .close()
        .map_err(LakeError::parquet("finish file", &path))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(|builder| builder.with_batch_size(BATCH_ROWS).build())
        .map_err(LakeError::parquet("open file", &path))?;
    Ok((reader, path))
}
