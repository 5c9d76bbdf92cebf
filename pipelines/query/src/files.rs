//! One version of a table for the SQL engine: the files that its log lists, read by the engine itself.

use std::pin::Pin;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, SchemaRef};
use datafusion::catalog::Session;
use datafusion::common::pruning::PrunableStatistics;
use datafusion::common::stats::Precision;
use datafusion::common::{
    ColumnStatistics, DFSchema, DataFusionError, Result, ScalarValue, Statistics, project_schema,
};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::{TableProvider, TableType};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::object_store::path::Path;
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
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
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let known: Vec<Arc<Statistics>> = self
            .files
            .iter()
            .map(|file| Arc::new(statistics(&file.stats, &self.schema)))
            .collect();
        let may_hold = self.may_hold(session, filters, &known);
        let mut files = Vec::new();
        for ((file, known), may_hold) in self.files.iter().zip(&known).zip(may_hold) {
            if may_hold {
                let mut part = PartitionedFile::new(String::new(), file.bytes);
                part.object_meta.location = Path::from_absolute_path(&file.path)
                    .map_err(|error| DataFusionError::External(error.into()))?;
                files.push(part.with_statistics(known.clone()));
            }
        }
        if files.is_empty() {
            let schema = project_schema(&self.schema, projection)?;
            return Ok(Arc::new(EmptyExec::new(schema)));
        }
        let all = files.iter().filter_map(|file| file.statistics.as_deref());
        let total = Statistics::try_merge_iter(all, &self.schema)?;
        let groups = FileGroup::new(files).split_files(session.config().target_partitions());
        let source = Arc::new(ParquetSource::new(self.schema.clone()));
        let config = FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), source)
            .with_file_groups(groups)
            .with_statistics(total)
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }

    /// Whether each file may hold rows that pass the filters. All may, if the filters cannot be
    /// judged by bounds: the engine applies them to the rows in any case.
    fn may_hold(
        &self,
        session: &dyn Session,
        filters: &[Expr],
        known: &[Arc<Statistics>],
    ) -> Vec<bool> {
        let judged = conjunction(filters.iter().cloned()).and_then(|filter| {
            let schema = DFSchema::try_from(self.schema.clone()).ok()?;
            let filter = session.create_physical_expr(filter, &schema).ok()?;
            let judge = PruningPredicateBuilder::new()
                .with_file_schema(self.schema.clone())
                .try_build(filter)
                .ok()?;
            let bounds = PrunableStatistics::new(known.to_vec(), self.schema.clone());
            judge.prune(&bounds).ok()
        });
        judged.unwrap_or_else(|| vec![true; known.len()])
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
        filters: &'filters [Expr],
        limit: Option<usize>,
    ) -> Planned<'plan>
    where
        'this: 'plan,
        'session: 'plan,
        'projection: 'plan,
        'filters: 'plan,
        Self: 'plan,
    {
        let plan = self.plan(session, projection, filters, limit);
        Box::pin(std::future::ready(plan))
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
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
