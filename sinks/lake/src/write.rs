//! Data files: rows in, synced Parquet files out, not yet part of any table.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, SchemaRef};
use failpoints::points;
use model::tables::TableSpec;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::durable::{self, SteadyFile};
use crate::error::LakeError;
use crate::files::{self, FileStats, Origin};
use crate::kernel::Added;

/// A file is closed when it holds about so many bytes.
const FILE_BYTES: usize = 64 << 20;
/// Readers skip stretches of a sorted file by the bounds of its row groups.
const ROW_GROUP_ROWS: usize = 1 << 17;
/// ... and what a row group may take in memory while it is written.
const ROW_GROUP_BYTES: usize = 16 << 20;
/// Columns whose values seldom repeat: no dictionary is tried.
const DISTINCT: [&str; 4] = ["key", "value", "event_id", "account_id"];
/// Columns that grow slowly from row to row: differences are stored.
const GROWING: [&str; 3] = ["record_offset", "timestamp_millis", "next_offset"];
/// Columns of bytes, whose bounds tell nobody anything.
const OPAQUE: [&str; 2] = ["value", "event_id"];

/// Writes data files of one table, on any thread. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Writer {
    spec: &'static TableSpec,
    folder: PathBuf,
}

impl Writer {
    pub(crate) fn new(spec: &'static TableSpec, folder: PathBuf) -> Self {
        Self { spec, folder }
    }

    pub(crate) fn folder(&self) -> &std::path::Path {
        &self.folder
    }

    /// Starts a set of files that will be committed together.
    #[must_use]
    pub fn start(&self) -> FileSet {
        self.start_as(Origin::Appended)
    }

    pub(crate) fn start_as(&self, origin: Origin) -> FileSet {
        FileSet {
            writer: self.clone(),
            origin,
            id: fresh_id(),
            open: None,
            written: Vec::new(),
            rows: 0,
        }
    }

    /// Writes `batches` as one set of files.
    pub fn write_all(&self, batches: &[RecordBatch]) -> Result<Prepared, LakeError> {
        let mut set = self.start();
        for batch in batches {
            set.write(batch)?;
        }
        set.finish()
    }
}

/// An id that no other set of files has: of this process, another or an earlier one.
pub(crate) fn fresh_id() -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let nanos = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos());
    format!("{nanos:020}.{:x}.{number:x}", std::process::id())
}

/// Files in the making. Dropped unfinished, they are deleted.
#[derive(Debug)]
pub struct FileSet {
    writer: Writer,
    origin: Origin,
    id: String,
    open: Option<OpenFile>,
    written: Vec<Added>,
    rows: u64,
}

#[derive(Debug)]
struct OpenFile {
    name: String,
    path: PathBuf,
    parquet: ArrowWriter<SteadyFile>,
    schema: SchemaRef,
    stats: FileStats,
}

/// Synced files that wait for their commit. If it never comes, they are swept by maintenance.
#[derive(Debug, Default)]
pub struct Prepared {
    pub(crate) files: Vec<Added>,
    rows: u64,
}

