//! One version of a table for the SQL engine: the files that its log lists, read by the engine itself.

use std::pin::Pin;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, SchemaRef};
use datafusion::catalog::Session;
use datafusion::common::stats::Precision;
use datafusion::common::{
    ColumnStatistics, DataFusionError, Result, ScalarValue, Statistics, project_schema,
};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::{TableProvider, TableType};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::Expr;
use datafusion::object_store::path::Path;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use lake::{Bound, FileStats, LakeError, LiveFile, View};

/// The files of one version, with what the log says of their columns: the engine skips those that
/// cannot hold what a statement asks, and counts without reading.
#[derive(Debug)]
pub(crate) struct TableFiles {
    schema: SchemaRef,
    files: Vec<LiveFile>,
}

impl TableFiles {
    /// Lists the files of a version. Must not be called inside a runtime.
    pub(crate) fn list(view: &View) -> Result<Self, LakeError> {
        Ok(Self {
            schema: view.spec().schema.clone(),
            files: view.files()?,
        })
    }

    fn plan(
        &self,
        partitions: usize,
        projection: Option<&Vec<usize>>,
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if self.files.is_empty() {
            let schema = project_schema(&self.schema, projection)?;
            return Ok(Arc::new(EmptyExec::new(schema)));
        }
        let mut files = Vec::with_capacity(self.files.len());
        for file in &self.files {
            let path = Path::from_absolute_path(&file.path)
                .map_err(|error| DataFusionError::External(error.into()))?;
            let mut part = PartitionedFile::new(String::new(), file.bytes);
            part.object_meta.location = path;
            let statistics = statistics(&file.stats, &self.schema);
            files.push(part.with_statistics(Arc::new(statistics)));
        }
        let all = files.iter().filter_map(|file| file.statistics.as_deref());
        let total = Statistics::try_merge_iter(all, &self.schema)?;
        let groups = FileGroup::new(files).split_files(partitions);
        let source = Arc::new(ParquetSource::new(self.schema.clone()));
        let config = FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), source)
            .with_file_groups(groups)
            .with_statistics(total)
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}

/// A plan that is being made, in the form that the engine's trait asks for.
type Planned<'a> = Pin<Box<dyn Future<Output = Result<Arc<dyn ExecutionPlan>>> + Send + 'a>>;

impl TableProvider for TableFiles {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn scan<'this, 'session, 'projection, 'filters, 'plan>(
        &'this self,
        session: &'session dyn Session,
        projection: Option<&'projection Vec<usize>>,
        _filters: &'filters [Expr],
        limit: Option<usize>,
    ) -> Planned<'plan>
    where
        'this: 'plan,
        'session: 'plan,
        'projection: 'plan,
        'filters: 'plan,
        Self: 'plan,
    {
        let partitions = session.config().target_partitions();
        let plan = self.plan(partitions, projection, limit);
        Box::pin(std::future::ready(plan))
    }
}

/// What the log says of a file, in the engine's words. Our bounds are tight, and columns that have
/// them hold no nulls.
fn statistics(stats: &FileStats, schema: &SchemaRef) -> Statistics {
    let columns = schema.fields().iter().map(|field| {
        let bounds = stats.bounds.get(field.name());
        bounds
            .and_then(|bound| bounded(bound, field))
            .unwrap_or_else(ColumnStatistics::new_unknown)
    });
    Statistics {
        // A file without statistics has said 0: nothing is known of it.
        num_rows: match stats.rows {
            0 => Precision::Absent,
            rows => usize::try_from(rows).map_or(Precision::Absent, Precision::Exact),
        },
        total_byte_size: Precision::Absent,
        column_statistics: columns.collect(),
    }
}

fn bounded(bound: &Bound, field: &Field) -> Option<ColumnStatistics> {
    let (min, max) = match (bound, field.data_type()) {
        (Bound::Int { min, max }, DataType::Int16) => (
            ScalarValue::from(i16::try_from(*min).ok()?),
            ScalarValue::from(i16::try_from(*max).ok()?),
        ),
        (Bound::Int { min, max }, DataType::Int32) => (
            ScalarValue::from(i32::try_from(*min).ok()?),
            ScalarValue::from(i32::try_from(*max).ok()?),
        ),
        (Bound::Int { min, max }, DataType::Int64) => {
            (ScalarValue::from(*min), ScalarValue::from(*max))
        }
        (Bound::Text { min, max }, DataType::Utf8) => (
            ScalarValue::from(min.as_str()),
            ScalarValue::from(max.as_str()),
        ),
        _ => return None,
    };
    Some(ColumnStatistics {
        null_count: Precision::Exact(0),
        min_value: Precision::Exact(min),
        max_value: Precision::Exact(max),
        ..ColumnStatistics::new_unknown()
    })
}
