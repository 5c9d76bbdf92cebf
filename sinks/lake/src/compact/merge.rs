//! Merges sorted runs and unsorted appended files into one sorted stream, in bounded memory.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::vec;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, interleave_record_batch, take_record_batch};
use arrow::error::ArrowError;
use arrow::row::{Row, RowConverter, Rows, SortField};
use model::tables::TableSpec;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;

use crate::compact::aside;
use crate::error::LakeError;
use crate::files::{LiveFile, Origin};
use crate::scan;

/// Rows written at once.
const OUTPUT_ROWS: usize = 8_192;

/// Rows in memory with the keys that they are ordered by.
pub(crate) struct Loaded {
    pub batch: RecordBatch,
    keys: Rows,
    /// The rows in order, if they do not lie so.
    order: Option<Vec<u32>>,
}

impl Loaded {
    fn place(&self, at: usize) -> usize {
        self.order.as_ref().map_or(at, |order| order[at] as usize)
    }
}

/// One row of a stream.
#[derive(Clone)]
pub(crate) struct RowRef {
    pub loaded: Rc<Loaded>,
    pub row: usize,
}

impl RowRef {
    pub(crate) fn key(&self) -> Row<'_> {
        self.loaded.keys.row(self.row)
    }
}

/// What rows are ordered by: the columns in their order of weight, after `prepare`.
pub(crate) struct Ordering<'a> {
    pub spec: &'static TableSpec,
    pub columns: Vec<usize>,
    pub prepare: Box<dyn Fn(RecordBatch) -> Result<RecordBatch, ArrowError> + 'a>,
}

/// The rows of several files in order.
pub(crate) struct Merge<'a> {
    ordering: Ordering<'a>,
    converter: RowConverter,
    cursors: Vec<Cursor>,
}

/// Where a stream stands.
struct Cursor {
    current: Rc<Loaded>,
    at: usize,
    reader: Option<(ParquetRecordBatchReader, PathBuf)>,
    files: vec::IntoIter<LiveFile>,
}

impl<'a> Merge<'a> {
    /// Opens `files`, which come run by run and, in a run, in the order of its keys. Unsorted rows are sorted in
    /// stretches of about `stretch_bytes` in memory.
    pub(crate) fn open(
        files: &[LiveFile],
        ordering: Ordering<'a>,
        stretch_bytes: usize,
    ) -> Result<Self, LakeError> {
        let fields = ordering
            .columns
            .iter()
            .map(|&column| SortField::new(ordering.spec.columns[column].data_type.clone()));
        let converter = RowConverter::new(fields.collect())
            .map_err(LakeError::rows("order", ordering.spec.name()))?;
        let mut merge = Self {
            converter,
            ordering,
            cursors: Vec::new(),
        };
        let mut runs: Vec<(String, Vec<LiveFile>)> = Vec::new();
        let mut appended = Vec::new();
        for file in files {
            match file.origin() {
                Origin::Run(run) => match runs.iter_mut().find(|(name, _)| *name == run) {
                    Some((_, files)) => files.push(file.clone()),
                    None => runs.push((run, vec![file.clone()])),
                },
                Origin::Appended => appended.push(file),
            }
        }
        for (_, mut files) in runs {
            files.sort_by(|a, b| a.name.cmp(&b.name));
            merge.open_run(files)?;
        }
        merge.sort_appended(&appended, stretch_bytes)?;
        Ok(merge)
    }

    fn open_run(&mut self, files: Vec<LiveFile>) -> Result<(), LakeError> {
        self.start(None, files)
    }

    fn start(
        &mut self,
        mut reader: Option<(ParquetRecordBatchReader, PathBuf)>,
        files: Vec<LiveFile>,
    ) -> Result<(), LakeError> {
        let mut files = files.into_iter();
        if let Some(current) = self.load_next(&mut reader, &mut files)? {
            self.cursors.push(Cursor {
                current: Rc::new(current),
                at: 0,
                reader,
                files,
            });
        }
        Ok(())
    }

    fn sort_appended(
        &mut self,
        files: &[&LiveFile],
        stretch_bytes: usize,
    ) -> Result<(), LakeError> {
        let mut stretch: Vec<RecordBatch> = Vec::new();
        let mut bytes = 0;
        for file in files {
            for batch in scan::open(&file.path, None)? {
                let batch = batch.map_err(|error| {
                    LakeError::parquet("read rows of", &file.path)(error.into())
                })?;
                if bytes >= stretch_bytes && !stretch.is_empty() {
                    let folder = file.path.parent().expect("a file lies in a folder");
                    self.put_aside(std::mem::take(&mut stretch), folder)?;
                    bytes = 0;
                }
                bytes += batch.get_array_memory_size();
                stretch.push(batch);
            }
        }
        if let Some(loaded) = self.sort(stretch)? {
            // What came last need not be put aside.
            self.cursors.push(Cursor {
                current: Rc::new(loaded),
                at: 0,
                reader: None,
                files: Vec::new().into_iter(),
            });
        }
        Ok(())
    }