impl Prepared {
    /// No files: what a commit of a position alone brings.
    #[must_use]
    pub fn nothing() -> Self {
        Self::default()
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Bytes on disk.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

impl FileSet {
    /// Number of rows so far.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// About how many bytes they take on disk.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let open = self.open.as_ref().map_or(0, OpenFile::bytes);
        self.written.iter().map(|file| file.bytes).sum::<u64>() + open as u64
    }

    /// Appends rows: the columns of the table in order; texts may be dictionaries. The epochs of
    /// successive batches do not fall.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        if self.is_full() {
            self.roll()?;
        }
        self.append(batch)
    }

    pub(crate) fn append(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let mut file = match self.open.take() {
            Some(file) => file,
            None => self.open(batch)?,
        };
        let result = file.append(self.writer.spec, batch);
        self.open = Some(file);
        result?;
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    /// Whether the open file has reached the size at which files are closed.
    pub(crate) fn is_full(&self) -> bool {
        self.open
            .as_ref()
            .is_some_and(|file| file.bytes() >= FILE_BYTES)
    }

    /// Closes the open file; the next rows begin another.
    pub(crate) fn roll(&mut self) -> Result<(), LakeError> {
        if let Some(file) = self.open.take() {
            // The name is kept until the file is listed, so that a failure does not leave it behind.
            let path = file.path.clone();
            match file.close(self.writer.spec) {
                Ok(added) => self.written.push(added),
                Err(error) => {
                    // Under its last name it is swept by maintenance.
                    let _ = fs::remove_file(path);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Closes and syncs the files.
    pub fn finish(mut self) -> Result<Prepared, LakeError> {
        self.roll()?;
        if !self.written.is_empty() {
            let folder = &self.writer.folder;
            durable::sync_folder(folder)
                .and_then(|()| points::FILES_WRITTEN.pass_or_fail())
                .map_err(LakeError::io("sync folder", folder))?;
        }
        Ok(Prepared {
            files: std::mem::take(&mut self.written),
            rows: self.rows,
        })
    }

    fn open(&self, batch: &RecordBatch) -> Result<OpenFile, LakeError> {
        let name = files::name(&self.origin, &self.id, self.written.len());
        let path = self.writer.folder.join(&name);
        let file = durable::to_write()
            .create_new(true)
            .open(&path)
            .map_err(LakeError::io("create file", &path))?;
        let options = ArrowWriterOptions::new()
            .with_properties(properties(self.writer.spec))
            .with_skip_arrow_metadata(true);
        let schema = batch.schema();
        let file = SteadyFile::new(file);
        let parquet = ArrowWriter::try_new_with_options(file, schema.clone(), options)
            .map_err(LakeError::parquet("begin file", &path))?;
        Ok(OpenFile {
            name,
            path,
            parquet,
            schema,
            stats: FileStats::default(),
        })
    }
}

impl Drop for FileSet {
    fn drop(&mut self) {
        let open = self.open.take().map(|file| file.path);
        let written = self.written.drain(..).map(|file| file.name);
        let folder = &self.writer.folder;
        for path in open
            .into_iter()
            .chain(written.map(|name| folder.join(name)))
        {
            // What cannot be deleted now is swept by maintenance.
            let _ = fs::remove_file(path);
        }
    }
}

impl OpenFile {
    fn bytes(&self) -> usize {
        self.parquet.bytes_written() + self.parquet.in_progress_size()
    }

    fn append(&mut self, spec: &TableSpec, batch: &RecordBatch) -> Result<(), LakeError> {
        let table = spec.name();
        let columns =
            spec.columns
                .iter()
                .zip(self.schema.fields())
                .map(|(column, field)| {
                    let array = batch.column_by_name(&column.name).ok_or_else(|| {
                        LakeError::SchemaDiffers {
                            table: table.to_owned(),
                            difference: format!("rows to write have no column {}", column.name),
                        }
                    })?;
                    of_type(array, field.data_type(), &column.data_type)
                        .map_err(LakeError::rows("convert", table))
                })
                .collect::<Result<Vec<_>, _>>()?;
        let batch = RecordBatch::try_new(self.schema.clone(), columns)
            .map_err(LakeError::rows("arrange", table))?;
        self.stats
            .add(&batch, spec.statistics())
            .map_err(LakeError::rows("measure", table))?;
        self.parquet
            .write(&batch)
            .and_then(|()| match self.parquet.memory_size() {
                0..=ROW_GROUP_BYTES => Ok(()),
                _ => self.parquet.flush(),
            })
            .map_err(LakeError::parquet("write rows to", &self.path))
    }

    fn close(self, spec: &TableSpec) -> Result<Added, LakeError> {
        let path: &Path = &self.path;
        let file = self
            .parquet
            .into_inner()
            .map_err(LakeError::parquet("finish file", path))?;
        let (file, hash) = file.sync().map_err(LakeError::io("sync file", path))?;
        let name = files::with_hash(&self.name, &hash);
        fs::rename(path, path.with_file_name(&name)).map_err(LakeError::io("name file", path))?;
        let meta = file
            .metadata()
            .map_err(LakeError::io("measure file", path))?;
        let modified = meta
            .modified()
            .map_err(LakeError::io("look at the age of", path))?;
        let type_of = |name: &str| {
            let field = spec.schema.field_with_name(name);
            field.map_or(DataType::Int64, |field| field.data_type().clone())
        };
        let stats = self
            .stats
            .to_struct(type_of)
            .map_err(LakeError::rows("measure", spec.name()))?;
        Ok(Added {
            name,
            bytes: meta.len(),
            modified_millis: modified
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_millis() as i64),
            stats,
        })
    }
}

/// `array` as `wanted`, which stands for `logical` in the file.
fn of_type(
    array: &ArrayRef,
    wanted: &DataType,
    logical: &DataType,
) -> Result<ArrayRef, arrow::error::ArrowError> {
    let value = match wanted {
        DataType::Dictionary(_, value) => value.as_ref(),
        plain => plain,
    };
    if value != logical {
        return Err(arrow::error::ArrowError::SchemaError(format!(
            "a column of {logical} cannot be written from {wanted}"
        )));
    }
    if array.data_type() == wanted {
        Ok(array.clone())
    } else {
        cast(array, wanted)
    }
}

fn properties(spec: &TableSpec) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_created_by(concat!("mesoflow ", env!("CARGO_PKG_VERSION")).to_owned());
    for column in &spec.columns {
        let name = column.name.as_str();
        let path = ColumnPath::from(name);
        if DISTINCT.contains(&name) {
            properties = properties.set_column_dictionary_enabled(path.clone(), false);
        }
        if GROWING.contains(&name) {
            properties = properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path.clone(), Encoding::DELTA_BINARY_PACKED);
        }
        if OPAQUE.contains(&name) {
            properties =
                properties.set_column_statistics_enabled(path.clone(), EnabledStatistics::None);
        }
        if spec.key.contains(&name) {
            properties = properties.set_column_statistics_enabled(path, EnabledStatistics::Page);
        }
    }
    properties.build()
}