    fn put_aside(&mut self, stretch: Vec<RecordBatch>, folder: &Path) -> Result<(), LakeError> {
        let Some(sorted) = self.sort(stretch)? else {
            return Ok(());
        };
        let order = sorted.order.as_deref().unwrap_or_default();
        let rows = order.chunks(OUTPUT_ROWS).map(|places| {
            let places = UInt32Array::from_iter_values(places.iter().copied());
            take_record_batch(&sorted.batch, &places)
        });
        let aside = aside::put(folder, sorted.batch.schema(), rows)?;
        self.start(Some(aside), Vec::new())
    }

    /// Sorts rows in memory; `None` if there are none.
    fn sort(&self, batches: Vec<RecordBatch>) -> Result<Option<Loaded>, LakeError> {
        let Some(first) = batches.first() else {
            return Ok(None);
        };
        let batch = concat_batches(&first.schema(), &batches)
            .map_err(LakeError::rows("gather", self.ordering.spec.name()))?;
        drop(batches);
        let mut loaded = self.load(batch)?;
        let rows = u32::try_from(loaded.batch.num_rows()).expect("a stretch has bounded rows");
        let mut order: Vec<u32> = (0..rows).collect();
        let keys = &loaded.keys;
        order.sort_unstable_by(|&a, &b| keys.row(a as usize).cmp(&keys.row(b as usize)));
        loaded.order = Some(order);
        Ok(Some(loaded))
    }

    fn load(&self, batch: RecordBatch) -> Result<Loaded, LakeError> {
        let table = self.ordering.spec.name();
        let order = LakeError::rows("order", table);
        let batch = (self.ordering.prepare)(batch).map_err(LakeError::rows("prepare", table))?;
        let columns = &self.ordering.columns;
        let keys: Vec<_> = columns
            .iter()
            .map(|&column| batch.column(column).clone())
            .collect();
        let keys = self.converter.convert_columns(&keys).map_err(order)?;
        Ok(Loaded {
            batch,
            keys,
            order: None,
        })
    }

    fn load_next(
        &self,
        reader: &mut Option<(ParquetRecordBatchReader, PathBuf)>,
        files: &mut vec::IntoIter<LiveFile>,
    ) -> Result<Option<Loaded>, LakeError> {
        loop {
            if let Some((open, path)) = reader {
                match open.next() {
                    Some(Ok(batch)) if batch.num_rows() == 0 => continue,
                    Some(Ok(batch)) => return self.load(batch).map(Some),
                    Some(Err(error)) => {
                        return Err(LakeError::parquet("read rows of", path)(error.into()));
                    }
                    None => *reader = None,
                }
            }
            match files.next() {
                Some(file) => *reader = Some((scan::open(&file.path, None)?, file.path)),
                None => return Ok(None),
            }
        }
    }

    /// The next row in order.
    pub(crate) fn next(&mut self) -> Result<Option<RowRef>, LakeError> {
        let least = (0..self.cursors.len()).min_by(|&a, &b| {
            let key = |cursor: &'_ Cursor| cursor.current.place(cursor.at);
            let (a, b) = (&self.cursors[a], &self.cursors[b]);
            a.current.keys.row(key(a)).cmp(&b.current.keys.row(key(b)))
        });
        let Some(least) = least else {
            return Ok(None);
        };
        let cursor = &mut self.cursors[least];
        let found = RowRef {
            row: cursor.current.place(cursor.at),
            loaded: cursor.current.clone(),
        };
        cursor.at += 1;
        if cursor.at == cursor.current.batch.num_rows() {
            let mut cursor = self.cursors.swap_remove(least);
            if let Some(next) = self.load_next(&mut cursor.reader, &mut cursor.files)? {
                cursor.current = Rc::new(next);
                cursor.at = 0;
                self.cursors.push(cursor);
            }
        }
        Ok(Some(found))
    }
}

/// Rows that were chosen, to be gathered into batches.
#[derive(Default)]
pub(crate) struct Gather {
    sources: Vec<Rc<Loaded>>,
    places: Vec<(usize, usize)>,
}

impl Gather {
    pub(crate) fn push(&mut self, row: &RowRef) {
        let source = match self
            .sources
            .iter()
            .rposition(|source| Rc::ptr_eq(source, &row.loaded))
        {
            Some(source) => source,
            None => {
                self.sources.push(row.loaded.clone());
                self.sources.len() - 1
            }
        };
        self.places.push((source, row.row));
    }

    pub(crate) fn is_full(&self) -> bool {
        self.places.len() >= OUTPUT_ROWS
    }

    /// Takes the rows; `None` if there are none.
    pub(crate) fn take(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        if self.places.is_empty() {
            return Ok(None);
        }
        let batches: Vec<&RecordBatch> = self.sources.iter().map(|source| &source.batch).collect();
        let gathered = interleave_record_batch(&batches, &self.places)?;
        self.sources.clear();
        self.places.clear();
        Ok(Some(gathered))
    }
}
